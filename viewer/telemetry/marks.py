"""Recognises to which conversation a trace belongs: by a name, by the trace itself, or by what it repeats of another.

The rules for traces without a name are those of `formats.chains`, for traces that come one by one, late, and to other
processes: what a conversation has to be recognised by later is kept as marks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from django.conf import settings
from django.db.models import Max

from viewer.archive.importing import ERASED, known_among
from viewer.completions.ids import is_usable_id
from viewer.formats.chains import Link
from viewer.formats.ids import id_within
from viewer.formats.spans.conversations import FAMILY

from .models import Mark, TracedConversation

_MAX_NUMBER = 10_000  # of conversations with the same name, one after the other


def named(name: str) -> TracedConversation | None:
    """Return the conversation with a name; None if there is none that can grow."""
    return _one(Mark.NAME, name)


def of_trace(trace: str) -> TracedConversation | None:
    """Return the conversation that a trace without a name was put into."""
    return _one(Mark.TRACE, trace)


def begin(kind: str, name: str) -> TracedConversation:
    """Begin a conversation that is recognised by a name, or by its first trace."""
    completion_id, continues = _free_id(name)
    conversation = TracedConversation.objects.create(completion_id=completion_id, continues=continues)
    recognise(conversation, kind, name)
    return conversation


def recognise(conversation: TracedConversation, kind: str, name: str) -> None:
    """Let a conversation be recognised by a name or a trace, if nothing else is."""
    Mark.objects.bulk_create(
        [Mark(conversation=conversation, kind=kind, digest=_digest_of_name(name))], ignore_conflicts=True
    )


def is_first(conversation: TracedConversation, trace: str) -> bool:
    """Whether a conversation began with a trace."""
    first = conversation.marks.filter(kind=Mark.TRACE).order_by("pk").first()
    return first is not None and first.digest == _digest_of_name(trace)


def linked(link: Link) -> TracedConversation | None:
    """Return the conversation that a new trace belongs to by what was said; None if it begins one.

    It answers what had no answer, was asked before with the same history, is missing between a history and its end, or
    goes on with the oldest conversation that ends with what it repeats.
    """
    opens = _digest(link.opens)
    if link.completes and (waiting := _oldest(Mark.UNANSWERED, [opens])):
        waiting.delete()
        return waiting.conversation
    for kind, digests in (
        (Mark.ASKED, [opens]),
        (Mark.WANTED, [*map(_digest, link.ends)]),
        *((Mark.END, [_digest(one)]) for one in link.follows),
    ):
        if found := _oldest(kind, digests):
            return found.conversation
    return None


def remember(conversation: TracedConversation, trace: str, link: Link, *, is_first: bool) -> None:
    """Keep by what others will recognise a conversation after this trace, which may be known already with less."""
    of_it = conversation.marks.all()
    of_trace = of_it.filter(trace=trace)
    before = set(of_trace.values_list("kind", flat=True))
    of_trace.delete()
    newest = of_it.filter(kind=Mark.END).aggregate(start=Max("start"))["start"]
    follows, ends = [*map(_digest, link.follows)], [*map(_digest, link.ends)]
    kept: list[tuple[str, str]] = [] if is_first else [(Mark.ASKED, _digest(link.opens))]
    if not ends:
        kept.append((Mark.UNANSWERED, _digest(link.opens)))
    elif (newest is None or link.start >= newest) and (not before or before & {Mark.END, Mark.UNANSWERED}):
        of_it.filter(kind=Mark.END).delete()
        kept += [(Mark.END, digest) for digest in ends]
    of_it.filter(kind=Mark.WANTED, digest__in=ends).delete()
    ended = set(of_it.filter(kind=Mark.ENDED, digest__in=follows).values_list("digest", flat=True))
    missing = next((n for n, digest in enumerate(follows) if digest in ended), len(follows))
    kept += [(Mark.WANTED, digest) for digest in follows[:missing]]
    kept += [(Mark.ENDED, digest) for digest in ends]
    Mark.objects.bulk_create(
        Mark(conversation=conversation, kind=kind, digest=digest, trace=trace, start=link.start)
        for kind, digest in dict.fromkeys(kept)
    )


def _one(kind: str, name: str) -> TracedConversation | None:
    found = Mark.objects.filter(kind=kind, digest=_digest_of_name(name)).select_related("conversation").first()
    return found.conversation if found else None


def _oldest(kind: str, digests: Iterable[str]) -> Mark | None:
    found = Mark.objects.filter(kind=kind, digest__in=list(digests)).select_related("conversation")
    return found.order_by("start", "pk").first()


def _free_id(name: str) -> tuple[str, str]:
    """Return the id of a new conversation with a name, and the one of its predecessor that can no longer be changed.

    An id that was erased stays: what arrives for it is not stored.
    """
    wanted, continues = id_within(FAMILY, name), ""
    if not is_usable_id(wanted) or len(wanted) > 200:  # messages add to it
        wanted = f"{FAMILY}-{_digest_of_name(name)}"
    for number in range(1, _MAX_NUMBER):
        completion_id = wanted if number == 1 else f"{wanted}-{number}"
        is_taken = TracedConversation.objects.filter(completion_id=completion_id).exists()
        state = known_among([completion_id]).get(completion_id)
        if (state is None and not is_taken) or (state == ERASED and number == 1):
            return completion_id, continues
        if state != ERASED:
            continues = completion_id
    raise ValueError(f"there are {_MAX_NUMBER} conversations called {wanted}")


def _digest_of_name(name: str) -> str:
    """Digest an id, which is no secret: the id of the conversation says it as well."""
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _digest(said: bytes) -> str:
    """Digest what was said so that nobody can guess it from the digest without the key."""
    return hashlib.blake2b(said, digest_size=16, key=_key(settings.SECRET_KEY)).hexdigest()


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hashlib.sha256(f"marks of conversations\0{secret}".encode()).digest()
