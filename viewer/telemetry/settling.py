"""Settles to which conversations the spans of traces belong that have changed and are quiet now."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, Sum
from django.db.models.functions import Length
from django.utils import timezone

from viewer.archive.erased import erased_among
from viewer.formats.chains import Link
from viewer.formats.document import MAX_BYTES
from viewer.formats.family import FAILURES
from viewer.formats.spans.conversations import conversation_of, link_of, threads_of
from viewer.formats.spans.span import Span, span_of

from .marks import Marks
from .merging import absorb
from .models import PATIENCE, Joiner, Mark, ReceivedSpan, Trace, TracedConversation
from .storing import as_stored, count

_MAX_TRACES, _MAX_CHARACTERS = 200, 32_000_000  # in one transaction
_PASSED, _NAMING, _TELLING = ReceivedSpan.PASSED, ReceivedSpan.NAMING, ReceivedSpan.TELLING
# Seconds; a conversation that is long takes at most one in so many parts of the time.
_SHORT_PAUSE, _MAX_PAUSE, _SHARE = 1.0, 30.0, 10
_FULL = MAX_BYTES // 2  # characters of a conversation that goes on as another: calls repeat all that was said before
_PLACE = "UPDATE telemetry_receivedspan SET conversation_id = %s WHERE id = %s"
_MAKE_DUE = """
    UPDATE telemetry_tracedconversation SET changes = changes + 1, due_at = %s, last_span_at = %s, size = size + %s
    WHERE id = %s
"""
_DONE = "UPDATE telemetry_trace SET since = NULL WHERE trace = %s AND changes = %s"  # unless more came meanwhile
_Row = tuple[int, str, int, str, str, str, int | None]  # primary key, trace, weight, span, parent, source, conversation


@dataclass
class _Trace:
    """A trace with its spans: the rows of the database, and beside each what it says."""

    row: Trace
    ids: list[int]
    sizes: list[int]
    weights: list[int]
    spans: list[Span]
    names: list[str]
    link: Link | None = None

    @classmethod
    def of(cls, row: Trace, rows: list[_Row]) -> _Trace:
        spans = [_span(row.trace, each) for each in rows]
        is_named = any(conversation_of(span.attributes) for span in spans)
        names = threads_of(spans) if is_named else [""] * len(spans)
        sizes = [0 if each[6] else len(each[5]) for each in rows]  # what has its place counts already
        return cls(row, [each[0] for each in rows], sizes, [each[2] for each in rows], spans, names)

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


def _span(trace: str, row: _Row) -> Span:
    """Read a span; of one whose shape nobody knows only its place in the trace."""
    _, _, weight, span, parent, source, _ = row
    if weight:
        with suppress(*FAILURES):
            return span_of(json.loads(source))
    return Span(trace=trace, id=span, parent=parent)


def settle(joiner: Joiner) -> bool:
    """Put the spans of some traces into their conversations, the oldest first; return False if none is due.

    Raises Stopped.
    """
    now = timezone.now()
    due = Trace.objects.filter(Q(due_at__lte=now) | Q(since__lte=now - PATIENCE), since__isnull=False)
    rows = list(due.order_by("since")[:_MAX_TRACES])
    if not rows:
        return False
    lengths = _lengths(rows)
    too_long = [row for row in rows if lengths.get(row.trace, 0) > MAX_BYTES]
    ready, waiting = list[_Trace](), list[Trace]()
    for trace in _read([row for row in rows if row not in too_long], lengths):
        if not any(trace.names):
            if now < (trace.row.since or now) + PATIENCE and trace.is_incomplete():
                waiting.append(trace.row)
                continue
            trace.read_link()
        ready.append(trace)
    with transaction.atomic():
        joiner.hold()
        for row in waiting:
            Trace.objects.filter(pk=row.pk, changes=row.changes).update(due_at=(row.since or now) + PATIENCE)
        count({"too-long": len(too_long)}, now)
        if ready:
            _Settling(ready).settle(now)
        _done([*too_long, *(trace.row for trace in ready)])
    return True


def _lengths(rows: Iterable[Trace]) -> dict[str, int]:
    spans = ReceivedSpan.objects.filter(trace__in=[row.trace for row in rows])
    return dict(spans.values("trace").annotate(length=Sum(Length("source"))).values_list("trace", "length"))


def _read(rows: list[Trace], lengths: dict[str, int]) -> list[_Trace]:
    """Read the spans of the first of these traces, as many as fit into memory."""
    taken, chosen = 0, list[Trace]()
    for row in rows:
        if chosen and taken > _MAX_CHARACTERS:
            break
        taken += lengths.get(row.trace, 0)
        chosen.append(row)
    spans = ReceivedSpan.objects.filter(trace__in=[row.trace for row in chosen]).order_by("pk")
    by_trace: dict[str, list[_Row]] = {row.trace: [] for row in chosen}
    for span in spans.values_list("pk", "trace", "weight", "span", "parent", "source", "conversation"):
        by_trace[span[1]].append(span)
    return [_Trace.of(row, by_trace[row.trace]) for row in chosen]


def _done(rows: Iterable[Trace]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(_DONE, [(row.trace, row.changes) for row in rows])


class _Settling:
    """Some traces, in the order of their time, and where their spans belong."""

    def __init__(self, traces: list[_Trace]) -> None:
        self._traces = sorted(traces, key=lambda trace: trace.start)
        names = {name for trace in traces for name in trace.names if name}
        links = (trace.link for trace in traces if trace.link)
        self._marks = Marks(names, (trace.row.trace for trace in traces), links)
        self._places: dict[int, list[int]] = {}  # conversations, and their spans
        self._conversations: dict[int, TracedConversation] = {}
        self._sizes: Counter[int] = Counter()

    def settle(self, now: datetime) -> None:
        """Put the spans into their conversations, and let those be stored anew; drop what was erased."""
        for trace in self._traces:
            needed = trace.needed()
            of_names = self._by_name(trace, {trace.names[n] for n in needed})
            for n in needed:
                conversation = of_names[trace.names[n]]
                self._conversations[conversation.pk] = conversation
                self._places.setdefault(conversation.pk, []).append(trace.ids[n])
                self._sizes[conversation.pk] += trace.sizes[n]
        self._marks.write()
        erased = erased_among({one.completion_id for one in self._conversations.values()})
        dropped = 0
        for pk in [pk for pk, one in self._conversations.items() if one.completion_id in erased]:
            dropped += ReceivedSpan.objects.filter(pk__in=self._places.pop(pk)).delete()[0]
            del self._conversations[pk]
        at = as_stored(now)
        due = [(as_stored(_due_at(one, now)), at, self._sizes[pk], pk) for pk, one in self._conversations.items()]
        with connection.cursor() as cursor:
            cursor.executemany(_PLACE, [(pk, span) for pk, spans in self._places.items() for span in spans])
            cursor.executemany(_MAKE_DUE, due)
        count({"erased": dropped}, now)

    def _by_name(self, trace: _Trace, names: set[str]) -> dict[str, TracedConversation]:
        """Return the conversation of each name in a trace; the empty name is that of a trace without one."""
        alone = self._marks.of_trace(trace.row.trace)
        if "" in names:
            return {"": self._without_name(trace, alone)}
        found: dict[str, TracedConversation] = {}
        for name in dict.fromkeys(name for name in trace.names if name in names):
            known = self._growing(self._marks.named(name), name)
            if alone is not None and not found and known is None:
                self._marks.recognise(alone, Mark.NAME, name)  # it was stored before its name came
                known = alone
            elif alone is not None and not found and known is not None and known.pk != alone.pk:
                self._absorb(known, alone)
            found[name] = known or self._marks.begin(Mark.NAME, name)
        return found

    def _growing(self, known: TracedConversation | None, name: str) -> TracedConversation | None:
        """Return a conversation if it can grow; one that is full ends here."""
        if known is None or known.size + self._sizes[known.pk] <= _FULL:
            return known
        self._marks.end(known, name)
        return None

    def _absorb(self, conversation: TracedConversation, other: TracedConversation) -> None:
        self._marks.move(conversation, other)
        if other.pk in self._places:
            self._places.setdefault(conversation.pk, []).extend(self._places.pop(other.pk))
            self._sizes[conversation.pk] += self._sizes.pop(other.pk)
            del self._conversations[other.pk]
        absorb(conversation, other)

    def _without_name(self, trace: _Trace, known: TracedConversation | None) -> TracedConversation:
        name, link = trace.row.trace, trace.link
        conversation = self._growing(known or (self._marks.linked(link) if link else None), name)
        if conversation is None:
            conversation = self._marks.begin(Mark.TRACE, name)
        elif self._marks.of_trace(name) is None:
            self._marks.recognise(conversation, Mark.TRACE, name)
        if link is not None:
            self._marks.remember(conversation, name, link)
        return conversation


def _due_at(conversation: TracedConversation, now: datetime) -> datetime:
    """Return when a conversation is to be stored anew: at once, but a long one not so often that others wait for it."""
    pause = min(_MAX_PAUSE, _SHARE * conversation.join_seconds)
    last = conversation.joined_at if pause > _SHORT_PAUSE else None
    return max(now, last + timedelta(seconds=pause)) if last else now
