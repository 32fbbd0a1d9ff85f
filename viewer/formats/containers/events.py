"""Reads a recorded stream of server-sent events: the JSON of each `data:` line.

The data streams of Vercel's AI SDK 4 have lines with a code of one character and JSON, such as `0:"Hello"`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from viewer.formats.document import MAX_BYTES, NotReadable, too_long

_CODED = re.compile(r"""([0-9a-k]):(["\[{].*)""")


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
        elif (coded := _CODED.fullmatch(text)) is not None:
            number += 1
            yield number, f'{{"code":{json.dumps(coded[1])},"value":{coded[2]}}}'
        elif not text and data:
            number += 1
            if (joined := "\n".join(data)) != "[DONE]":
                yield number, joined
            data, length = [], 0
