"""A server in this process, such as the archive: the same requests, answers and problems, and no socket."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from django.db import DatabaseError

from .http import CONNECTION_FAILED, Response
from .problems import Problem, too_large
from .scrubbing import without_keys

BASE_URL = "http://archive.invalid/v1"  # `.invalid` never resolves (RFC 2606)
_JSON = {"Content-Type": "application/json"}
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


class Answered(Protocol):
    """The status and body of an answer."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


Respond = Callable[[str, str], Answered]  # takes the path after `/v1` and the query; may raise DatabaseError


@dataclass(frozen=True, slots=True)
class InProcess:
    """Sends requests to a function, as `HttpClient` does to a server. A larger body is a problem."""

    respond: Respond
    max_bytes: int = 512_000_000

    def get(self, url: str) -> Response:
        """Return an answer; the text of an error without what looks like a key. Raises Problem."""
        response = self.stream(url, {})
        if response.status == 200:
            return response
        text = without_keys(response.body.decode("utf-8", "surrogateescape"))
        return Response(response.status, _JSON, text.encode("utf-8", "surrogateescape"))

    def stream(self, url: str, headers: Mapping[str, str]) -> Response:
        """Return an answer as it is, and whole, because it is in memory. Raises Problem."""
        asked = urlsplit(url)
        # A query with a percent sign that escapes nothing has no escapes, as for the HTTP client that others ask with.
        query = asked.query.replace("%", "%25") if _NO_ESCAPE.search(asked.query) else asked.query
        try:
            answered = self.respond(asked.path.removeprefix("/v1"), query)
        except DatabaseError:
            raise Problem("unavailable", CONNECTION_FAILED) from None
        if len(answered.body) > self.max_bytes:
            raise too_large()
        return Response(answered.status, _JSON, answered.body)
