"""Tables that pandas has written as one JSON object: by columns, as it does by default, by rows, or split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from viewer.completions.source_text import to_object

from .document import Document


def rows_of(document: Document) -> list[Document]:
    """Return the rows of a table as objects; none if a document is no table."""
    value = document.value
    if not isinstance(value, dict) or not value:
        return []
    if {"columns", "data"} <= value.keys() <= {"columns", "data", "index"}:
        return list(_of_split(document))
    columns = list(value.values())
    if all(isinstance(column, dict) and column and all(map(str.isdigit, column)) for column in columns):
        return list(_of_columns(document)) if len({tuple(column) for column in columns}) == 1 else []
    return []


def _of_columns(document: Document) -> Iterator[Document]:
    columns = {name: column.members for name, column in document.members.items()}
    for number in next(iter(columns.values())):
        yield _row(document, {name: column[number] for name, column in columns.items()})


def _of_split(document: Document) -> Iterator[Document]:
    names: list[Any] = document.value["columns"]
    for row in document.members["data"].items():
        yield _row(document, dict(zip(map(str, names), row.items(), strict=False)))


def _row(document: Document, cells: dict[str, Document]) -> Document:
    text = to_object([(name, cell.text) for name, cell in cells.items()])
    return Document(text, document.place, document.find)
