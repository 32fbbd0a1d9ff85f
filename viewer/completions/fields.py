"""The members of one JSON object, taken out one by one: what no reader takes is left, by name and as written."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from .source_text import Piece, clean, first_items, places_of, values_of

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"), (str, "a string"), (dict, "an object"), (list, "a list"), (type(None), "null"),
)  # fmt: skip


class Fields:
    """The fields of an object. A reader takes a field only when its value has the shape that the reader knows."""

    def __init__(self, source: str | Callable[[], str], values: dict[str, Any] | None = None) -> None:
        """Raises ValueError when the text is no JSON object. `values` is what it says, where that is known.

        The text is looked for when it is asked for: a list may hold a hundred thousand objects that nobody asks it of.
        """
        self._source = source
        values = values_of(self._text) if values is None else values
        self.is_empty = not values
        self._left = {name: value for name, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def __bool__(self) -> bool:
        """Whether anything is left that says something, which null does not."""
        return bool(self._left)

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """Where the JSON of the fields stands: found when it is asked for, as most messages hold nothing but texts."""
        return places_of(self._text)

    def _source_of(self, name: str) -> str:
        start, end = self._places[name]
        return self._text[start:end]

    @cached_property
    def _text(self) -> str:
        return self._source if isinstance(self._source, str) else self._source()

    def value(self, name: str) -> Any:
        """Look at a field without taking it; None where there is none."""
        return self._left.get(name)

    def take(self, name: str, *kinds: type) -> Piece | None:
        """Take a field whose value is of one of these types, or of any."""
        value = self.take_value(name, *kinds)
        return None if value is None else Piece(self._source_of(name), value)

    def take_value(self, name: str, *kinds: type) -> Any:
        """Take a field as `take` does, for its value alone: finding its JSON costs more than all the rest."""
        value = self._left.get(name)
        if value is None or (kinds and not isinstance(value, kinds)):
            return None
        return self._left.pop(name)

    def take_items(self, name: str) -> tuple[list[Piece], str]:
        """Take the first 10,000 items of a field that is a list, and the JSON of the others; the whole is let go."""
        piece = self.take(name, list)
        return first_items(piece) if piece else ([], "")

    def text(self, *names: str) -> str:
        """Take the first of these fields that is a string; empty where none is."""
        for name in names:
            if isinstance(self._left.get(name), str):
                return clean(str(self._left.pop(name)))
        return ""

    def inside(self, name: str) -> Fields | None:
        """Take a field that is an object, as fields of its own: what is left of those is for the reader to keep."""
        value = self.take_value(name, dict)
        return None if value is None else Fields(lambda: self._source_of(name), value or None)

    def shown(self, *names: str) -> str | None:
        """Take the first of these fields that is there: a string as it is, anything else as its JSON."""
        for name in names:
            if isinstance(self._left.get(name), str):
                return self.text(name)
            if (piece := self.take(name)) is not None:
                return as_text(piece)
        return None

    def take_all(self) -> None:
        """Take everything: the reader keeps the whole JSON."""
        self._left.clear()

    def left(self, place: str = "") -> dict[str, str]:
        """Give the JSON of what nobody took, under its place in the message."""
        return {f"{place}{clean(name)}": clean(self._source_of(name)) for name in self._left}


def as_text(piece: Piece) -> str:
    """Give a string as it is and anything else as its JSON."""
    return clean(piece.value if isinstance(piece.value, str) else piece.source)


def json_type(value: Any) -> str:
    """Name the type of a value for a reader."""
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "a number")
