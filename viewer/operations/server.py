"""Serves: Granian, whose own threads, in Rust, wait for slow clients, so that ours do not.

Run as a program by `./run`. It imports nothing of the application: after a SIGHUP new processes do, with the new code.
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

_CONNECTIONS = 8_000  # an idle one takes some kilobytes
_FILES = _CONNECTIONS + 1_000  # each connection is one; the database has some for each thread
# Milliseconds for a head to come whole, also for the next on a connection that is kept: longer than load balancers keep
# an idle one (AWS's, 60 seconds), or they would now and then send a request into a connection that is being closed.
_LONGEST_SILENCE = 75_000
_LONGEST_HEAD = 128 * 1024  # bytes; a filter by 16 legal pairs of metadata is 64 kB long
_LONGEST_END = 30  # seconds for what is being answered, after SIGTERM
_SHORT_END = 2  # seconds, after Ctrl-C
_LOG = {
    "formatters": {"json": {"()": "viewer.web.logs.JsonLines"}},
    "filters": {"intended": {"()": "viewer.operations.server.WithoutIntended"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["intended"]}},
    "loggers": {"_granian": {"handlers": ["console"], "propagate": False}},
}


class Server(Granian):  # type: ignore[misc, valid-type]  # one of two classes, as the interpreter has a GIL or none
    """Granian's server, which ends soon after Ctrl-C, whoever is being served, and ends no process before the next is
    ready: each listens for itself, so between the two nobody would.
    """

    def signal_handler_interrupt(self, *args: Any, **named: Any) -> None:
        if args and args[0] == signal.SIGINT:
            self.workers_kill_timeout = _SHORT_END
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
    """Load the application, in the process that will serve it; it listens a moment later.

    A group of its own, so that Ctrl-C reaches the first process alone, which tells this one to end: told twice at the
    same moment, Granian's worker waits until it is killed.
    """
    os.setpgid(0, 0)
    application = load()
    is_ready.set()
    return application


class WithoutIntended(logging.Filter):
    """Says nothing of what is meant so: an answer that was broken off (client/asking.py), for its client sees it; and
    more threads than cores, for they wait for the database and for other servers.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        is_broken_off = bool(record.exc_info and isinstance(record.exc_info[1], BrokenPipeError))
        return not (is_broken_off or record.getMessage().startswith("Configuration allows spawning up to"))


def main(host: str, port: int, threads: int) -> None:
    multiprocessing.set_start_method("spawn")  # a fork would go on with what this process has imported
    Server(
        "viewer.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=_LONGEST_HEAD, header_read_timeout=_LONGEST_SILENCE),
        blocking_threads=threads,
        backpressure=_connections(),
        respawn_failed_workers=True,
        respawn_interval=1,  # seconds from being ready to listening, with much to spare
        workers_kill_timeout=_LONGEST_END,
        log_level=LogLevels.warning,
        log_dictconfig=_LOG,
    ).serve()


def _connections() -> int:
    """How many connections to take: as many as there may be files for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    return max(100, most - (_FILES - _CONNECTIONS))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
