"""The list of conversations: the page, and the rows beside an open conversation."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from viewer.archive.models import StoredCompletion
from viewer.conversations.filters import (
    as_search,
    has_results,
    list_url,
    order_of,
    parse_filters,
    without,
)
from viewer.conversations.list_frame import list_frame
from viewer.conversations.results import results_beside
from viewer.conversations.row_pages import pager_links, read_rows
from viewer.sources.problem_texts import describe
from viewer.sources.sources import SourceProblem, chosen_source
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment


@require_safe
def completions(request: Request) -> HttpResponse:
    """List completions, newest or oldest first; those of a server filtered by model and metadata, as its API can.

    The archive is filtered by its search, which can do more.
    """
    if "key" in request.GET or "value" in request.GET:
        return redirect(list_url(_with_pair(request)))
    filters = without(without(parse_filters(request.GET), "q"), "customer")
    source = chosen_source(request)
    if source.is_archive and not request.htmx and (search := as_search(filters)):
        return redirect(list_url(search))
    source.note_on(request)
    page = read_rows(request, source, filters, request.GET.get("around", ""))
    context: dict[str, Any] = {
        "rows": page.rows,
        "ignores_metadata": page.ignores_metadata,
        "source": source,
        "order": order_of(filters),
        **pager_links(request, page, filters),
        "starts_here": not page.has_earlier,
        "ends_here": not page.has_later,
        "first_url": list_url(filters),
        "newest_url": list_url(without(filters, "order")),
        "oldest_url": list_url(filters | {"order": "oldest"}),
    }
    if not request.htmx:
        context |= list_frame(request, filters, is_empty=page.is_empty)
        if source.is_archive and not without(filters, "order"):
            count = page.count
            context["count"] = StoredCompletion.objects.count_visible(request.user.pk) if count is None else count
    return page_or_fragment(request, "conversations/list.html", "conversations/_rows.html", context)


@require_safe
def sidebar(request: Request, completion_id: str) -> HttpResponse:
    """Show the rows around a conversation in the list that it was opened from, or the next ones above or below."""
    filters = parse_filters(request.GET)
    if not request.htmx:
        return redirect(list_url(filters))
    if has_results(filters):
        context = {
            "completion_id": completion_id,
            "list_url": list_url(filters),
            **results_beside(request, completion_id, filters),
        }
        return render(request, "conversations/_sidebar.html", context)
    source = chosen_source(request)
    source.note_on(request)
    try:
        page = read_rows(request, source, filters, completion_id)
    except SourceProblem as failure:
        problem = describe(failure.problem, source.label, is_of_list=True)
        context = {"problem": problem, "source": source, "retry_url": request.get_full_path()}
        return render(request, "conversations/_sidebar.html", context, status=problem.status)
    context = {
        "completion_id": completion_id,
        "rows": page.rows,
        "list_url": list_url(filters),
        **pager_links(request, page, filters),
    }
    return render(request, "conversations/_sidebar.html", context)


def _with_pair(request: Request) -> dict[str, str]:
    """Turn the form's key and value fields into the single parameter of the API."""
    ignored = ("key", "value", "after")
    query = {name: str(value) for name, value in request.GET.items() if value and name not in ignored}
    if key := request.GET.get("key", "").strip():
        query[f"metadata[{key}]"] = request.GET.get("value", "").strip()
    return query
