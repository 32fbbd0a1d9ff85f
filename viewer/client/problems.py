"""The named problems: every reason why there is no usable response."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

from django.utils.translation import gettext_noop

from viewer.completions.errors import ApiError, read_error

from .scrubbing import without_keys

ProblemName = Literal[
    "invalid-key", "forbidden", "not-found", "rate-limited", "quota-exhausted", "unsupported", "unavailable",
    "timeout", "too-large", "unreadable", "bad-request",
]  # fmt: skip
Cause = Literal["", "certificate", "proxy", "not-allowed"]

_BY_STATUS: dict[int, ProblemName] = {
    401: "invalid-key", 403: "forbidden", 404: "not-found", 405: "unsupported", 408: "timeout", 413: "too-large",
    429: "rate-limited", 501: "unsupported", 504: "timeout",
}  # fmt: skip
# A 429 that is about money (docs/api-facts.md#errors): waiting does not help.
_QUOTA_CODES = {
    "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
}  # fmt: skip
# Not every "not found" of OGX: its error for an unknown cursor is similar, although the completion may exist.
_OGX_NOT_FOUND = re.compile(r"Chat completion with id .+ not found", re.DOTALL)
PROXY_NEEDS_LOGIN = gettext_noop("The proxy in UPSTREAM_PROXY requires a username and a password (407).")
_TOO_LARGE = gettext_noop("The response is larger than allowed here.")
_MAX_WAIT = 366 * 24 * 60 * 60  # seconds


@dataclass(eq=False)  # an exception is itself, and nothing else
class Problem(Exception):
    """Why a request has no usable response. `status` is that of the server, and then `message` is the server's text.

    With status 0, `message` is our own text, marked for translation. `cause` says why the server was not reached.
    """

    name: ProblemName
    message: str = ""
    _: KW_ONLY
    status: int = 0
    param: str = ""
    cause: Cause = ""
    retry_after: float | None = None  # seconds, if the server named them or requests are paused
    request_id: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


def too_large() -> Problem:
    """Return the problem of a response that is larger than its limit."""
    return Problem("too-large", _TOO_LARGE)


def problem_of(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """Return the problem that an error response means."""
    if status == 407:
        return Problem("unavailable", PROXY_NEEDS_LOGIN, cause="proxy")
    error = read_error(body.decode("utf-8", "replace"))
    return Problem(
        _name_of(status, error),
        without_keys(error.message),
        status=status,
        param=error.param or "",
        retry_after=read_retry_after(headers),
        request_id=headers.get("x-request-id", "")[:200],
    )


def _name_of(status: int, error: ApiError) -> ProblemName:
    if status == 429 and is_quota(error):
        return "quota-exhausted"
    if 300 <= status < 400:
        return "unreadable"  # redirects are not followed: the key must not reach another host
    if status == 400 and error.param is None and error.code is None and _OGX_NOT_FOUND.fullmatch(error.message):
        return "not-found"  # OGX's way (docs/api-facts.md#errors)
    return _BY_STATUS.get(status, "unavailable" if status >= 500 else "bad-request")


def is_quota(error: ApiError) -> bool:
    """Whether a 429 is about money, so that neither a retry nor waiting helps."""
    return error.type == "insufficient_quota" or error.code in _QUOTA_CODES


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read the seconds to wait from `retry-after-ms`, else from `Retry-After`, which is in seconds or a date.

    Return None if there is no value, or an implausible one: infinite, or longer than a year.
    """
    for wait in _waits_in(headers.get("retry-after-ms", ""), headers.get("retry-after", "")):
        return max(0.0, wait) if wait <= _MAX_WAIT else None  # NaN gives None too
    return None


def _waits_in(milliseconds: str, retry_after: str) -> Iterator[float]:
    with suppress(ValueError):
        yield float(milliseconds) / 1000
    with suppress(ValueError):
        yield float(retry_after)
    with suppress(ValueError, OverflowError):
        yield parsedate_to_datetime(retry_after).timestamp() - time.time()
