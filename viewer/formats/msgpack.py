"""Reads MessagePack, in which LangGraph keeps its checkpoints.

By hand: it is two dozen kinds of bytes, read here for one tool, and no library among the dependencies has it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

_MAX_DEPTH = 100
_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h",
            0xD2: ">i", 0xD3: ">q"}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
# How the length is written, by the first byte.
_TEXTS = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_BYTES = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_LISTS = {0xDC: ">H", 0xDD: ">I"}
_MAPS = {0xDE: ">H", 0xDF: ">I"}
_EXTENSIONS = {0xC7: ">B", 0xC8: ">H", 0xC9: ">I"}


def unpack(data: bytes, extension: Callable[[int, bytes], Any]) -> Any:
    """Return the value in `data`; `extension` reads values of an app's own types. Raises ValueError if damaged."""
    return _Unpacker(data, extension).value()


class _Unpacker:
    def __init__(self, data: bytes, extension: Callable[[int, bytes], Any]) -> None:
        self._data, self._extension, self._position, self._depth = data, extension, 0, 0

    def value(self) -> Any:
        first = self._number(">B")
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
        return self._long(first)

    def _long(self, first: int) -> Any:
        """Read a text, a list or a map, of which the first byte of short ones has the length."""
        if 0xA0 <= first <= 0xBF or first in _TEXTS:
            return self._take(self._number(_TEXTS[first]) if first in _TEXTS else first & 0x1F).decode(
                "utf-8", "replace"
            )
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
        return self._extension(self._number(">b"), self._take(length))

    def _number(self, kind: str) -> Any:
        return struct.unpack(kind, self._take(struct.calcsize(kind)))[0]

    def _take(self, length: int) -> bytes:
        taken = self._data[self._position : self._position + length]
        if len(taken) < length:
            raise ValueError("it ends too early")
        self._position += length
        return taken
