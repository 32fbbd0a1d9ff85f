"""Recognises to which conversation a trace belongs: by a name, by the trace itself, or by what it repeats of another.

The rules for traces without a name are those of `formats.chains`, for traces that come one by one, late, and to other
processes: what a conversation has to be recognised by later is kept as marks.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from django.conf import settings

from viewer.archive.importing import ERASED, known_among
from viewer.completions.ids import is_usable_id
from viewer.formats.chains import Link
from viewer.formats.ids import id_within
from viewer.formats.spans.conversations import FAMILY

from .models import Mark, TracedConversation
from .storing import in_chunks

_MAX_NUMBER = 10_000  # of conversations with the same name, one after the other
_MAX_ID = 200  # characters; ids of messages are longer


class Marks:
    """All marks that some traces may meet, read by few queries, in a transaction; `write` writes what has changed."""

    def __init__(self, names: Iterable[str], traces: Iterable[str], links: Iterable[Link]) -> None:
        named, of_traces = set(names), set(traces)
        self._conversations: dict[int, TracedConversation] = {}
        self._by_digest: dict[tuple[str, str], list[Mark]] = defaultdict(list)
        self._of: dict[int, list[Mark]] = defaultdict(list)
        self._loaded: set[int] = set()
        self._removed: list[int] = []
        digests = {_digest_of_name(name) for name in named | of_traces} | {one for link in links for one in _all(link)}
        for chunk in in_chunks(digests):
            self._load(Mark.objects.filter(digest__in=chunk))
        for chunk in in_chunks(of_traces):
            self._load(Mark.objects.filter(trace__in=chunk))
        for chunk in in_chunks(list(self._of)):
            self._load(Mark.objects.filter(conversation__in=chunk, kind=Mark.END))
        for chunk in in_chunks(list(self._of)):
            self._conversations |= TracedConversation.objects.in_bulk(chunk)
        new = [name for name in named if self.named(name) is None]
        new += [trace for trace in of_traces if self.of_trace(trace) is None]
        self._taken = _taken_among([_wanted_id(name) for name in new])

    def named(self, name: str) -> TracedConversation | None:
        """Return the conversation with a name; None if there is none that can grow."""
        return self._one(Mark.NAME, name)

    def of_trace(self, trace: str) -> TracedConversation | None:
        """Return the conversation that a trace without a name was put into."""
        return self._one(Mark.TRACE, trace)

    def begin(self, kind: str, name: str) -> TracedConversation:
        """Begin a conversation that is recognised by a name, or by its first trace."""
        wanted = _wanted_id(name)
        completion_id, continues = _free_id(wanted) if wanted in self._taken else (wanted, "")
        self._taken.add(completion_id)
        conversation = TracedConversation.objects.create(completion_id=completion_id, continues=continues)
        self._conversations[conversation.pk] = conversation
        self.recognise(conversation, kind, name)
        if kind == Mark.TRACE:
            self._add(Mark(conversation=conversation, kind=Mark.BEGAN, digest=_digest_of_name(name)))
        return conversation

    def recognise(self, conversation: TracedConversation, kind: str, name: str) -> None:
        """Let a conversation be recognised by a name or a trace."""
        self._add(Mark(conversation=conversation, kind=kind, digest=_digest_of_name(name)))

    def linked(self, link: Link) -> TracedConversation | None:
        """Return the conversation that a new trace belongs to by what was said; None if it begins one.

        It answers what had no answer, was asked before with the same history, is missing between a history and its end,
        or goes on with the oldest conversation that ends with what it repeats.
        """
        opens = _digest(link.opens)
        if link.completes and (waiting := self._oldest(Mark.UNANSWERED, [opens])):
            self._remove(waiting)
            return self._conversations[waiting.conversation_id]
        for kind, digests in (
            (Mark.ASKED, [opens]),
            (Mark.WANTED, [*map(_digest, link.ends)]),
            *((Mark.END, [_digest(one)]) for one in link.follows),
        ):
            if found := self._oldest(kind, digests):
                return self._conversations[found.conversation_id]
        return None

    def remember(self, conversation: TracedConversation, trace: str, link: Link) -> None:
        """Keep by what others will recognise a conversation after this trace, which may be known already with less."""
        before = [mark for mark in self._of[conversation.pk] if mark.trace == trace]
        kinds = {mark.kind for mark in before}
        for mark in before:
            self._remove(mark)
        ended = [mark for mark in self._of[conversation.pk] if mark.kind == Mark.END]
        follows, ends = [*map(_digest, link.follows)], [*map(_digest, link.ends)]
        kept: list[tuple[str, str]] = []
        if self._oldest(Mark.BEGAN, [_digest_of_name(trace)]) is None:
            kept.append((Mark.ASKED, _digest(link.opens)))
        if not ends:
            kept.append((Mark.UNANSWERED, _digest(link.opens)))
        elif all(link.start >= mark.start for mark in ended) and (not kinds or kinds & {Mark.END, Mark.UNANSWERED}):
            for mark in ended:
                self._remove(mark)
            kept += [(Mark.END, digest) for digest in ends]
        for digest in ends:
            for mark in self._with(Mark.WANTED, digest, conversation):
                self._remove(mark)
        known = (n for n, digest in enumerate(follows) if self._with(Mark.ENDED, digest, conversation))
        kept += [(Mark.WANTED, digest) for digest in follows[: next(known, len(follows))]]
        kept += [(Mark.ENDED, digest) for digest in ends]
        for kind, digest in dict.fromkeys(kept):
            self._add(Mark(conversation=conversation, kind=kind, digest=digest, trace=trace, start=link.start))

    def end(self, conversation: TracedConversation, name: str) -> None:
        """Let a conversation be recognised by nothing any more, so that another begins under its name."""
        for mark in list(self._of[conversation.pk]):
            self._remove(mark)
        conversation.marks.all().delete()
        self._taken.add(_wanted_id(name))

    def move(self, conversation: TracedConversation, other: TracedConversation) -> None:
        """Let all that is recognised as another conversation be recognised as this one."""
        other.marks.update(conversation=conversation)
        for mark in self._of.pop(other.pk, []):
            mark.conversation = conversation
            self._of[conversation.pk].append(mark)

    def write(self) -> None:
        """Write what has changed."""
        for chunk in in_chunks(self._removed):
            Mark.objects.filter(pk__in=chunk).delete()
        Mark.objects.bulk_create(mark for marks in self._of.values() for mark in marks if mark.pk is None)

    def _load(self, marks: Iterable[Mark]) -> None:
        for mark in marks:
            if mark.pk not in self._loaded:
                self._loaded.add(mark.pk)
                self._by_digest[mark.kind, mark.digest].append(mark)
                self._of[mark.conversation_id].append(mark)

    def _add(self, mark: Mark) -> None:
        self._by_digest[mark.kind, mark.digest].append(mark)
        self._of[mark.conversation_id].append(mark)

    def _remove(self, mark: Mark) -> None:
        self._by_digest[mark.kind, mark.digest].remove(mark)
        self._of[mark.conversation_id].remove(mark)
        if mark.pk is not None:
            self._removed.append(mark.pk)

    def _with(self, kind: str, digest: str, conversation: TracedConversation) -> list[Mark]:
        found = self._by_digest.get((kind, digest), [])
        return [mark for mark in found if mark.conversation_id == conversation.pk]

    def _one(self, kind: str, name: str) -> TracedConversation | None:
        found = self._by_digest.get((kind, _digest_of_name(name)))
        return self._conversations[found[0].conversation_id] if found else None

    def _oldest(self, kind: str, digests: Iterable[str]) -> Mark | None:
        found = (mark for digest in digests for mark in self._by_digest.get((kind, digest), ()))
        return min(found, key=lambda mark: mark.start, default=None)


def _wanted_id(name: str) -> str:
    wanted: str = id_within(FAMILY, name)
    return wanted if is_usable_id(wanted) and len(wanted) <= _MAX_ID else f"{FAMILY}-{_digest_of_name(name)}"


def _taken_among(completion_ids: list[str]) -> set[str]:
    taken = set[str]()
    for chunk in in_chunks(completion_ids):
        traced = TracedConversation.objects.filter(completion_id__in=chunk)
        taken |= {*known_among(chunk), *traced.values_list("completion_id", flat=True)}
    return taken


def _free_id(wanted: str) -> tuple[str, str]:
    """Return the id of a new conversation, and the one of its predecessor that can no longer be changed.

    An id that was erased stays: what arrives for it is not stored.
    """
    continues = ""
    for number in range(1, _MAX_NUMBER):
        completion_id = wanted if number == 1 else f"{wanted}-{number}"
        is_traced = TracedConversation.objects.filter(completion_id=completion_id).exists()
        state = known_among([completion_id]).get(completion_id)
        if not is_traced and (state is None or (state == ERASED and number == 1)):
            return completion_id, continues
        if state != ERASED:
            continues = completion_id
    raise ValueError(f"there are {_MAX_NUMBER} conversations called {wanted}")


def _all(link: Link) -> Iterable[str]:
    return map(_digest, (link.opens, *link.follows, *link.ends))


def _digest_of_name(name: str) -> str:
    """Digest an id, which is no secret: the id of the conversation says it as well."""
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _digest(said: bytes) -> str:
    """Digest what was said so that nobody can guess it from the digest without the key."""
    return hashlib.blake2b(said, digest_size=16, key=_key(settings.SECRET_KEY)).hexdigest()


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hashlib.sha256(f"marks of conversations\0{secret}".encode()).digest()
