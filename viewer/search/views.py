"""The page that searches the archive. An id or a URL opens its conversation instead.

It uses the archive directly, not through a source, because other servers have no search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from viewer.archive.api import is_stored
from viewer.archive.search_query import HAS, read_query
from viewer.archive.searching import MAX_COUNTED, Group, Hit, Order, search
from viewer.archive.snippets import Snippet
from viewer.completions.types import Completion
from viewer.conversations.filters import with_query
from viewer.conversations.rows import Row, build_row
from viewer.rendering.places import name_of_answer, place_of_answer, url_of
from viewer.rendering.roles import role_label
from viewer.rendering.titles import first_question
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

# The path of our URLs, and OpenAI's prefixes of ids.
_ID_OR_URL = re.compile(r"\S*/completions/\S+|(?:chatcmpl-|msg_)\S+")
_OPERATORS = (
    ("refund order", gettext_noop("both words in the same message")),
    ('"late delivery"', gettext_noop("these words next to each other")),
    ("refun*", gettext_noop("words that begin like this")),
    ("refund -voucher", gettext_noop("the first word without the second")),
    ("model:gpt-4.1", gettext_noop("by model, with or without its date")),
    ("meta.customer_id:cus_20933", gettext_noop("by metadata, key and value")),
    ("role:user", gettext_noop("by speaker: user (the customer), assistant, system or tool")),
    ("tool:lookup_order", gettext_noop("calls of a tool, and their results")),
    ("has:refusal", ", ".join(HAS)),
    ("after:2026-01-31 before:2026-03", gettext_noop("from this day on, and before this day, month or year")),
    ("id:chatcmpl-9", gettext_noop("within one conversation or message")),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another search."""

    name: str
    value: str
    url: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class HitView:
    """One hit: the role or the kind of field, its URL, and a snippet with the words."""

    message_id: str
    label: str
    url: str
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class GroupView:
    """One conversation with its hits."""

    row: Row
    hits: tuple[HitView, ...]
    more: int
    more_is_capped: bool
    more_url: str


@require_safe
def search_results(request: Request) -> HttpResponse:
    """Show the matching messages of the archive, by conversation, the newest or the best first."""
    text = request.GET.get("q", "").strip()
    if text and not re.search(r"\s", text) and (_ID_OR_URL.fullmatch(text) or is_stored(text)):
        return redirect(f"{reverse('open')}?{urlencode({'id': text})}")
    query = read_query(text)
    order: Order = "best" if request.GET.get("order") == "best" else "newest"
    results = search(query, order=order, after=request.GET.get("after", ""))
    params = {"q": query.text} | ({"order": order} if order == "best" else {})
    overview, leave_out = results.overview, gettext("not")
    context = {
        "query": query,
        "order": order,
        "groups": list(_build_groups(results.groups, query.text)),
        "overview": overview,
        "most_counted": MAX_COUNTED,
        "facets": [
            Link(facet.name.removeprefix("meta."), facet.value, _url(params | {"q": facet.query}), facet.count)
            for facet in (overview.facets if overview else ())
        ],
        "operators": [
            Link(
                f"{leave_out} {operator.name}" if operator.is_excluded else operator.name,
                operator.value,
                _url(params | {"q": operator.rest}),
            )
            for operator in query.operators
        ],
        "later_url": _url(params | {"after": results.cursor}) if results.cursor else "",
        "is_first_page": overview is not None or query.is_empty,
        "newest_url": _url({"q": query.text}),
        "best_url": _url({"q": query.text, "order": "best"}),
        "examples": [Link(example, gettext(meaning), _url({"q": example})) for example, meaning in _OPERATORS],
    }
    return page_or_fragment(request, "search/search.html", "search/_found.html", context)


def _build_groups(groups: Iterable[Group], query_text: str) -> Iterable[GroupView]:
    for group in groups:
        completion_id = group.completion.id
        yield GroupView(
            row=build_row(group.completion, first_question(group.opening)),
            hits=tuple(_build_hit(group.completion, hit) for hit in group.hits),
            more=min(group.more, MAX_COUNTED),
            more_is_capped=group.more > MAX_COUNTED,
            more_url=_url({"q": f"{query_text} id:{completion_id}"}),
        )


def _build_hit(completion: Completion, hit: Hit) -> HitView:
    """Link to the message or the answer, or to the metadata pair in the panel.

    The page marks one text (`?find=`): the longest one that matched, as it is written there.
    """
    find = max((text for text, is_marked in hit.snippet if is_marked), key=len, default="")
    place, params = hit.message_id, {"find": find}
    if hit.message_id:
        label = gettext("Message") if hit.is_unread else role_label(hit.role)
    elif hit.answer is not None:
        label, place = name_of_answer(hit.answer, len(completion.choices)), place_of_answer(hit.answer)
    elif hit.pair:
        label, params = gettext("Metadata"), {"pair": hit.pair}
    elif hit.field:
        label, params = gettext("Other fields"), {"field": hit.field}
    else:
        label = gettext("Conversation")
    params = {name: value for name, value in params.items() if value}
    return HitView(hit.message_id, label, with_query(url_of(completion.id, place), params), hit.snippet)


def _url(params: dict[str, str]) -> str:
    return f"{reverse('search')}?{urlencode(params)}"
