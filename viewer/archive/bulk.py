"""Statements about many rows, in the fastest way for each database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

from django.db import connection

# SQLite's full-text index writes one segment per statement, so many rows share a statement. A power of two; with up to
# seven columns the rows stay within the 32,766 values that a statement may have.
BATCH_ROWS = 4096


def reserve_ids(table: str, count: int) -> range | list[int]:
    """Reserve ids for new rows, in a transaction; in SQLite its write lock keeps others out."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            last = (cursor.fetchone() or (0,))[0]
            return range(last + 1, last + 1 + count)
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return [row[0] for row in cursor.fetchall()]


def insert(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows without holding them all in memory. The iterator must not query: the connection is in use."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # `copy` is psycopg's own method, so Django does not wrap its errors.
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        rows = iter(rows)
        while batch := list(islice(rows, BATCH_ROWS)):
            # Padded to a power of two: Python's sqlite3 caches the last 128 different statements, with their values.
            padding = (1 << (len(batch) - 1).bit_length()) - len(batch)
            width = len(batch[0])
            placeholders = ", ".join([f"({', '.join(['%s'] * width)})"] * (len(batch) + padding))
            values = [*chain.from_iterable(batch), *[None] * (padding * width)]
            select = f"SELECT * FROM (VALUES {placeholders}) WHERE column1 IS NOT NULL"
            cursor.execute(f"INSERT INTO {table} ({columns}) {select}", values)


def is_one_of(column: str, values: Iterable[int] | Iterable[str]) -> tuple[str, Any]:
    """Return the condition that a column has one of many values, and its one parameter."""
    if connection.vendor == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(list(values))
    return f"{column} = ANY(%s)", list(values)
