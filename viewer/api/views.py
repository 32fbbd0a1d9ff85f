"""The three endpoints of `/v1`, all handled alike: check the method and the token, forward the request and response."""

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
_FORWARDED_HEADERS = ("X-Client-Request-Id",)
_RETURNED_HEADERS = {
    "x-request-id", "retry-after", "retry-after-ms", "x-should-retry",
}  # fmt: skip  # never set-cookie, hop-by-hop headers, or others that are about the upstream's own site

_STATUS = {"timeout": 504, "unreadable": 502, "too-large": 502}


@csrf_exempt  # a program has no session; a POST must get the API's error format, not a page about cookies
@login_not_required
def completions(request: HttpRequest) -> HttpResponseBase:
    """`GET /v1/chat/completions`."""
    return _handle(request, "")


@csrf_exempt
@login_not_required
def completion(request: HttpRequest, completion_id: str) -> HttpResponseBase:
    """`GET /v1/chat/completions/{id}`."""
    return _handle(request, f"/{quote(completion_id, safe='')}")


@csrf_exempt
@login_not_required
def messages(request: HttpRequest, completion_id: str) -> HttpResponseBase:
    """`GET /v1/chat/completions/{id}/messages`."""
    return _handle(request, f"/{quote(completion_id, safe='')}/messages")


@csrf_exempt
@login_not_required
def nowhere(request: HttpRequest) -> HttpResponse:
    """Anything else under `/v1`."""
    return _error_response(404, ApiError(f"Invalid URL ({request.method} {request.path[:300]})"))


def _handle(request: HttpRequest, path: str) -> HttpResponseBase:
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": _METHODS})
    if request.method not in ("GET", "HEAD"):
        response = _error_response(
            405, ApiError("Only GET requests are accepted: Lectern reads.", code="method_not_supported")
        )
        response["Allow"] = _METHODS
        return response
    authorization = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    if authorization is None:
        return _token_error("You didn't provide an access token. Send it as Authorization: Bearer YOUR_TOKEN.", None)
    if re.match(r"/\.\.?(/|$)", path):  # quoting keeps dots, and the path would lead to another endpoint
        id_of_dots = path.split("/")[1]
        return _error_response(404, ApiError(f"Completion {id_of_dots} not found", "completion_id", "not_found"))
    headers = {name: request.headers[name] for name in _FORWARDED_HEADERS if name in request.headers}
    try:
        token = AccessToken.objects.find(authorization[1])
        if token is None:
            message = "Incorrect API key provided: this access token is unknown or revoked."
            return _token_error(message, "invalid_api_key")
        note_person(token.owner_id)
        client = client_for_token(token, request)
        stream = client.stream(f"/chat/completions{path}", _query_string(request), headers)
        try:
            return _forward(request, stream)
        except BaseException:
            stream.close()
            raise
    except Problem as problem:
        return _problem_error(problem)
    except DatabaseError:
        return _error_response(
            503, ApiError("The archive does not answer. Try again in a moment.", type="server_error")
        )


def _forward(request: HttpRequest, stream: Stream) -> HttpResponseBase:
    """Forward a response as it arrives: status, the headers clients need, and the body without the person's secrets."""
    response: HttpResponseBase
    if 300 <= stream.status < 400:
        stream.close()
        message = "The server behind this access token points elsewhere; that is not followed."
        return _error_response(502, ApiError(message, type="server_error"))
    if stream.is_local:
        response = HttpResponse(b"".join(stream), status=stream.status)
    elif request.method == "HEAD":
        stream.close()
        response = HttpResponse(status=stream.status)
    elif stream.status >= 400:
        response = HttpResponse(stream.error_body(), status=stream.status)
    else:
        pieces = iter(stream)
        response = StreamingHttpResponse(chain((next(pieces, b""),), pieces), status=stream.status)
        response._resource_closers.append(stream.close)  # type: ignore[attr-defined]  # even if nobody reads to the end
    response.headers["Content-Type"] = stream.headers.get("content-type", "application/json")
    for name, value in stream.headers.items():
        if name.lower() in _RETURNED_HEADERS or name.lower().startswith(("openai-", "x-ratelimit-")):
            response.headers[name] = value
    return response


def _problem_error(problem: Problem) -> HttpResponse:
    """Return why there is no response, in the API's error format. Clients retry after `Retry-After`."""
    status = _STATUS.get(problem.name, 503)
    message = problem.message or "The source behind this access token does not answer."
    response = _error_response(status, ApiError(message, code=problem.name.replace("-", "_"), type="server_error"))
    if problem.retry_after is not None:
        response["Retry-After"] = str(math.ceil(problem.retry_after))
    return response


def _query_string(request: HttpRequest) -> str:
    """Return the query unchanged, but percent-encode non-ASCII bytes, which `requests` would read as Latin-1."""
    return quote(request.META["QUERY_STRING"].encode("latin-1"), safe=_ASCII)


def _token_error(message: str, code: str | None) -> HttpResponse:
    url = f"{settings.SITE_URL}/tokens/"
    response = _error_response(401, ApiError(f"{message} You can find your access tokens at {url}.", code=code))
    response["WWW-Authenticate"] = "Bearer"
    return response


def _error_response(status: int, error: ApiError) -> HttpResponse:
    return HttpResponse(to_body(error), status=status, content_type="application/json")
