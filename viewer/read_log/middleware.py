"""Records every response that shows something, before its first byte is sent."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import Error
from django.http import HttpRequest, HttpResponse

from viewer.web.error_pages import not_recorded

from .actions import action_of
from .recording import record

_log = logging.getLogger(__name__)


class ReadLogMiddleware:
    """Writes the row of a response, and sends the response only if that succeeded.

    A row too many is right, when the process is killed or the reader is gone before the response is sent; a row too few
    is wrong. What was refused showed nothing and has no row: the request log has it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        action = action_of(request) if _shows_something(request, response) else None
        if action is None:
            return response
        try:
            record(request, action)
        except Error:
            _log.exception("a reading could not be recorded")
            _discard(response)
            return not_recorded(request)
        return response


def _discard(response: HttpResponse) -> None:
    """Release what a response holds, such as the slot of a download. `close()` would also end the request."""
    for close in response._resource_closers:  # type: ignore[attr-defined]
        close()


def _shows_something(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a response shows something, were it only that it is there (HEAD), or as before (304)."""
    is_answer = response.status_code in range(200, 300) and response.status_code != 204
    return request.method != "OPTIONS" and (is_answer or response.status_code == 304)
