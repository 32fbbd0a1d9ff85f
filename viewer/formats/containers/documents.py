"""Yields the JSON documents of a file, whatever kind of file it is."""

from __future__ import annotations

import csv
import io
import json
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby, islice
from typing import Any, cast

from django.utils.translation import gettext

from viewer.completions.source_text import Piece
from viewer.formats.document import MAX_BYTES, Document, NotReadable, Place, Refusal, text_of_line, too_long
from viewer.formats.family import Family
from viewer.formats.object_texts import shows_object

from .chats import chat_of
from .databases import lacks_log
from .databases import rows_of as rows_of_database
from .events import rows_of as rows_of_events
from .json_values import JsonText, Value
from .kinds import LOOKED_AT, encoding_of, kind_of, why_not, why_prose
from .lines import lines_of
from .tables import rows_of as rows_of_table
from .unpacking import DAMAGED, File, why_damaged


@dataclass(frozen=True)
class Splitter:
    """Splits files into documents. `is_message` says of the first item of a list whether the list is one document,
    and `is_known` of an object whether there are conversations in it.

    `without_log` gets the names of databases that may lack their newest rows.
    """

    families: tuple[Family, ...]
    is_message: Callable[[Any], bool]
    is_known: Callable[[Document], bool]
    without_log: set[str] = field(default_factory=set)

    def documents(self, file: File) -> Iterator[Document | Refusal]:
        """Yield the documents of a file, and as a Refusal what cannot be read."""
        try:
            for document in self._documents(file, file.peek(LOOKED_AT)):
                is_short = isinstance(document, Refusal) or len(document.text) <= MAX_BYTES
                yield document if is_short else Refusal(too_long(), document.place)
        except NotReadable as error:
            yield Refusal(str(error), Place(file.name))
        except (UnicodeDecodeError, csv.Error) as error:
            yield Refusal(gettext("It cannot be read as text: %s") % error, Place(file.name))
        except DAMAGED as error:  # the files behind it may be whole
            yield Refusal(why_damaged(error), Place(file.name))

    def _documents(self, file: File, beginning: bytes) -> Iterator[Document | Refusal]:
        match kind_of(beginning):
            case "other":
                yield Refusal(str(why_not(beginning)), Place(file.name))
            case "prose":
                yield Refusal(str(why_prose(beginning)), Place(file.name))
            case "lines":
                yield from self._lines(file, beginning)
            case "json":
                yield from self._values(file, _text(file, beginning).read)
            case "events":
                yield from _numbered(file, "event", rows_of_events(_lines_of_text(file, beginning)))
            case "table":
                sample = beginning.decode(encoding_of(beginning), "ignore")
                yield from _numbered(file, "row", rows_of_table(_lines_of_text(file, beginning), sample))
            case "chat":
                yield Document(chat_of(_lines_of_text(file, beginning)), Place(file.name, unit=""), file.find)
            case "sqlite":
                if lacks_log(file):
                    self.without_log.add(file.name)
                yield from _numbered(file, "session", rows_of_database(file, self.families, self.is_known))

    def _lines(self, file: File, beginning: bytes) -> Iterator[Document | Refusal]:
        is_utf8 = encoding_of(beginning) != "utf-16"
        if is_utf8:
            lines: Iterator[bytes] = lines_of(cast(Any, file.content))
        else:
            lines = (line.encode("utf-8", "replace") for line in _lines_of_text(file, beginning))
        number = 0
        for line in lines:
            number += 1  # `enumerate` would keep the line in memory
            # Files that were put together have the mark of each in front of one of their lines.
            stripped = line.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n")
            del line
            if number == 1 and is_utf8 and len(stripped) > MAX_BYTES and self._is_list_of_records(stripped):
                yield from self._values(file, _decoder(stripped, file))
                return
            if not stripped:
                continue
            place = Place(file.name, number)
            try:
                if len(stripped) > MAX_BYTES:
                    raise NotReadable(too_long())
                text = text_of_line(stripped)
                del stripped  # the text alone is held, and by the document alone
                document = Document(json.dumps(text) if shows_object(text) else text, place, file.find)
                del text
                yield document
            except NotReadable as reason:
                yield Refusal(str(reason), place)

    def _is_list_of_records(self, beginning: bytes) -> bool:
        """Whether a line that is too long for one conversation is an object around a list of them."""
        values = JsonText(io.StringIO(beginning.decode("utf-8", "ignore")).read).values()
        try:
            first = next(values, None)
        except NotReadable:
            return False
        return first is not None and bool(first.array) and not self.is_message(first.value)

    def _values(self, file: File, read: Callable[[int], str]) -> Iterator[Document]:
        values = JsonText(read).values()
        for array, group in groupby(values, key=lambda value: value.array):
            yield from self._group(file, array, group)

    def _group(self, file: File, array: int, values: Iterator[Value]) -> Iterator[Document]:
        """Yield the items of an array, or the whole array; values that are in none have the array 0."""
        first = next(values)
        second, rest = _peek(values) if array else (None, values)
        if array and (self.is_message(first.value) or _is_one(first, second)):
            yield _whole_list(file, first, rest)
            return
        for number, value in enumerate(chain([first], rest), start=1):
            place = Place(file.name, number, "item") if array else Place(file.name, value.line)
            yield Document.of(Piece(value.text, value.value), place, file.find)


def _peek(values: Iterator[Value]) -> tuple[Value | None, Iterator[Value]]:
    """Return the next value, if there is one, and all values from it on. Where the text is damaged, they raise."""
    try:
        found = list(islice(values, 1))
    except NotReadable as error:
        return None, _raising(error)
    return (found[0] if found else None), chain(found, values)


def _raising(error: NotReadable) -> Iterator[Value]:
    raise error
    yield


def _is_one(first: Value, second: Value | None) -> bool:
    """Whether an array is no list of records: of texts, or a tuple of Python, in which an object and a list follow."""
    is_tuple = isinstance(first.value, dict) and second is not None and isinstance(second.value, list)
    return is_tuple or isinstance(first.value, str)


def _whole_list(file: File, first: Value, rest: Iterable[Value]) -> Document:
    """Put the items of a list together again. Raises NotReadable if they are too long for one conversation."""
    texts, values, length = [first.text], [first.value], len(first.text)
    for item in rest:
        length += len(item.text)
        if length > MAX_BYTES:
            raise NotReadable(too_long())
        texts.append(item.text)
        values.append(item.value)
    return Document.of(Piece(f"[{','.join(texts)}]", values), Place(file.name, first.line), file.find)


def _decoder(beginning: bytes, file: File) -> Callable[[int], str]:
    """Return what reads a text of which the beginning was read as bytes."""
    decoder, parts = getincrementaldecoder("utf-8")(), iter([beginning])

    def read(size: int) -> str:
        part = next(parts, None) or file.content.read(size)
        return decoder.decode(part, final=not part)

    return read


def _numbered(
    file: File, unit: str, rows: Iterable[tuple[int, str]] | Iterable[tuple[int, str | NotReadable]]
) -> Iterator[Document | Refusal]:
    for number, row in rows:
        place = Place(file.name, number, unit)
        yield Document(row, place, file.find) if isinstance(row, str) else Refusal(str(row), place)


def _lines_of_text(file: File, beginning: bytes) -> Iterator[str]:
    return lines_of(_text(file, beginning))


def _text(file: File, beginning: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(file.content, encoding=encoding_of(beginning), newline="")
