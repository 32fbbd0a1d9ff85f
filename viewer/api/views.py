"""Three addresses, one way through: method, token, question, answer."""

from __future__ import annotations

import math
import re
from itertools import chain
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from viewer.client.http import Stream
from viewer.client.problems import Problem
from viewer.completions.errors import ApiError, to_body
from viewer.keys.models import AccessToken
from viewer.sources.sources import client_for_token
from viewer.web.logs import note_person

_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)
_ASCII = "".join(map(chr, range(128)))
_METHODS = "GET, HEAD, OPTIONS"
_PASSED_ON = ("X-Client-Request-Id",)
_PASSED_BACK = {
    "x-request-id", "retry-after", "retry-after-ms", "x-should-retry",
}  # fmt: skip  # never set-cookie, hop-by-hop headers, or anything else that speaks of the upstream's own site

_STATUS_OF = {"timeout": 504, "unreadable": 502, "too-large": 502}


@csrf_exempt  # a program has no session; a POST must get the envelope, not a page about cookies
@login_not_required
def completions(request: HttpRequest) -> HttpResponseBase:
    """`GET /v1/chat/completions`."""
    return _answer(request, "")


@csrf_exempt
@login_not_required
def completion(request: HttpRequest, completion_id: str) -> HttpResponseBase:
    """`GET /v1/chat/completions/{id}`."""
    return _answer(request, f"/{quote(completion_id, safe='')}")


@csrf_exempt
@login_not_required
def messages(request: HttpRequest, completion_id: str) -> HttpResponseBase:
    """`GET /v1/chat/completions/{id}/messages`."""
    return _answer(request, f"/{quote(completion_id, safe='')}/messages")


@csrf_exempt
@login_not_required
def nowhere(request: HttpRequest) -> HttpResponse:
    """Anything else under `/v1`."""
    return _refuse(404, ApiError(f"Invalid URL ({request.method} {request.path[:300]})"))


def _answer(request: HttpRequest, path: str) -> HttpResponseBase:
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": _METHODS})
    if request.method not in ("GET", "HEAD"):
        refused = _refuse(405, ApiError("Only GET requests are accepted: Lectern reads.", code="method_not_supported"))
        refused["Allow"] = _METHODS
        return refused
    shown = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    if shown is None:
        return _refuse_token("You didn't provide an access token. Send it as Authorization: Bearer YOUR_TOKEN.", None)
    if re.match(r"/\.\.?(/|$)", path):  # dots alone survive quoting, and the path would lead elsewhere
        id_of_dots = path.split("/")[1]
        return _refuse(404, ApiError(f"Completion {id_of_dots} not found", "completion_id", "not_found"))
    passed_on = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    try:
        token = AccessToken.objects.find(shown[1])
        if token is None:
            said = "Incorrect API key provided: this access token is unknown or revoked."
            return _refuse_token(said, "invalid_api_key")
        note_person(token.owner_id)
        client = client_for_token(token)
        stream = client.stream(f"/chat/completions{path}", _query_of(request), passed_on)
        try:
            return _pass_back(request, stream)
        except BaseException:
            stream.close()
            raise
    except Problem as problem:
        return _refuse_problem(problem)
    except DatabaseError:
        return _refuse(503, ApiError("The archive does not answer. Try again in a moment.", type="server_error"))


def _pass_back(request: HttpRequest, stream: Stream) -> HttpResponseBase:
    """Hand an answer on as it comes: its status, the headers a client needs, its body but for the person's secrets."""
    answer: HttpResponseBase
    if 300 <= stream.status < 400:
        stream.close()
        said = "The server behind this access token points elsewhere; that is not followed."
        return _refuse(502, ApiError(said, type="server_error"))
    if stream.is_local:
        answer = HttpResponse(b"".join(stream), status=stream.status)
    elif request.method == "HEAD":
        stream.close()
        answer = HttpResponse(status=stream.status)
    elif stream.status >= 400:
        answer = HttpResponse(stream.error_body(), status=stream.status)
    else:
        pieces = iter(stream)
        answer = StreamingHttpResponse(chain((next(pieces, b""),), pieces), status=stream.status)
        answer._resource_closers.append(stream.close)  # type: ignore[attr-defined]  # also when nobody reads to the end
    answer.headers["Content-Type"] = stream.headers.get("content-type", "application/json")
    for name, value in stream.headers.items():
        if name.lower() in _PASSED_BACK or name.lower().startswith(("openai-", "x-ratelimit-")):
            answer.headers[name] = value
    return answer


def _refuse_problem(problem: Problem) -> HttpResponse:
    """Say in the envelope why no answer came; the client's own retries go by `Retry-After`."""
    status = _STATUS_OF.get(problem.name, 503)
    said = problem.message or "The source behind this access token does not answer."
    refused = _refuse(status, ApiError(said, code=problem.name.replace("-", "_"), type="server_error"))
    if problem.retry_after is not None:
        refused["Retry-After"] = str(math.ceil(problem.retry_after))
    return refused


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
