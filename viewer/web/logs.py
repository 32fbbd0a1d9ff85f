"""The log: one line of JSON for each thing that happened, with the request's id, which the answer carries too.

A request's line names its route and never its path or query, so no search, filter or id stands in it. The events are
listed in docs/operations.md. JSON escapes line breaks and control characters, so nothing that a stranger sends can pass
for a line of its own.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from viewer.deployment.database import kind_of

_EVENTS = logging.getLogger("lectern.events")
_REQUESTS = logging.getLogger("lectern.requests")
_current: ContextVar[dict[str, Any] | None] = ContextVar("request", default=None)


def event(name: str, **facts: Any) -> None:
    """Note something about security: who did what to which."""
    _EVENTS.info(name, extra={"facts": {name: fact for name, fact in facts.items() if fact is not None}})


def note_person(pk: int) -> None:
    """Put a person's id on every further line of this request."""
    if (current := _current.get()) is not None:
        current["person"] = pk


class RequestLogMiddleware:
    """Gives each request an id, as the API does (`x-request-id: req_…`), and writes its line.

    An id that a client or a proxy sends is not taken: it could be anybody's, or one that another request has.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started, request_id = time.monotonic(), f"req_{secrets.token_hex(16)}"
        _current.set({"request_id": request_id})
        response = self.get_response(request)
        response.headers.setdefault("X-Request-Id", request_id)
        if _is_worth_a_line(request, response):
            facts = {"method": request.method, "route": route_of(request), "status": response.status_code}
            facts["ms"] = round(1000 * (time.monotonic() - started))
            if response.headers["X-Request-Id"] != request_id:  # what /v1 passes on has its source's own
                facts["upstream_request_id"] = response.headers["X-Request-Id"]
            _REQUESTS.info("request", extra={"facts": facts})
        return response


def forget_request(**_: Any) -> None:
    """End a request: its thread goes on to another one, and may write lines that belong to none."""
    _current.set(None)


def route_of(request: HttpRequest) -> str:
    """Name the route: what answered, without what the address says."""
    return request.resolver_match.view_name if request.resolver_match else "none"


def _is_worth_a_line(request: HttpRequest, response: HttpResponse) -> bool:
    """Static files, which have no route, and health checks are not, while all is well."""
    return response.status_code >= 400 or route_of(request) not in ("none", "health")


class WithoutPath(logging.Filter):
    """Names the route where Django names the path, which holds ids (on the logger `django.request`)."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            record.args = tuple(route_of(request) if given == request.path else given for given in record.args)
        return True


class JsonLines(logging.Formatter):
    """One line of JSON for a record, a traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **(_current.get() or {}),
            **getattr(record, "facts", {}),
        }
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OperationalError | InterfaceError) or kind_of(error) == "read-only":
            line["cause"] = str(error)  # where it failed says nothing, and it fails at every request
        elif record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
