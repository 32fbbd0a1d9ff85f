"""Reads a chat that LINE has written: as text on a phone or a computer, or as CSV for an official account.

The text has a title, a line for each day, and lines of time, name and message with tabs between them; a message of
several lines stands in quotes. The CSV has three lines about the account before the names of its columns, all of which
are in the language of the account.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator

from viewer.formats.document import NotReadable

LINE = "LINE"
_TITLE = re.compile(r"\[LINE\] ?(?P<title>[^\r\n]{1,200})")
_DAY = re.compile(r"[^\d\t]{0,20}(?P<date>\d{1,4}(?P<sign>[./-])\d{1,2}(?P=sign)\d{1,4})[^\d\t]{0,20}")
_SAID = re.compile(
    r"(?P<time>[^\d\t]{0,10}\d{1,2}:\d{2}[^\d\t]{0,10})\t(?:(?P<author>[^\t]*)\t)?(?P<text>.*)", re.DOTALL
)
_ACCOUNT = re.compile(
    r"[^\n,]{1,40},[^\n]{0,200}\n[^\n,]{1,40},\"?'?[+-]\d{2}:\d{2}\"?\r?\n[^\n,]{1,40},[\d/:. -]{1,40}\r?\n"
    r"(?:[^\n,]{1,40},){4}[^\n,]{1,40}\r?(?:\n|\Z)"
)
_TYPES = ("User", "Account")
_FORMULA = ("'=", "'+", "'-", "'@", "'\t", "'\r", "'\n")  # what a table would take for a formula has a mark before it


def is_line_chat(beginning: str, lines: list[str]) -> bool:
    """Whether a text is a chat of LINE; `lines` are the first of it."""
    if _TITLE.match(beginning):
        return any(map(_SAID.fullmatch, lines)) and any(_DAY.fullmatch(line.strip()) for line in lines)
    return bool(_ACCOUNT.match(beginning))


def line_chat_of(lines: Iterator[str]) -> str:
    """Return the JSON of a chat. Raises NotReadable if it is CSV that is damaged."""
    first = next(lines)
    title = _TITLE.match(first)
    return _as_json("title", title["title"].strip(), _said_in(lines)) if title else _of_account(first, lines)


def _as_json(name: str, value: str, messages: Iterable[dict[str, str | None]], zone: str = "") -> str:
    rows = ",".join(json.dumps(message, ensure_ascii=False) for message in messages)
    about = json.dumps({"app": LINE, name: value} | ({"zone": zone} if zone else {}), ensure_ascii=False)
    return f'{about[:-1]},"messages":[{rows}]}}'


def _said_in(lines: Iterable[str]) -> Iterator[dict[str, str | None]]:
    """Yield what was said. The line of a day has a message behind it; otherwise it is in one that has several lines."""
    day, begun, held, days = "", None, list[str](), list[str]()
    for line in lines:
        if said := _SAID.fullmatch(line):
            if begun:
                yield begun | {"text": _unquoted("".join(held))}
            day = days[-1].strip() if days else day
            begun = {"day": day, "time": said["time"], "author": said["author"]}
            held, days = [said["text"]], []
        elif _DAY.fullmatch(line.strip()):
            held += days
            days = [line]
        elif line.strip():
            held += [*days, line]
            days = []
        elif not days:
            held.append(line)
    if begun:
        yield begun | {"text": _unquoted("".join(held))}


def _unquoted(text: str) -> str:
    text = text.rstrip("\r\n").replace("\r\n", "\n")
    is_quoted = "\n" in text and text.startswith('"') and text.endswith('"')
    return text[1:-1].replace('""', '"') if is_quoted else text


def _of_account(first: str, lines: Iterator[str]) -> str:
    try:
        rows = csv.reader(lines)
        name, zone = next(csv.reader([first]))[-1], next(rows)[-1].lstrip("'")
        next(rows), next(rows)  # when it was written, and the names of the columns
        return _as_json("account", name, map(_row, filter(None, rows)), zone)
    except (csv.Error, StopIteration) as error:
        raise NotReadable(str(error)) from None


def _row(cells: list[str]) -> dict[str, str | None]:
    kind, author, day, time, text = [*cells, "", "", "", ""][:5]
    text = text[1:] if text.startswith(_FORMULA) else text
    return {"type": kind, "author": author, "day": day, "time": time, "text": text.replace("\r\n", "\n")}
