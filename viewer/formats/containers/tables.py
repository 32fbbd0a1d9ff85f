"""Reads CSV with named columns: each row as an object, and cells with JSON in them as what they say."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator

from viewer.formats.document import MAX_BYTES

_SAMPLE = 8_192  # characters


def rows_of(lines: Iterable[str], beginning: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each row, counted from 1 after the names, and its JSON. Raises csv.Error."""
    csv.field_size_limit(MAX_BYTES)
    try:  # only what separates the columns: from one line nobody can tell how quotes in a cell are written
        delimiter = csv.Sniffer().sniff(beginning[:_SAMPLE].partition("\n")[0], ",;\t").delimiter
    except csv.Error:
        delimiter = ","
    for number, row in enumerate(csv.DictReader(lines, delimiter=delimiter), start=1):
        named = ((name.strip(), cell) for name, cell in row.items() if isinstance(name, str) and isinstance(cell, str))
        pairs = (f"{json.dumps(name, ensure_ascii=False)}:{_json_of(cell)}" for name, cell in named)
        yield number, "{" + ",".join(pairs) + "}"


def _json_of(cell: str) -> str:
    """Return the JSON of a cell as it is, and anything else as a string."""
    if cell[:1] + cell[-1:] in ("{}", "[]"):
        try:
            json.loads(cell)
        except (ValueError, RecursionError):
            return json.dumps(cell, ensure_ascii=False)
        return cell
    return json.dumps(cell, ensure_ascii=False)
