"""Reads the bodies of requests, which no middleware has read: limited, and whether their length is known or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from gzip import BadGzipFile, GzipFile
from typing import Any
from zlib import error as DamagedGzip

from django.http import HttpRequest, UnreadablePostError

from viewer.completions.errors import ApiError
from viewer.completions.zstandard import zstd

from .tokens import Refused

_CHUNK = 1_000_000  # bytes
_MAX_JSON = 1_000_000  # bytes
_DISCARDED = 50_000_000  # bytes


def read_json(request: HttpRequest) -> Any:
    """Return the JSON value of a small body. Raises Refused."""
    body = b"".join(chunks(request, _MAX_JSON))
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, ApiError("We could not parse the JSON body of your request.")) from None


def chunks(request: HttpRequest, limit: int) -> Iterator[bytes]:
    """Yield a body of at most so many bytes, packed or not, as it arrives. Raises Refused."""
    packing = request.headers.get("Content-Encoding", "").strip().lower()
    if packing not in _UNPACKED:
        message = f"Content-Encoding '{packing[:50]}' is not supported: send the body as it is, by gzip, or by zstd."
        raise Refused(415, ApiError(message, "Content-Encoding", "unsupported_encoding"))
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise _too_large(limit)
    received: Any = _Received(request, limit)
    body = _UNPACKED[packing](received)
    size = 0
    try:
        while chunk := body.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            yield chunk
    except (BadGzipFile, DamagedGzip, zstd.ZstdError, EOFError):
        message = f"The body is not what Content-Encoding: {packing} says, or it is cut off."
        raise Refused(400, ApiError(message, "Content-Encoding", "invalid_body")) from None
    except UnreadablePostError:
        raise Refused(400, ApiError("The body was cut off.", code="invalid_body")) from None
    except Refused:
        received.discard()
        raise


def _as_it_is(received: Any) -> Any:
    return received


def _by_gzip(received: Any) -> Any:
    return GzipFile(fileobj=received)


# By Content-Encoding. OpenTelemetry's Collector packs by gzip, or by zstd where it is told to.
_UNPACKED: dict[str, Callable[[Any], Any]] = {
    "": _as_it_is, "identity": _as_it_is, "gzip": _by_gzip, "x-gzip": _by_gzip, "zstd": zstd.ZstdFile,
}  # fmt: skip


class _Received:
    """The body as it arrives. Django takes one without a Content-Length, which comes in chunks, for empty."""

    def __init__(self, request: HttpRequest, limit: int) -> None:
        is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
        self._body = request.META["wsgi.input"] if is_chunked else request
        self._limit, self._count = limit, 0

    def read(self, size: int = _CHUNK) -> bytes:
        data: bytes = self._body.read(size)
        self._count += len(data)
        if self._count > self._limit:
            raise _too_large(self._limit)
        return data

    def discard(self) -> None:
        """Read some of the rest: a client that is still sending may not look at an answer before."""
        with suppress(OSError):  # it has given up
            for _ in range(_DISCARDED // _CHUNK):
                if not self._body.read(_CHUNK):
                    return


def _too_large(limit: int) -> Refused:
    message = f"The body is larger than {limit // 10**6:,} MB, the most that is accepted."
    return Refused(413, ApiError(message, code="body_too_large"))
