"""Reads what `flatted` 3 writes, in which n8n keeps its executions: a list of values that name each other by number.

An object, a list or a text stands in the list once, however often it occurs, and elsewhere is its number, as a text.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from viewer.formats.document import MAX_BYTES, NotReadable, too_long

_MAX_DEPTH = 200


def is_flatted(value: Any) -> bool:
    """Whether a value is such a list, or the text of one, of an object or a list."""
    if isinstance(value, list):
        return isinstance(next(iter(value), None), dict | list)
    return isinstance(value, str) and value.startswith(("[{", "[["))


def unflatted(given: str | list[Any]) -> Any:
    """Return the value that a list stands for, or the text of one; what stands inside of itself is null there.

    Raises ValueError if it is damaged, and NotReadable where so much occurs so often that it is too long.
    """
    return _Reader(json.loads(given) if isinstance(given, str) else given).read(0).value


class _Read(NamedTuple):
    """A value with about how many characters it is written with."""

    value: Any
    length: int


_NOTHING = _Read(None, 4)


class _Reader:
    def __init__(self, values: list[Any]) -> None:
        self._values, self._around, self._read = values, set[int](), dict[int, _Read]()

    def read(self, number: int) -> _Read:
        """Return the value of this number, which is put together once: what occurs often would take ages."""
        if number in self._around:
            return _NOTHING
        if number not in self._read:
            if len(self._around) > _MAX_DEPTH:
                raise ValueError("nested too deeply")
            self._around.add(number)
            self._read[number] = found = self._put_together(self._values[number])
            self._around.remove(number)
            if found.length > MAX_BYTES:
                raise NotReadable(too_long())
        return self._read[number]

    def _put_together(self, value: Any) -> _Read:
        if isinstance(value, dict):
            members = {name: self._inner(each) for name, each in value.items()}
            length = sum(len(name) + 5 + each.length for name, each in members.items())
            return _Read({name: each.value for name, each in members.items()}, length + 2)
        if isinstance(value, list):
            items = [self._inner(each) for each in value]
            return _Read([each.value for each in items], sum(each.length + 2 for each in items) + 2)
        return _Read(value, len(value) + 2 if isinstance(value, str) else 4)

    def _inner(self, value: Any) -> _Read:
        """Return what a member is: a text is the number of a value, anything else is itself."""
        if isinstance(value, dict | list):
            raise ValueError("a value in the place of its number")  # it is a file that is damaged
        return self.read(int(value)) if isinstance(value, str) else _Read(value, 4)
