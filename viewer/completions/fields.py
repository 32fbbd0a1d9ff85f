"""The members of a JSON object, taken out one by one, so that those no reader takes are kept as they were written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .source_text import Piece, clean, decode_object, first_items, member_spans

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"), (str, "a string"), (dict, "an object"), (list, "a list"), (type(None), "null"),
)  # fmt: skip


class Fields:
    """The fields of an object. A reader takes a field only if its value has the shape that the reader expects."""

    def __init__(self, source: str | Callable[[], str], values: dict[str, Any] | None = None) -> None:
        """Raise ValueError if the text is not a JSON object. `values` is the decoded object, if the caller has it.

        `source` may be a function, called when the text is first needed: of most objects in a long list it never is.
        """
        self._source = source
        self._spans: dict[str, tuple[int, int]] | None = None  # found on demand: most messages hold only strings
        values = decode_object(self._text()) if values is None else values
        self.is_empty = not values
        self._remaining = {name: value for name, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._remaining

    def __bool__(self) -> bool:
        """Whether any field other than null remains."""
        return bool(self._remaining)

    def has_none_of(self, names: frozenset[str]) -> bool:
        return names.isdisjoint(self._remaining)

    def _source_of(self, name: str) -> str:
        if self._spans is None:
            self._spans = member_spans(self._text())
        start, end = self._spans[name]
        return self._text()[start:end]

    def _text(self) -> str:
        if not isinstance(self._source, str):
            self._source = self._source()
        return self._source

    def get(self, name: str) -> Any:
        """Return the value of a field without taking it, or None."""
        return self._remaining.get(name)

    def take(self, name: str, *kinds: type) -> Piece | None:
        """Take a field if its value is of one of these types, by default of any."""
        value = self.take_value(name, *kinds)
        return None if value is None else Piece(self._source_of(name), value)

    def take_value(self, name: str, *kinds: type) -> Any:
        """Take a field as `take` does, but only its value: finding its JSON costs more than everything else."""
        value = self._remaining.get(name)
        if value is None or (kinds and not isinstance(value, kinds)):
            return None
        return self._remaining.pop(name)

    def take_items(self, name: str) -> tuple[list[Piece], str]:
        """Take a field that is a list: its first 10,000 items, and the JSON of the rest."""
        piece = self.take(name, list)
        return first_items(piece) if piece else ([], "")

    def take_text(self, *names: str) -> str:
        """Take the first of these fields that is a string, or return an empty string."""
        for name in names:
            if isinstance(self._remaining.get(name), str):
                return clean(str(self._remaining.pop(name)))
        return ""

    def take_object(self, name: str) -> Fields | None:
        """Take a field that is an object. The reader has to keep what remains of the object's own fields."""
        value = self.take_value(name, dict)
        return None if value is None else Fields(lambda: self._source_of(name), value or None)

    def take_as_text(self, *names: str) -> str | None:
        """Take the first of these fields that is not null: a string as it is, anything else as JSON."""
        for name in names:
            if isinstance(self._remaining.get(name), str):
                return self.take_text(name)
            if (piece := self.take(name)) is not None:
                return as_text(piece)
        return None

    def take_all(self) -> None:
        """Take everything, because the reader keeps the whole JSON."""
        self._remaining.clear()

    def remaining(self, path: str = "") -> dict[str, str]:
        """Return the JSON of the fields that nobody took; `path` prefixes their names."""
        return {f"{path}{clean(name)}": clean(self._source_of(name)) for name in self._remaining}


def as_text(piece: Piece) -> str:
    """Return a string as it is, anything else as its JSON."""
    return clean(piece.value if isinstance(piece.value, str) else piece.source)


def json_type(value: Any) -> str:
    """Name the type of a JSON value in words."""
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "a number")
