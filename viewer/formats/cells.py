"""Reads cells of tables, in which lists and objects are texts with JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterator
from typing import Any

from .family import object_at


def json_of(value: Any) -> Any:
    """Return the list or the object that a text holds as JSON; anything else as it is."""
    try:
        return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
    except (ValueError, RecursionError):
        return value


def object_of(value: Any) -> dict[str, Any]:
    """Return the object that a text holds as JSON, or one that is no text; an empty one if it is neither."""
    return object_at(json_of(value))


def with_json(row: dict[str, Any], names: Container[str]) -> dict[str, Any]:
    """Return a row in which the cells of these columns hold what `json_of` returns of them."""
    return {name: json_of(value) if name in names else value for name, value in row.items()}


def rows_of(found: sqlite3.Cursor) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query by the names of their columns."""
    names = [column[0] for column in found.description]
    return (dict(zip(names, row, strict=True)) for row in found)


def values_of(row: sqlite3.Row) -> dict[str, Any]:
    """Return the cells of a row of a database by their columns, without those that are null."""
    return {name: row[name] for name in row.keys() if row[name] is not None}  # noqa: SIM118 (a row yields its values)
