"""Who a conversation is with: customer, ticket, channel, where they lead, and what else the customer talked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from viewer.archive.customers import Visit, history_of
from viewer.archive.identity_keys import IdentityKeys
from viewer.completions.ids import has_address
from viewer.completions.types import Completion
from viewer.deployment.metadata_urls import fill

from .filters import MAX_PAIR_IN_URL, customer_url, list_url

_OUTCOMES = {
    "refusal": gettext_noop("Refusal"),
    "error": gettext_noop("Tool errors"),
    "cut-off": gettext_noop("Cut off"),
}
_SIDE = 3  # conversations shown before and after the open one


@dataclass(frozen=True, slots=True)
class Site:
    """Where a value leads in other software."""

    url: str
    host: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A metadata pair: the URL of the list that shares it, if there is one, and whether it says who it is."""

    name: str
    value: str
    url: str
    other: Site | None
    is_identity: bool


@dataclass(frozen=True, slots=True)
class VisitView:
    """A conversation in the history of a customer."""

    id: str
    url: str
    created: datetime | None
    title: str
    outcome: str  # empty if it went well
    is_open: bool = False  # the one on the page


def build_metadata(metadata: Mapping[str, str], keys: IdentityKeys) -> list[Fact]:
    """Link each pair to the list of completions that share it, the customer to their page; too long ones are not."""
    identity = (keys.customer, keys.ticket, keys.channel)
    return [
        Fact(key, value, _url_of(key, value, keys), other_site(key, value, keys), key in identity)
        for key, value in metadata.items()
    ]


def _url_of(key: str, value: str, keys: IdentityKeys) -> str:
    if len(key) + len(value) > MAX_PAIR_IN_URL:
        return ""
    return (key == keys.customer and customer_url(value)) or list_url({f"metadata[{key}]": value})


def other_site(key: str, value: str, keys: IdentityKeys) -> Site | None:
    """Return where a value leads in other software, by the settings."""
    patterns = {keys.customer: settings.CUSTOMER_URL, keys.ticket: settings.TICKET_URL} | settings.METADATA_URLS
    url = fill(patterns.get(key, ""), value)
    return Site(url, urlsplit(url).hostname or "") if url else None


def build_history(completion: Completion, keys: IdentityKeys, reader: int) -> dict[str, Any]:
    """Return the conversations of the same customer around this one, from the archive; empty if there are no others."""
    value = completion.metadata.get(keys.customer, "")
    if not value:
        return {}
    history = history_of((keys.customer, value), completion.id, _SIDE, reader)
    if not (history.later or history.earlier):
        return {}
    here = VisitView(completion.id, "", completion.created, gettext("This conversation"), "", is_open=True)
    later, earlier = ([_view(visit) for visit in side] for side in (history.later, history.earlier))
    return {
        "history": [*later, here, *earlier],
        "history_count": history.count,
        "history_url": customer_url(value),
        "later_of_customer": later[-1].url if later else "",
        "earlier_of_customer": earlier[0].url if earlier else "",
    }


def _outcome(contents: Mapping[str, int]) -> str:
    """Name what went wrong in a conversation."""
    return ", ".join(gettext(words) for kind, words in _OUTCOMES.items() if contents.get(kind))


def _view(visit: Visit) -> VisitView:
    summary = visit.summary
    return VisitView(
        id=visit.id,
        url=reverse("conversation", args=[visit.id]) if has_address(visit.id) else "",
        created=visit.created,
        title=(summary.question if summary else "") or visit.id,
        outcome=_outcome(summary.contents) if summary else "",
    )
