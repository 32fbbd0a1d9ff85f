"""The archive as a transport adapter for `requests`: the same client and wire format, without a socket."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from django.db import DatabaseError
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from .api import Response, respond

BASE_URL = "http://archive.invalid/v1"  # `.invalid` never resolves (RFC 2606); `requests` needs a scheme it knows
Respond = Callable[[str, str], Response]  # takes the path after `/v1` and the query


class ArchiveTransport(BaseAdapter):
    """Answers a prepared request in process: from the archive for a person, or by another function.

    Raises requests.ConnectionError if the database fails.
    """

    def __init__(self, reader: int | None, answer: Respond | None = None) -> None:
        super().__init__()
        self._reader = reader
        self._answer = answer

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        try:
            path, query = url.path.removeprefix("/v1"), url.query
            answered = self._answer(path, query) if self._answer else respond(path, query, self._reader)
        except DatabaseError as error:
            raise requests.ConnectionError("the archive's database did not answer", request=request) from error
        response = requests.Response()
        response.status_code = answered.status
        response.url = request.url or ""
        response.request = request
        response.headers = CaseInsensitiveDict({"Content-Type": "application/json"})
        response.raw = HTTPResponse(BytesIO(answered.body), response.headers, answered.status, preload_content=False)
        return response

    def close(self) -> None:
        """Do nothing: there is no connection to close."""
