"""Turns the problem of a source into an error page or fragment, for every view."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from viewer.sources.problem_texts import describe
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

from .sources import SourceProblem, all_sources


class ProblemMiddleware:
    """Shows the problem of a source, with the source's name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: Request, exception: Exception) -> HttpResponse | None:
        return _problem(request, exception) if isinstance(exception, SourceProblem) else None


def _problem(request: Request, failure: SourceProblem) -> HttpResponse:
    url_params = request.resolver_match.kwargs if request.resolver_match else {}
    completion_id = url_params.get("completion_id", "")
    text = describe(failure.problem, failure.source.label, is_of_list=not completion_id, completion_id=completion_id)
    context = {
        "problem": text,
        "source": failure.source,
        "completion_id": completion_id,
        "message_id": url_params.get("message_id", ""),
        "is_inside": bool({"message_id", "position"} & url_params.keys()),
        "retry_url": request.get_full_path(),
    }
    if (
        completion_id
        and failure.problem.name == "not-found"
        and failure.problem.param not in ("message_id", "position")
    ):
        url = request.build_absolute_uri(request.path)
        context |= {"asked_url": url, "looked_in": [source.label for source in all_sources(request)]}
    return page_or_fragment(request, "sources/problem.html", "web/_problem.html", context, text.status)


def title_of(failure: SourceProblem, *, is_of_list: bool = False) -> str:
    """Describe the problem and its source in one line."""
    text = describe(failure.problem, failure.source.label, is_of_list=is_of_list)
    if text.names_source:
        return text.title
    return gettext("%(source)s: %(problem)s") % {"source": failure.source.label, "problem": text.title}
