"""Reads a page of the whole archive with all that a list shows of each conversation, by one query."""

# ruff: noqa: S608  # the parts of the queries are written here, and what a person gives is a parameter

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connection

from viewer.completions.summary import Summary

from .api import MAX_PAGE
from .labels import Marks
from .models import Label, fit, read_held

_AT_ONCE = 4  # rows that are fetched together, for one may hold megabytes
_VISIBLE = "SELECT created, id FROM archive_storedcompletion WHERE (owner_id IS NULL OR owner_id = %s)"
_NO_TIME = 2**63 - 1  # in seconds, after all others; negative before them


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a conversation beside itself: whether a person has seen it, and what the team says of it."""

    is_seen: bool = False
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation of a list. `described` is its summary as JSON; None if it is not indexed yet."""

    id: str
    body: str
    described: str | None
    known: Known


@dataclass(frozen=True, slots=True)
class Place:
    """Which page of the list, the newest or the oldest first.

    It begins after the conversation `after`; or with `before` others in front of the conversation `around`.
    `is_counted` asks how many conversations the whole list has.
    """

    limit: int
    is_descending: bool = True
    after: str = ""
    around: str = ""
    before: int = 0
    is_counted: bool = False

    @property
    def is_first(self) -> bool:
        return not (self.after or self.around)


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page, whether more precede it (known of one around a conversation) and follow, and how many there are."""

    rows: tuple[Listed, ...]
    has_earlier: bool
    has_more: bool
    total: int = 0


def read_list(place: Place, reader: int | None) -> ListPage:
    """Read a page of what a person sees. It is empty where the conversation to begin from is unknown."""
    sql = _page(place)
    named = [] if place.is_first else [fit(place.after or place.around)]
    values = [*named, *[reader] * (sql.count("%s") - len(named))]
    rows: list[Listed] = []
    size, has_earlier, total = 0, False, 0
    with connection.chunked_cursor() as cursor:  # in PostgreSQL one of the server, which holds a few rows at a time
        cursor.execute(sql, values)
        fetched = iter(lambda: cursor.fetchmany(_AT_ONCE), [])
        rest = (row for several in fetched for row in several)
        while len(rows) < place.limit and size < MAX_PAGE and (row := next(rest, None)):
            _created, _pk, completion_id, body, described, *known, has_earlier, total = row
            rows.append(Listed(completion_id, body, described, _known(*known)))
            size += len(body)
        has_more = next(rest, None) is not None
    return ListPage(tuple(rows), bool(has_earlier), has_more, total)


def summary_of(described: str | None) -> Summary | None:
    """Read the summary of a listed conversation."""
    if described is None:
        return None
    question, messages, contents = json.loads(described)
    return Summary(question, messages, read_held(contents))


def known_of(completion_ids: Iterable[str], person_id: int) -> dict[str, Known]:
    """Return what is known of some conversations, wherever they are stored, by one query."""
    ids = [fit(one) for one in completion_ids]
    given, listed = (ids, "unnest(%s::text[])") if _is_postgresql() else (json.dumps(ids), "json_each(%s)")
    column = "completion_id" if _is_postgresql() else "value"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.completion_id, {_known_columns()} FROM (SELECT {column} AS completion_id FROM {listed}"
            f"{' AS ids(completion_id)' if _is_postgresql() else ''}) AS c",
            [person_id, given],
        )
        return {completion_id: _known(*known) for completion_id, *known in cursor.fetchall()}


def _page(place: Place) -> str:
    """Write the query; each of its places but that for the conversation that is named is for the reader.

    Which conversations are on the page is found in an index; only of those is anything else read.
    """
    order = "DESC" if place.is_descending else "ASC"
    size = place.limit + 1
    if place.is_first:
        named, found = "", f"{_VISIBLE} ORDER BY created {order}, id {order} LIMIT {size:d}"
    else:
        named = f"WITH {_start(place)} "
        found = _beyond("start", size, is_descending=place.is_descending)
    return (
        f"{named}SELECT {_columns(place)} FROM ({found}) AS found JOIN archive_storedcompletion c ON c.id = found.id "
        f"ORDER BY found.created {order}, found.id {order}"
    )


def _beyond(table: str, size: int, *, is_descending: bool) -> str:
    """Return the query for so many conversations after the one in a table; for the first, if the table is empty.

    The rest of its own second and all other seconds are an index range each, for the reason that `api._after_cursor`
    gives. Each has its own limit, or PostgreSQL would sort the whole archive: it does not know the time in advance.
    """
    order, beyond = ("DESC", "<") if is_descending else ("ASC", ">")
    edge = f"COALESCE((SELECT created FROM {table}), {'' if is_descending else '-'}{_NO_TIME})"
    conditions = (
        f"created = {edge} AND id {beyond} (SELECT id FROM {table})",
        f"created {beyond} {edge} AND EXISTS (SELECT 1 FROM given)",
    )
    nearest = f"ORDER BY created {order}, id {order} LIMIT {size:d}"
    ranges = " UNION ALL ".join(
        f"SELECT created, id FROM ({_VISIBLE} AND {condition} {nearest}) AS one" for condition in conditions
    )
    return f"{ranges} ORDER BY 1 {order}, 2 {order} LIMIT {size:d}"


def _start(place: Place) -> str:
    """Return the tables `given`, the conversation that is named, and `start`, that after which the page begins."""
    order, opposite = ("DESC", "ASC") if place.is_descending else ("ASC", "DESC")
    last = opposite if place.after else order  # of two with the id the one that comes last, see `api._place_of`
    named = _VISIBLE.replace("WHERE ", "WHERE completion_id = %s AND ")
    given = f"given AS ({named} ORDER BY created {last}, id {last} LIMIT 1)"
    if place.after:
        return f"{given}, start AS (SELECT created, id FROM given)"
    earlier = _beyond("given", place.before + 1, is_descending=not place.is_descending)
    farthest = f"ORDER BY created {opposite}, id {opposite} LIMIT 1 OFFSET {place.before:d}"
    return f"{given}, start AS (SELECT created, id FROM ({earlier}) AS earlier {farthest})"


def _columns(place: Place) -> str:
    """Return the columns of a page, with places for the reader."""
    array, text = ("json_build_array", "::text") if _is_postgresql() else ("json_array", "")
    everything = "(SELECT COUNT(*) FROM archive_storedcompletion)"
    of_others = "(SELECT COUNT(*) FROM archive_storedcompletion WHERE owner_id IS NOT NULL AND owner_id <> %s)"
    return (
        "c.created, c.id, c.completion_id, c.body, "
        f"(SELECT {array}(s.question, s.messages, s.contents){text} FROM archive_storedsummary s "
        f"WHERE s.completion_id = c.id), {_known_columns()}, "
        f"{'EXISTS (SELECT 1 FROM start)' if place.around else '1 = 0'}, "
        f"{f'{everything} - {of_others}' if place.is_counted else '0'}"
    )


def _known_columns() -> str:
    """Return the columns of what is known of the conversation `c`, with a place for the person."""
    array, text = ("json_build_array", "::text") if _is_postgresql() else ("json_array", "")
    group = "json_agg" if _is_postgresql() else "json_group_array"
    return (
        "EXISTS (SELECT 1 FROM archive_seencompletion e WHERE e.person_id = %s AND e.completion_id = c.completion_id), "
        f"(SELECT {group}({array}(l.key, l.id, l.name, l.colour, l.is_keeping)){text} FROM archive_completionlabel o "
        "JOIN archive_label l ON l.id = o.label_id WHERE o.completion_id = c.completion_id), "
        f"(SELECT {array}(t.status, a.id, a.username, a.first_name, a.last_name){text} FROM archive_completionstate t "
        "LEFT JOIN auth_user a ON a.id = t.assignee_id WHERE t.completion_id = c.completion_id)"
    )


def _known(is_seen: int | bool, labels: str | None, state: str | None) -> Known:
    on_it = sorted(json.loads(labels)) if labels else []
    status, *assignee = json.loads(state) if state else ("", None)
    marks = Marks(
        tuple(Label(pk, name, key, colour, bool(is_keeping)) for key, pk, name, colour, is_keeping in on_it),
        status,
        User.from_db(connection.alias, ("id", "username", "first_name", "last_name"), assignee)
        if assignee[0]
        else None,
    )
    return Known(bool(is_seen), marks or None)


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"
