"""What a reader gets when our own code or the database fails: a problem in the feed for htmx, else a page."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_noop

_FAILED = {
    "name": "unavailable",
    "title": gettext_noop("Something failed here"),
    "advice": gettext_noop("Try again; if it stays, tell whoever runs this Lectern, with the time."),
}
_NO_DATABASE = {
    "name": "unavailable",
    "title": gettext_noop("The database does not answer"),
    "advice": gettext_noop(
        "It holds the archive, who may sign in, and the API keys, so nothing can be read until it is back. "
        "Nothing is lost. Try again in a minute; if it stays, tell whoever runs this Lectern."
    ),
}


def failed(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 when it is the database that is away. Nothing here may need the database."""
    is_away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    status, problem = (503, _NO_DATABASE) if is_away else (500, _FAILED)
    template = "conversations/_problem.html" if request.headers.get("HX-Request") == "true" else "500.html"
    told = problem | {"title": gettext(problem["title"]), "advice": gettext(problem["advice"])}
    context = {"problem": told, "retry_url": request.get_full_path(), "request": request}
    answer = HttpResponse(render_to_string(template, context), status=status)
    if is_away:
        answer.headers["Retry-After"] = "10"
    return answer
