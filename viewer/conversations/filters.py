"""A list of completions: what it is narrowed to, in an address, in words and in the memory of where a reader came from,
and the stretch of it that one answer shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from viewer.client.client import Client, Order, Window, opposite
from viewer.client.problems import Problem
from viewer.completions.types import Completion, Unreadable
from viewer.web.request import Request, page_before

_PARAMETERS = ("model", "order")
_LONGEST_IN_ADDRESS = 1_000  # characters of a pair; OpenAI takes 64 and 512
_METADATA = re.compile(r"metadata\[(.+)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and a value with an address: a filter with the list without it, or metadata with the list of its like."""

    name: str
    value: str
    url: str


def narrowed_by(query: QueryDict) -> dict[str, str]:
    """Read what a list is narrowed to; anything else in the address, such as the page, is left aside."""
    given = {name: str(value) for name, value in query.items() if value or name not in _PARAMETERS}
    return {name: value for name, value in given.items() if name in _PARAMETERS or _METADATA.fullmatch(name)}


def came_from(request: Request) -> dict[str, str]:
    """Give what the reader's list was narrowed to: by the page that led here, else as this session remembers.

    It stands in no permalink, so a colleague who gets one does not get the filter with it.
    """
    page = urlsplit(page_before(request))
    if page.path == reverse("completions"):
        remember(request, narrowed_by(QueryDict(page.query)))
    kept: dict[str, str] = request.session.get("list", {})
    return kept


def remember(request: Request, narrowed: dict[str, str]) -> None:
    """Keep a list as the one the reader came from."""
    if request.session.get("list", {}) != narrowed:
        request.session.keep("list", narrowed)


def stretch_of(client: Client, narrowed: dict[str, str], place: QueryDict, around: str = "") -> Window[Completion]:
    """Ask for the rows behind `after` or before `before`, for those around a completion, or for the first."""
    model, metadata, order = narrowed.get("model", ""), metadata_of(narrowed), order_of(narrowed)
    after, before = place.get("after", ""), place.get("before", "")
    if before:
        page = client.completions(model=model, metadata=metadata, after=before, order=opposite(order))
        return Window(page.items[::-1], page.has_more, True)
    if around and not after:
        try:
            return client.completions_around(around, model=model, metadata=metadata, order=order)
        except Problem as problem:
            if problem.name != "bad-request":
                raise  # else the completion is not in the list, which is shown from its start
    page = client.completions(model=model, metadata=metadata, after=after, order=order)
    return Window(page.items, bool(after), page.has_more)


def ways_from(request: Request, window: Window[Completion], narrowed: dict[str, str]) -> dict[str, str | bool]:
    """Say where the list goes on above and below; a fragment goes on at its own end, the page has the other."""
    first, last = (window.items[0].id, window.items[-1].id) if window.items else ("", "")
    has_above = window.has_earlier and not (request.htmx and "after" in request.GET)
    has_below = window.has_later and not (request.htmx and "before" in request.GET)
    return {
        "above_url": with_query(request.path, narrowed | {"before": first}) if has_above and first else "",
        "below_url": with_query(request.path, narrowed | {"after": last}) if has_below and last else "",
        "breaks_off": (has_above and not first) or (has_below and not last),  # there is more, and no id to go on from
    }


def order_of(narrowed: dict[str, str]) -> Order:
    return "asc" if narrowed.get("order") == "asc" else "desc"


def metadata_of(narrowed: dict[str, str]) -> dict[str, str]:
    """Give the metadata pairs that must match, by their keys."""
    return {pair[1]: value for name, value in narrowed.items() if (pair := _METADATA.fullmatch(name))}


def has_pairs(item: Completion | Unreadable, pairs: dict[str, str]) -> bool:
    """Check the filter again: some servers ignore it (docs/api-facts.md#completions), and a wrong row misleads."""
    return isinstance(item, Unreadable) or pairs.items() <= item.metadata.items()


def holds(narrowed: dict[str, str], completion: Completion) -> bool:
    """Whether a completion is in a list at all, as far as it tells itself."""
    model = narrowed.get("model", completion.model)
    return completion.model == model and has_pairs(completion, metadata_of(narrowed))


def filters(narrowed: dict[str, str]) -> list[Pair]:
    """Name each filter, with the address of the list without it."""
    labels = {
        name: (pair[1] if (pair := _METADATA.fullmatch(name)) else gettext("Model"))
        for name in narrowed
        if name != "order"
    }
    return [Pair(label, narrowed[name], list_url(without(narrowed, name))) for name, label in labels.items()]


def metadata_links(metadata: dict[str, str]) -> list[Pair]:
    """Give each pair of a completion with the list of its like; no address where it would be too long for one."""
    return [
        Pair(key, value, list_url({f"metadata[{key}]": value}) if len(key) + len(value) <= _LONGEST_IN_ADDRESS else "")
        for key, value in metadata.items()
    ]


def without(narrowed: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in narrowed.items() if key != name}


def list_url(narrowed: dict[str, str]) -> str:
    return with_query(reverse("completions"), narrowed)


def with_query(address: str, asked: dict[str, str]) -> str:
    return f"{address}?{urlencode(asked)}" if asked else address
