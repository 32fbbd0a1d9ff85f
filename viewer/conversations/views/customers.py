"""The page of a customer, and the way in for other software."""

from __future__ import annotations

import re

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from viewer.archive.customers import count_with, ids_with, query_of
from viewer.archive.identity_keys import identity_keys, metadata_keys
from viewer.client.client import PAGE_SIZE
from viewer.conversations.customer import other_site
from viewer.conversations.filters import as_search, customer_url, list_url
from viewer.conversations.list_frame import list_frame
from viewer.conversations.results import rows_around
from viewer.rendering.places import url_of
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

_PLAIN = re.compile(r"\w[\w@.+/#-]*")  # one word, which is found in all its spellings


@require_safe
def customer(request: Request, value: str) -> HttpResponse:
    """Show all archived conversations of a customer, the newest first; without a key of customers, search the value."""
    keys = identity_keys()
    if not keys.customer:
        return redirect(list_url({"q": value}))
    filters = {"customer": value}
    query = query_of(keys.customer, value, request.user.pk)
    shown = rows_around(request, query, {}, request.GET.get("around", ""), PAGE_SIZE)
    context = {
        "customer": value,
        "customer_key": keys.customer,
        "other": other_site(keys.customer, value, keys),
        "count": count_with(keys.customer, value, request.user.pk),
        "search_url": list_url({"q": value}),
        "is_by_day": True,
        **shown,
        "starts_here": not shown["above_url"],
        "ends_here": not shown["below_url"],
        "first_url": request.path,
    }
    if not request.htmx:
        context |= list_frame(request, filters, is_empty=not shown["rows"])
    return page_or_fragment(request, "conversations/customer.html", "conversations/_rows.html", context)


@require_safe
def go(request: Request) -> HttpResponse:
    """Open the conversation that has some metadata, for links from other software; of several, list them.

    `customer` and `ticket` stand for the keys of the settings, unless the archive has keys of these names. Parameters
    that are no key, such as those of a campaign, are ignored. What is in no metadata is searched for in the messages.
    """
    asked = {name: str(value) for name, value in request.GET.items() if str(value).strip()}
    if not asked:
        notices.error(request, gettext("The link names nothing to open. It must end like ?ticket=TK-7719."))
        return redirect("completions")
    pairs = _pairs(asked)
    found = ids_with(pairs, 2, request.user.pk) if pairs else []
    if len(found) == 1:
        return redirect(url_of(found[0], ""))
    if found and [*pairs] == [identity_keys().customer] and (url := customer_url(*pairs.values())):
        return redirect(url)
    if found:
        return redirect(list_url(as_search({f"metadata[{key}]": value for key, value in pairs.items()})))
    return redirect(list_url({"q": " ".join(_quoted(value) for value in (pairs or asked).values())}))


def _pairs(asked: dict[str, str]) -> dict[str, str]:
    """Return the metadata that is asked for."""
    keys, known = identity_keys(), {*metadata_keys()}
    names = {"customer": keys.customer, "ticket": keys.ticket}
    pairs = {name if name in known else names.get(name, ""): value for name, value in asked.items()}
    return {key: value for key, value in pairs.items() if key}


def _quoted(value: str) -> str:
    """Return a value as words that stand next to each other, and never as an operator."""
    if _PLAIN.fullmatch(value.strip()):
        return value.strip()
    return '"' + " ".join(value.replace('"', " ").split()) + '"'
