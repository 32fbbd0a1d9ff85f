"""The pages of the read log: of everyone for administrators, and of each person for themselves."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from viewer.accounts.roles import administrators_only, may_administer
from viewer.web.request import Request
from viewer.web.responses import attachment

from .csv_file import to_csv
from .forms import FilterForm
from .querying import Cursor, Filters, every_row, read_page

_MAX_SUGGESTED = 200  # names of people beside the filter


@require_safe
@administrators_only
def everyone(request: Request) -> HttpResponse:
    """Show who read what, filtered."""
    form = FilterForm(request.GET)
    names = User.objects.order_by("username").values_list("username", flat=True)[:_MAX_SUGGESTED]
    context = {"form": form, "names": names, "query": _query(request), **_rows(request, form.filters())}
    status = 422 if form.errors else 200
    return render(request, "read_log/everyone.html", context, status=status)


@require_GET  # not HEAD, for which all of it would be read
@administrators_only
def download(request: Request) -> HttpResponseBase:
    """Send all rows that match as CSV; for a filter with a mistake the page, which says what is wrong."""
    form = FilterForm(request.GET)
    if form.errors:
        return everyone(request)
    response = StreamingHttpResponse(to_csv(every_row(form.filters())), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = attachment(f"read-log-{timezone.now():%Y-%m-%d}.csv")
    return response


@require_safe
def mine(request: Request) -> HttpResponse:
    """Show people what they read themselves, and programs with their access tokens."""
    context = _rows(request, Filters({"person": request.user.pk}))
    context |= {"may_see_everyone": may_administer(request.user)}
    return render(request, "read_log/mine.html", context)


def _rows(request: Request, filters: Filters) -> dict[str, Any]:
    page = read_page(filters, Cursor.read(request.GET.get("before", "")))
    older = request.GET.copy()
    if page.next:
        older["before"] = str(page.next)
    return {"page": page, "older": older.urlencode() if page.next else "", "is_first": "before" not in request.GET}


def _query(request: Request) -> str:
    """Return the filters alone, for the links that begin anew."""
    filters = request.GET.copy()
    filters.pop("before", None)
    return filters.urlencode()
