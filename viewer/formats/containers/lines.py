"""Reads a file line by line, whatever the length of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import AnyStr, Protocol, TypeVar

from viewer.formats.document import MAX_BYTES

_SKIP_BYTES = 1_000_000  # bytes or characters read at a time of the rest of a line that is too long


Line = TypeVar("Line", bytes, str, covariant=True)


class Lines(Protocol[Line]):
    """A file of bytes or of text."""

    def readline(self, size: int = -1, /) -> Line: ...


def lines_of(file: Lines[AnyStr]) -> Iterator[AnyStr]:
    """Yield the lines. One that is too long is cut off just above the limit: it would fill the memory."""
    while line := file.readline(MAX_BYTES + 2):
        is_whole = _is_whole(line)
        held = [line]
        del line  # whoever has read it should not have it in memory twice
        yield held.pop()
        while not is_whole and (rest := file.readline(_SKIP_BYTES)):
            is_whole = _is_whole(rest)


def _is_whole(line: AnyStr) -> bool:
    return line.endswith("\n") if isinstance(line, str) else line.endswith(b"\n")
