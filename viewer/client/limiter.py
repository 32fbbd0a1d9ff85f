"""Keeps upstreams from taking everything down: so many questions at a time, to one host, of one person and in all, and
a pause after repeated failure."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext_noop

from .problems import Problem

_LONGEST_WAIT = 1.0  # seconds
_FAILURES_TO_OPEN = 5  # in a row
_PAUSE = 15.0  # seconds without questions; then one goes ahead to see
# Questions on their way or waiting for a turn; far fewer than the threads that serve (viewer/operations/server.py).
IN_ALL = 10
_in_all = threading.BoundedSemaphore(IN_ALL)


class Turns:
    """So many at a time; as many again may wait a moment."""

    def __init__(self, turns: int) -> None:
        self._turns = threading.BoundedSemaphore(turns)
        self._waiting = threading.BoundedSemaphore(turns)

    def take(self) -> None:
        """Take a turn that `give_back` ends. Raises the problem `unavailable` when there is none to be had soon."""
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


class Gate:
    """The way to one host. Failures are silence, broken connections and 5xx; a 404 or a 429 is an answer."""

    def __init__(self, turns: int) -> None:
        self.turns = Turns(turns)
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def note(self, *, failed: bool) -> None:
        """Count a failure or forget them all; at five in a row the pause begins."""
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            self._closed_until = time.monotonic() + _PAUSE if self._failures >= _FAILURES_TO_OPEN else 0.0

    def refuse_during_pause(self) -> None:
        """Raise the problem `unavailable`, with the wait, while the host is left alone."""
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


@dataclass(frozen=True)
class Way:
    """The way of one person to one host."""

    gate: Gate
    person: Turns

    def take(self) -> Turn:
        """Take a turn of everybody's, of the person's and of the host's. Raises the problem `unavailable`."""
        self.gate.refuse_during_pause()
        turn = Turn()
        if not _in_all.acquire(blocking=False):
            raise _busy()
        turn.gives_back(_in_all.release)
        try:
            for turns in (self.person, self.gate.turns):
                turns.take()
                turn.gives_back(turns.give_back)
        except Problem:
            turn.give_back()
            raise
        return turn


class Turn:
    """What one question holds. It is given back once, and at the latest when nobody knows of it any more."""

    def __init__(self) -> None:
        self._ends: list[Callable[[], None]] = []

    def gives_back(self, end: Callable[[], None]) -> None:
        self._ends.append(end)

    def end_within(self, seconds: float) -> None:
        """Give it back by then at the latest, whatever the thread that took it waits for."""
        timer = threading.Timer(seconds, _give_back, [weakref.ref(self)])  # the timer alone must not keep it
        timer.daemon = True
        timer.start()
        self.gives_back(timer.cancel)

    def give_back(self) -> None:
        while self._ends:
            with suppress(IndexError):  # another thread was quicker
                self._ends.pop()()

    __del__ = give_back

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.give_back()


def _give_back(known: weakref.ref[Turn]) -> None:
    if turn := known():
        turn.give_back()


@cache
def gate_to(host: str, turns: int) -> Gate:
    """Give the one gate of this process to a host."""
    return Gate(turns)


@cache
def turns_of(person: int, turns: int) -> Turns:
    """Give a person's turns, the same to every host, in this process."""
    return Turns(turns)


def _busy() -> Problem:
    return Problem("unavailable", gettext_noop("Too many questions are on their way already."), retry_after=2)
