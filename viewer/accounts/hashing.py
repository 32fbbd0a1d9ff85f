"""Limits concurrent password hashing: each Argon2 hash takes 100 MB and a processor core for a moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

from viewer.deployment.slots import MachineSemaphore

MAX_HASHING = 2  # of all processes of this machine
# In each process, including those being hashed. Together far below SERVER_THREADS, so that strangers cannot take all
# threads, and separate, so that they cannot keep out people whose browser is known.
MAX_STRANGERS, MAX_KNOWN = 9, 3
_slots = MachineSemaphore("hashing", MAX_HASHING)
_strangers, _known = threading.BoundedSemaphore(MAX_STRANGERS), threading.BoundedSemaphore(MAX_KNOWN)
_local = threading.local()


class QueueIsFull(Exception):
    """Too many passwords are waiting to be checked."""


@contextmanager
def slot() -> Iterator[None]:
    """Wait for one of the few slots, unless this thread already holds one."""
    if getattr(_local, "has_slot", False):
        yield
        return
    with _slots:
        _local.has_slot = True
        try:
            yield
        finally:
            _local.has_slot = False


@contextmanager
def queued_slot(*, is_known: bool) -> Iterator[None]:
    """Wait for a slot in a queue of limited length. Raises QueueIsFull."""
    queue = _known if is_known else _strangers
    if not queue.acquire(blocking=False):
        raise QueueIsFull
    try:
        with slot():
            yield
    finally:
        queue.release()


class Argon2(Argon2PasswordHasher):
    """Django's Argon2 hasher, for a few hashes at a time."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        with slot():
            return super().encode(*args, **kwargs)

    def verify(self, password: str, encoded: str) -> bool:
        with slot():
            return super().verify(password, encoded)
