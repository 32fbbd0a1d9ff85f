"""Leads whoever cannot open a conversation to what was shared with them of it, by the same link."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from viewer.archive.models import fit
from viewer.rendering.places import place_of_answer, url_in
from viewer.sources.sources import SourceProblem
from viewer.web.logs import route_of
from viewer.web.request import Request

from .models import Share

_ROUTES = ("conversation", "permalink", "answer")


class SharedInsteadMiddleware:
    """Answers the link to a conversation that a person cannot open with a share that names them, if there is one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: Request, exception: Exception) -> HttpResponse | None:
        is_page = isinstance(exception, SourceProblem) and route_of(request) in _ROUTES and not request.htmx
        share = _share_for(request) if is_page else None
        return redirect(_address(request, share)) if share and share.token else None


def _share_for(request: Request) -> Share | None:
    completion_id = request.resolver_match.kwargs["completion_id"] if request.resolver_match else ""
    return Share.objects.with_person(request.user).filter(completion_id=fit(completion_id)).first()


def _address(request: Request, share: Share) -> str:
    """Return the address of the linked message in the share, or of the share if the message is not in it."""
    asked = request.resolver_match.kwargs if request.resolver_match else {}
    home, place = reverse("shared", args=[share.token]), fit(asked.get("message_id", ""))
    if "position" in asked and not share.snapshot.is_part:
        return url_in(home, place_of_answer(asked["position"]))
    return url_in(home, place if share.snapshot.messages.filter(message_id=place).exists() else "")
