"""Yields the JSON documents of a file, whatever kind of file it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any, cast

from django.utils.translation import gettext

from viewer.completions.source_text import Piece
from viewer.formats.document import MAX_BYTES, Document, NotReadable, Place, Refusal, text_of_line, too_long
from viewer.formats.family import Family

from .databases import lacks_log
from .databases import rows_of as rows_of_database
from .events import rows_of as rows_of_events
from .json_values import JsonText, Value
from .kinds import LOOKED_AT, PROSE, encoding_of, kind_of, why_not
from .lines import lines_of
from .tables import rows_of as rows_of_table
from .unpacking import File


@dataclass(frozen=True)
class Splitter:
    """Splits files into documents. `is_message` says of the first item of a list whether the list is one document.

    `without_log` gets the names of databases that may lack their newest rows.
    """

    families: tuple[Family, ...]
    is_message: Callable[[Any], bool]
    without_log: set[str] = field(default_factory=set)

    def documents(self, file: File) -> Iterator[Document | Refusal]:
        """Yield the documents of a file, and as a Refusal what cannot be read."""
        beginning = file.peek(LOOKED_AT)
        try:
            yield from self._documents(file, beginning)
        except NotReadable as error:
            yield Refusal(str(error), Place(file.name))
        except (UnicodeDecodeError, csv.Error) as error:
            yield Refusal(gettext("It cannot be read as text: %s") % error, Place(file.name))

    def _documents(self, file: File, beginning: bytes) -> Iterator[Document | Refusal]:
        match kind_of(beginning):
            case "other":
                yield Refusal(str(why_not(beginning)), Place(file.name))
            case "prose":
                yield Refusal(str(PROSE), Place(file.name))
            case "lines":
                yield from _lines(file, beginning)
            case "json":
                yield from self._values(file, _text(file, beginning))
            case "events":
                yield from _numbered(file, "event", rows_of_events(_text(file, beginning)))
            case "table":
                sample = beginning.decode(encoding_of(beginning), "ignore")
                yield from _numbered(file, "row", rows_of_table(_text(file, beginning), sample))
            case "sqlite":
                if lacks_log(file):
                    self.without_log.add(file.name)
                yield from _numbered(file, "session", rows_of_database(file, self.families))

    def _values(self, file: File, text: io.TextIOBase) -> Iterator[Document]:
        values = JsonText(text.read).values()
        for array, group in groupby(values, key=lambda value: value.array):
            yield from self._group(file, array, group)

    def _group(self, file: File, array: int, values: Iterator[Value]) -> Iterator[Document]:
        """Yield the items of an array, or the whole array; values that are in none have the array 0."""
        first = next(values)
        if array and self.is_message(first.value):
            yield _whole_list(file, first, values)
            return
        for number, value in enumerate(chain([first], values), start=1):
            place = Place(file.name, number, "item") if array else Place(file.name, value.line)
            yield Document.of(Piece(value.text, value.value), place, file.find)


def _whole_list(file: File, first: Value, rest: Iterator[Value]) -> Document:
    """Put the items of a list together again. Raises NotReadable if they are too long for one conversation."""
    texts, values, length = [first.text], [first.value], len(first.text)
    for item in rest:
        length += len(item.text)
        if length > MAX_BYTES:
            raise NotReadable(too_long())
        texts.append(item.text)
        values.append(item.value)
    return Document.of(Piece(f"[{','.join(texts)}]", values), Place(file.name, first.line), file.find)


def _lines(file: File, beginning: bytes) -> Iterator[Document | Refusal]:
    if encoding_of(beginning) == "utf-16":
        lines: Iterable[bytes] = (line.encode("utf-8", "replace") for line in _text(file, beginning))
    else:
        lines = lines_of(cast(Any, file.content))
    for number, line in enumerate(lines, start=1):
        stripped = line.strip(b" \t\r\n")
        if number == 1:
            stripped = stripped.removeprefix(b"\xef\xbb\xbf")
        if not stripped:
            continue
        place = Place(file.name, number)
        try:
            if len(stripped) > MAX_BYTES:
                raise NotReadable(too_long())
            yield Document(text_of_line(stripped), place, file.find)
        except NotReadable as reason:
            yield Refusal(str(reason), place)


def _numbered(file: File, unit: str, rows: Iterable[tuple[int, str]]) -> Iterator[Document]:
    return (Document(text, Place(file.name, number, unit), file.find) for number, text in rows)


def _text(file: File, beginning: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(file.content, encoding=encoding_of(beginning), newline="")
