"""The named problems: everything that can come instead of an answer."""

from __future__ import annotations

from typing import Literal

import requests

from viewer.completions.errors import read_error

ProblemName = Literal[
    "invalid-key", "forbidden", "not-found", "rate-limited", "quota-exhausted", "unsupported", "unavailable",
    "timeout", "too-large", "unreadable", "bad-request",
]  # fmt: skip

_BY_STATUS: dict[int, ProblemName] = {
    401: "invalid-key", 403: "forbidden", 404: "not-found", 405: "unsupported", 408: "timeout", 413: "too-large",
    429: "rate-limited", 501: "unsupported", 504: "timeout",
}  # fmt: skip


class Problem(Exception):
    """One question that got no answer. `said` is the other side's own sentence, `status` its HTTP status or 0."""

    def __init__(self, name: ProblemName, said: str = "", *, status: int = 0, param: str = "") -> None:
        super().__init__(f"{name}: {said}" if said else name)
        self.name = name
        self.said = said
        self.status = status
        self.param = param


def problem_of(response: requests.Response) -> Problem:
    """Name what a refused question means."""
    error = read_error(response.text)
    default: ProblemName = "unavailable" if response.status_code >= 500 else "bad-request"
    name = _BY_STATUS.get(response.status_code, default)
    return Problem(name, error.message, status=response.status_code, param=error.param or "")
