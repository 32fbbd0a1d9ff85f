"""Stores the conversations whose spans have changed: all spans are joined anew, and replace what was stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Length
from django.utils import timezone

from viewer.archive.importing import Outcome, import_all
from viewer.formats.document import MAX_BYTES, NOWHERE, Conversation, NotReadable
from viewer.formats.drafts import note
from viewer.formats.families.opentelemetry import without_content
from viewer.formats.joining import FAILURES
from viewer.formats.spans.conversations import join
from viewer.formats.spans.span import span_of
from viewer.review.answers import answers_became_messages

from .message_ids import MessageIds
from .models import Joiner, TracedConversation
from .storing import count

_MAX_CONVERSATIONS, _MAX_CHARACTERS = 100, 8_000_000  # in one transaction


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
    beside = _Beside(joiner, joined)
    for _ in import_all((each.conversation for each in joined if each.conversation), replace=True, beside=beside):
        pass
    beside.finish()
    return True


def _joined(rows: list[TracedConversation]) -> Iterator[_Joined]:
    characters = 0
    for row in rows:
        if characters > _MAX_CHARACTERS:
            return
        length = row.spans.aggregate(length=Sum(Length("source")))["length"] or 0
        characters += length
        before, known = monotonic(), MessageIds.read(row.known)
        if length > MAX_BYTES:
            yield _Joined(row, None, "too-long", known, 0.0)
            continue
        try:
            conversation, ids = _join(row, known)
        except (NotReadable, *FAILURES):
            yield _Joined(row, None, "unreadable", known, 0.0)
            continue
        yield _Joined(row, conversation, "" if conversation else "silent", ids, monotonic() - before)


def _join(row: TracedConversation, known: MessageIds) -> tuple[Conversation | None, MessageIds]:
    """Return the conversation that the spans make, or None if nothing was said in them; and the ids of its messages."""
    texts = list(row.spans.order_by("pk").values_list("source", flat=True))
    values = [json.loads(text) for text in texts]
    draft = join(map(span_of, values), map(without_content, values))
    if draft is None:
        return None, known
    draft.id = row.completion_id
    if row.continues:
        draft.notes.append(note("goes-on", row.continues))
    ids = known.given_to(draft, row.completion_id)
    return draft.finish_at(NOWHERE, *sorted(set(texts))), ids


class _Beside:
    """Writes what is known of the conversations in the transaction that stores them."""

    def __init__(self, joiner: Joiner, joined: Iterable[_Joined]) -> None:
        self._joiner = joiner
        self._left = {each.row.completion_id: each for each in joined}

    def before(self, completion_ids: list[str]) -> None:
        """Make sure that nobody else joins them."""
        self._joiner.hold()

    def after(self, outcomes: list[Outcome], rows: dict[str, int]) -> None:
        for outcome in outcomes:
            if outcome.completion_id in self._left:  # which a refused conversation does not name
                self._settle(self._left.pop(outcome.completion_id), outcome.status)

    def finish(self) -> None:
        """Write that the others were not stored."""
        with transaction.atomic():
            self._joiner.hold()
            for each in self._left.values():
                self._settle(each, "bad")

    def _settle(self, joined: _Joined, status: str) -> None:
        row, now = joined.row, timezone.now()
        changes: dict[str, Any] = {"problem": joined.problem or ("unreadable" if status == "bad" else "")}
        if status == "erased":
            count({"erased": row.spans.all().delete()[0]}, now)
        elif status != "bad":
            answers_became_messages(row.completion_id, MessageIds.read(row.known).moved_answers(joined.ids))
            seconds = max(joined.seconds, row.join_seconds / 2)
            changes |= {"joined_at": now, "join_seconds": seconds, "known": joined.ids.to_json()}
        same = TracedConversation.objects.filter(pk=row.pk)
        same.update(**changes)
        same.filter(changes=row.changes).update(due_at=None)
