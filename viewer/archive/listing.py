"""Reads a page of the whole archive with all that a list shows of each conversation, by one query."""

# ruff: noqa: S608  # the parts of the queries are written here, and what a person gives is a parameter

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from viewer.completions.summary import Summary

from .labels import Marks
from .models import Label, fit, read_held

_MAX_PAGE = 16_000_000  # characters; a page ends after the conversation that exceeds this, and more follow
_AT_ONCE = 4  # rows that are fetched together, for one may hold megabytes
_NO_TIME = 2**63 - 1  # in seconds, after all others; negative before them


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a conversation beside itself: whether a person has seen it, and what the team says of it."""

    is_seen: bool = False
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation of a list. Without a summary it is not indexed yet."""

    id: str
    body: str
    summary: Summary | None
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
    values = [*named, *[reader] * (sql.count("%s") - len(named) - 1), place.limit + 1]
    rows: list[Listed] = []
    size, has_earlier, total = 0, False, 0
    with _streaming_cursor() as cursor:
        cursor.execute(sql, values)
        fetched = iter(lambda: cursor.fetchmany(_AT_ONCE), [])
        rest = (row for several in fetched for row in several)
        while len(rows) < place.limit and size < _MAX_PAGE and (row := next(rest, None)):
            _created, _pk, completion_id, body, summary, *known, has_earlier, total = row
            rows.append(Listed(completion_id, body, _summary(summary), _known(*known)))
            size += len(body)
        has_more = next(rest, None) is not None
    return ListPage(tuple(rows), bool(has_earlier), has_more, total)


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
    """Write the query; each of its places but the first and the last is for the reader.

    It has the rest of the second where the page begins, and all other seconds: each is one index range, for the reason
    that `api._after_cursor` gives.
    """
    order, beyond = ("DESC", "<") if place.is_descending else ("ASC", ">")
    every = f"SELECT {_columns(place)} FROM archive_storedcompletion c WHERE (c.owner_id IS NULL OR c.owner_id = %s)"
    if place.is_first:
        return f"{every} ORDER BY 1 {order}, 2 {order} LIMIT %s"
    edge = f"COALESCE((SELECT created FROM start), {'' if place.is_descending else '-'}{_NO_TIME})"
    within = f"{every} AND c.created = {edge} AND c.id {beyond} (SELECT id FROM start)"
    others = f"{every} AND c.created {beyond} {edge} AND EXISTS (SELECT 1 FROM given)"
    return f"WITH {_start(place)} {within} UNION ALL {others} ORDER BY 1 {order}, 2 {order} LIMIT %s"


def _start(place: Place) -> str:
    """Return the tables `given`, the conversation that is named, and `start`, that after which the page begins."""
    order, opposite, before = ("DESC", "ASC", ">") if place.is_descending else ("ASC", "DESC", "<")
    every = "SELECT created, id FROM archive_storedcompletion WHERE (owner_id IS NULL OR owner_id = %s)"
    last = opposite if place.after else order  # of two with the id the one that comes last, see `api._place_of`
    given = f"given AS ({_with_id(every)} ORDER BY created {last}, id {last} LIMIT 1)"
    if place.after:
        return f"{given}, start AS (SELECT created, id FROM given)"
    within = f"{every} AND created = (SELECT created FROM given) AND id {before} (SELECT id FROM given)"
    others = f"{every} AND created {before} (SELECT created FROM given)"
    earlier = f"{within} UNION ALL {others} ORDER BY 1 {opposite}, 2 {opposite} LIMIT 1 OFFSET {place.before:d}"
    return f"{given}, start AS (SELECT created, id FROM ({earlier}) AS earlier)"


def _with_id(every: str) -> str:
    return every.replace("WHERE ", "WHERE completion_id = %s AND ")


def _columns(place: Place) -> str:
    """Return the columns of a page, with places for the reader. Subqueries: what is joined would have to be sorted."""
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


def _summary(text: str | None) -> Summary | None:
    if text is None:
        return None
    question, messages, contents = json.loads(text)
    return Summary(question, messages, read_held(contents))


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


def _streaming_cursor() -> AbstractContextManager[Any]:
    """Return a cursor that holds a few rows at a time: in PostgreSQL one of the server."""
    cursor: AbstractContextManager[Any] = connection.chunked_cursor()
    return cursor
