"""The web server: Granian, whose own threads, in Rust, wait for slow clients, so that ours do not.

`./run` runs it as a program. It imports nothing of the application, so that after a SIGHUP new processes import the new
code.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.synchronize import Event
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

_MAX_CONNECTIONS = 8_000  # an idle one takes a few kilobytes
_OPEN_FILES = _MAX_CONNECTIONS + 1_000  # one per connection, and some per thread for the database
# Milliseconds until request headers must be complete, also for the next request on a kept connection. Longer than load
# balancers keep idle connections (AWS: 60 seconds), or they would sometimes use one that is just being closed.
_HEADERS_TIMEOUT = 75_000
_MAX_HEADERS = 128 * 1024  # bytes; a filter by 16 metadata pairs can have 64 kB
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
    before the next is ready: each process listens for itself, so otherwise nobody would in between.
    """

    def signal_handler_interrupt(self, *args: Any, **named: Any) -> None:
        if args and args[0] == signal.SIGINT:
            self.workers_kill_timeout = _INTERRUPT_TIMEOUT
        super().signal_handler_interrupt(*args, **named)

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Callable[[], Any]) -> Any:
        is_ready = multiprocessing.Event()
        worker = super()._spawn_worker(idx, target, partial(_load, callback_loader, is_ready))
        start = worker.start

        def start_and_wait() -> None:
            start()
            while not (is_ready.wait(0.1) or self.interrupt_signal) and worker.is_alive():
                pass

        worker.start = start_and_wait
        return worker


def _load(load: Callable[[], Any], is_ready: Event) -> Any:
    """Load the application in the worker process, which listens a moment later.

    The worker gets its own process group, so that Ctrl-C reaches only the main process, which then stops the worker: on
    two signals at once, Granian's worker hangs until it is killed.
    """
    os.setpgid(0, 0)
    application = load()
    is_ready.set()
    return application


class WithoutExpected(logging.Filter):
    """Drops two expected messages: a response that was aborted (client/http.py), because the client notices; and more
    threads than cores, because they wait for the database and for other servers.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        is_aborted = bool(record.exc_info and isinstance(record.exc_info[1], BrokenPipeError))
        return not (is_aborted or record.getMessage().startswith("Configuration allows spawning up to"))


def main(host: str, port: int, threads: int) -> None:
    multiprocessing.set_start_method("spawn")  # a fork would keep the modules that this process has imported
    Server(
        "viewer.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=_MAX_HEADERS, header_read_timeout=_HEADERS_TIMEOUT),
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
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
