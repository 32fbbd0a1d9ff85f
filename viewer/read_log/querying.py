"""Reads the log in pages, newest first, each of which costs the same however long the log is.

A page looks at a window of rows that one index gives in order, and applies the other filters to these. If too few of
them match, the next page goes on where the window ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet

from viewer.deployment.prepared import Prepared

from .actions import DELETIONS, OPENINGS
from .models import Reading

PAGE = 50  # rows
_WINDOW = 5_000  # rows that a page looks at
_MAX_OF_CONVERSATION = 500  # its newest rows, of which readers_of tells
_INDEXED = ("completion_id", "share", "person", "action")  # the first that is filtered by chooses the index


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the log: before the row with this time and id."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}_{self.id}"

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """Parse a cursor, or return None if it is none of ours."""
        at, _, number = text.partition("_")
        try:
            moment = datetime.fromisoformat(at)
            return cls(moment.astimezone(UTC), int(number[:18])) if moment.tzinfo else None
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows to show: those with these values of columns, from a moment on, and before another."""

    values: dict[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some rows, and where the log goes on. `searched_to` is how far it was searched if there may be more matches."""

    rows: tuple[Reading, ...]
    next: Cursor | None
    searched_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """A person who read a conversation; without a name, the holders of a public share."""

    name: str
    last: datetime
    times: int  # that it was opened


def read_page(filters: Filters, before: Cursor | None = None, size: int = PAGE) -> LogPage:
    """Read the newest rows that match, up to `size`, before a place in the log."""
    leading = next((name for name in _INDEXED if name in filters.values), "")
    window = _window(filters, leading, before)
    rest = {name: value for name, value in filters.values.items() if name != leading}
    rows = [*_matching(window, rest, size + 1)] if rest else [*window[: size + 1]]
    if len(rows) > size:
        return LogPage(tuple(rows[:size]), Cursor(rows[size - 1].at, rows[size - 1].pk))
    if rest and (end := window.values_list("at", "pk")[_WINDOW - 1 : _WINDOW].first()):
        return LogPage(tuple(rows), Cursor(*end), end[0])
    return LogPage(tuple(rows), None)


def every_row(filters: Filters) -> Iterator[Reading]:
    """Read all rows that match, in pages, so that memory stays the same and no query takes long."""
    page = read_page(filters, size=1_000)
    yield from page.rows
    while page.next:
        page = read_page(filters, page.next, size=1_000)
        yield from page.rows


def readers_of(completion_id: str) -> list[Reader]:
    """Return who read a conversation lately, the last one first, from its newest rows."""
    rows = _readers(completion_id[:255])
    return [Reader(name, last, max(1, times)) for _, name, last, times, _ in rows]


@Prepared
def _readers(completion_id: str) -> QuerySet[Reading, Any]:
    """Return the person, the name, the last time and the number of openings in those rows, which may be many."""
    newest = Reading.objects.filter(completion_id=completion_id).order_by("-at", "-id")
    newest = newest.exclude(action__in=DELETIONS)[:_MAX_OF_CONVERSATION]
    by_person = Reading.objects.filter(pk__in=newest.values("pk")).order_by().values_list("person", "name")
    openings = Count("pk", filter=Q(action__in=OPENINGS))
    return by_person.annotate(last=Max("at"), times=openings, newest=Max("pk")).order_by("-last", "-newest")


def readings_of_share(share_id: int) -> QuerySet[Reading]:
    """Return the rows of a share, the newest first."""
    return Reading.objects.filter(share=share_id).order_by("-at", "-id")


def _window(filters: Filters, leading: str, before: Cursor | None) -> QuerySet[Reading]:
    rows = Reading.objects.order_by("-at", "-id")
    if leading:
        rows = rows.filter(**{leading: filters.values[leading]})
    if filters.since:
        rows = rows.filter(at__gte=filters.since)
    if filters.until:
        rows = rows.filter(at__lt=filters.until)
    if before:
        rows = rows.filter(Q(at__lte=before.at) & ~Q(at=before.at, id__gte=before.id))
    return rows


def _matching(window: QuerySet[Reading], values: dict[str, Any], limit: int) -> Iterator[Reading]:
    """Filter the rows of a window. No database applies the filter before it has taken the rows."""
    sql, params = window[:_WINDOW].query.sql_with_params()
    quote = connection.ops.quote_name
    where = " AND ".join(f"{quote(name)} = %s" for name in values)
    matching = f"SELECT * FROM ({sql}) taken WHERE {where} ORDER BY at DESC, id DESC LIMIT {limit:d}"  # noqa: S608
    yield from Reading.objects.raw(matching, [*params, *values.values()])
