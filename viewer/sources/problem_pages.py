"""Turns the problem of a source that gives no answer into a page or a fragment, whichever view asked it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from viewer.client.problem_texts import describe
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

from .sources import SourceProblem


class ProblemMiddleware:
    """Tells the problem of a source that gives no answer, as itself and by the source's name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: Request, exception: Exception) -> HttpResponse | None:
        return _problem(request, exception) if isinstance(exception, SourceProblem) else None


def _problem(request: Request, failure: SourceProblem) -> HttpResponse:
    asked_for = request.resolver_match.kwargs if request.resolver_match else {}
    completion_id = asked_for.get("completion_id", "")
    told = describe(failure.problem, failure.source.label, is_of_list=not completion_id)
    context = {
        "problem": told,
        "source": failure.source,
        "completion_id": completion_id,
        "message_id": asked_for.get("message_id", ""),
        "is_inside": bool({"message_id", "position"} & asked_for.keys()),
        "retry_url": request.get_full_path(),
    }
    return page_or_fragment(request, "sources/problem.html", "web/_problem.html", context, told.status)


def title_of(failure: SourceProblem, *, is_of_list: bool = False) -> str:
    """Say in one line what is the matter, and with which source."""
    title = describe(failure.problem, failure.source.label, is_of_list=is_of_list).title
    if failure.source.label in title:
        return title
    return gettext("%(source)s: %(problem)s") % {"source": failure.source.label, "problem": title}
