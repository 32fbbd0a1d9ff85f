"""Packs the entries of the index: the words of each message of a conversation, and what it contains.

Hundreds are one row, compressed together: a row and two keys for each message took longer to write than its words, and
as much space as its JSON. Whoever searches reads most messages of a conversation anyway.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

from viewer.archive.bulk import is_one_of
from viewer.archive.models import read_held, write_held
from viewer.archive.packing import pack, unpack

from .indexed import Indexed

_MAX_CHARACTERS = 64_000  # of words, after which another pack begins
_BETWEEN = "\n"  # stands in no words
Pack = tuple[int, bool, str, bytes]  # a row of SearchPack, without its id and its completion
COLUMNS = "completion_id, first, is_last, held, words"


def with_positions(indexed: Iterable[Indexed]) -> Iterator[tuple[int | None, Indexed]]:
    """Yield each entry with its position; the last, that of the answer, has none."""
    position, before = -1, None
    for one in indexed:
        if before is not None:
            yield position, before
        position, before = position + 1, one
    if before is not None:
        yield None, before


class Packer:
    """Takes the entries of a conversation in order, and makes packs of them."""

    def __init__(self) -> None:
        self.packs: list[Pack] = []
        self._first = self._size = 0
        self._words: list[str] = []
        self._held: list[tuple[int | None, str]] = []

    def add(self, position: int | None, entry: Indexed) -> None:
        """Add an entry. That of the answer, which has no position, is the last."""
        size = len(entry.words)
        if self._size and self._size + size > _MAX_CHARACTERS:
            self._close(is_last=False)
        self._words.append(entry.words)
        self._size += size
        if entry.held:
            self._held.append((position, write_held(entry.held)))
        if position is None:
            self._close(is_last=True)

    def _close(self, *, is_last: bool) -> None:
        held = json.dumps(self._held) if self._held else ""
        self.packs.append((self._first, is_last, held, pack(_BETWEEN.join(self._words))))
        self._first += len(self._words)
        self._words, self._held, self._size = [], [], 0


def words_with(completions: Iterable[int], needles: list[str]) -> Iterator[tuple[int, int | None, str]]:
    """Yield the completion, the position and the words of every entry that has any of the needles, or of all."""
    where, values = is_one_of("completion_id", completions)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM archive_searchpack WHERE {where} ORDER BY completion_id, first", [values]
        )
        for completion, first, is_last, _, packed in cursor:
            text = unpack(packed)
            if needles and not any(needle in text for needle in needles):
                continue
            entries = text.split(_BETWEEN)
            answer = first + len(entries) - 1 if is_last else None
            for position, words in enumerate(entries, start=first):
                if not needles or any(needle in words for needle in needles):
                    yield completion, None if position == answer else position, words


def held_by(packed: str) -> Iterator[tuple[int | None, dict[str, int]]]:
    """Parse `SearchPack.held`: yield which messages contain something, and what; the answer has no position."""
    entries: list[list[Any]] = json.loads(packed) if packed else []
    yield from ((position, read_held(held)) for position, held in entries)
