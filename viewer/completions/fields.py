"""The members of one JSON object, taken out one by one: what no reader takes is left, by name and as written."""

from __future__ import annotations

from typing import Any

from .source_text import Piece, clean, members

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"), (str, "a string"), (dict, "an object"), (list, "a list"), (type(None), "null"),
)  # fmt: skip


class Fields:
    """The fields of an object. A reader takes a field only when its value has the shape that the reader knows."""

    def __init__(self, source: str) -> None:
        """Raises ValueError when the text is no JSON object."""
        self._left = dict(members(source))

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def __bool__(self) -> bool:
        return bool(self._left)

    def value(self, name: str) -> Any:
        """Look at a field without taking it; None where there is none."""
        piece = self._left.get(name)
        return None if piece is None else piece.value

    def take(self, name: str, *kinds: type) -> Piece | None:
        """Take a field whose value is of one of these types, or of any."""
        piece = self._left.get(name)
        if piece is None or piece.value is None or (kinds and not isinstance(piece.value, kinds)):
            return None
        return self._left.pop(name)

    def text(self, *names: str) -> str:
        """Take the first of these fields that is a string; empty where none is."""
        for name in names:
            if (piece := self.take(name, str)) is not None:
                return clean(str(piece.value))
        return ""

    def inside(self, name: str) -> Fields | None:
        """Take a field that is an object, as fields of its own: what is left of those is for the reader to keep."""
        piece = self.take(name, dict)
        return None if piece is None else Fields(piece.source)

    def shown(self, name: str) -> str:
        """Take a field of any type: a string as it is, anything else as its JSON; null and nothing are empty."""
        piece = self.take(name)
        return "" if piece is None else as_text(piece)

    def take_all(self) -> None:
        """Take everything: the reader keeps the whole JSON."""
        self._left.clear()

    def left(self, place: str = "") -> dict[str, str]:
        """Give the JSON of what nobody took, under its place in the message; null says nothing and is left out."""
        return {
            f"{place}{clean(name)}": clean(piece.source)
            for name, piece in self._left.items()
            if piece.value is not None
        }


def as_text(piece: Piece) -> str:
    """Give a string as it is and anything else as its JSON."""
    return clean(piece.value if isinstance(piece.value, str) else piece.source)


def json_type(value: Any) -> str:
    """Name the type of a value for a reader."""
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "a number")
