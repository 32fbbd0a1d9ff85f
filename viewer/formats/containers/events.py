"""Reads a recorded stream of server-sent events: the JSON of each `data:` line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from viewer.formats.document import MAX_BYTES, NotReadable, too_long


def rows_of(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the number of each event, from 1, and its data, unless it is the mark of the end. Raises NotReadable."""
    number, data, length = 0, list[str](), 0
    for line in chain(lines, [""]):
        text = line.rstrip("\r\n")
        if text.startswith("data:"):
            data.append(text[5:].removeprefix(" "))
            length += len(text)
            if length > MAX_BYTES:
                raise NotReadable(too_long())
        elif not text and data:
            number += 1
            if (joined := "\n".join(data)) != "[DONE]":
                yield number, joined
            data, length = [], 0
