"""Limits concurrent requests, so that slow upstreams cannot take every thread: per host, per person and in all.

Those per host and per person hold for all processes of this machine, as the host notices the sum. The one in all, and
what may wait, protect the threads of a process, so they are its own. So is the pause: a host that fails several times
in a row gets no requests for a while.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial

from django.utils.translation import gettext_noop

from viewer.deployment.slots import MachineSemaphore

from .problems import Problem

_MAX_WAIT = 1.0  # seconds
_FAILURES_TO_PAUSE = 5  # in a row
_PAUSE = 15.0  # seconds without requests; then a single one tries again
# Running or waiting for a slot; far fewer than the threads that serve (viewer/operations/server.py).
MAX_REQUESTS = 10
_all_requests = threading.BoundedSemaphore(MAX_REQUESTS)


class ConcurrencyLimit:
    """At most `size` requests at a time on this machine; as many again may wait for a moment in each process."""

    def __init__(self, name: str, size: int) -> None:
        self._running = MachineSemaphore(f"requests of {name}", size)
        self._waiting = threading.BoundedSemaphore(size)

    def acquire(self) -> None:
        """Take a slot, to be released. Raises the problem `unavailable` when none becomes free in time."""
        if self._running.acquire(blocking=False):
            return
        if not self._waiting.acquire(blocking=False):
            raise _too_many_requests()
        try:
            if not self._running.acquire(timeout=_MAX_WAIT):
                raise _too_many_requests()
        finally:
            self._waiting.release()

    def release(self) -> None:
        self._running.release()


class HostLimiter:
    """The limit of one host, and its circuit breaker. A 404 or a 429 is an answer; silence and 5xx are failures."""

    def __init__(self, name: str, size: int) -> None:
        self.limit = ConcurrencyLimit(f"host {name}", size)
        self._lock = threading.Lock()
        self._failures = 0
        self._paused_until = 0.0

    def record(self, *, failed: bool) -> None:
        """Count a failure, or forget all of them after a success."""
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            self._paused_until = time.monotonic() + _PAUSE if self._failures >= _FAILURES_TO_PAUSE else 0.0

    def check_pause(self) -> None:
        """Raise the problem `unavailable`, with the remaining seconds, during a pause."""
        with self._lock:
            left = self._paused_until - time.monotonic()
            if left > 0:
                raise Problem(
                    "unavailable",
                    gettext_noop("It failed several times in a row. Requests resume after a pause."),
                    retry_after=left,
                )
            if self._failures >= _FAILURES_TO_PAUSE:
                self._paused_until = time.monotonic() + _PAUSE  # this request goes ahead, the others wait for it


@dataclass(frozen=True)
class RequestLimiter:
    """The limits that apply to one person's requests to one host."""

    host: HostLimiter
    person: ConcurrencyLimit

    def acquire(self) -> Slot:
        """Take a slot of all three limits. Raises the problem `unavailable`."""
        self.host.check_pause()
        _release_overdue()
        slot = Slot()
        if not _all_requests.acquire(blocking=False):
            raise _too_many_requests()
        slot.on_release(_all_requests.release)
        try:
            for limit in (self.person, self.host.limit):
                limit.acquire()
                slot.on_release(limit.release)
        except Problem:
            slot.release()
            raise
        return slot


class Slot:
    """What one request holds. It is released once, at the latest when nothing refers to it any more."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], object]] = []

    def on_release(self, callback: Callable[[], object]) -> None:
        self._callbacks.append(callback)

    def release_within(self, seconds: float) -> None:
        """Let others have it after so many seconds, whatever the thread that took it is waiting for."""
        _ends[id(self)] = (time.monotonic() + seconds, weakref.ref(self))  # this alone must not keep it alive
        self.on_release(partial(_ends.pop, id(self), None))

    def release(self) -> None:
        while self._callbacks:
            with suppress(IndexError):  # another thread was faster
                self._callbacks.pop()()

    __del__ = release

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.release()


_ends: dict[int, tuple[float, weakref.ref[Slot]]] = {}  # of the slots that others may have from then on, by their id


def _release_overdue() -> None:
    """Release the slots whose time is over. Whoever needs one looks, which is less work than a timer for each."""
    now = time.monotonic()
    for end, reference in list(_ends.values()):
        if end <= now and (slot := reference()):
            slot.release()


@cache
def host_limiter(host: str, size: int) -> HostLimiter:
    """Return the one limiter of this process for a host."""
    return HostLimiter(host, size)


@cache
def person_limit(person: int, size: int) -> ConcurrencyLimit:
    """Return the one limit of this process for a person, whatever the host."""
    return ConcurrencyLimit(f"person {person}", size)


def _too_many_requests() -> Problem:
    return Problem("unavailable", gettext_noop("Too many requests are already in progress."), retry_after=2)
