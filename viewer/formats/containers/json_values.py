"""Reads the JSON values of a text one after the other: lines, documents over many lines, and the items of long arrays.

Memory follows the largest value, not the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

from django.utils.translation import gettext

from viewer.completions.source_text import STRICT
from viewer.formats.document import MAX_BYTES, NotReadable, too_long, without_place

_CHUNK = 1_000_000  # characters read at a time
_SPACE = re.compile(r"[ \t\r\n]*")
_CUT = 16  # a value that breaks off so close to the end of what was read may only be cut


class Value(NamedTuple):
    """A value, the line on which it begins, from 1, and of which array at the top it is an item, from 1; else 0."""

    line: int
    array: int
    text: str
    value: Any


class JsonText:
    """A text that is read from a moving position on. `read` returns the next characters, at most so many."""

    def __init__(self, read: Callable[[int], str]) -> None:
        self._read = read
        self._text, self._position, self._line, self._is_at_end = "", 0, 1, False
        self._arrays = 0

    def values(self) -> Iterator[Value]:
        """Yield each value at the top, and of arrays their items. Raises NotReadable where the text is damaged."""
        while character := self._next_character():
            if character == "[":
                yield from self._items()
            else:
                yield from self._value_or_lists()

    def _items(self) -> Iterator[Value]:
        self._arrays += 1
        array = self._arrays
        self._skip("[")
        if self._next_character() == "]":
            self._skip("]")
            return
        while True:
            self._next_character()
            yield self._value(array)
            if self._next_character() != ",":
                self._skip("]")
                return
            self._skip(",")

    def _value_or_lists(self) -> Iterator[Value]:
        """Yield a value; of an object that is too long for one conversation the items of its lists."""
        try:
            yield self._value()
        except _TooLong:
            if self._text[self._position] != "{":
                raise
            yield from self._items_of_lists()

    def _items_of_lists(self) -> Iterator[Value]:
        self._skip("{")
        while True:
            self._next_character()
            self._value()  # a name
            self._next_character()
            self._skip(":")
            if self._next_character() == "[":
                yield from self._items()
            else:
                self._value()
            if self._next_character() != ",":
                self._skip("}")
                return
            self._skip(",")

    def _value(self, array: int = 0) -> Value:
        while True:
            try:
                value, end = STRICT.raw_decode(self._text, self._position)
            except json.JSONDecodeError as error:
                is_cut = error.pos >= len(self._text) - _CUT or error.msg.startswith("Unterminated string")
                if not (is_cut and self._more()):
                    raise self._damaged(error.msg, error.pos) from None
                continue
            except RecursionError:
                raise NotReadable(gettext("It is nested too deeply.")) from None
            except ValueError as error:  # NaN and Infinity, which are no JSON
                raise NotReadable(str(error)) from None
            if end == len(self._text) and self._more():  # a number may go on
                continue
            found = Value(self._line, array, self._text[self._position : end], value)
            self._advance(end)
            return found

    def _next_character(self) -> str:
        """Go to the next character that is no space and return it; empty at the end."""
        while True:
            end = cast(re.Match[str], _SPACE.match(self._text, self._position)).end()
            self._advance(end)
            if end < len(self._text):
                return self._text[end]
            if not self._more():
                return ""

    def _skip(self, character: str) -> None:
        if self._text[self._position : self._position + 1] != character:
            raise self._damaged(f"Expecting '{character}'", self._position)
        self._position += 1

    def _advance(self, end: int) -> None:
        self._line += self._text.count("\n", self._position, end)
        self._position = end

    def _more(self) -> bool:
        """Read as much again as is waiting, so that a long value is tried few times; False at the end."""
        waiting = len(self._text) - self._position
        if self._is_at_end:
            return False
        if waiting > MAX_BYTES:
            raise _TooLong(too_long())
        read = self._read(max(_CHUNK, waiting))
        self._is_at_end = not read
        self._text = self._text[self._position :] + read
        self._position = 0
        return bool(read)

    def _damaged(self, message: str, position: int) -> NotReadable:
        line = self._line + self._text.count("\n", self._position, position)
        return NotReadable(
            gettext("It is damaged or cut off at line %(line)d: %(message)s.")
            % {"line": line, "message": without_place(message)}
        )


class _TooLong(NotReadable):
    """A value that is longer than one conversation may be."""
