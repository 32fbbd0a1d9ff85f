"""List filters (parse, label, remember) and one page of the list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from viewer.archive.search.query import Query, read_query, with_operator
from viewer.archive.search.results import Order as SearchOrder
from viewer.client.client import Client, Order, Window, opposite
from viewer.client.problems import Problem
from viewer.completions.types import Completion, Unreadable
from viewer.web.request import Request, page_before

_PARAMETERS = ("model", "order", "q")  # `q` is a search; the others filter the list
SEARCH_ORDERS: dict[str, SearchOrder] = {"newest": "newest", "oldest": "oldest", "best": "best"}
_METADATA = re.compile(r"metadata\[(.+)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pair:
    """A filter in words, with the URL of the list without it."""

    name: str
    value: str
    url: str


def parse_filters(query: QueryDict) -> dict[str, str]:
    """Read the filters from a query; everything else in it, such as the cursor, is ignored."""
    params = {name: str(value) for name, value in query.items() if value or name not in _PARAMETERS}
    return {name: value for name, value in params.items() if name in _PARAMETERS or _METADATA.fullmatch(name)}


def last_filters(request: Request) -> dict[str, str]:
    """Return the filters of the list that the reader came from: those of the previous page, else of the session.

    They are not part of a permalink, so a colleague who gets one does not get the filters with it.
    """
    page = urlsplit(page_before(request))
    if page.path in (reverse("completions"), reverse("search")):
        save_filters(request, parse_filters(QueryDict(page.query)))
    filters: dict[str, str] = request.session.get("list", {})
    return filters


def save_filters(request: Request, filters: dict[str, str]) -> None:
    """Remember in the session which list the reader came from."""
    if request.session.get("list", {}) != filters:
        request.session.keep("list", filters)


def fetch_page(client: Client, filters: dict[str, str], place: QueryDict, around: str = "") -> Window[Completion]:
    """Fetch the rows after or before a cursor, those around a completion, or the first."""
    model, metadata, order = filters.get("model", ""), metadata_of(filters), order_of(filters)
    after, before = place.get("after", ""), place.get("before", "")
    if before:
        page = client.completions(model=model, metadata=metadata, after=before, order=opposite(order))
        return Window(page.items[::-1], page.has_more, True)
    if around and not after:
        try:
            return client.completions_around(around, model=model, metadata=metadata, order=order)
        except Problem as problem:
            if problem.name != "bad-request":
                raise  # otherwise the completion is not in this list, which is shown from its start
    page = client.completions(model=model, metadata=metadata, after=after, order=order)
    return Window(page.items, bool(after), page.has_more)


def pager_links(request: Request, window: Window[Completion], filters: dict[str, str]) -> dict[str, str | bool]:
    """Return the URLs of the pages above and below. A fragment has only one; the page around it has the other."""
    first, last = (window.items[0].id, window.items[-1].id) if window.items else ("", "")
    has_above = window.has_earlier and not (request.htmx and "after" in request.GET)
    has_below = window.has_later and not (request.htmx and "before" in request.GET)
    return {
        "above_url": with_query(request.path, filters | {"before": first}) if has_above and first else "",
        "below_url": with_query(request.path, filters | {"after": last}) if has_below and last else "",
        "breaks_off": (has_above and not first) or (has_below and not last),  # more rows, but no id to continue from
    }


def search_order_of(filters: dict[str, str], query: Query) -> SearchOrder:
    """Return the order of a search: the one asked for, else the best first if there are words to rank by."""
    asked = filters.get("order", "")
    return SEARCH_ORDERS.get(asked) or ("best" if query.wanted else "newest")


def order_of(filters: dict[str, str]) -> Order:
    return "asc" if filters.get("order") == "asc" else "desc"


def metadata_of(filters: dict[str, str]) -> dict[str, str]:
    """Return the metadata pairs that must match."""
    return {pair[1]: value for name, value in filters.items() if (pair := _METADATA.fullmatch(name))}


def matches_metadata(item: Completion | Unreadable, pairs: dict[str, str]) -> bool:
    """Check the filter again: some servers ignore it (docs/api-facts.md#completions), and a wrong row misleads."""
    return isinstance(item, Unreadable) or pairs.items() <= item.metadata.items()


def matches(filters: dict[str, str], completion: Completion) -> bool:
    """Whether a completion matches the filters, as far as its own fields tell."""
    if filters.get("q"):  # `results.is_result` says whether the search finds it
        return True
    model = filters.get("model", completion.model)
    return completion.model == model and matches_metadata(completion, metadata_of(filters))


def filter_labels(filters: dict[str, str]) -> list[Pair]:
    """Label each filter, with the URL of the list without it."""
    if filters.get("q"):
        return []
    labels = {
        name: (pair[1] if (pair := _METADATA.fullmatch(name)) else gettext("Model"))
        for name in filters
        if name not in ("order", "q")
    }
    return [Pair(label, filters[name], list_url(without(filters, name))) for name, label in labels.items()]


def as_search(filters: dict[str, str]) -> dict[str, str]:
    """Turn model and metadata filters into a search; nothing if there are none, or if a search cannot say them."""
    pairs = [("model", filters["model"])] if "model" in filters else []
    pairs += [(f"meta.{key}", value) for key, value in metadata_of(filters).items()]
    query = read_query("")
    for name, value in pairs:
        query = read_query(with_operator(query, name, value))
    if len(query.operators) != len(pairs):  # a key is empty, or all of it is too long
        return {}
    order = {"order": "oldest"} if order_of(filters) == "asc" else {}
    return {"q": query.text} | order if pairs else {}


def without(filters: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in filters.items() if key != name}


def with_search(filters: dict[str, str], text: str) -> dict[str, str]:
    """Return the filters with another search, or without one if its text is empty."""
    return filters | {"q": text} if text else without(filters, "q")


def list_url(filters: dict[str, str]) -> str:
    """Return the URL of a list: of a search if the filters have one."""
    return with_query(reverse("search" if filters.get("q") else "completions"), filters)


def with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url
