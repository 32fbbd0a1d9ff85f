"""gunicorn's threaded worker, which stops when it is told to, and takes longer addresses."""

from __future__ import annotations

import os
import signal
from typing import Any

from gunicorn.http import message
from gunicorn.http.errors import LimitRequestLine
from gunicorn.workers.gthread import ThreadWorker

LONGEST_LINE = 65_536  # bytes of `GET /address HTTP/1.1`; a filter by 16 legal pairs of metadata is that long
_AFTER_QUIT = 1.0  # seconds to finish what is being answered, after Ctrl-C
_TOO_LONG = b"<!doctype html><title>Too long</title><p>This address is too long. Shorten the search or the filter.\n"

message.MAX_REQUEST_LINE = LONGEST_LINE  # no setting goes beyond 8,190, but for none at all


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """Stops by flags and a timer of the system.

    gunicorn's own handler of SIGQUIT, which follows a Ctrl-C, shuts the pool of threads down. When the signal comes
    while a request is handed to the pool, the handler waits for a lock that its own thread holds (CPython 121649).
    """

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End in a second or so."""
        super().handle_exit(sig, frame)
        signal.setitimer(signal.ITIMER_REAL, _AFTER_QUIT)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End when everything is answered. A client that does not read what it asked for is not waited for longer."""
        super().handle_exit(sig, frame)
        signal.setitimer(signal.ITIMER_REAL, max(self.cfg.graceful_timeout - 1, 1))

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        if not isinstance(exc, LimitRequestLine):
            super().handle_error(req, client, addr, exc)
            return
        head = f"HTTP/1.1 414 URI Too Long\r\nConnection: close\r\nContent-Length: {len(_TOO_LONG)}\r\n"
        client.sendall(f"{head}Content-Type: text/html; charset=utf-8\r\n\r\n".encode() + _TOO_LONG)
