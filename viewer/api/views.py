"""Three addresses, one way through: method, token, question, answer."""

from __future__ import annotations

import re
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from viewer.client.problems import Problem
from viewer.completions.errors import ApiError, to_body
from viewer.keys.models import AccessToken
from viewer.sources.sources import client_for

_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)
_ASCII = "".join(map(chr, range(128)))
_METHODS = "GET, HEAD, OPTIONS"


@csrf_exempt  # a program has no session; a POST must get the envelope, not a page about cookies
@login_not_required
def completions(request: HttpRequest) -> HttpResponse:
    """`GET /v1/chat/completions`."""
    return _answer(request, "")


@csrf_exempt
@login_not_required
def completion(request: HttpRequest, completion_id: str) -> HttpResponse:
    """`GET /v1/chat/completions/{id}`."""
    return _answer(request, f"/{quote(completion_id, safe='')}")


@csrf_exempt
@login_not_required
def messages(request: HttpRequest, completion_id: str) -> HttpResponse:
    """`GET /v1/chat/completions/{id}/messages`."""
    return _answer(request, f"/{quote(completion_id, safe='')}/messages")


@csrf_exempt
@login_not_required
def nowhere(request: HttpRequest) -> HttpResponse:
    """Anything else under `/v1`."""
    return _refuse(404, ApiError(f"Invalid URL ({request.method} {request.path[:300]})"))


def _answer(request: HttpRequest, path: str) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": _METHODS})
    if request.method not in ("GET", "HEAD"):
        refused = _refuse(405, ApiError("Only GET requests are accepted: Lectern reads.", code="method_not_supported"))
        refused["Allow"] = _METHODS
        return refused
    shown = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    if shown is None:
        return _refuse_token("You didn't provide an access token. Send it as Authorization: Bearer YOUR_TOKEN.", None)
    try:
        if AccessToken.objects.find(shown[1]) is None:
            return _refuse_token(
                "Incorrect API key provided: this access token is unknown or revoked.", "invalid_api_key"
            )
        if re.match(r"/\.\.?(/|$)", path):  # dots alone survive quoting, and the path would lead elsewhere
            id_of_dots = path.split("/")[1]
            return _refuse(404, ApiError(f"Completion {id_of_dots} not found", "completion_id", "not_found"))
        answered = client_for().ask(f"/chat/completions{path}", _query_of(request))
    except (Problem, DatabaseError):
        return _refuse(503, ApiError("The archive does not answer. Try again in a moment.", type="server_error"))
    return HttpResponse(answered.content, status=answered.status_code, content_type=answered.headers["Content-Type"])


def _query_of(request: HttpRequest) -> str:
    """Give the query as it came; bytes beyond ASCII, which `requests` would take for Latin-1, percent-encoded."""
    return quote(request.META["QUERY_STRING"].encode("latin-1"), safe=_ASCII)


def _refuse_token(message: str, code: str | None) -> HttpResponse:
    where = f"{settings.SITE_URL}/tokens/"
    refused = _refuse(401, ApiError(f"{message} You can find your access tokens at {where}.", code=code))
    refused["WWW-Authenticate"] = "Bearer"
    return refused


def _refuse(status: int, error: ApiError) -> HttpResponse:
    return HttpResponse(to_body(error), status=status, content_type="application/json")
