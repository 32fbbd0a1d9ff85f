"""What can be done with a list: add a filter, save it as a view, mark what is in it as seen."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages as notices
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from viewer.archive.search.query import Query, read_query, with_operator
from viewer.archive.search.results import mark_all_seen
from viewer.archive.seen import mark_unseen
from viewer.conversations.filter_choices import choices_of, days_of, without_dates
from viewer.conversations.filters import (
    as_search,
    filters_before,
    last_filters,
    list_url,
    parse_filters,
    source_of,
    with_search,
    without,
)
from viewer.conversations.forms import SavedViewForm
from viewer.conversations.list_frame import query_of_list
from viewer.conversations.models import SavedView
from viewer.conversations.rail import build_rail, with_counts
from viewer.sources.sources import chosen_source
from viewer.web.request import Request, own_address, page_before
from viewer.web.responses import page_or_fragment
from viewer.web.templatetags.formats import grouped


@require_safe
@cache_control(private=True, no_store=True)  # browsers show again what they have kept, and the counts have changed
def rail(request: Request) -> HttpResponse:
    """Show the views with their counts: on a page of their own, or for htmx in the rail."""
    nothing = {"q": ""} if request.GET.get("q") == "" else {}  # a search for nothing is not the list of everything
    groups = build_rail(request.user, parse_filters(request.GET) | nothing)
    context = {"rail": with_counts(groups, request.user, is_archive=chosen_source(request).is_archive)}
    return page_or_fragment(request, "conversations/views.html", "conversations/_rail.html", context)


@require_safe
def filter_choices(request: Request) -> HttpResponse:
    """Show what a list can be filtered by, for htmx in a panel above it. The dates of its form lead to a list."""
    filters = parse_filters(request.GET)
    source = source_of(request, filters)
    searched = (source.is_archive and as_search(filters)) or filters
    query = read_query(searched.get("q", ""), request.user.pk)
    if "from" in request.GET or "to" in request.GET:
        return redirect(list_url(with_search(searched, _with_dates(query, request.GET))))
    text = request.GET.get("text", "").strip()
    context: dict[str, Any] = {"list_url": list_url(filters), "hidden": list(filters.items()), "text": text}
    if source.is_archive or query.text:
        groups, newest = choices_of(query, searched, text)
        context |= {"groups": groups, "newest": newest, "days": days_of(query)}
    else:
        context |= {"source": source, "model": filters.get("model", "")}
    fragment = "conversations/_choices.html" if "text" not in request.GET else "conversations/_choice_groups.html"
    return page_or_fragment(request, "conversations/choices.html", fragment, context)


def _with_dates(query: Query, params: QueryDict) -> str:
    """Return the query with the days of the form instead of its own; both belong to the result."""
    text = without_dates(query).text
    for name, operator, days in (("from", "after", 0), ("to", "before", 1)):
        try:
            day = date.fromisoformat(params.get(name, "")) + timedelta(days=days)
        except (ValueError, OverflowError):
            continue
        text = with_operator(read_query(text, query.reader), operator, f"{day:%Y-%m-%d}")
    return text


@require_http_methods(["GET", "HEAD", "POST"])
def save_view(request: Request) -> HttpResponse:
    """Save a list under a name, and show it; instead of what one's own view of this name shows, if that is asked."""
    if request.method != "POST":  # the page of a name that is taken was loaded again, in another language
        return redirect(list_url(filters_before(request)))
    filters = parse_filters(QueryDict(request.POST.get("list", "")))
    taken = SavedView.objects.replaceable(request.user, request.POST.get("name", ""))
    view = taken if taken and "replace" in request.POST else SavedView(owner=request.user)
    view.filters = filters
    form = SavedViewForm(request.POST, instance=view)
    if not without(filters, "order"):
        notices.error(request, gettext("Search or filter first: this list has nothing to save."))
    elif form.is_valid() and form.save_if_free():
        notices.success(request, gettext("The view “%(name)s” was saved.") % {"name": view.name})
    else:
        context = {"form": form, "view": view, "list_query": view.query, "taken": taken}
        return render(request, "conversations/saved_view.html", context, status=422)
    return redirect(list_url(filters))


@require_http_methods(["GET", "HEAD", "POST"])
def saved_view(request: Request, view_id: int) -> HttpResponse:
    """Rename a view, share it with the team, or stop sharing it."""
    view = get_object_or_404(SavedView.objects.editable_by(request.user), pk=view_id)
    form = SavedViewForm(request.POST if request.method == "POST" else None, instance=view)
    if request.method == "POST" and form.is_valid() and form.save_if_free():
        notices.success(request, gettext("The view “%(name)s” was saved.") % {"name": view.name})
        return redirect(view.url)
    status = 422 if form.errors else 200
    return render(request, "conversations/saved_view.html", {"form": form, "view": view}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def delete_view(request: Request, view_id: int) -> HttpResponse:
    """Delete a view, if asked twice. The conversations stay."""
    view = get_object_or_404(SavedView.objects.editable_by(request.user), pk=view_id)
    if request.method != "POST":
        return render(request, "conversations/delete_view.html", {"view": view})
    view.delete()
    notices.success(request, gettext("The view “%(name)s” was deleted.") % {"name": view.name})
    return redirect(view.url)


@require_POST
def mark_list_seen(request: Request) -> HttpResponse:
    """Mark every conversation of a list of the archive as seen by this person."""
    filters = parse_filters(QueryDict(request.POST.get("list", "")))
    query = query_of_list(request, filters)
    back = own_address(page_before(request)) or list_url(filters)
    if query is None:
        notices.error(request, gettext("This list cannot be marked as seen as a whole."))
        return redirect(back)
    count = mark_all_seen(query, request.user.pk)
    marked = ngettext(
        "%(count)s conversation was marked as seen.", "%(count)s conversations were marked as seen.", count
    )
    notices.success(request, marked % {"count": grouped(count)})
    return redirect(back)


@require_POST
def forget_seen(request: Request, completion_id: str) -> HttpResponse:
    """Mark a conversation as not yet seen, and go back to the list."""
    mark_unseen(request.user.pk, completion_id)
    notices.success(request, gettext("The conversation is marked as not yet seen."))
    return redirect(list_url(last_filters(request, completion_id)))
