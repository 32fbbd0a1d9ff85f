"""The places in a message that have the words, each with its snippet and its URL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple
from urllib.parse import urlencode

from django.utils.translation import gettext

from viewer.archive.search.texts import texts_in
from viewer.completions.customer import sees_message, sees_role
from viewer.completions.folding import compile_pattern, find_matches
from viewer.completions.ids import index_of
from viewer.completions.invisibles import escaped_pieces
from viewer.completions.reading import plain_text_in, read_message
from viewer.completions.source_text import decode_object
from viewer.completions.types import Choice, Message, TextPart, Unreadable, effective_role
from viewer.rendering.limits import PageBudget
from viewer.rendering.places import home_of, name_of_answer, place_of_answer, url_in
from viewer.rendering.roles import role_label

from .fields import TextField, plain_text_fields, text_fields

_MAX_IN_MESSAGE = 100  # hits; a text that only repeats the words must not fill the list
_BATCH_SIZE = 100_000  # characters, of many short texts
_BEFORE, _AFTER = 40, 90  # characters of a snippet around the words

_BLANK = re.compile(r"\s+")
_FIRST_WORD, _LAST_WORD = re.compile(r"^\S*\s+(?=\S)"), re.compile(r"(?<=\S)\s+\S*$")  # of a snippet, truncated


class Match(NamedTuple):
    """The words in a text, with the snippet around them."""

    field: TextField
    before: str
    words: str
    after: str


class Hit(NamedTuple):
    """One match as the page lists it: its URL, where it is, and its snippet."""

    url: str
    place: str
    nth: int  # of the hits in its message, from 1
    who: str
    number: int | None
    where: str
    part: str
    before: str
    words: str
    behind: str
    is_hidden: bool  # from the customer


class Search:
    """Words that are looked for in a conversation."""

    def __init__(self, completion_id: str, words: str) -> None:
        self._completion_id = completion_id
        self._home = home_of(completion_id)
        self._query = urlencode({"find": words}, errors="replace")
        self._pattern = compile_pattern(words)
        self._labels: dict[str, str] = {}  # of the roles that have spoken

    def hits_in_stored(self, source: str, place: str) -> list[Hit]:
        """List the hits in a message that is stored here, given as JSON. Most are only a text."""
        try:
            values = decode_object(source)
        except ValueError:
            return self.hits_in_message(read_message(source), place)
        plain = plain_text_in(values)
        if plain and (matches := _matches_in_fields(plain_text_fields(plain), self._pattern)):
            number = index_of(self._completion_id, plain.id)
            return self._hits(matches, _Message(place, self._label(plain.role), number, not sees_role(plain.role)))
        return self.hits_in_message(read_message(source, values=values), place)

    def hits_in_message(self, item: Message | Unreadable, place: str) -> list[Hit]:
        """List the hits in a message, which open at a place: a message without a permalink at the one before it."""
        if not (matches := matches_in_message(item, self._pattern)):
            return []
        if isinstance(item, Unreadable):
            return self._hits(matches, _Message(place, gettext("Unreadable item"), None, is_hidden=True))
        number = index_of(self._completion_id, item.id)
        return self._hits(
            matches, _Message(place, self._label(effective_role(item)), number, is_hidden=not sees_message(item))
        )

    def hits_in_answer(self, message: Message | Unreadable, choices: tuple[Choice, ...], position: int) -> list[Hit]:
        """List the hits in an answer, which is given with all that its choice has."""
        if not (matches := matches_in_message(message, self._pattern)):
            return []
        who, is_hidden = name_of_answer(position, len(choices)), not sees_message(choices[position].message)
        return self._hits(matches, _Message(place_of_answer(position), who, None, is_hidden))

    def _label(self, role: str) -> str:
        if role not in self._labels:
            self._labels[role] = role_label(PageBudget().truncate(role))
        return self._labels[role]

    def _hits(self, matches: list[Match], message: _Message) -> list[Hit]:
        place, who, number, is_hidden = message
        url = f"{url_in(self._home, place)}?{self._query}"
        return [
            Hit(
                f"{url}&hit={nth}" if nth > 1 else url, place, nth, who, number, str(field.label), field.part,
                before, words, after, field.is_for_staff or is_hidden,
            )
            for nth, (field, before, words, after) in enumerate(matches, 1)
        ]  # fmt: skip


class _Message(NamedTuple):
    """What the hits in a message say of it."""

    place: str
    who: str
    number: int | None
    is_hidden: bool


def matches_in_message(item: Message | Unreadable, pattern: re.Pattern[str]) -> list[Match]:
    return _matches_in_fields(text_fields(item), pattern) or list(
        islice(_matches_in_json(item, pattern), _MAX_IN_MESSAGE)
    )


def _matches_in_fields(fields: Iterable[TextField], pattern: re.Pattern[str]) -> list[Match]:
    matches: list[Match] = []
    for field in fields:
        limit = 1 if field.counts_once else _MAX_IN_MESSAGE - len(matches)
        matches += islice(_matches_in(field, pattern), limit)
        if len(matches) >= _MAX_IN_MESSAGE:
            break
    return matches


def _matches_in(field: TextField, pattern: re.Pattern[str]) -> Iterator[Match]:
    for window, start, end in find_matches(escaped_pieces(field.text), pattern):
        before, after = window[max(0, start - _BEFORE) : start], window[end : end + _AFTER]
        yield Match(
            field,
            _in_one_line("…" + _FIRST_WORD.sub("", before) if start > _BEFORE else before),
            _in_one_line(window[start:end]),
            _in_one_line(_LAST_WORD.sub("", after) + "…" if end + _AFTER < len(window) else after),
        )


def _matches_in_json(item: Message | Unreadable, pattern: re.Pattern[str]) -> Iterator[Match]:
    """List matches of the archive's search that only the message's JSON contains, which the page links."""
    if isinstance(item, Unreadable):
        return
    shown = {part.text for part in item.parts if isinstance(part, TextPart)}

    def texts() -> Iterator[str]:
        return (text for text, _ in texts_in(item) if text not in shown)

    pieces = chain.from_iterable(map(escaped_pieces, _batches(texts())))
    if not any(find_matches(pieces, pattern)):
        return
    for text in texts():
        yield from islice(_matches_in(TextField(text, "unknown", gettext("JSON"), is_for_staff=True), pattern), 1)


def _batches(texts: Iterable[str]) -> Iterator[str]:
    """Join texts into a few long ones: there may be a hundred thousand, and each search has a fixed cost."""
    batch, length = list[str](), 0
    for text in texts:
        batch += text, "\n"
        length += len(text)
        if length > _BATCH_SIZE:
            yield "".join(batch)
            batch, length = [], 0
    yield "".join(batch)


def _in_one_line(text: str) -> str:
    is_in_one = text.isprintable() and "  " not in text  # of all blanks, only the space can be printed
    return text if is_in_one else _BLANK.sub(" ", text)
