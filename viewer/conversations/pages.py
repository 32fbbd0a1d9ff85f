"""The page for a reader, the fragment for htmx; also where a source gives no answer, whichever view asked it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from viewer.http import Request
from viewer.sources.sources import NoAnswer

from .problem_words import tell


class ProblemMiddleware:
    """Tells the problem of a source that gives no answer, as itself and by the source's name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: Request, exception: Exception) -> HttpResponse | None:
        return _problem(request, exception) if isinstance(exception, NoAnswer) else None


def page_or_fragment(
    request: Request, page: str, fragment: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Answer a reader with the page, and htmx with what it adds to one."""
    is_fragment = bool(request.htmx) and not request.htmx.history_restore_request
    response = render(request, fragment if is_fragment else page, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _problem(request: Request, failure: NoAnswer) -> HttpResponse:
    asked_for = request.resolver_match.kwargs if request.resolver_match else {}
    completion_id = asked_for.get("completion_id", "")
    told = tell(failure.problem, is_of_list=not completion_id)
    context = {
        "problem": told,
        "source": failure.source,
        "completion_id": completion_id,
        "message_id": asked_for.get("message_id", ""),
        "is_inside": bool({"message_id", "position"} & asked_for.keys()),
        "retry_url": request.get_full_path(),
    }
    return page_or_fragment(request, "conversations/problem.html", "conversations/_problem.html", context, told.status)
