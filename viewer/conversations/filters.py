"""List filters (parse, label, remember) and one page of the list."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from django.http import QueryDict
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext

from viewer.archive.identity_keys import identity_keys
from viewer.archive.search.query import Query, read_query, with_operator
from viewer.archive.search.results import Order as SearchOrder
from viewer.client.client import Client, Order, Window, opposite
from viewer.client.problems import Problem
from viewer.completions.types import Completion, Unreadable
from viewer.sources.sources import Source, archive_of, chosen_source
from viewer.web.request import Request, page_before

_PARAMETERS = ("model", "order", "q", "customer")  # `q` is a search, `customer` a page; the others filter the list
_OLD_ORDERS = {"asc": "oldest", "desc": "newest"}  # of the list, in links that people may have kept
SEARCH_ORDERS: dict[str, SearchOrder] = {"newest": "newest", "oldest": "oldest", "best": "best"}
_METADATA = re.compile(r"metadata\[(.+)\]", re.DOTALL)
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.{1,2}(?:/|$)")
MAX_PAIR_IN_URL = 1_000  # characters of a metadata pair; OpenAI takes 64 and 512
_MAX_LISTS = 20  # that the session remembers


@dataclass(frozen=True, slots=True)
class Pair:
    """A filter in words, with the URL of the list without it."""

    name: str
    value: str
    url: str


def parse_filters(query: QueryDict) -> dict[str, str]:
    """Read the filters from a query; everything else in it, such as the cursor, is ignored."""
    params = {name: str(value) for name, value in query.items() if value or name not in _PARAMETERS}
    filters = {name: value for name, value in params.items() if name in _PARAMETERS or _METADATA.fullmatch(name)}
    if "order" in filters:
        filters["order"] = _OLD_ORDERS.get(filters["order"], filters["order"])
    return filters


def last_filters(request: Request, completion_id: str) -> dict[str, str]:
    """Return the filters of the list that the reader opened a conversation from, and remember them.

    They are not part of a permalink, so a colleague who gets one does not get the filters with it.
    """
    filters = filters_before(request)
    save_filters(request, completion_id, filters)
    return filters


def filters_before(request: Request) -> dict[str, str]:
    """Return the filters of the list that the previous page is, or that it was opened from.

    So two tabs with two lists do not disturb each other. Without a previous page it is the list that was worked through
    last.
    """
    page = urlsplit(page_before(request))
    name, values = _view_of(page.path)
    if name in ("completions", "search"):
        return parse_filters(QueryDict(page.query))
    if name == "customer":
        return {"customer": values["value"]}
    lists: dict[str, dict[str, str]] = request.session.get("lists", {})
    return lists.get(values.get("completion_id", ""), next(reversed(lists.values()), {}))


def was_open(request: Request, completion_id: str) -> bool:
    """Whether the previous page is one of this conversation, such as a form on which it was changed."""
    return _view_of(urlsplit(page_before(request)).path)[1].get("completion_id") == completion_id


def _view_of(path: str) -> tuple[str, dict[str, Any]]:
    """Return the name of the view that shows a path, and the values in the path."""
    with suppress(Resolver404):
        match = resolve(unquote(path))
        return match.url_name or "", match.kwargs
    return "", {}


def save_filters(request: Request, completion_id: str, filters: dict[str, str]) -> None:
    """Remember in the session from which list the reader opened a conversation."""
    lists: dict[str, dict[str, str]] = request.session.get("lists", {})
    if [*lists.items()][-1:] != [(completion_id, filters)]:
        others = [(name, value) for name, value in lists.items() if name != completion_id]
        request.session.keep("lists", dict([*others[1 - _MAX_LISTS :], (completion_id, filters)]))


def source_of(request: Request, filters: dict[str, str]) -> Source:
    """Return the source of a list: of a customer it is always the archive."""
    return archive_of(request) if "customer" in filters else chosen_source(request)


def has_results(filters: dict[str, str]) -> bool:
    """Whether a list is one of results: those of a search, or the conversations of a customer."""
    return bool(filters.get("q")) or "customer" in filters


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


def search_order_of(filters: dict[str, str], query: Query) -> SearchOrder:
    """Return the order of a search: the one asked for, else the best first if there are words to rank by."""
    asked = filters.get("order", "")
    return SEARCH_ORDERS.get(asked) or ("best" if query.wanted else "newest")


def order_of(filters: dict[str, str]) -> Order:
    """Return the order of a list as the API names it."""
    return "asc" if filters.get("order") == "oldest" else "desc"


def metadata_of(filters: dict[str, str]) -> dict[str, str]:
    """Return the metadata pairs that must match."""
    pairs = {pair[1]: value for name, value in filters.items() if (pair := _METADATA.fullmatch(name))}
    if "customer" in filters and (key := identity_keys().customer):
        pairs[key] = filters["customer"]
    return pairs


def matches_metadata(item: Completion | Unreadable, pairs: dict[str, str]) -> bool:
    """Check the filter again: some servers ignore it (docs/api-facts.md#completions), and a wrong row misleads."""
    return isinstance(item, Unreadable) or pairs.items() <= item.metadata.items()


def matches(filters: dict[str, str], completion: Completion) -> bool:
    """Whether a completion matches the filters, as far as its own fields tell."""
    if has_results(filters):  # `results.is_result` says whether it is one
        return True
    model = filters.get("model", completion.model)
    return completion.model == model and matches_metadata(completion, metadata_of(filters))


def filter_labels(filters: dict[str, str]) -> list[Pair]:
    """Label each filter, with the URL of the list without it."""
    if filters.get("q"):
        return []
    labels = {name: _label(name) for name in filters if name not in ("order", "q")}
    return [Pair(label, filters[name], list_url(without(filters, name))) for name, label in labels.items()]


def _label(name: str) -> str:
    if name == "customer":
        return identity_keys().customer
    return pair[1] if (pair := _METADATA.fullmatch(name)) else gettext("Model")


def as_search(filters: dict[str, str]) -> dict[str, str]:
    """Turn model and metadata filters into a search.

    Nothing if there are none, if a search cannot say them, or if the list is a search already.
    """
    if filters.get("q"):
        return {}
    pairs = [("model", filters["model"])] if "model" in filters else []
    pairs += [(f"meta.{key}", value) for key, value in metadata_of(filters).items()]
    query = read_query("")
    for name, value in pairs:
        query = read_query(with_operator(query, name, value))
    if len(query.operators) != len(pairs):  # a key is empty, or all of it is too long
        return {}
    return {"q": query.text} | order_alone(filters) if pairs else {}


def order_alone(filters: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in filters.items() if name == "order"}


def without(filters: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in filters.items() if key != name}


def with_search(filters: dict[str, str], text: str) -> dict[str, str]:
    """Return the filters with another search, or without one if its text is empty."""
    return filters | {"q": text} if text else without(filters, "q")


def without_operators(query: Query, *names: str) -> str:
    """Return the text of a query without its operators: without all of them, or those with these names."""
    while found := next((one for one in query.operators if not names or one.name in names), None):
        query = read_query(found.rest, query.reader)
    return query.text


def customer_url(value: str) -> str:
    """Return the URL of a customer's page; empty if the value cannot be part of one: browsers follow dots upwards."""
    is_fit = 0 < len(value) <= MAX_PAIR_IN_URL and not _UNFIT.search(value)
    return reverse("customer", args=[value]) if is_fit else ""


def list_url(filters: dict[str, str]) -> str:
    """Return the URL of a list: of a search if the filters have one, of a customer's page if they are of one."""
    if "customer" in filters and not filters.get("q"):
        return customer_url(filters["customer"]) or list_url(as_search(filters))
    return with_query(reverse("search" if filters.get("q") else "completions"), filters)


def with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url
