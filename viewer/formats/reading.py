"""Reads files into conversations: finds the family of each document, and joins what belongs together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from .containers.documents import Splitter
from .containers.unpacking import File, files_in, files_of_folder
from .document import Conversation, Document, NotAConversation, NothingSaid, NotReadable, Place, Refusal, too_long
from .families import message_rows, openai_chat
from .family import FAILURES, Family
from .joining import Waiting
from .known import Known, Lookup, with_known
from .object_texts import with_objects
from .registry import FAMILIES, family_of, is_item
from .repeats import Repeats
from .wrapping import is_known, unwrapped, what_it_looks_like

Found = Conversation | Refusal | Known
_BY_NAME = {family.name: family for family in FAMILIES}


class Reading:
    """Reads any number of files, one after the other; `rest` yields what could only be read when all were there.

    `counts` has how many conversations of each family there were. What is stored already is not read if `lookup` is
    given, which looks that up.
    """

    def __init__(self, lookup: Lookup | None = None) -> None:
        self._lookup = lookup
        self.counts: Counter[str] = Counter()
        self._beside: Counter[str] = Counter()
        self._splitter = Splitter(FAMILIES, is_item, is_known)
        self._waiting = Waiting()
        self._repeats = Repeats()

    def file(self, name: str, file: BinaryIO) -> Iterator[Found]:
        """Yield the conversations of an opened file, in its order, and what was refused."""
        yield from self._files(files_in(name, file))

    def folder(self, folder: Path, *, follows_links: bool = True) -> Iterator[Found]:
        """Yield the conversations of the files of a folder."""
        yield from self._files(files_of_folder(folder, follows_links=follows_links))

    def rest(self) -> Iterator[Found]:
        """Yield the conversations of which several documents had to be found."""
        self._waiting.settle(FAMILIES)
        for key, documents in self._waiting.groups():
            family = _BY_NAME[key.partition("\n")[0]]
            if documents is None:
                yield Refusal(too_long())
            else:
                yield from self._counted(self._noted(family, _joined(family, documents)))

    def remarks(self) -> list[str]:
        """Return in sentences what else was in the files, and what may be missing from them."""
        beside = [what if count == 1 else f"{what} ({count})" for what, count in self._beside.items()]
        missing = gettext(
            "%s: the newest messages may be missing. If a “-wal” file lies beside it, import both in one ZIP or folder."
        )
        return beside + [missing % file for file in sorted(self._splitter.without_log)]

    def _files(self, files: Iterator[File | Refusal]) -> Iterator[Found]:
        for file in files:
            if isinstance(file, Refusal):
                yield file
                continue
            documents = self._splitter.documents(file)
            for document in with_known(documents, self._lookup) if self._lookup else documents:
                if isinstance(document, Document):
                    yield from self._counted(self._read(document))
                    continue
                if isinstance(document, Known):
                    self.counts[openai_chat.FAMILY.name] += 1
                yield document

    def _read(self, document: Document) -> Iterator[Found]:
        try:
            document = with_objects(document)
            plain = openai_chat.read_plain(document) if _may_be_plain(document.text) else None
            if plain is not None:
                document.forget()
                yield plain
                return
            for each, family in unwrapped(document):
                if family is None:
                    yield Refusal(what_it_looks_like(each.value), document.place)
                    continue
                yield from self._noted(family, self._of_family(family, each))
        except NotReadable as reason:
            yield Refusal(str(reason), document.place)

    def _of_family(self, family: Family, document: Document) -> Iterator[Found]:
        for part in _parts_of(family, document):
            if key := _key_of(family, part):
                with _unknown_refused():
                    self._waiting.add(family, key, part)
            else:
                yield from self._noted(family, _explained(family.read, part, document.place))

    def _noted(self, family: Family, found: Iterator[Found]) -> Iterator[Found]:
        """Yield what is found; what is no conversation is noted, and does not hide the records behind it."""
        try:
            yield from found
        except NothingSaid:
            self._beside[gettext("%(what)s in which nothing was said.") % {"what": family.what}] += 1
        except NotAConversation as what:
            self._beside[str(what)] += 1

    def _counted(self, found: Iterator[Found]) -> Iterator[Found]:
        for each in found:
            if isinstance(each, Conversation):
                self.counts[each.family] += 1
                each = self._repeats.told_apart(each)
            yield each


def _parts_of(family: Family, document: Document) -> list[Document]:
    """Return the documents in one that holds several, otherwise the document. Raises NotReadable as `_key_of` does."""
    with _unknown_refused():
        return (list(family.parts(document)) if family.parts else []) or [document]


def _key_of(family: Family, document: Document) -> str:
    """Return what joins a document with others. Raises NotReadable where its shape does not tell."""
    with _unknown_refused():
        return family.key(document) if family.key else ""


@contextmanager
def _unknown_refused() -> Iterator[None]:
    """Raise NotReadable for a shape that a family has never seen."""
    try:
        yield
    except NotReadable:
        raise
    except FAILURES:
        raise NotReadable(_unknown_shape()) from None


def _unknown_shape() -> str:
    return gettext("It has a shape that this version does not know, so none of it was taken.")


def _joined(family: Family, documents: list[Document]) -> Iterator[Found]:
    """Yield what a family makes of documents. Messages on lines may be a list of messages of another family."""
    whole = message_rows.as_list(documents) if family is message_rows.ROWS else None
    owner = family_of(whole.value) if whole is not None else None
    if whole is not None and owner is not None and owner is not message_rows.FAMILY:
        yield from _explained(owner.read, whole, whole.place)
    elif family.join is not None:
        yield from _explained(family.join, documents, documents[0].place)


def _explained(read: Any, given: Any, place: Place) -> Iterator[Found]:
    """Yield what a family reads; where it fails, the reason."""
    try:
        yield from read(given)
    except NotAConversation:
        raise
    except NotReadable as reason:
        yield Refusal(str(reason), place)
    except FAILURES:
        yield Refusal(_unknown_shape(), place)


def _may_be_plain(text: str) -> bool:
    return text.startswith("{") and '"messages"' in text


def summary_of(counts: Counter[str]) -> str:
    """Say what was read: “A LangChain history with 3 conversations”."""
    sentences = (
        ngettext("%(what)s with %(count)s conversation", "%(what)s with %(count)s conversations", count)
        % {"what": _BY_NAME[name].what, "count": number_format(count, force_grouping=True)}
        for name, count in counts.most_common()
    )
    return "; ".join(sentences)
