"""Finds the rows of a table that is written as one JSON object: column by column, or as rows beside their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from viewer.completions.source_text import to_object

from .document import Document
from .family import first_object, list_at

_ROWS = ("data", "rows")


def tables_in(document: Document) -> Iterator[Iterator[Document]]:
    """Yield the rows of a table as objects, for each way in which a document may be one.

    pandas writes `{"name": {"0": …}}` by default, `{"0": {"name": …}}` as `index`, and as `split`
    `{"columns": […], "data": [[…]]}`; Azure's logs have `{"tables": [{"columns": [{"name": …}], "rows": [[…]]}]}`.
    """
    value = document.value
    if _is_grid(value):
        yield _rows_by_column(document)
        yield iter(document.members.values())
    if first_object(list_at(value, "tables")) and all(map(_is_by_row, value["tables"])):
        yield (row for table in document.members["tables"].items() for row in _rows_by_row(table))
    if _is_by_row(value):
        yield _rows_by_row(document)


def _is_grid(value: Any) -> bool:
    """Whether a value is an object of objects that all have the same names."""
    if not isinstance(value, dict) or not value or not all(isinstance(each, dict) for each in value.values()):
        return False
    first = next(iter(value.values()))
    return bool(first) and all(each.keys() == first.keys() for each in value.values())


def _rows_by_column(document: Document) -> Iterator[Document]:
    columns = [(name, column.members) for name, column in document.members.items()]
    for number in columns[0][1]:
        text = to_object([(name, members[number].text) for name, members in columns])
        yield Document(text, document.place, document.find)


def _is_by_row(value: Any) -> bool:
    rows = next((list_at(value, name) for name in _ROWS if list_at(value, name)), [])
    return bool(list_at(value, "columns")) and bool(rows) and all(isinstance(row, list) for row in rows)


def _rows_by_row(table: Document) -> Iterator[Document]:
    columns = table.value["columns"]
    names = [str(column.get("name") if isinstance(column, dict) else column) for column in columns]
    rows = next(held for name in _ROWS if (held := table.at(name)) is not None)
    for row in rows.items():
        text = to_object([(name, cell.text) for name, cell in zip(names, row.items(), strict=False)])
        yield Document(text, table.place, table.find)
