"""Reads a file line by line, whatever the length of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from viewer.formats.document import MAX_BYTES

_SKIP_BYTES = 1_000_000  # bytes read at a time of the rest of a line that is too long


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines. One that is too long is cut off just above the limit: it would fill the memory."""
    while line := file.readline(MAX_BYTES + 2):
        yield line
        while not line.endswith(b"\n") and (line := file.readline(_SKIP_BYTES)):
            pass
