"""The page that searches the archive. An id or a URL opens its conversation instead.

It uses the archive directly, not through a source, because other servers have no search.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop, pgettext
from django.views.decorators.http import require_safe

from viewer.archive.customers import pair_of
from viewer.archive.identity_keys import identity_keys
from viewer.archive.search.overview import Facet, Overview
from viewer.archive.search.query import HAS, Query, read_query, with_operator
from viewer.archive.search.reading import Group
from viewer.archive.search.results import Results, results_around, search
from viewer.archive.search.snippets import Snippet
from viewer.archive.search.suggestions import Suggestion, correction, suggest
from viewer.conversations.filter_choices import name_in_words, value_in_words
from viewer.conversations.filters import SEARCH_ORDERS, parse_filters, search_order_of
from viewer.conversations.hits import HitView, build_hit
from viewer.conversations.list_frame import list_frame
from viewer.conversations.recent import recent, remember
from viewer.conversations.results import begin_list
from viewer.conversations.rows import Row, build_row, mark_rows
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

from .palette import items_of
from .targets import is_id_or_url

_SHOWN = 20  # results on each side of the one to which the reader comes back
_OPERATORS = (
    ("refund TK-30582", gettext_noop("both, anywhere in the conversation, in any of their forms")),
    ('"late delivery"', gettext_noop("exactly these words, next to each other")),
    ("same: refund late", gettext_noop("all words in the same message")),
    ("refund OR voucher", gettext_noop("one of them")),
    ("refun*", gettext_noop("words that begin like this")),
    ("refund -voucher", gettext_noop("the first word without the second")),
    ("model:gpt-4o*", gettext_noop("by model, with or without its date")),
    ("meta.", gettext_noop("by metadata, key and value")),
    ("role:customer refund", gettext_noop("words of one speaker: customer, assistant, tools or prompts")),
    ("tool:lookup_order", gettext_noop("calls of a tool, and their results")),
    ("has:refusal", ", ".join(HAS)),
    ("after:2026-01-31 before:2026-03", gettext_noop("from this day on, and before this day, month or year")),
    ("after:7d", gettext_noop("in the last seven days, today included")),
    ("seen:no", gettext_noop("not yet seen by you; seen:yes for the others")),
    ("status:escalated", gettext_noop("by status: open, escalated, reviewed or none")),
    ("assignee:me", gettext_noop("assigned to you, to a colleague by name, or to nobody")),
    ("label:refund", gettext_noop("by a label of the team")),
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
class GroupView:
    """One conversation with its hits."""

    row: Row
    hits: tuple[HitView, ...]
    more: int
    more_url: str


@require_safe
def search_results(request: Request) -> HttpResponse:
    """Show the matching conversations of the archive with their messages, the best or the newest first."""
    text = request.GET.get("q", "").strip()
    if is_id_or_url(text, request.user.pk):
        return redirect(f"{reverse('open')}?{urlencode({'id': text})}")
    query = read_query(text, request.user.pk)
    order = search_order_of(parse_filters(request.GET), query)
    is_around = bool(request.GET.get("around"))
    if is_around:
        window = results_around(query, order, request.GET["around"], earlier=_SHOWN, later=_SHOWN)
        results = Results(window.groups)
    else:
        results = search(query, order=order, after=request.GET.get("after", ""))
    params = {"q": query.text} | ({"order": order} if "order" in request.GET else {})
    suggestions = [] if results.groups or not results.overview else suggest(query)
    if "typed" not in request.GET and not request.htmx and (corrected := correction(suggestions)):
        return redirect(_url(params | {"q": corrected.query, "typed": query.text}))
    typed = request.GET.get("typed", query.text)
    context = {
        "query": query,
        "search_text": query.text,
        "order": order,
        "groups": _mark_rows(_build_groups(results.groups, params, query), request.user.pk),
        "is_around": is_around,
        "overview": results.overview,
        "facets": _facet_links(results.overview, params),
        "suggestions": _suggestion_links(suggestions, params),
        "typed": typed if typed != query.text else "",
        "typed_url": _url({"q": typed, "typed": typed}),
        "later_url": _url(params | {"after": results.cursor}) if results.cursor else "",
        "starts_here": results.overview is not None or query.is_empty,
        "first_url": _url(params),
        "order_urls": {name: _url({"q": query.text, "order": name}) for name in SEARCH_ORDERS},
        "can_rank": bool(query.wanted),
        "is_by_day": order != "best",
        "with_prompts_url": _url(params | {"q": f"{query.text} role:all"}),
        "examples": _examples(),
    }
    if not request.htmx:
        context |= list_frame(request, params, is_empty=not (results.groups or results.cursor))
        context["has_seen_all"] = query.text == "seen:no"
        if query.is_seen is not None:
            begin_list(request)
        if context["groups"] and query.terms:
            remember(request, "searches", query.text)
    return page_or_fragment(request, "search/search.html", "search/_found.html", context)


@require_safe
def palette(request: Request) -> HttpResponse:
    """Show what a text leads to: on a page of its own, or for the dialog."""
    text = request.GET.get("text", "").strip()
    groups = items_of(text, request.user, recent(request, "opened"), recent(request, "searches"))
    context = {"text": text, "groups": groups}
    fragment = "search/_palette_items.html" if "text" in request.GET else "search/_palette.html"
    return page_or_fragment(request, "search/palette.html", fragment, context)


def _examples() -> list[Link]:
    """Return a link for each operator; that of metadata with a pair of this archive."""
    keys = identity_keys()
    pair = pair_of(keys.customer or keys.ticket)
    texts = {"meta.": with_operator(read_query(""), f"meta.{pair[0]}", pair[1]) if pair else ""}
    return [
        Link(text, gettext(meaning), _url({"q": text}))
        for text, meaning in ((texts.get(example, example), meaning) for example, meaning in _OPERATORS)
        if text
    ]


def _build_groups(groups: Iterable[Group], params: dict[str, str], query: Query) -> Iterable[GroupView]:
    """Build the view of each conversation. A text that stood further up is shown again only within one conversation."""
    shown: set[Snippet] = set()
    keys = identity_keys()
    for group in groups:
        hits = list[HitView]()
        for hit in group.hits:
            is_repeated = bool(hit.snippet) and hit.snippet in shown and not query.within
            shown.add(hit.snippet)
            if not (is_repeated and hits):  # the first stays as a link
                hits.append(replace(build_hit(group.completion, hit, query), is_repeated=is_repeated))
        yield GroupView(
            row=build_row(group.completion, group.summary, keys),
            hits=tuple(hits),
            more=group.more,
            more_url=_url(params | {"q": f"{params['q']} id:{group.completion.id}"}),
        )


def _mark_rows(groups: Iterable[GroupView], person_id: int) -> list[GroupView]:
    groups = list(groups)
    rows = mark_rows((group.row for group in groups), person_id)
    return [replace(group, row=row) for group, row in zip(groups, rows, strict=True)]


def _facet_links(overview: Overview | None, params: dict[str, str]) -> list[tuple[str, list[Link]]]:
    """Return the facets in rows, each with its title."""
    if overview is None:
        return []
    rows = (
        (gettext("Who said it"), overview.speakers),
        (gettext("Contains"), overview.kinds),
        (gettext("When"), overview.days),
        (gettext("Details"), overview.facets),
    )
    return [(title, [_facet_link(facet, params) for facet in facets]) for title, facets in rows if facets]


def _facet_link(facet: Facet, params: dict[str, str]) -> Link:
    name, value = name_in_words(facet.name), facet.value
    if facet.name in ("role", "has"):
        name, value = "", value_in_words(facet.name, value)
    elif facet.name in ("day", "month"):
        pattern = pgettext("day", "j M Y") if facet.name == "day" else "F Y"
        name, value = "", date_format(date.fromisoformat(value), pattern)
    return Link(name, value, _url(params | {"q": facet.query}), facet.count)


def _suggestion_links(suggestions: list[Suggestion], params: dict[str, str]) -> list[Link]:
    labels = {
        "spelling": gettext("With the word %(changed)s"),
        "without": gettext("Without %(changed)s"),
        "only": gettext("Only %(changed)s"),
        "prompts": gettext("In prompts and tool definitions as well"),
        "apart": gettext("With the words anywhere in the conversation"),
    }
    return [
        Link(labels[each.kind] % {"changed": each.changed}, each.query, _url(params | {"q": each.query}), each.count)
        for each in suggestions
    ]


def _url(params: dict[str, str]) -> str:
    return f"{reverse('search')}?{urlencode(params)}"
