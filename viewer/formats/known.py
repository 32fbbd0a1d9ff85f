"""Finds lines that are stored already as they stand, before anything of them is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .document import Document, Place, Refusal
from .stored import digest_of_line

Lookup = Callable[[list[str]], Mapping[str, str]]  # the digests of what is stored of some ids, by id
_ID = re.compile(r'"id"\s*:\s*"([^"\\\x00-\x1f]{1,255})"')
_MAX_LINES = 100
_MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """A line that was stored with this id and this digest, when that was looked up."""

    id: str
    digest: str
    document: Document

    @property
    def place(self) -> Place:
        return self.document.place


def with_known(documents: Iterable[Document | Refusal], lookup: Lookup) -> Iterator[Document | Refusal | Known]:
    """Yield what there is, in order; in the place of what is stored a note of that. Some are looked up at a time."""
    waiting, length = list[Document | Refusal](), 0
    try:
        for document in documents:
            waiting.append(document)
            length += len(document.text) if isinstance(document, Document) else 0
            if len(waiting) >= _MAX_LINES or length >= _MAX_CHARACTERS:
                some, waiting, length = waiting, [], 0
                yield from _looked_up(some, lookup)
    except Exception:  # the file is cut off; what stands before that is good
        yield from _looked_up(waiting, lookup)
        raise
    yield from _looked_up(waiting, lookup)


def _looked_up(documents: list[Document | Refusal], lookup: Lookup) -> Iterator[Document | Refusal | Known]:
    named = [_may_be_named(one.text) if isinstance(one, Document) else set[str]() for one in documents]
    stored = lookup(sorted(set().union(*named)))
    for document, names in zip(documents, named, strict=True):
        yield _known(document, names, stored) or document


def _known(document: Document | Refusal, names: set[str], stored: Mapping[str, str]) -> Known | None:
    """Return what is known of a document. A guessed id is right if what is stored of it was made of these bytes."""
    if isinstance(document, Refusal) or names.isdisjoint(stored):
        return None
    digest = digest_of_line(document.text)
    name = next((name for name in names if stored.get(name) == digest), None)
    return None if name is None else Known(name, digest, document)


def _may_be_named(text: str) -> set[str]:
    """Guess the id of a conversation in OpenAI's format: it comes before everything in it that has an id, or after."""
    if not text.startswith("{"):
        return set()
    matches = _ID.search(text), _ID.match(text, max(text.rfind('"id"'), 0))
    return {match[1] for match in matches if match}
