"""The named problems: everything that can come instead of an answer."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
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
# 429 of the money kind (docs/api-facts.md#errors): waiting does not help.
_QUOTA_CODES = {
    "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
}  # fmt: skip
# Not every "not found" of OGX: a cursor that it does not know is worded alike, and its completion may well be there.
_OGX_NOT_FOUND = re.compile(r"Chat completion with id .+ not found", re.DOTALL)
PROXY_ASKS = gettext_noop("The proxy in UPSTREAM_PROXY requires a username and a password (407).")
_LONGEST_WAIT = 366 * 24 * 60 * 60  # seconds


class Problem(Exception):
    """One question that got no answer. `status` is the other side's HTTP status, and then `said` its own sentence.

    With status 0, `said` is a sentence of ours, marked for translation. `cause` names what lies before the server.
    """

    def __init__(
        self,
        name: ProblemName,
        said: str = "",
        *,
        status: int = 0,
        param: str = "",
        cause: Cause = "",
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(f"{name}: {said}" if said else name)
        self.name = name
        self.said = said
        self.status = status
        self.param = param
        self.cause = cause
        self.retry_after = retry_after  # seconds, when the other side named them or asking is paused
        self.request_id = request_id


def problem_of(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """Name what a refused question means."""
    if status == 407:
        return Problem("unavailable", PROXY_ASKS, cause="proxy")
    error = read_error(body.decode("utf-8", "replace"))
    return Problem(
        _name_of(status, error),
        without_keys(error.message),
        status=status,
        param=error.param or "",
        retry_after=wait_of(headers),
        request_id=headers.get("x-request-id", "")[:200],
    )


def _name_of(status: int, error: ApiError) -> ProblemName:
    if status == 429 and is_quota(error):
        return "quota-exhausted"
    if 300 <= status < 400:
        return "unreadable"  # redirects are not followed: the key must not travel
    if status == 400 and error.param is None and error.code is None and _OGX_NOT_FOUND.fullmatch(error.message):
        return "not-found"  # OGX says it this way (docs/api-facts.md#errors)
    return _BY_STATUS.get(status, "unavailable" if status >= 500 else "bad-request")


def is_quota(error: ApiError) -> bool:
    """Whether a 429 is about money, so that neither a retry nor waiting helps."""
    return error.type == "insufficient_quota" or error.code in _QUOTA_CODES


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Read the wait in seconds from `retry-after-ms`, else from `Retry-After` as seconds or as a date.

    None where there is none, or none to be believed: infinite, or longer than a year.
    """
    for wait in _waits_in(headers.get("retry-after-ms", ""), headers.get("retry-after", "")):
        return max(0.0, wait) if wait <= _LONGEST_WAIT else None  # NaN is not either
    return None


def _waits_in(milliseconds: str, given: str) -> Iterator[float]:
    with suppress(ValueError):
        yield float(milliseconds) / 1000
    with suppress(ValueError):
        yield float(given)
    with suppress(ValueError, OverflowError):
        yield parsedate_to_datetime(given).timestamp() - time.time()
