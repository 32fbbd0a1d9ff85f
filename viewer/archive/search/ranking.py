"""Ranks conversations by the words of their messages, and chooses the message at which each is opened."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import mul, or_
from typing import NamedTuple

from .clauses import Clause
from .text import ASSISTANT, CUSTOMER, DETAILS, MARKS, PROMPTS, TOOLS

_SPEAKER_WEIGHTS = {CUSTOMER: 1.0, ASSISTANT: 1.0, DETAILS: 0.7, TOOLS: 0.6, PROMPTS: 0.4}
_ADJACENT = 1.5  # words that stand as they were typed, one after the other
_ELSEWHERE = 0.3  # of what a word counts that is not in the message but in another of the conversation
_TYPICAL_LENGTH = 400  # characters of words; a longer text says less of each
_MAX_CHOSEN = 3  # messages that are chosen for what the others do not say
_IDENTIFIER_WEIGHT = 0.3  # an order number finds the conversation, the other words the message in it


class Row(NamedTuple):
    """A message, and what each clause counts in it: from 0 to 1, as the second mention counts less than the first.

    A named tuple, because a search of many words makes thousands.
    """

    position: int | None
    counts: list[float]
    clauses: int  # bit n: it has clause n
    quality: float
    is_detail: bool  # only the metadata, the model or the day have the words

    @property
    def place(self) -> float:
        return math.inf if self.position is None else self.position

    def score(self, shares: Sequence[float]) -> float:
        """Weigh each clause by its share."""
        weighed: float = sum(map(mul, shares, self.counts))
        return self.quality * weighed


@dataclass(frozen=True)
class Match:
    """A conversation in which everything that was asked stands, and its matching messages."""

    completion: int
    document: int
    rows: tuple[Row, ...] = ()
    topic: tuple[float, ...] = ()  # what each clause counts in choosing the message
    rarity: tuple[float, ...] = ()  # and in ranking the conversation

    @cached_property
    def rank(self) -> float:
        """How good its best message is, and the best one for each clause."""
        if not self.rows:
            return 0.0
        alone = [
            max(row.quality * rare * row.counts[number] for row in self.rows) for number, rare in enumerate(self.rarity)
        ]
        return max(row.score(self.rarity) for row in self.rows) + _ELSEWHERE * sum(alone)

    @cached_property
    def positions(self) -> list[int | None]:
        """The message that says most, then those that say what it does not, then the rest.

        Where one message has all the words, those that do not are left out.
        """
        missing = (1 << len(self.topic)) - 1
        complete = [row for row in self.rows if row.clauses == missing]
        left = sorted(complete or self.rows, key=self._by_topic)
        ordered = list[Row]()
        while missing and left and len(ordered) < _MAX_CHOSEN:
            row = max(left, key=lambda row: _new_in(row, missing)) if ordered else left[0]
            left.remove(row)
            ordered.append(row)
            missing &= ~row.clauses
        return [row.position for row in (*ordered, *left)]

    def _by_topic(self, row: Row) -> tuple[bool, int, float, float]:
        return row.is_detail, -row.clauses.bit_count(), -row.score(self.topic), row.place


def _new_in(row: Row, missing: int) -> tuple[bool, int]:
    found = row.clauses & missing
    return found > 0 and not row.is_detail, found.bit_count()


class Scores:
    """Collects what the messages of conversations have of a query, and ranks them by it."""

    def __init__(self, clauses: tuple[Clause, ...], extra_needles: tuple[str, ...]) -> None:
        self._clauses = clauses
        self._extra = extra_needles
        self._needles = [(needle, n, weight) for n, clause in enumerate(clauses) for needle, weight in clause.weighted]
        self._phrase = f" {' '.join(clause.wordings[0] for clause in clauses)} "
        self._rows: dict[int, list[Row]] = defaultdict(list)
        self._messages_with = [0] * len(clauses)
        self._forbidden: set[int] = set()

    def add(self, completion: int, position: int | None, text: str) -> None:
        """Add a message if it has something of the query."""
        present = [each for each in self._needles if each[0] in text]
        weights, speakers = dict[int, float](), set[str]()
        for part in text.split("|") if present else ():
            if part[:1] == MARKS:
                continue
            for needle, number, weight in present:
                if count := part.count(needle):
                    speakers.add(part[0])
                    weights[number] = weights.get(number, 0.0) + count * weight
        if self._clauses and not speakers and not any(needle in text for needle in self._extra):
            return
        counts, clauses = [0.0] * len(self._clauses), 0
        for number, weight in weights.items():
            self._messages_with[number] += 1
            counts[number] = weight / (weight + 1)
            clauses |= 1 << number
        quality = self._quality(text, speakers, len(weights))
        self._rows[completion].append(Row(position, counts, clauses, quality, speakers == {DETAILS}))

    def _quality(self, text: str, speakers: set[str], found: int) -> float:
        """Weigh a message by who speaks, how long it is, and whether the words stand together as they were typed."""
        speaker = max((_SPEAKER_WEIGHTS[one] for one in speakers), default=_SPEAKER_WEIGHTS[TOOLS])
        is_together = found > 1 and self._phrase in text
        return speaker * (_ADJACENT if is_together else 1.0) / (1 + math.log1p(len(text) / _TYPICAL_LENGTH))

    def forbid(self, completion: int) -> None:
        """Leave a completion out: it has what was excluded."""
        self._forbidden.add(completion)

    def matches(self, documents: dict[int, int], *, with_unread: bool = False) -> list[Match]:
        """Return the completions in which every clause is met by some message; `documents` has one of each.

        `with_unread`: also those of which no message was read, because there were too many.
        """
        total = sum(map(len, self._rows.values()))
        rarity = tuple(math.log(1 + total / max(1, count)) for count in self._messages_with)
        topic = tuple(_IDENTIFIER_WEIGHT if clause.is_identifier else 1.0 for clause in self._clauses)
        with_unread = with_unread or not (self._clauses or self._extra)
        all_clauses = (1 << len(self._clauses)) - 1
        matches = []
        for completion, document in documents.items():
            rows = self._rows.get(completion, [])
            if completion in self._forbidden:
                continue
            if rows and reduce(or_, (row.clauses for row in rows)) == all_clauses:
                matches.append(Match(completion, document, tuple(rows), topic, rarity))
            elif with_unread:
                matches.append(Match(completion, document))
        return matches
