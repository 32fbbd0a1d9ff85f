"""Reads MessagePack, in which LangGraph keeps its checkpoints.

By hand: it is two dozen kinds of bytes, read here for one tool, and no library among the dependencies has it.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

_MAX_DEPTH = 100
_ONE, _TWO, _FOUR = Struct(">B"), Struct(">H"), Struct(">I")
_CODE = Struct(">b")
_NUMBERS = {0xCA: Struct(">f"), 0xCB: Struct(">d"), 0xCC: _ONE, 0xCD: _TWO, 0xCE: _FOUR, 0xCF: Struct(">Q"),
            0xD0: _CODE, 0xD1: Struct(">h"), 0xD2: Struct(">i"), 0xD3: Struct(">q")}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
# How the length is written, by the first byte.
_TEXTS = {0xD9: _ONE, 0xDA: _TWO, 0xDB: _FOUR}
_BYTES = {0xC4: _ONE, 0xC5: _TWO, 0xC6: _FOUR}
_LISTS = {0xDC: _TWO, 0xDD: _FOUR}
_MAPS = {0xDE: _TWO, 0xDF: _FOUR}
_EXTENSIONS = {0xC7: _ONE, 0xC8: _TWO, 0xC9: _FOUR}


def unpack(data: bytes, extension: Callable[[int, bytes], Any]) -> Any:
    """Return the value in `data`; `extension` reads values of an app's own types. Raises ValueError if damaged."""
    return _Unpacker(data, extension).value()


class _Unpacker:
    def __init__(self, data: bytes, extension: Callable[[int, bytes], Any]) -> None:
        self._data, self._extension, self._position, self._depth = data, extension, 0, 0

    def value(self) -> Any:
        first = self._take(1)[0]
        if 0xA0 <= first <= 0xBF:  # a short text, as most values and all names are
            return self._text(first & 0x1F)
        if first in _CONSTANTS:
            return _CONSTANTS[first]
        if first in _NUMBERS:
            return self._number(_NUMBERS[first])
        if first < 0x80 or first >= 0xE0:  # a small number
            return first if first < 0x80 else first - 0x100
        if 0xD4 <= first <= 0xD8:
            return self._extended(1 << (first - 0xD4))
        if first in _EXTENSIONS:
            return self._extended(self._number(_EXTENSIONS[first]))
        if first in _BYTES:
            return self._take(self._number(_BYTES[first]))
        if first in _TEXTS:
            return self._text(self._number(_TEXTS[first]))
        return self._list_or_map(first)

    def _text(self, length: int) -> str:
        return self._take(length).decode("utf-8", "replace")

    def _list_or_map(self, first: int) -> Any:
        """Read a list or a map, of which the first byte of short ones has the length."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        if 0x90 <= first <= 0x9F or first in _LISTS:
            found: Any = [self.value() for _ in range(self._number(_LISTS[first]) if first in _LISTS else first & 0x0F)]
        elif 0x80 <= first <= 0x8F or first in _MAPS:
            count = self._number(_MAPS[first]) if first in _MAPS else first & 0x0F
            found = {self._name(): self.value() for _ in range(count)}
        else:
            raise ValueError(f"unknown byte {first:#x}")
        self._depth -= 1
        return found

    def _name(self) -> str:
        name = self.value()
        return name if isinstance(name, str) else repr(name)

    def _extended(self, length: int) -> Any:
        return self._extension(self._number(_CODE), self._take(length))

    def _number(self, kind: Struct) -> Any:
        return kind.unpack(self._take(kind.size))[0]

    def _take(self, length: int) -> bytes:
        start, self._position = self._position, self._position + length
        if self._position > len(self._data):
            raise ValueError("it ends too early")
        return self._data[start : self._position]
