"""Keeps one upstream from taking everything down: so many questions at a time, and a pause after repeated failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.utils.translation import gettext_noop

from .problems import Problem

_WAITING_PLACES = 3  # threads that may wait for a turn; with the turns, fewer than the threads that serve
_LONGEST_WAIT = 1.0  # seconds
_FAILURES_TO_OPEN = 5  # in a row
_PAUSE = 15.0  # seconds without questions; then one goes ahead to see


class Gate:
    """The way to one host. Failures are silence, broken connections and 5xx; a 404 or a 429 is an answer."""

    def __init__(self, turns: int) -> None:
        self._turns = threading.BoundedSemaphore(turns)
        self._waiting = threading.BoundedSemaphore(_WAITING_PLACES)
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold one turn. Raises the problem `unavailable`, with the wait, when there is none to be had soon."""
        self.take()
        try:
            yield
        finally:
            self.give_back()

    def take(self) -> None:
        """Take a turn that `give_back` ends."""
        self._refuse_during_pause()
        if self._turns.acquire(blocking=False):
            return
        if not self._waiting.acquire(blocking=False):
            raise _busy()
        try:
            if not self._turns.acquire(timeout=_LONGEST_WAIT):
                raise _busy()
        finally:
            self._waiting.release()

    def give_back(self) -> None:
        self._turns.release()

    def note(self, *, failed: bool) -> None:
        """Count a failure or forget them all; at five in a row the pause begins."""
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            self._closed_until = time.monotonic() + _PAUSE if self._failures >= _FAILURES_TO_OPEN else 0.0

    def _refuse_during_pause(self) -> None:
        with self._lock:
            left = self._closed_until - time.monotonic()
            if left > 0:
                raise Problem(
                    "unavailable",
                    gettext_noop("It failed several times in a row; asking again after a pause."),
                    retry_after=left,
                )
            if self._failures >= _FAILURES_TO_OPEN:
                self._closed_until = time.monotonic() + _PAUSE  # this question goes ahead, the others wait for it


@cache
def gate_to(host: str, turns: int) -> Gate:
    """Give the one gate of this process to a host."""
    return Gate(turns)


def _busy() -> Problem:
    return Problem("unavailable", gettext_noop("Too many questions are on their way to it already."), retry_after=2)
