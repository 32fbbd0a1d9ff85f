"""What the processes of one machine have in common without Redis: counters, and that caches are emptied together.

Without Redis, and while it is unavailable, each process keeps for itself what it rendered and received, as reading that
from somewhere else would cost more; and all of them count in one file, as limits have to hold whoever answers.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from os import stat, utime
from pathlib import Path
from threading import Lock
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import OperationalError

from viewer.deployment.data_dir import preparation_lock

_BUSY = 10.0  # seconds to wait for another process that writes, which takes microseconds
_PREPARE = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT NOT NULL, ends REAL)",
    "CREATE INDEX IF NOT EXISTS kept_ends ON kept (ends)",
)
Execute = Callable[..., sqlite3.Cursor]


class OfProcess(LocMemCache):
    """A cache in the memory of one process. Whoever clears it clears it in every process of the machine.

    The time of a file, whose path is LOCATION, says when it was cleared last; each use looks at it, for a microsecond.
    """

    _cleared: dict[str, int] = {}  # by path: the time that this process has followed

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, params)
        self._mark = name

    def make_and_validate_key(self, key: Any, version: int | None = None) -> str:
        """Follow the others first. Every use of one key begins here."""
        if (cleared := self._last_cleared()) != self._cleared.setdefault(self._mark, cleared):
            self._cleared[self._mark] = cleared
            super().clear()
        return str(super().make_and_validate_key(key, version))

    def validate_key(self, key: str) -> None:
        """Take any key: what memcached would refuse concerns nobody here, and takes as long to check as to find."""

    def clear(self) -> None:
        mark = Path(self._mark)
        mark.parent.mkdir(mode=0o700, exist_ok=True)
        mark.touch(0o600)
        now = time.time_ns()
        utime(self._mark, ns=(now, now))  # touch alone is as coarse as the kernel's clock
        super().clear()

    def _last_cleared(self) -> int:
        try:
            return stat(self._mark).st_mtime_ns
        except FileNotFoundError:
            return 0


class _File:
    """An SQLite file with one table, and the one connection of this process to it. It is opened at its first use."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def reading(self) -> Iterator[Execute]:
        """Provide what executes one statement. Raises django.db.OperationalError, for which pages answer 503."""
        with self._lock:
            try:
                self._connection = self._connection or self._connect()
                yield self._connection.execute
            except sqlite3.Error as error:
                raise OperationalError(str(error)) from error

    @contextmanager
    def writing(self, max_entries: int) -> Iterator[Execute]:
        """The same for several statements at once, while nobody else writes. At the end, the newest entries remain."""
        with self.reading() as execute:
            execute("BEGIN IMMEDIATE")
            try:
                execute("DELETE FROM kept WHERE ends <= ?", (time.time(),))
                yield execute
                execute("DELETE FROM kept WHERE rowid <= (SELECT MAX(rowid) FROM kept) - ?", (max_entries,))
                execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has done so for some errors, such as a full disk
                    execute("ROLLBACK")
                raise

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        with preparation_lock(self._path.parent):  # SQLite does not wait for another that changes to WAL
            for statement in _PREPARE:
                connection.execute(statement)
        return connection


@cache
def _file(path: str) -> _File:
    return _File(path)


class OfMachine(BaseCache):
    """A cache that all processes of the machine share, exact when they count at once: an SQLite file at LOCATION.

    It is for counters, and for other small values that JSON can say. Keys are stored as digests: they contain names
    and addresses. A full disk fails like one that the database is on.
    """

    def __init__(self, path: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._file = _file(path)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        with self._file.writing(self._max_entries) as execute:
            row = self._row(key, value, timeout, version)
            return execute("INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row).rowcount == 1

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        with self._file.writing(self._max_entries) as execute:
            execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", self._row(key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        with self._file.reading() as execute:
            row = execute(
                "SELECT value FROM kept WHERE key = ? AND (ends IS NULL OR ends > ?)",
                (self._digest(key, version), time.time()),
            ).fetchone()
        return json.loads(row[0]) if row else default

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        change = "UPDATE kept SET ends = ? WHERE key = ?"
        with self._file.writing(self._max_entries) as execute:
            return execute(change, (self.get_backend_timeout(timeout), self._digest(key, version))).rowcount == 1

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        own = (self._digest(key, version),)
        with self._file.writing(self._max_entries) as execute:
            if not execute("UPDATE kept SET value = value + ? WHERE key = ?", (delta, *own)).rowcount:
                raise ValueError(f"Key {key!r} not found")
            return int(execute("SELECT value FROM kept WHERE key = ?", own).fetchone()[0])

    def delete(self, key: Any, version: int | None = None) -> bool:
        with self._file.reading() as execute:
            return execute("DELETE FROM kept WHERE key = ?", (self._digest(key, version),)).rowcount == 1

    def clear(self) -> None:
        with self._file.reading() as execute:
            execute("DELETE FROM kept")

    def _row(self, key: Any, value: Any, timeout: Any, version: int | None) -> tuple[str, str, float | None]:
        return self._digest(key, version), json.dumps(value), self.get_backend_timeout(timeout)

    def _digest(self, key: Any, version: int | None) -> str:
        return sha256(self.make_and_validate_key(key, version).encode()).hexdigest()
