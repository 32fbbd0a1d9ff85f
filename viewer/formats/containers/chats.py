"""Reads a chat that WhatsApp, LINE or Cursor has written as text: each message as an object, as it was written.

Time, language and system of the phone shape the lines: `[1/2/25, 3:04:05 PM] Ann: Hello` is one of an iPhone,
`01/02/2025, 15:04 - Ann: Hello` one of Android. What has no such beginning goes on with the message before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from viewer.formats.document import MAX_BYTES, NotReadable, too_long

from .cursor_chats import cursor_chat_of, is_cursor_chat
from .line_chats import is_line_chat, line_chat_of

APP = "WhatsApp"
_MARKS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"  # of the direction of a text
_BEGINNING = re.compile(rf"[{_MARKS}]*(?:\[(?P<boxed>[^\[\]\n]{{8,40}})\]\s?|(?P<plain>\d[^\[\]\n]{{7,39}}?)\s-\s)")
_DATE = r"\d{1,4}(?P<sign>[./-]) ?\d{1,2}(?P=sign) ?[A-Z]?\d{1,4}\.?(?: [^\W\d]{1,4})?"  # or R4, or 2565 BE
_PERIOD = r"[^\d\n\[\]:,]{0,12}?"  # AM, p. m., 下午
_TIME = rf"{_PERIOD}\d{{1,2}}[.:]\d{{2}}(?P<seconds>[.:]\d{{2}})?{_PERIOD}"
_STAMP = re.compile(rf"(?P<date>{_DATE}),?\s(?P<time>{_TIME})")
_STAMP_OF_VIETNAM = re.compile(rf"(?P<time>{_TIME}),\s(?P<date>{_DATE})")
_AUTHOR = re.compile(r"(?P<author>[^:\n\"“”„«»]{1,100}):(?:[ \u00a0](?P<text>.*)|$)", re.DOTALL)
_LEVEL = re.compile(r"\b(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|ALERT|EMERGENCY)$")
_LOOKED_AT = 200  # lines


@dataclass(frozen=True, slots=True)
class _Line:
    """A line in which a message begins."""

    date: str
    time: str
    rest: str

    @classmethod
    def of(cls, line: str) -> _Line | None:
        """Read a line; None if it goes on with what stands before it."""
        if not (begun := _BEGINNING.match(line)):
            return None
        stamp = begun["boxed"] or begun["plain"]
        found = _STAMP.fullmatch(stamp) or _STAMP_OF_VIETNAM.fullmatch(stamp)
        if found is None or (begun["plain"] and found["seconds"]):  # only an iPhone writes seconds
            return None
        return cls(found["date"], found["time"].strip(), line[begun.end() :])


def is_chat(beginning: str) -> bool:
    """Whether a text is a chat, rather than the log of a program, whose lines look much the same."""
    lines = beginning.split("\n", _LOOKED_AT)[:_LOOKED_AT]
    if is_cursor_chat(beginning) or is_line_chat(beginning, lines):
        return True
    if not _Line.of(lines[0]):
        return False
    begun = [line for each in lines if (line := _Line.of(each))]
    authors = [found["author"] for line in begun if (found := _AUTHOR.match(line.rest))]
    return len(begun) > 1 and bool(authors) and not any(map(_LEVEL.search, authors))


def chat_of(lines: Iterable[str]) -> str:
    """Return the JSON of a chat. Raises NotReadable if it is longer than a conversation may be."""
    lines = _bounded(lines)
    first = next((line for line in lines if line.strip()), "")
    lines = chain([first], lines)
    if first.startswith("#"):
        return cursor_chat_of(lines)
    return _whatsapp_of(lines) if _Line.of(first) else line_chat_of(lines)


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    length = 0
    for line in lines:
        length += len(line)
        if length > MAX_BYTES:
            raise NotReadable(too_long())
        yield line


def _whatsapp_of(lines: Iterable[str]) -> str:
    rows, held, begun = list[str](), list[str](), None
    for each in lines:
        if line := _Line.of(each):
            rows += [_json_of(begun, "".join(held))] if begun else []
            begun, held = line, [line.rest]
        else:
            held.append(each)
    rows += [_json_of(begun, "".join(held))] if begun else []
    return f'{{"app":"{APP}","messages":[{",".join(rows)}]}}'


def _json_of(begun: _Line, rest: str) -> str:
    rest = rest.rstrip("\r\n").replace("\r\n", "\n")
    said = _AUTHOR.match(rest)
    author = re.sub(f"[{_MARKS}]", "", said["author"]).strip() if said else None
    values = {"date": begun.date, "time": begun.time, "author": author, "text": (said["text"] or "") if said else rest}
    return json.dumps(values, ensure_ascii=False)
