"""The endpoints of `/v1`. Reading is forwarded to the source of the token; all else is done in the archive."""

from __future__ import annotations

import math
import re
from itertools import chain
from urllib.parse import quote

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from viewer.client.http import Response, Stream
from viewer.client.problems import Problem
from viewer.completions.errors import ApiError
from viewer.programs.tokens import Refused, endpoint, error_response, token_of
from viewer.sources.sources import client_for_token

from .changing import delete_completion, update_completion
from .importing import import_body

_ASCII = "".join(map(chr, range(128)))
_READING = "GET, HEAD, OPTIONS"
_FORWARDED_HEADERS = ("X-Client-Request-Id",)
_RETURNED_HEADERS = {
    "x-request-id", "retry-after", "retry-after-ms", "x-should-retry",
}  # fmt: skip  # never set-cookie, hop-by-hop headers, or others that are about the upstream's own site

_STATUS = {"timeout": 504, "unreadable": 502, "too-large": 502}


@endpoint(_READING)
def completions(request: HttpRequest) -> HttpResponseBase:
    """`GET /v1/chat/completions`."""
    return _read(request, "")


@endpoint("GET, HEAD, POST, DELETE, OPTIONS")
def completion(request: HttpRequest, completion_id: str) -> HttpResponseBase:
    """`/v1/chat/completions/{id}`: GET reads it, POST changes its metadata, DELETE erases it."""
    if request.method == "POST":
        return update_completion(request, completion_id)
    if request.method == "DELETE":
        return delete_completion(request, completion_id)
    return _read(request, f"/{quote(completion_id, safe='')}")


@endpoint(_READING)
def messages(request: HttpRequest, completion_id: str) -> HttpResponseBase:
    """`GET /v1/chat/completions/{id}/messages`."""
    return _read(request, f"/{quote(completion_id, safe='')}/messages")


@endpoint("POST, OPTIONS")
def imports(request: HttpRequest) -> HttpResponseBase:
    """`POST /v1/imports`."""
    return import_body(request)


@csrf_exempt
@login_not_required
def nowhere(request: HttpRequest) -> HttpResponse:
    """Anything else under `/v1`."""
    return error_response(404, ApiError(f"Invalid URL ({request.method} {request.path[:300]})"))


def _read(request: HttpRequest, path: str) -> HttpResponseBase:
    token = token_of(request)
    if re.match(r"/\.\.?(/|$)", path):  # quoting keeps dots, and the path would lead to another endpoint
        id_of_dots = path.split("/")[1]
        raise Refused(404, ApiError(f"Completion {id_of_dots} not found", "completion_id", "not_found"))
    headers = {name: request.headers[name] for name in _FORWARDED_HEADERS if name in request.headers}
    try:
        client = client_for_token(token, request)
        stream = client.stream(f"/chat/completions{path}", _query_string(request), headers)
        if isinstance(stream, Response):
            return HttpResponse(stream.body, status=stream.status, content_type="application/json")
        try:
            return _forward(request, stream)
        except BaseException:
            stream.close()
            raise
    except Problem as problem:
        return _problem_error(problem)


def _forward(request: HttpRequest, stream: Stream) -> HttpResponseBase:
    """Forward a response as it arrives: status, the headers clients need, and the body without the person's secrets."""
    response: HttpResponseBase
    if 300 <= stream.status < 400:
        stream.close()
        message = "The server behind this access token points elsewhere; that is not followed."
        return error_response(502, ApiError(message, type="server_error"))
    if request.method == "HEAD":
        stream.close()
        response = HttpResponse(status=stream.status)
    elif stream.status >= 400:
        response = HttpResponse(stream.error_body(), status=stream.status)
    else:
        response = _body_of(stream)
    response.headers["Content-Type"] = stream.headers.get("content-type", "application/json")
    for name, value in stream.headers.items():
        if name.lower() in _RETURNED_HEADERS or name.lower().startswith(("openai-", "x-ratelimit-")):
            response.headers[name] = value
    return response


def _body_of(stream: Stream) -> HttpResponseBase:
    """Return the body as it arrives; or whole if it has arrived, so that nothing has to wait for more of it."""
    pieces = iter(stream)
    first = next(pieces, b"")
    if stream.is_read:
        return HttpResponse(first + b"".join(pieces), status=stream.status)
    response = StreamingHttpResponse(chain((first,), pieces), status=stream.status)
    response._resource_closers.append(stream.close)  # type: ignore[attr-defined]  # even if nobody reads to the end
    return response


def _problem_error(problem: Problem) -> HttpResponse:
    """Return why there is no response, in the API's error format. Clients retry after `Retry-After`."""
    status = _STATUS.get(problem.name, 503)
    message = problem.message or "The source behind this access token does not answer."
    response = error_response(status, ApiError(message, code=problem.name.replace("-", "_"), type="server_error"))
    if problem.retry_after is not None:
        response["Retry-After"] = str(math.ceil(problem.retry_after))
    return response


def _query_string(request: HttpRequest) -> str:
    """Return the query unchanged, but percent-encode non-ASCII bytes, which `requests` would read as Latin-1."""
    return quote(request.META["QUERY_STRING"].encode("latin-1"), safe=_ASCII)
