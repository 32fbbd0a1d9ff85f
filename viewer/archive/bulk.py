"""Writes many rows at once, the way each database takes them in fastest."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

from django.db import connection

# SQLite's full-text index writes a piece of its own for every statement; so many rows share one. A power of two, and
# with up to seven columns they stay within the 32,766 values that a statement may have.
ROWS = 4096


def take_ids(table: str, count: int) -> range | list[int]:
    """Take so many ids for new rows, in a transaction. In SQLite that has the only writer."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            last = (cursor.fetchone() or (0,))[0]
            return range(last + 1, last + 1 + count)
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return [row[0] for row in cursor.fetchall()]


def insert(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows without holding them all. Making them must ask the database nothing: the connection is taken."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The cursor knows no copy of Django's, so nobody else makes Django's errors of psycopg's.
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        rows = iter(rows)
        while batch := list(islice(rows, ROWS)):
            # Filled up to a power of two: Python's sqlite3 keeps the last 128 statements that differ, with values.
            missing = (1 << (len(batch) - 1).bit_length()) - len(batch)
            width = len(batch[0])
            places = ", ".join([f"({', '.join(['%s'] * width)})"] * (len(batch) + missing))
            values = [*chain.from_iterable(batch), *[None] * (missing * width)]
            filled = f"SELECT * FROM (VALUES {places}) WHERE column1 IS NOT NULL"
            cursor.execute(f"INSERT INTO {table} ({columns}) {filled}", values)
