"""The results of a search as a list to work through: those beside a conversation, the next and the previous one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from django.utils import timezone

from viewer.archive.customers import query_of
from viewer.archive.identity_keys import identity_keys
from viewer.archive.search.query import Query, read_query, with_operator
from viewer.archive.search.reading import Group
from viewer.archive.search.results import finds, results_around, search
from viewer.conversations.filters import search_order_of, with_query
from viewer.conversations.hits import build_hit, row_of
from viewer.conversations.rows import mark_rows
from viewer.rendering.places import url_of
from viewer.web.request import Request

_SHOWN = 12  # results on each side of the conversation, and on each further page


def is_result(filters: dict[str, str], completion_id: str, reader: int, *, is_open: bool) -> bool:
    """Whether the search of a list finds a conversation, whether seen or not.

    One that is open stays in its list when its labels, its status or its assignee change.
    """
    return finds(_query_of(filters, reader), completion_id, with_marks=not is_open)


def results_beside(request: Request, completion_id: str, filters: dict[str, str]) -> dict[str, Any]:
    """Return the rows around a conversation, or those further up or down, and the URLs of the next ones."""
    return rows_around(request, _query_of_list(request, filters), filters, completion_id)


def rows_around(
    request: Request, query: Query, filters: dict[str, str], completion_id: str, size: int = _SHOWN
) -> dict[str, Any]:
    """Return the rows of a query around a conversation, or so many further up or down. The URLs keep the filters."""
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    sides = {"earlier": 0 if after else size, "later": 0 if before else size}
    window = results_around(query, search_order_of(filters, query), after or before or completion_id, **sides)
    groups = window.groups
    if after or before:
        groups = tuple(group for group in groups if group.completion.id not in (after, before))
    keys = identity_keys()
    rows = mark_rows((row_of(group, keys, query) for group in groups), request.user.pk)
    has_above = window.has_earlier and not (request.htmx and after)
    has_below = window.has_later and not (request.htmx and before)
    return {
        "rows": rows,
        "above_url": with_query(request.path, filters | {"before": rows[0].id}) if rows and has_above else "",
        "below_url": with_query(request.path, filters | {"after": rows[-1].id}) if rows and has_below else "",
    }


def next_result(
    request: Request, completion_id: str, filters: dict[str, str], direction: Literal["next", "previous"]
) -> str | None:
    """Return the URL of the next or previous result: "" at the end, None if the conversation is no result."""
    return _next_url(_query_of_list(request, filters), filters, completion_id, is_next=direction == "next")


def next_unseen(completion_id: str, filters: dict[str, str], reader: int) -> str:
    """Return the URL of the next result that the reader has not seen, else of the first one; "" if there is none.

    Without a conversation to go on from it is the first one.
    """
    query = read_query(filters.get("q", ""), reader)
    if query.is_seen is not False:
        query = read_query(with_operator(query, "seen", "no"), reader)
    if completion_id and (url := _next_url(query, filters, completion_id, is_next=True)):
        return url
    first = search(query, order=search_order_of(filters, query)).groups
    return next((_url_of(group, query) for group in first if group.completion.id != completion_id), "")


def begin_list(request: Request) -> None:
    """Remember when a list of what was seen, or not, was shown: what is opened from it stays in it."""
    request.session.keep("seen_until", timezone.now().isoformat())


def _query_of_list(request: Request, filters: dict[str, str]) -> Query:
    """Return the query of the list that a person works through, as it was when the list was shown."""
    query = _query_of(filters, request.user.pk)
    shown = request.session.get("seen_until", "")
    return replace(query, seen_until=datetime.fromisoformat(shown)) if shown else query


def _query_of(filters: dict[str, str], reader: int) -> Query:
    if filters.get("q"):
        return read_query(filters["q"], reader)
    return query_of(identity_keys().customer, filters["customer"], reader)


def _next_url(query: Query, filters: dict[str, str], completion_id: str, *, is_next: bool) -> str | None:
    sides = {"earlier": 0 if is_next else 1, "later": 1 if is_next else 0}
    window = results_around(query, search_order_of(filters, query), completion_id, **sides)
    if window.index < 0:
        return None
    position = window.index + (1 if is_next else -1)
    return _url_of(window.groups[position], query) if 0 <= position < len(window.groups) else ""


def _url_of(group: Group, query: Query) -> str:
    return build_hit(group.completion, group.hits[0], query).url if group.hits else url_of(group.completion.id, "")
