"""Records every response that shows something, before its first byte is sent."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import Error
from django.http import HttpRequest, HttpResponse

from viewer.web.error_pages import not_recorded

from .actions import action_of
from .recording import record

_NO_CONTENT, _UNCHANGED, _MISTAKES = 204, 304, 422
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
        except Exception as error:
            _discard(response)
            if not isinstance(error, Error):
                raise
            _log.exception("a reading could not be recorded")
            return not_recorded(request)
        return response


def _discard(response: HttpResponse) -> None:
    """Release what a response holds, such as the slot of a download. `close()` would also end the request."""
    for close in response._resource_closers:  # type: ignore[attr-defined]
        close()


def _shows_something(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a response shows something: a page, also around a form with mistakes; that it is there, or as before."""
    is_shown = response.status_code in range(200, 300) or response.status_code in (_UNCHANGED, _MISTAKES)
    return is_shown and response.status_code != _NO_CONTENT and request.method != "OPTIONS"
