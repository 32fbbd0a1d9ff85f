"""The log: one line of JSON per event, with the request's id, which the response also has.

A request's line has its route and never its path or query, so it contains no search, filter or id. docs/operations.md
lists the events. JSON escapes line breaks and control characters, so no input can forge a line.
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
    """Log a security event: who did what to which object."""
    _EVENTS.info(name, extra={"facts": {name: fact for name, fact in facts.items() if fact is not None}})


def note_person(pk: int) -> None:
    """Add a person's id to all further lines of this request."""
    if (current := _current.get()) is not None:
        current["person"] = pk


class RequestLogMiddleware:
    """Gives each request an id, as the API does (`x-request-id: req_…`), and logs it.

    An id that a client or a proxy sends is ignored: it could be forged, or that of another request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started, request_id = time.monotonic(), f"req_{secrets.token_hex(16)}"
        _current.set({"request_id": request_id})
        response = self.get_response(request)
        response.headers.setdefault("X-Request-Id", request_id)
        if _should_log(request, response):
            facts = {"method": request.method, "route": route_of(request), "status": response.status_code}
            facts["ms"] = round(1000 * (time.monotonic() - started))
            if response.headers["X-Request-Id"] != request_id:  # /v1 returns the id of its source
                facts["upstream_request_id"] = response.headers["X-Request-Id"]
            _REQUESTS.info("request", extra={"facts": facts})
        return response


def forget_request(**_: Any) -> None:
    """Clear the context at the end of a request: its thread may log lines that belong to no request."""
    _current.set(None)


def route_of(request: HttpRequest) -> str:
    """Return the name of the route, without the values in its path."""
    return request.resolver_match.view_name if request.resolver_match else "none"


def _should_log(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether to log a request. Static files, which have no route, and health checks are logged only if they fail."""
    return response.status_code >= 400 or route_of(request) not in ("none", "health")


class WithoutPath(logging.Filter):
    """Replaces the path, which contains ids, with the route in Django's messages (logger `django.request`)."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            record.args = tuple(route_of(request) if arg == request.path else arg for arg in record.args)
        return True


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON, including the traceback."""

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
            line["cause"] = str(error)  # no traceback: it says nothing, and every request would log one
        elif record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
