"""The results of a search as a list to work through: those beside a conversation, the next and the previous one."""

from __future__ import annotations

from typing import Any, Literal

from viewer.archive.identity_keys import identity_keys
from viewer.archive.search.query import read_query
from viewer.archive.search.results import Window, finds, results_around
from viewer.conversations.filters import search_order_of, with_query
from viewer.conversations.hits import build_hit, row_of
from viewer.rendering.places import url_of
from viewer.web.request import Request

_SHOWN = 12  # results on each side of the conversation, and on each further page


def is_result(filters: dict[str, str], completion_id: str) -> bool:
    """Whether the search of a list finds a conversation."""
    return finds(read_query(filters["q"]), completion_id)


def results_beside(request: Request, completion_id: str, filters: dict[str, str]) -> dict[str, Any]:
    """Return the rows around a conversation, or those further up or down, and the URLs of the next ones."""
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    window = _window(
        filters, after or before or completion_id, earlier=0 if after else _SHOWN, later=0 if before else _SHOWN
    )
    groups = window.groups
    if after or before:
        groups = tuple(group for group in groups if group.completion.id not in (after, before))
    keys = identity_keys()
    rows = [row_of(group, keys) for group in groups]
    has_above, has_below = window.has_earlier and not after, window.has_later and not before
    return {
        "rows": rows,
        "above_url": with_query(request.path, filters | {"before": rows[0].id}) if rows and has_above else "",
        "below_url": with_query(request.path, filters | {"after": rows[-1].id}) if rows and has_below else "",
    }


def next_result(completion_id: str, filters: dict[str, str], direction: Literal["next", "previous"]) -> str | None:
    """Return the URL of the next or previous result: "" at the end, None if the conversation is no result."""
    is_next = direction == "next"
    window = _window(filters, completion_id, earlier=0 if is_next else 1, later=1 if is_next else 0)
    if window.index < 0:
        return None
    position = window.index + (1 if is_next else -1)
    if not 0 <= position < len(window.groups):
        return ""
    group = window.groups[position]
    return build_hit(group.completion, group.hits[0]).url if group.hits else url_of(group.completion.id, "")


def _window(filters: dict[str, str], completion_id: str, *, earlier: int, later: int) -> Window:
    query = read_query(filters["q"])
    return results_around(query, search_order_of(filters, query), completion_id, earlier=earlier, later=later)
