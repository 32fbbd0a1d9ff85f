"""Whether somebody waits for another process that is writing to SQLite, told without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from viewer.deployment.waiting import patience


@contextmanager
def patience_of_writes() -> Iterator[list[int]]:
    """Note of each write, and of each beginning of a transaction, how many milliseconds it would wait for a lock."""
    noted = []

    def note(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith(("BEGIN", "INSERT", "UPDATE", "DELETE")):
            noted.append(round(patience.get() * 1000))
        return execute(sql, *more)

    connection.execute_wrappers.insert(
        0, note
    )  # before what waits: each statement counts once, however often it is tried
    try:
        yield noted
    finally:
        connection.execute_wrappers.remove(note)
