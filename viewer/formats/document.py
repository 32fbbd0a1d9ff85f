"""What passes between the steps: documents as a file has them, and the conversations that are made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext

from viewer.completions.source_text import STRICT, Piece, items, members

Find = Callable[[str], bytes | None]  # another file of the same archive or folder, by the beginning of its name
MAX_BYTES = 64_000_000  # of one conversation; OpenAI accepts requests of 50 MB, images included


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file, or one in an archive, and the number of the line, item or row in it, from 1."""

    file: str = ""
    number: int = 0
    unit: str = "line"  # or item, row, session; empty if it is the whole file


NOWHERE = Place()


def find_nothing(name: str) -> bytes | None:
    """Stand in for `Find` where a file stands alone."""
    return None


class Document:
    """One JSON value of a file, with its source text. It is decoded when its value is first asked for."""

    def __init__(self, text: str, place: Place = NOWHERE, find: Find = find_nothing) -> None:
        self.text, self.place, self.find = text, place, find

    @classmethod
    def of(cls, piece: Piece, place: Place = NOWHERE, find: Find = find_nothing) -> Document:
        """Make the document of a value that is decoded already."""
        document = cls(piece.source, place, find)
        document.__dict__["value"] = piece.value
        return document

    def forget(self) -> None:
        """Let go of the text, which may be large, when all that is needed of it was taken."""
        self.text = ""
        self.__dict__.pop("value", None)

    @cached_property
    def value(self) -> Any:
        """The decoded value. Raises NotReadable."""
        try:
            return STRICT.decode(self.text)
        except json.JSONDecodeError as error:
            raise NotReadable(not_json(error)) from None
        except RecursionError:
            raise NotReadable("nested too deeply") from None
        except ValueError as error:  # NaN and Infinity
            raise NotReadable(str(error)) from None

    @cached_property
    def members(self) -> dict[str, Document]:
        """The members of an object, each with its source text; none if it is no object."""
        if not isinstance(self.value, dict):
            return {}
        return {name: self._inner(piece.source, self.value[name]) for name, piece in members(self.text, STRICT)}

    def items(self) -> Iterator[Document]:
        """Yield the items of an array, each with its source text; nothing if it is no array."""
        if isinstance(self.value, list):
            for piece, value in zip(items(self.text, STRICT), self.value, strict=True):
                yield self._inner(piece.source, value)

    def at(self, *names: str) -> Document | None:
        """Return what stands under these names, one inside the other; None if it is missing or null."""
        found: Document | None = self
        for name in names:
            found = found.members.get(name) if found is not None else None
        return None if found is None or found.value is None else found

    def _inner(self, source: str, value: Any) -> Document:
        """Return a part with the value that it has here: decoded once more, it would be in memory twice."""
        return Document.of(Piece(source, value), self.place, self.find)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation, ready to be stored: the members of its completion, and the JSON of each of its messages.

    `id` is empty if the source has none that can be used; `digest` recognises the same source, read in the same way,
    when it comes again.
    """

    family: str
    id: str
    fields: list[tuple[str, Piece]]
    messages: list[str]
    digest: str
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was not read, and why, as a sentence for the person who imports it."""

    reason: str
    place: Place = NOWHERE


class NotReadable(ValueError):
    """Raised by a family for a document of its shape that cannot be read; the message is the reason."""


class NotAConversation(NotReadable):
    """Raised for what lies beside the conversations of an export, such as the list of its users. Nothing is missing."""


class NothingSaid(NotAConversation):
    """Raised for a conversation without a message. Whoever reads it knows the family, and says what it is."""


def too_long() -> str:
    """Say that something is longer than one conversation may be."""
    return gettext("longer than %d MB, the most that one conversation may have") % (MAX_BYTES // 10**6)


def not_json(error: json.JSONDecodeError) -> str:
    """Say where a text stops being JSON."""
    return f"not a JSON object: {without_place(error.msg)} at character {error.pos + 1}"


def without_place(message: str) -> str:
    """Return what Python says of a text that is no JSON without the beginning of a place."""
    return message.removesuffix(" starting at")


def text_of_line(line: bytes) -> str:
    """Decode a line. Raises NotReadable if it is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotReadable(f"not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from None
