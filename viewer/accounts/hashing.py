"""Bounds what passwords may cost: each Argon2 hash takes 100 MB and a processor for a moment, whoever asks for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE = 2
# With those at work, and together far below SERVER_THREADS: strangers cannot take them all, nor keep out those
# whose browser is known.
MOST_STRANGERS, MOST_KNOWN = 9, 3
_turns = threading.BoundedSemaphore(AT_ONCE)
_strangers, _known = threading.BoundedSemaphore(MOST_STRANGERS), threading.BoundedSemaphore(MOST_KNOWN)
_held = threading.local()


class QueueIsFull(Exception):
    """Too many passwords are waiting to be checked."""


@contextmanager
def turn() -> Iterator[None]:
    """Wait for one of the few turns; a thread that has one keeps it."""
    if getattr(_held, "is_ours", False):
        yield
        return
    with _turns:
        _held.is_ours = True
        try:
            yield
        finally:
            _held.is_ours = False


@contextmanager
def queued_turn(*, is_known: bool) -> Iterator[None]:
    """Wait for a turn in a queue of bounded length. Raises QueueIsFull."""
    queue = _known if is_known else _strangers
    if not queue.acquire(blocking=False):
        raise QueueIsFull
    try:
        with turn():
            yield
    finally:
        queue.release()


class Argon2(Argon2PasswordHasher):
    """Django's Argon2, a few at a time."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        with turn():
            return super().encode(*args, **kwargs)

    def verify(self, password: str, encoded: str) -> bool:
        with turn():
            return super().verify(password, encoded)
