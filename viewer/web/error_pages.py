"""Error responses: our own code or the database fails, a form or sign-in is refused, or a URL cannot be served.

htmx gets a problem in the feed, a program the API's error format, everybody else a page.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from viewer.completions.errors import ApiError, to_body
from viewer.deployment.database import kind_of

from .problem_text import ProblemText
from .request import own_address

_FAILED = ProblemText(
    name="unavailable",
    title=gettext_noop("Something went wrong"),
    advice=gettext_noop("Try again. If it keeps happening, tell your administrator when it happened."),
    status=500,
    needs_administrator=True,
)
_NO_DATABASE = ProblemText(
    name="unavailable",
    title=gettext_noop("The database is unavailable"),
    advice=gettext_noop(
        "It holds the archive, the accounts and the API keys, so nothing can be read until it is back. "
        "Nothing is lost. Try again in a minute. If it keeps happening, tell your administrator."
    ),
    status=503,
    needs_administrator=True,
)
_DISK_FULL = ProblemText(
    name="unavailable",
    title=gettext_noop("The disk is full"),
    advice=gettext_noop(
        "Nothing can be saved, so nobody can sign in, and nothing is shown that must be recorded. Nothing is lost. "
        "Tell your administrator."
    ),
    status=503,
    needs_administrator=True,
)
_READ_ONLY = replace(_DISK_FULL, title=gettext_noop("The database is read-only"))
_BUSY = ProblemText(
    name="unavailable",
    title=gettext_noop("The database is busy"),
    advice=gettext_noop("Another process is using it. Nothing is lost. Try again in a minute."),
    status=503,
)
_NOT_RECORDED = ProblemText(
    name="unavailable",
    title=gettext_noop("This could not be recorded"),
    advice=gettext_noop(
        "What is read must be recorded, and the record cannot be written, so it is not shown. Nothing is lost. "
        "Try again in a minute. If it keeps happening, tell your administrator."
    ),
    status=503,
    needs_administrator=True,
)
_WRONG_HOST = ProblemText(
    name="bad-request",
    title=gettext_noop("Wrong address"),
    advice=gettext_noop("You opened %(host)s, but this Lectern is set up for %(site)s (SITE_URL). Open it there."),
    status=400,
)
_TOO_LONG = ProblemText(
    name="bad-request",
    title=gettext_noop("This URL is too long"),
    advice=gettext_noop("Shorten the search or the filter."),
    status=414,
)
_TOO_MANY_STREAMS = ProblemText(
    name="unavailable",
    title=gettext_noop("Too many downloads at once"),
    advice=gettext_noop("You can go on reading. Try the download again in a minute."),
    status=503,
)
_FORM_TOO_LARGE = ProblemText(
    name="too-large",
    title=gettext_noop("This form is too large"),
    advice=gettext_noop("A form can send up to 1 MB. Nothing was saved. Files are imported on the page for that."),
    status=413,
)
_TOO_MANY_FORMS = ProblemText(
    name="unavailable",
    title=gettext_noop("Too many slow uploads at once"),
    advice=gettext_noop("Nothing was saved. Go back and submit the form again in a few seconds."),
    status=503,
)
_DATABASE_PROBLEMS = {
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
    return _problem_response(request, problem, retry_after=0 if problem is _FAILED else 10)


def wrong_host(request: HttpRequest) -> HttpResponse:
    """Answer 400 to a request for a host that is not SITE_URL's."""
    names = {"host": request.META.get("HTTP_HOST", "")[:200], "site": settings.SITE_URL}
    return _problem_response(request, _WRONG_HOST, names, only_way=settings.SITE_URL)


def too_many_streams(request: HttpRequest) -> HttpResponse:
    """Answer 503 to a download for which there is no thread."""
    return _problem_response(request, _TOO_MANY_STREAMS, retry_after=60)


def not_recorded(request: HttpRequest) -> HttpResponse:
    """Answer 503 to a reading for which the read log has no row."""
    return _problem_response(request, _NOT_RECORDED, retry_after=10)


def form_too_large(request: HttpRequest) -> HttpResponse:
    """Answer 413 to a form that is larger than any of ours."""
    return _problem_response(request, _FORM_TOO_LARGE, only_way="/")


def too_many_forms(request: HttpRequest) -> HttpResponse:
    """Answer 503 to a slow form for which there is no thread."""
    return _problem_response(request, _TOO_MANY_FORMS, only_way="/", retry_after=10)


def too_long(request: HttpRequest) -> HttpResponse:
    """Answer 414 to a URL that is too long."""
    return _problem_response(request, _TOO_LONG, only_way="/")


def _problem_response(
    request: HttpRequest,
    problem: ProblemText,
    names: dict[str, str] | None = None,
    *,
    only_way: str = "",
    retry_after: int = 0,
) -> HttpResponse:
    """Build the response. `names` fill the advice; `only_way` replaces a retry; `retry_after` is in seconds."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if request.path.startswith("/v1"):
        message = f"{problem.title}. {problem.advice}" % (names or {})
        error = ApiError(message, type="server_error" if problem.status >= 500 else "invalid_request_error")
        return HttpResponse(to_body(error), content_type="application/json", status=problem.status, headers=headers)
    template = "web/_problem.html" if request.headers.get("HX-Request") == "true" else "500.html"
    text = replace(problem, title=gettext(problem.title), advice=gettext(problem.advice) % (names or {}))
    context = {"problem": text, "retry_url": request.get_full_path(), "only_way": only_way, "request": request}
    return HttpResponse(render_to_string(template, context), status=text.status, headers=headers)


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
