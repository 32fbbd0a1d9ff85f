"""Whether somebody waits for another process that is writing to SQLite, told without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def patience_of_writes() -> Iterator[list[int]]:
    """Note of each write, and of each beginning of a transaction, how many milliseconds it would wait for a lock."""
    noted = []

    def note(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith(("BEGIN", "INSERT", "UPDATE", "DELETE")):
            noted.append(connection.connection.execute("PRAGMA busy_timeout").fetchone()[0])
        return execute(sql, *more)

    with connection.execute_wrapper(note):
        yield noted
