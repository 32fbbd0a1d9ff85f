"""Reads cells of tables, in which lists and objects are texts with JSON."""

from __future__ import annotations

import json
import sqlite3
from typing import Any


def json_of(value: Any) -> Any:
    """Return the list or the object that a text holds as JSON; anything else as it is."""
    try:
        return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
    except (ValueError, RecursionError):
        return value


def values_of(row: sqlite3.Row) -> dict[str, Any]:
    """Return the cells of a row of a database by their columns, without those that are null."""
    return {name: row[name] for name in row.keys() if row[name] is not None}  # noqa: SIM118 (a row yields its values)
