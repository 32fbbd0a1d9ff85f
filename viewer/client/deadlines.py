"""Deadlines in real time. A timeout of `requests` starts again with every byte: a server that sends one every second
blocks a thread for ever. Here every read of a socket, of headers too, may take only what is left of the deadline."""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_BUFFER = 65_536  # bytes; most answers come whole with their headers


class Deadline:
    """The time by which reading must end. A stream may `extend` it, up to `max_seconds` after the start."""

    def __init__(self, seconds: float, max_seconds: float = 0.0) -> None:
        self._end = time.monotonic() + seconds
        self._max_end = time.monotonic() + max(seconds, max_seconds)

    def extend(self, seconds: float) -> None:
        self._end = min(self._max_end, time.monotonic() + seconds)

    def max_left(self) -> float:
        """Return the seconds that are left at most, however often it is extended."""
        return max(0.0, self._max_end - time.monotonic())

    def left_or_zero(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError when there are none."""
        left = self.left_or_zero()
        if not left:
            raise TimeoutError("the deadline has passed")
        return left


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def enforce(deadline: Deadline) -> Iterator[None]:
    """Apply this deadline to every response that begins inside the block, even when it is read after the block."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


class _Reader(socket.SocketIO):
    """Reads a socket; what is left of the deadline is the timeout of each read."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__(sock, "r")
        self._socket = sock
        self._deadline = deadline

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._deadline.left())
        return super().readinto(buffer)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if (deadline := _current.get()) is not None:
            self.fp.close()
            sock._io_refs += 1  # type: ignore[attr-defined]  # as socket.makefile does: the reader keeps it open
            self.fp = io.BufferedReader(_Reader(sock, deadline), _BUFFER)


class _Connection(HTTPConnection):
    response_class = _Response


class _TLSConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class DeadlineAdapter(requests.adapters.HTTPAdapter):
    """The usual transport of `requests`, with deadlines."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager
