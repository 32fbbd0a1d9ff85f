"""Waits for SQLite's write lock, which one connection at a time can have, between tries rather than inside SQLite.

Inside, a connection waits with its own lock held, and whatever else touches it waits as well. Python's garbage
collector does: it resets what a statement left behind, in whichever thread it runs. Where that was the thread with the
write lock, each waited for the other, and with them every writer of the machine, until the time was over (CPython 3.11;
from 3.12 on, a statement that fails is reset at once: `findings/cpython_sqlite_collector_waits.sh`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from time import monotonic, sleep
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

patience = ContextVar("patience", default=20.0)  # seconds for one statement, while others write
_SHORTEST, _LONGEST = 0.001, 0.02  # seconds between two tries


def without_waiting() -> AbstractContextManager[None]:
    """Let a write fail at once if another process, such as an import, holds SQLite's write lock."""
    return waiting_at_most(0)


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """Let a write fail if another process, such as an import, holds SQLite's write lock for longer than this.

    PostgreSQL is not concerned: its row locks are brief.
    """
    before = patience.set(seconds)
    try:
        yield
    finally:
        patience.reset(before)


def wait_between_tries(sender: object, connection: BaseDatabaseWrapper, **signal: object) -> None:
    """Let a new connection to SQLite wait here. A receiver of `connection_created`."""
    if connection.vendor == "sqlite":
        connection.connection.execute("PRAGMA busy_timeout = 0")
        if _execute not in connection.execute_wrappers:
            connection.execute_wrappers.append(_execute)


def _execute(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Execute a statement, again and again while others write. Raises django.db.OperationalError in the end."""
    until, pause = monotonic() + patience.get(), _SHORTEST
    while True:
        try:
            return execute(sql, params, many, context)
        except OperationalError as error:
            if many or not _is_busy(error) or context["connection"].connection.in_transaction:
                raise
            if monotonic() + pause > until:
                context["cursor"].close()  # else its statement stays open for as long as anything has the error
                raise
        sleep(pause)
        pause = min(pause * 1.5, _LONGEST)


def _is_busy(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
