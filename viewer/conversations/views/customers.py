"""The page of a customer, and the way in for other software."""

from __future__ import annotations

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from viewer.archive.customers import ids_with
from viewer.archive.identity_keys import identity_keys
from viewer.archive.search.query import read_query, with_operator
from viewer.archive.search.results import search
from viewer.conversations.customer import customer_url, other_url
from viewer.conversations.filters import list_url, with_query
from viewer.conversations.hits import row_of
from viewer.conversations.list_frame import list_frame
from viewer.conversations.rows import mark_new
from viewer.rendering.places import url_of
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment


@require_safe
def customer(request: Request, value: str) -> HttpResponse:
    """Show all conversations of a customer, the newest first; if no key names customers, what mentions the value."""
    keys = identity_keys()
    if not keys.customer:
        return redirect(list_url({"q": value}))
    text = with_operator(read_query(""), f"meta.{keys.customer}", value)
    results = search(read_query(text, request.user.pk), after=request.GET.get("after", ""))
    url = customer_url(value)
    context = {
        "customer": value,
        "customer_key": keys.customer,
        "other_url": other_url(keys.customer, value, keys),
        "rows": mark_new((row_of(group, keys) for group in results.groups), request.user.pk),
        "is_by_day": True,
        "overview": results.overview,
        "below_url": with_query(url, {"after": results.cursor}) if results.cursor else "",
        "starts_here": "after" not in request.GET,
        "ends_here": not results.cursor,
        "first_url": url,
    }
    if not request.htmx:
        context |= list_frame(request, {"q": text})
    return page_or_fragment(request, "conversations/customer.html", "conversations/_rows.html", context)


@require_safe
def go(request: Request) -> HttpResponse:
    """Open the conversation that has some metadata, for links from other software; of several, list them.

    `customer` and `ticket` stand for the keys of the settings, unless the archive has keys of these names. What is in
    no metadata is searched for in the messages.
    """
    keys = identity_keys()
    names = {"customer": keys.customer, "ticket": keys.ticket}
    pairs = {names.get(name) or name: str(value).strip() for name, value in request.GET.items() if str(value).strip()}
    if not pairs:
        notices.error(request, gettext("The link names nothing to open. It must end like ?ticket=TK-7719."))
        return redirect("completions")
    found = ids_with(pairs, 2)
    if len(found) == 1:
        return redirect(url_of(found[0], ""))
    if found and [*pairs] == [keys.customer]:
        return redirect(customer_url(pairs[keys.customer]) or list_url({"q": _operators(pairs)}))
    return redirect(list_url({"q": _operators(pairs) if found else _words(pairs)}))


def _operators(pairs: dict[str, str]) -> str:
    text = ""
    for key, value in pairs.items():
        text = with_operator(read_query(text), f"meta.{key}", value)
    return text


def _words(pairs: dict[str, str]) -> str:
    return " ".join(pairs.values())
