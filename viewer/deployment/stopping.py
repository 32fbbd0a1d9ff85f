"""Tells a process when to stop: after Ctrl-C, SIGTERM, or the end of its parent."""

from __future__ import annotations

import signal
import sys
import threading


def stop_event(until_stdin_closes: bool) -> threading.Event:
    """Return an event that Ctrl-C and SIGTERM set, and on request the end of the parent process, which closes stdin."""
    stopping = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stopping.set())

    def wait_for_parent() -> None:
        sys.stdin.read()
        stopping.set()

    if until_stdin_closes:
        threading.Thread(target=wait_for_parent, daemon=True).start()
    return stopping
