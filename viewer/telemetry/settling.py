"""Settles to which conversations the spans of traces belong that have changed and are quiet now."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Length
from django.utils import timezone

from viewer.archive.erased import erased_among
from viewer.formats.chains import Link
from viewer.formats.document import MAX_BYTES
from viewer.formats.joining import FAILURES
from viewer.formats.spans.conversations import conversation_of, link_of, threads_of
from viewer.formats.spans.span import Span, span_of

from . import marks
from .merging import absorb
from .models import PATIENCE, Joiner, Mark, ReceivedSpan, Trace, TracedConversation
from .storing import count

_MAX_TRACES, _MAX_CHARACTERS = 200, 32_000_000  # in one transaction
_PASSED, _NAMING, _TELLING = ReceivedSpan.PASSED, ReceivedSpan.NAMING, ReceivedSpan.TELLING
# Seconds; a conversation that is long takes at most one in so many parts of the time.
_SHORT_PAUSE, _MAX_PAUSE, _SHARE = 1.0, 30.0, 10


@dataclass
class _Trace:
    """A trace with its spans: the rows of the database, and beside each what it says."""

    row: Trace
    ids: list[int]
    weights: list[int]
    spans: list[Span]
    names: list[str]
    link: Link | None = None

    @classmethod
    def of(cls, row: Trace) -> _Trace:
        columns = ("pk", "weight", "trace", "span", "parent", "source")
        rows = list(ReceivedSpan.objects.filter(trace=row.trace).order_by("pk").values_list(*columns))
        spans = [
            span_of(json.loads(source)) if weight else Span(trace=trace, id=span, parent=parent)
            for _, weight, trace, span, parent, source in rows
        ]
        is_named = any(conversation_of(span.attributes) for span in spans)
        names = threads_of(spans) if is_named else [""] * len(spans)
        return cls(row, [each[0] for each in rows], [each[1] for each in rows], spans, names)

    @property
    def start(self) -> float:
        starts = (span.start for span in self.spans if span.start)
        return self.link.start if self.link else min(starts, default=0.0)

    def read_link(self) -> None:
        """Find out how it hangs together with other traces by what was said."""
        try:
            self.link = link_of(span for span, weight in zip(self.spans, self.weights, strict=True) if weight)
        except FAILURES:
            self.link = None  # it stays alone; why, joining says

    def is_incomplete(self) -> bool:
        """Whether a span is missing around those that tell something: one that may name the conversation."""
        ids = {span.id for span in self.spans if not span.is_log}
        return any(
            span.parent not in ids if span.parent else span.is_log and span.id not in ids
            for span in self.spans
            if span.parent or span.is_log
        )

    def needed(self) -> list[int]:
        """Return the places of the spans that are kept: all but those beside or around what tells something."""
        by_id = {span.id: n for n, span in enumerate(self.spans) if not span.is_log}
        between = set[int]()
        for span, weight in zip(self.spans, self.weights, strict=True):
            passed, place = set[int](), by_id.get(span.parent) if weight == _TELLING else None
            while place is not None and self.weights[place] == _PASSED and place not in passed:
                passed.add(place)
                place = by_id.get(self.spans[place].parent)
            if place is not None:
                between |= passed
        return [n for n, weight in enumerate(self.weights) if weight != _PASSED or n in between]


def settle(joiner: Joiner) -> bool:
    """Put the spans of some traces into their conversations, the oldest first; return False if none is due.

    Raises Stopped.
    """
    now = timezone.now()
    due = Trace.objects.filter(Q(due_at__lte=now) | Q(since__lte=now - PATIENCE), since__isnull=False)
    rows = list(due.order_by("since")[:_MAX_TRACES])
    if not rows:
        return False
    traces, too_long = list[_Trace](), list[Trace]()
    lengths = _lengths(rows)
    taken = 0
    for row in rows:
        if lengths.get(row.trace, 0) > MAX_BYTES:
            too_long.append(row)
            continue
        if traces and taken > _MAX_CHARACTERS:
            break
        taken += lengths.get(row.trace, 0)
        traces.append(_Trace.of(row))
    ready, waiting = list[_Trace](), list[Trace]()
    for trace in traces:
        if not any(trace.names):
            if now < (trace.row.since or now) + PATIENCE and trace.is_incomplete():
                waiting.append(trace.row)
                continue
            trace.read_link()
        ready.append(trace)
    with transaction.atomic():
        joiner.hold()
        for row in waiting:
            _unchanged(row).update(due_at=(row.since or now) + PATIENCE)
        for row in too_long:
            _unchanged(row).update(since=None)
        count({"too-long": len(too_long)}, now)
        _settle_all(sorted(ready, key=lambda trace: trace.start), now)
    return True


def _lengths(rows: Iterable[Trace]) -> dict[str, int]:
    spans = ReceivedSpan.objects.filter(trace__in=[row.trace for row in rows])
    return dict(spans.values("trace").annotate(length=Sum(Length("source"))).values_list("trace", "length"))


def _unchanged(row: Trace) -> models.QuerySet[Trace]:
    return Trace.objects.filter(pk=row.pk, changes=row.changes)


def _settle_all(traces: list[_Trace], now: datetime) -> None:
    touched: dict[int, TracedConversation] = {}
    placed: dict[int, list[int]] = {}
    for trace in traces:
        needed = trace.needed()
        of_names = _by_name(trace, {trace.names[n] for n in needed})
        for n in needed:
            conversation = of_names[trace.names[n]]
            touched[conversation.pk] = conversation
            placed.setdefault(conversation.pk, []).append(trace.ids[n])
        _unchanged(trace.row).update(since=None)
    erased = erased_among({one.completion_id for one in touched.values()})
    dropped = 0
    for pk, conversation in touched.items():
        if conversation.completion_id in erased:
            dropped += ReceivedSpan.objects.filter(pk__in=placed[pk]).delete()[0]
            continue
        ReceivedSpan.objects.filter(pk__in=placed[pk]).update(conversation=conversation)
        _make_due(conversation, now)
    count({"erased": dropped}, now)


def _by_name(trace: _Trace, names: set[str]) -> dict[str, TracedConversation]:
    """Return the conversation of each name in a trace; the empty name is that of a trace without one."""
    alone = marks.of_trace(trace.row.trace)
    if "" in names:
        return {"": _without_name(trace, alone)}
    found: dict[str, TracedConversation] = {}
    for name in dict.fromkeys(name for name in trace.names if name in names):
        known = marks.named(name)
        if known is None and alone is not None and not found:
            marks.recognise(alone, Mark.NAME, name)  # it was stored before its name came
            known = alone
        elif known is not None and alone is not None and alone != known and not found:
            absorb(known, alone)
        found[name] = known or marks.begin(Mark.NAME, name)
    return found


def _without_name(trace: _Trace, known: TracedConversation | None) -> TracedConversation:
    name, link = trace.row.trace, trace.link
    conversation = known or (marks.linked(link) if link else None)
    is_first = conversation is None
    if conversation is None:
        conversation = marks.begin(Mark.TRACE, name)
    elif known is None:
        marks.recognise(conversation, Mark.TRACE, name)
    if link is not None:
        is_first = is_first or marks.is_first(conversation, name)
        marks.remember(conversation, name, link, is_first=is_first)
    return conversation


def _make_due(conversation: TracedConversation, now: datetime) -> None:
    """Let a conversation be stored anew: at once, but a long one not so often that others wait for it."""
    pause = min(_MAX_PAUSE, _SHARE * conversation.join_seconds)
    last = conversation.joined_at if pause > _SHORT_PAUSE else None
    due = max(now, last + timedelta(seconds=pause)) if last else now
    TracedConversation.objects.filter(pk=conversation.pk).update(changes=F("changes") + 1, due_at=due, last_span_at=now)
