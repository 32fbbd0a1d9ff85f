"""Semaphores that the processes which serve on one machine share."""

from __future__ import annotations

import fcntl
import os
from functools import cache
from hashlib import sha256
from threading import Lock
from time import monotonic, sleep

from django.conf import settings

from .data_dir import command

_MAX_SIZE = 1 << 10  # slots of one semaphore
_POLL = 0.005, 0.001  # seconds between two tries at first, and shortly before the end of the wait
_held: set[int] = set()  # the bytes that this process has locked
_lock = Lock()


class MachineSemaphore:
    """Lets `size` in at a time, of all processes that serve with this DATA_DIR. It is used as those of `threading`.

    A slot is a byte of a file, which stays empty, and is locked by the process that has it: so the kernel frees it when
    the process ends, however that was. To that kind of lock all threads of a process are the same, hence `_held`.
    A command of manage.py, such as the one that imports, counts for itself: readers do not wait for it.
    """

    def __init__(self, name: str, size: int) -> None:
        whose = os.getpid() if command() else "the server"
        first = int.from_bytes(sha256(f"{whose} {name}".encode()).digest()[:5], "big") * _MAX_SIZE
        self._slots = range(first, first + size)

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a slot, to be released by this process; return False when none became free within `timeout` seconds."""
        start = monotonic()
        while not self._take():
            waited = monotonic() - start
            if not blocking or (timeout is not None and waited >= timeout):
                return False
            # Who has waited longer tries more often, and so is mostly served before those who came later.
            sleep(_POLL[0] if timeout is None else max(_POLL[1], _POLL[0] * (1 - waited / timeout) ** 2))
        return True

    def release(self) -> None:
        """Give back a slot. Raises ValueError if this process has none."""
        with _lock:
            slot = max(_held.intersection(self._slots))
            _held.remove(slot)
            fcntl.lockf(_file(), fcntl.LOCK_UN, 1, slot)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _take(self) -> bool:
        with _lock:
            for slot in self._slots:
                if slot not in _held and _is_locked_now(slot):
                    _held.add(slot)
                    return True
        return False


def _is_locked_now(slot: int) -> bool:
    try:
        fcntl.lockf(_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
    except BlockingIOError:
        return False
    return True


@cache
def _file() -> int:
    """Return the descriptor of the file, which stays open: closing any would end all locks of this process on it."""
    return os.open(settings.DATA_DIR / "slots.lock", os.O_RDWR | os.O_CREAT, 0o600)
