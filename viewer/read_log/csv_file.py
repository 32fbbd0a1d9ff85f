"""Writes rows of the log as CSV (RFC 4180) that a spreadsheet opens as text, without running anything in it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC

from .models import Reading

_BYTE_ORDER_MARK = "\ufeff"  # else Excel reads UTF-8 as the code page of the machine
# What begins a formula, also in full width, where a cell may begin: in countries with a decimal comma spreadsheets part
# cells at semicolons, and do not see the quotes of a cell that does not begin the line.
_FORMULA = re.compile(r"(?:^|(?<=[;,\t\r\n]))(?=[=+\-@\t\r\n\x00＝＋－＠])")
_COLUMNS = (
    "time", "person", "name", "action", "conversation", "detail", "source", "key", "share", "channel", "token",
    "address",
)  # fmt: skip


def to_csv(rows: Iterable[Reading]) -> Iterator[str]:
    """Yield the lines of the file. Its columns are named in English whatever the reader's language, for programs."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)  # with \r\n, and quotes where they are needed

    def line(cells: Iterable[object]) -> str:
        writer.writerow(_harmless("" if cell is None else str(cell)) for cell in cells)
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    yield _BYTE_ORDER_MARK + line(_COLUMNS)
    for row in rows:
        yield line(_cells(row))


def _cells(row: Reading) -> tuple[object, ...]:
    at = row.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    what = (row.action, row.completion_id, row.detail, row.source, row.source_name, row.share)
    return (at, row.person, row.name, *what, channel_of(row), row.token, row.address)


def channel_of(row: Reading) -> str:
    return "API" if row.token else "page"


def _harmless(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return _FORMULA.sub("'", cell)
