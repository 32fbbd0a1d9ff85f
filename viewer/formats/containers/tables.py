"""Reads CSV with named columns: each row as an object, and cells with JSON in them as what they say."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext

from viewer.formats.document import MAX_BYTES, NotReadable, too_long
from viewer.formats.object_texts import container_in

_SAMPLE = 8_192  # characters


def rows_of(lines: Iterable[str], beginning: str) -> Iterator[tuple[int, str | NotReadable]]:
    """Yield the number of each row, counted from 1 after the names, and its JSON, or why it is not taken.

    A column without a name, as pandas writes one, is the index. Raises csv.Error, and NotReadable where nothing behind
    it can be read.
    """
    csv.field_size_limit(MAX_BYTES)
    try:  # only what separates the columns: from one line nobody can tell how quotes in a cell are written
        delimiter = csv.Sniffer().sniff(beginning[:_SAMPLE].partition("\n")[0], ",;\t").delimiter
    except csv.Error:
        delimiter = ","
    bounded = _Bounded(lines)
    rows = filter(None, csv.reader(bounded, delimiter=delimiter))
    names = _told_apart(next(rows, []))
    for number, row in enumerate(rows, start=1):
        bounded.length = 0
        yield number, _object_of(names, row)


class _Bounded:
    """The lines of a table. `length` counts the characters of a row: one quote that is never closed takes them all."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.length = iter(lines), 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.length += len(line)
        if self.length > MAX_BYTES:
            raise NotReadable(too_long())
        return line


def _told_apart(names: list[str]) -> list[str]:
    """Return the names of columns without spaces around them; one without a name is `index`, a second `id` `id (2)`."""
    told, counts = list[str](), Counter[str]()
    for name in (name.strip() or "index" for name in names):
        counts[name] += 1
        told.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return told


def _object_of(names: list[str], row: list[str]) -> str | NotReadable:
    if len(row) > len(names):
        return NotReadable(
            gettext("It has %(cells)d cells, and there are names for %(names)d: a text without quotes is cut in two.")
            % {"cells": len(row), "names": len(names)}
        )
    return object_of(zip(names, row, strict=False))


def object_of(row: Iterable[tuple[str, Any]]) -> str:
    """Write a row as a JSON object, from the names and values of its columns."""
    pairs = (f"{json.dumps(name, ensure_ascii=False)}:{_json_of(cell)}" for name, cell in row)
    return "{" + ",".join(pairs) + "}"


def _json_of(cell: Any) -> str:
    """Return the JSON of a cell as it is, and anything else as a value."""
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if not isinstance(cell, str):
        return json.dumps(cell)
    if cell[:1] + cell[-1:] in ("{}", "[]"):
        try:
            json.loads(cell)
        except (ValueError, RecursionError):
            shown = container_in(cell)  # as pandas writes columns of Python's objects
            return json.dumps(cell if shown is None else shown, ensure_ascii=False)
        return cell
    return json.dumps(cell, ensure_ascii=False)
