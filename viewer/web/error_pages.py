"""Error responses: our own code or the database fails, a form or sign-in is refused, or a URL cannot be served.

htmx gets a problem in the feed, a program the API's error format, everybody else a page.
"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from viewer.completions.errors import ApiError, to_body
from viewer.deployment.database import kind_of

from .request import own_address

_FAILED: dict[str, Any] = {
    "name": "unavailable",
    "needs_administrator": True,
    "title": gettext_noop("Something went wrong"),
    "advice": gettext_noop("Try again. If it keeps happening, tell your administrator when it happened."),
}
_NO_DATABASE: dict[str, Any] = {
    "name": "unavailable",
    "needs_administrator": True,
    "title": gettext_noop("The database is unavailable"),
    "advice": gettext_noop(
        "It holds the archive, the accounts and the API keys, so nothing can be read until it is back. "
        "Nothing is lost. Try again in a minute. If it keeps happening, tell your administrator."
    ),
}
_DISK_FULL: dict[str, Any] = {
    "name": "unavailable",
    "needs_administrator": True,
    "title": gettext_noop("The disk is full"),
    "advice": gettext_noop(
        "You can go on reading, but nothing can be saved, so nobody can sign in. Nothing is lost. "
        "Tell your administrator."
    ),
}
_READ_ONLY = _DISK_FULL | {"title": gettext_noop("The database is read-only")}
_BUSY = {
    "name": "unavailable",
    "title": gettext_noop("The database is busy"),
    "advice": gettext_noop(
        "Another process is using it. You can go on reading. Try again in a minute to save changes."
    ),
}
_WRONG_HOST = {
    "name": "bad-request",
    "title": gettext_noop("Wrong address"),
    "advice": gettext_noop("You opened %(host)s, but this Lectern is set up for %(site)s (SITE_URL). Open it there."),
}
_TOO_LONG = {
    "name": "bad-request",
    "title": gettext_noop("This URL is too long"),
    "advice": gettext_noop("Shorten the search or the filter."),
}
_TOO_MANY_STREAMS = {
    "name": "unavailable",
    "title": gettext_noop("Too many downloads at once"),
    "advice": gettext_noop("You can go on reading. Try the download again in a minute."),
}
_FORM_TOO_LARGE = {
    "name": "too-large",
    "title": gettext_noop("This form is too large"),
    "advice": gettext_noop("A form can send up to 1 MB, and no files. Nothing was saved."),
}
_TOO_MANY_FORMS = {
    "name": "unavailable",
    "title": gettext_noop("Too many slow uploads at once"),
    "advice": gettext_noop("Nothing was saved. Go back and submit the form again in a few seconds."),
}
_DATABASE_PROBLEMS: dict[str, dict[str, Any]] = {
    "full": _DISK_FULL,
    "read-only": _READ_ONLY,
    "busy": _BUSY,
    "unprepared": _FAILED,
    "other": _FAILED,
    "away": _NO_DATABASE,
}


def failed(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 if the database is the cause. Nothing here may use the database."""
    problem = _DATABASE_PROBLEMS[kind_of(sys.exc_info()[1])]
    if problem is _FAILED:
        return _problem_response(request, 500, problem)
    response = _problem_response(request, 503, problem)
    response.headers["Retry-After"] = "10"
    return response


def wrong_host(request: HttpRequest) -> HttpResponse:
    """Answer 400 to a request for a host that is not SITE_URL's."""
    names = {"host": request.META.get("HTTP_HOST", "")[:200], "site": settings.SITE_URL}
    return _problem_response(request, 400, _WRONG_HOST, names, only_way=settings.SITE_URL)


def too_many_streams(request: HttpRequest) -> HttpResponse:
    """Answer 503 to a download for which there is no thread."""
    response = _problem_response(request, 503, _TOO_MANY_STREAMS)
    response.headers["Retry-After"] = "60"
    return response


def form_too_large(request: HttpRequest) -> HttpResponse:
    """Answer 413 to a form that is larger than any of ours."""
    return _problem_response(request, 413, _FORM_TOO_LARGE, only_way="/")


def too_many_forms(request: HttpRequest) -> HttpResponse:
    """Answer 503 to a slow form for which there is no thread."""
    response = _problem_response(request, 503, _TOO_MANY_FORMS, only_way="/")
    response.headers["Retry-After"] = "10"
    return response


def too_long(request: HttpRequest) -> HttpResponse:
    """Answer 414 to a URL that is too long."""
    return _problem_response(request, 414, _TOO_LONG, only_way="/")


def _problem_response(
    request: HttpRequest, status: int, problem: dict[str, Any], names: dict[str, str] | None = None, only_way: str = ""
) -> HttpResponse:
    if request.path.startswith("/v1"):
        message = f"{problem['title']}. {problem['advice']}" % (names or {})
        error = ApiError(message, type="server_error" if status >= 500 else "invalid_request_error")
        return HttpResponse(to_body(error), status=status, content_type="application/json")
    template = "web/_problem.html" if request.headers.get("HX-Request") == "true" else "500.html"
    texts = problem | {"title": gettext(problem["title"]), "advice": gettext(problem["advice"]) % (names or {})}
    context = {"problem": texts, "retry_url": request.get_full_path(), "only_way": only_way, "request": request}
    return HttpResponse(render_to_string(template, context), status=status)


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid CSRF token. A sign-in form is obsolete if another tab has signed in meanwhile."""
    if request.path == reverse("account_login") and request.user.is_authenticated:
        return redirect(own_address(request.POST.get("next", "")) or "/")
    origin = request.headers.get("Origin", "")
    context = {"origin": origin, "site_url": settings.SITE_URL} if origin not in ("", settings.SITE_URL) else {}
    return render(request, "403_csrf.html", context, status=403)


def too_many(request: HttpRequest) -> HttpResponse:
    """Answer requests that allauth limits per minute for people who are signed in, such as changing the password."""
    response = render(request, "429.html", status=429)
    response.headers["Retry-After"] = "60"
    return response
