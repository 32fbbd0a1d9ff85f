"""The web server: Granian, whose own threads, in Rust, wait for slow clients, so that ours do not.

Each process listens on a socket of its own, among which the kernel spreads connections. With one socket for all, the
first process to wake would take most of what comes at once.

`./run` runs it as a program. It imports nothing of the application, so that after a SIGHUP new processes import the new
code.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from ctypes import Array, c_int
from functools import partial
from multiprocessing.synchronize import Event
from typing import Any

from granian import Granian
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

_MAX_CONNECTIONS = 8_000  # an idle one takes a few kilobytes
_OPEN_FILES = _MAX_CONNECTIONS + 1_000  # one per connection, and some per thread for the database
# Milliseconds until request headers must be complete, also for the next request on a kept connection. Longer than load
# balancers keep idle connections (AWS: 60 seconds), or they would sometimes use one that is just being closed.
_HEADERS_TIMEOUT = 75_000
_MAX_HEADERS = 128 * 1024  # bytes; a filter by 16 metadata pairs can have 64 kB
_BACKLOG = 1_024  # connections that wait to be accepted, for each process
_STOP_TIMEOUT = 30  # seconds after SIGTERM to finish current requests
_INTERRUPT_TIMEOUT = 2  # seconds after Ctrl-C
_LOG = {
    "formatters": {"json": {"()": "viewer.web.logs.JsonLines"}},
    "filters": {"expected": {"()": "viewer.operations.server.WithoutExpected"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["expected"]}},
    "loggers": {"_granian": {"handlers": ["console"], "propagate": False}},
}


class Server(Granian):  # type: ignore[misc, valid-type]  # one of two classes, depending on the GIL
    """Granian's server, which stops soon after Ctrl-C in spite of current requests, and on a reload stops no process
    before the next is ready.

    It makes the sockets that the processes listen on, and keeps them: a process that replaces another has its socket,
    so that connections which nobody has accepted yet are not lost.
    """

    _sockets: list[socket.socket]
    _at_work: Array[c_int]  # requests that each process is answering
    _is_serving = False

    def signal_handler_interrupt(self, *args: Any, **named: Any) -> None:
        if args and args[0] == signal.SIGINT:
            self.workers_kill_timeout = _INTERRUPT_TIMEOUT
        super().signal_handler_interrupt(*args, **named)

    def _init_shared_socket(self) -> None:
        self._sockets = [_listening(self.bind_addr, self.bind_port) for _ in range(self.workers)]
        self._at_work = multiprocessing.RawArray("i", self.workers)
        self._ssp = self._shd = None

    def _drop_shared_socket(self) -> None:
        for listening in self._sockets:
            listening.close()

    def _spawn_workers(self, *args: Any) -> None:
        super()._spawn_workers(*args)
        self._is_serving = True

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Callable[[], Any]) -> Any:
        is_ready = multiprocessing.Event()
        self._sso = self._sockets[idx]
        load = partial(_load, callback_loader, is_ready, partial(Balanced, self._at_work, idx))
        worker = super()._spawn_worker(idx, partial(_listen, target), load)
        start = worker.start

        def start_and_wait() -> None:
            start()
            # At the first start, all begin at once.
            while self._is_serving and worker.is_alive() and not (is_ready.wait(0.1) or self.interrupt_signal):
                pass

        worker.start = start_and_wait
        return worker


def _listening(address: str, port: int) -> socket.socket:
    """Return a listening socket, one of several for the same port. `::` takes IPv4 as well."""
    is_v6 = ":" in address
    listening = socket.create_server(
        (address, port),
        family=socket.AF_INET6 if is_v6 else socket.AF_INET,
        backlog=_BACKLOG,
        reuse_port=True,
        dualstack_ipv6=is_v6 and socket.has_dualstack_ipv6(),
    )
    # Connections have it from here. Without it, the second part of a streamed answer waits for the client to
    # acknowledge the first, which that may put off for 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _listen(target: Callable[..., Any], *args: Any) -> None:
    """Run Granian's worker, in its process, on the socket that it was given. By itself it would make one on Linux."""
    idx, name, load, (_, listening), *rest = args
    listening.setblocking(False)
    holder = SocketHolder(listening.fileno(), False, _BACKLOG)  # type: ignore[call-arg]  # its stub has no arguments
    target(idx, name, load, ((None, holder), None), *rest)


def _load(load: Callable[[], Any], is_ready: Event, wrap: Callable[[Any], Any]) -> Any:
    """Load the application in the worker process, which listens a moment later.

    The worker gets its own process group, so that Ctrl-C reaches only the main process, which then stops the worker: on
    two signals at once, Granian's worker hangs until it is killed.
    """
    os.setpgid(0, 0)
    application = wrap(load())
    is_ready.set()
    return application


class Balanced:
    """The application of one process. When that has more to answer than another, its clients are to connect again.

    The kernel spreads new connections by chance, and clients keep them: of eight, six may be with one of two processes.
    """

    def __init__(self, at_work: Array[c_int], place: int, application: Callable[..., Any]) -> None:
        self._application, self._at_work, self._place = application, at_work, place
        self._count, self._lock = 0, threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if self._count - min(self._at_work) > 1:
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, exc_info)

        self._add(1)
        try:
            return self._application(environ, start)
        finally:
            self._add(-1)

    def _add(self, change: int) -> None:
        with self._lock:
            self._count += change
            self._at_work[self._place] = self._count  # nobody else writes there


class WithoutExpected(logging.Filter):
    """Drops two expected messages: a response that was aborted (client/http.py), because the client notices; and more
    threads than cores, because they wait for the database and for other servers.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        is_aborted = bool(record.exc_info and isinstance(record.exc_info[1], BrokenPipeError))
        return not (is_aborted or record.getMessage().startswith("Configuration allows spawning up to"))


def main(host: str, port: int, processes: int, threads: int) -> None:
    multiprocessing.set_start_method("spawn")  # a fork would keep the modules that this process has imported
    Server(
        "viewer.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=_MAX_HEADERS, header_read_timeout=_HEADERS_TIMEOUT),
        workers=processes,
        backlog=_BACKLOG,
        blocking_threads=threads,
        backpressure=_connection_limit(),
        respawn_failed_workers=True,
        respawn_interval=1,  # seconds between ready and listening, with a wide margin
        workers_kill_timeout=_STOP_TIMEOUT,
        log_level=LogLevels.warning,
        log_dictconfig=_LOG,
    ).serve()


def _connection_limit() -> int:
    """Return how many connections to accept, and raise the limit of open files for them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))
    return max(100, limit - (_OPEN_FILES - _MAX_CONNECTIONS))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
