"""The list of conversations: the page, and the rows beside an open conversation."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from viewer.client.problem_texts import tell
from viewer.conversations.filters import (
    filters,
    has_pairs,
    list_url,
    metadata_of,
    narrowed_by,
    order_of,
    stretch_of,
    ways_from,
    without,
)
from viewer.conversations.rows import draw_rows
from viewer.sources.sources import NoAnswer, chosen_source
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment


@require_safe
def completions(request: Request) -> HttpResponse:
    """The list of stored completions, narrowed by model and metadata, newest or oldest first."""
    if "key" in request.GET or "value" in request.GET:
        return redirect(list_url(_with_pair(request)))
    narrowed = narrowed_by(request.GET)
    model, metadata, order = narrowed.get("model", ""), metadata_of(narrowed), order_of(narrowed)
    source = chosen_source(request)
    with source.reading() as client:
        window = stretch_of(client, narrowed, request.GET, request.GET.get("around", ""))
    matching = tuple(item for item in window.items if has_pairs(item, metadata))
    rows = draw_rows(client, matching)
    context = {
        "rows": rows,
        "ignores_metadata": len(matching) < len(window.items),
        "source": source,
        "models": sorted({row.model for row in rows if row.model}),
        "model": model,
        "order": order,
        **ways_from(request, window, narrowed),
        "starts_here": not window.has_earlier,
        "ends_here": not window.has_later,
        "first_url": list_url(narrowed),
        "newest_url": list_url(without(narrowed, "order")),
        "oldest_url": list_url(narrowed | {"order": "asc"}),
        "filters": filters(narrowed),
        "hidden": [(name, value) for name, value in narrowed.items() if name != "model"],
    }
    return page_or_fragment(request, "conversations/list.html", "conversations/_rows.html", context)


@require_safe
def beside(request: Request, completion_id: str) -> HttpResponse:
    """The rows around a conversation in the list that it was opened from, or the next ones above or below them."""
    narrowed = narrowed_by(request.GET)
    if not request.htmx:
        return redirect(list_url(narrowed))
    source = chosen_source(request)
    try:
        with source.reading() as client:
            window = stretch_of(client, narrowed, request.GET, completion_id)
    except NoAnswer as failure:
        told = tell(failure.problem, is_of_list=True)
        context = {"problem": told, "source": source, "retry_url": request.get_full_path()}
        return render(request, "conversations/_beside.html", context, status=told.status)
    metadata = metadata_of(narrowed)
    context = {
        "completion_id": completion_id,
        "rows": draw_rows(client, tuple(item for item in window.items if has_pairs(item, metadata))),
        "list_url": list_url(narrowed),
        **ways_from(request, window, narrowed),
    }
    return render(request, "conversations/_beside.html", context)


def _with_pair(request: Request) -> dict[str, str]:
    """Turn the form's key and value fields into the one parameter that the API knows."""
    asked = {name: str(value) for name, value in request.GET.items() if value and name not in ("key", "value", "after")}
    if key := request.GET.get("key", "").strip():
        asked[f"metadata[{key}]"] = request.GET.get("value", "").strip()
    return asked
