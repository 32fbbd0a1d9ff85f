"""Deadlines in real time. A timeout of `requests` counts from byte to byte: a server that sends one every second holds
a thread for ever. Here every read of a socket, of headers too, gets what is left of the deadline and no more."""

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


class Deadline:
    """A moment that reading must not pass. `extend` moves it, for a stream that goes on, but not beyond `last`."""

    def __init__(self, seconds: float, last: float = 0.0) -> None:
        self._ends = time.monotonic() + seconds
        self._last = time.monotonic() + max(seconds, last)

    def extend(self, seconds: float) -> None:
        self._ends = min(self._last, time.monotonic() + seconds)

    def longest(self) -> float:
        """Give the seconds that are left however often it moves."""
        return max(0.0, self._last - time.monotonic())

    def left_or_zero(self) -> float:
        return max(0.0, self._ends - time.monotonic())

    def left(self) -> float:
        """Give the seconds that are left. Raises TimeoutError when there are none."""
        left = self.left_or_zero()
        if not left:
            raise TimeoutError("the deadline has passed")
        return left


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def running(deadline: Deadline) -> Iterator[None]:
    """Let every answer that begins inside read against this deadline, also after the block has ended."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


class _Reader(socket.SocketIO):
    """Reads a socket, each time with what is left of the deadline."""

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
            sock._io_refs += 1  # type: ignore[attr-defined]  # what socket.makefile does: the reader keeps it open
            self.fp = io.BufferedReader(_Reader(sock, deadline))


class _Connection(HTTPConnection):
    response_class = _Response


class _TLSConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class DeadlineAdapter(requests.adapters.HTTPAdapter):
    """The usual transport of `requests`, reading against deadlines."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager
