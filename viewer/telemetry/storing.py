"""Writes what was received, in one transaction, and marks the traces that changed. What is known already is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from .decoding import NAMING, TELLING, Row
from .models import QUIET, ReceivedSpan

_CHUNK = 500  # traces in one query
_INSERT = """
    INSERT INTO telemetry_receivedspan (trace, span, record, parent, weight, fullness, source, received_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (trace, span, record) DO UPDATE SET parent = excluded.parent, weight = excluded.weight,
        fullness = excluded.fullness, source = excluded.source, received_at = excluded.received_at
    WHERE excluded.fullness > telemetry_receivedspan.fullness
"""
_TELL = """
    INSERT INTO telemetry_trace (trace, changes, since, due_at) VALUES (%s, 1, %s, %s)
    ON CONFLICT (trace) DO UPDATE SET changes = telemetry_trace.changes + 1,
        since = COALESCE(telemetry_trace.since, excluded.since), due_at = excluded.due_at
"""
# A trace in which nothing was told yet has no row: what names its conversation waits for that.
_NAME = """
    UPDATE telemetry_trace SET changes = changes + 1, since = COALESCE(since, %s), due_at = %s WHERE trace = %s
"""
_COMPLETE = "UPDATE telemetry_trace SET due_at = %s WHERE trace = %s AND since IS NOT NULL"
_COUNT = """
    INSERT INTO telemetry_tally (day, kind, count, last_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (day, kind) DO UPDATE SET count = telemetry_tally.count + excluded.count, last_at = excluded.last_at
"""


def store(rows: Iterable[Row], counts: dict[str, int]) -> None:
    """Store rows and count what came, so that after a crash all of it is there or nothing. The same again is nothing.

    In the order of their keys: two that store at the same time in PostgreSQL would otherwise wait for each other.
    """
    by_ids: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        known = by_ids.get(row[:3])
        if known is None or row.fullness > known.fullness:
            by_ids[row[:3]] = row
    with transaction.atomic():
        fullness = _fullness_of(sorted({row.trace for row in by_ids.values()}))
        new = [row for ids, row in sorted(by_ids.items()) if row.fullness > fullness.get(ids, -1)]
        now = timezone.now()
        if new:
            _write(new, now)
        count(counts, now)


def count(counts: dict[str, int], now: datetime | None = None) -> None:
    """Add to the figures of the day."""
    now = now or timezone.now()
    at = as_stored(now)
    rows = [(now.date(), kind, number, at) for kind, number in sorted(counts.items()) if number]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_COUNT, [(str(day), *rest) for day, *rest in rows])


def _fullness_of(traces: list[str]) -> dict[tuple[str, str, str], int]:
    known: dict[tuple[str, str, str], int] = {}
    for chunk in in_chunks(traces):
        rows = ReceivedSpan.objects.filter(trace__in=chunk).values_list("trace", "span", "record", "fullness")
        known |= {(trace, span, record): fullness for trace, span, record, fullness in rows}
    return known


def _write(rows: list[Row], now: datetime) -> None:
    at, due = as_stored(now), as_stored(now + QUIET)
    heaviest: dict[str, int] = {}
    for row in rows:
        heaviest[row.trace] = max(row.weight, heaviest.get(row.trace, 0))
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, [(*row, at) for row in rows])
        for sql, weights, values in (
            (_TELL, (TELLING,), lambda trace: (trace, at, due)),
            (_NAME, (NAMING,), lambda trace: (at, due, trace)),
            (_COMPLETE, (ReceivedSpan.PASSED,), lambda trace: (due, trace)),
        ):
            if changed := [values(trace) for trace, weight in heaviest.items() if weight in weights]:
                cursor.executemany(sql, changed)


def as_stored(moment: datetime | None) -> Any:
    """Return a moment as the database has it in a column."""
    return connection.ops.adapt_datetimefield_value(moment)


def in_chunks(values: Iterable[Any], size: int = _CHUNK) -> Iterator[list[Any]]:
    """Yield values in lists, of which a query can have each as its parameter."""
    left = iter(values)
    while chunk := list(islice(left, size)):
        yield chunk
