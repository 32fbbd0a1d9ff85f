"""What differs between the databases and that Django has no word for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def without_waiting() -> Iterator[None]:
    """Let what is written inside fail at once where another holds the lock, instead of waiting for it."""
    if connection.vendor != "sqlite":
        yield  # a row's lock is held for moments, and by nobody else for this row
        return
    seconds = connection.settings_dict["OPTIONS"].get("timeout", 5)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
