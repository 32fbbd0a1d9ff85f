"""Stores the conversations whose spans have changed: all spans are joined anew, and replace what was stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Sum
from django.db.models.functions import Length
from django.utils import timezone

from viewer.archive.importing import Outcome, import_all
from viewer.formats.document import MAX_BYTES, NOWHERE, Conversation, NotReadable
from viewer.formats.drafts import note
from viewer.formats.families.opentelemetry import without_content
from viewer.formats.family import FAILURES
from viewer.formats.spans.conversations import join
from viewer.formats.spans.span import span_of
from viewer.review.answers import answers_became_messages

from .message_ids import MessageIds
from .models import Joiner, ReceivedSpan, Stopped, TracedConversation
from .storing import as_stored, count

_MAX_CONVERSATIONS, _MAX_CHARACTERS = 100, 8_000_000  # in one transaction
_PASSING = (Stopped, OperationalError, InterfaceError)  # what is over when it is tried again later
# What has changed meanwhile stays due.
_UPDATE = """
    UPDATE telemetry_tracedconversation SET problem = %s, joined_at = %s, join_seconds = %s, known = %s,
        due_at = CASE WHEN changes = %s THEN NULL ELSE due_at END
    WHERE id = %s
"""

_log = logging.getLogger(__name__)


@dataclass
class _Joined:
    """A conversation to store, or why there is none."""

    row: TracedConversation
    conversation: Conversation | None
    problem: str
    ids: MessageIds
    seconds: float


def join_due(joiner: Joiner) -> bool:
    """Store some conversations that are due, those that wait longest first; return False if none is. Raises Stopped."""
    due = TracedConversation.objects.filter(due_at__lte=timezone.now()).order_by("due_at", "pk")
    rows = list(due[:_MAX_CONVERSATIONS])
    if not rows:
        return False
    joined = list(_joined(rows))
    try:
        _store(joiner, joined)
    except _PASSING:
        raise
    except Exception:
        _log.exception("Conversations could not be stored together; each is stored alone")
        for each in joined:
            _store_alone(joiner, each)
    return True


def _store(joiner: Joiner, joined: list[_Joined]) -> None:
    beside = _Beside(joiner, joined)
    for _ in import_all((each.conversation for each in joined if each.conversation), replace=True, beside=beside):
        pass
    beside.finish()


def _store_alone(joiner: Joiner, joined: _Joined) -> None:
    """Store one conversation; what fails again must not keep the others from being stored."""
    try:
        _store(joiner, [joined])
    except _PASSING:
        raise
    except Exception:
        _log.exception("A conversation could not be stored")
        _store(joiner, [replace(joined, conversation=None, problem="unreadable")])


def _joined(rows: list[TracedConversation]) -> Iterator[_Joined]:
    spans = ReceivedSpan.objects.filter(conversation__in=rows)
    lengths = dict(
        spans.values("conversation").annotate(length=Sum(Length("source"))).values_list("conversation", "length")
    )
    too_long = [row for row in rows if lengths.get(row.pk, 0) > MAX_BYTES]
    taken, texts = 0, dict[int, list[str]]()
    for row in rows:
        if row not in too_long and taken <= _MAX_CHARACTERS:
            taken += lengths.get(row.pk, 0)
            texts[row.pk] = []
    read = ReceivedSpan.objects.filter(conversation__in=list(texts)).order_by("pk")
    for pk, source in read.values_list("conversation", "source"):
        texts[pk].append(source)
    for row in rows:
        before, known = monotonic(), MessageIds.read(row.known)
        if row in too_long:
            yield _Joined(row, None, "too-long", known, 0.0)
        elif row.pk in texts:
            try:
                conversation, ids = _join(row, texts.pop(row.pk), known)
            except (NotReadable, *FAILURES):
                yield _Joined(row, None, "unreadable", known, 0.0)
            else:
                yield _Joined(row, conversation, "" if conversation else "silent", ids, monotonic() - before)


def _join(row: TracedConversation, texts: list[str], known: MessageIds) -> tuple[Conversation | None, MessageIds]:
    """Return the conversation that the spans make, or None if nothing was said in them; and the ids of its messages."""
    texts = sorted(set(texts))
    values = [json.loads(text) for text in texts]
    draft = join(map(span_of, values), map(without_content, values))
    if draft is None:
        return None, known
    draft.id = row.completion_id
    if row.continues:
        draft.notes.append(note("goes-on", row.continues))
    ids = known.given_to(draft, row.completion_id)
    return draft.finish_at(NOWHERE, *texts), ids


class _Beside:
    """Writes what is known of the conversations in the transaction that stores them."""

    def __init__(self, joiner: Joiner, joined: Iterable[_Joined]) -> None:
        self._joiner = joiner
        self._left = {each.row.completion_id: each for each in joined}

    def before(self, completion_ids: list[str]) -> None:
        """Make sure that nobody else joins them."""
        self._joiner.hold()

    def after(self, outcomes: list[Outcome], rows: dict[str, int]) -> None:
        named = {outcome.completion_id: outcome.status for outcome in outcomes if outcome.completion_id in self._left}
        self._settle({completion_id: self._left.pop(completion_id) for completion_id in named}, named)

    def finish(self) -> None:
        """Write that the others were not stored; a refused conversation has no id in its outcome."""
        if self._left:
            with transaction.atomic():
                self._joiner.hold()
                self._settle(self._left, {})

    def _settle(self, joined: dict[str, _Joined], statuses: dict[str, str]) -> None:
        now, moved, updates = timezone.now(), dict[str, dict[int, str]](), list[tuple[Any, ...]]()
        for completion_id, each in joined.items():
            row, status = each.row, statuses.get(completion_id, "bad")
            is_stored = status not in ("bad", "erased")
            if status == "erased":
                count({"erased": row.spans.all().delete()[0]}, now)
            if is_stored:
                moved[completion_id] = MessageIds.read(row.known).moved_answers(each.ids)
            updates.append(
                (
                    each.problem or ("unreadable" if status == "bad" else ""),
                    as_stored(now if is_stored else row.joined_at),
                    max(each.seconds, row.join_seconds / 2),
                    each.ids.to_json() if is_stored else row.known,
                    row.changes,
                    row.pk,
                )
            )
        answers_became_messages({completion_id: one for completion_id, one in moved.items() if one})
        with connection.cursor() as cursor:
            cursor.executemany(_UPDATE, updates)
