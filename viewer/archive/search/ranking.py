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
from .said import ASSISTANT, CUSTOMER, DETAILS, MARKS, PROMPTS, TOOLS

_SPEAKER_WEIGHTS = {CUSTOMER: 1.0, ASSISTANT: 1.0, DETAILS: 0.7, TOOLS: 0.6, PROMPTS: 0.4}
_NO_TALK = {TOOLS, PROMPTS}
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
    clauses: int  # bit n: it says clause n
    details: int  # bit n: the metadata, the model or the day have clause n; they are in the row of the answer
    quality: float
    is_talk: bool  # the customer or the assistant says it, not only a tool or a prompt

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
        named = sum(rare for number, rare in enumerate(self.rarity) if self._details >> number & 1)
        best = max(row.score(self.rarity) for row in self.rows)
        return best + _ELSEWHERE * sum(alone) + _SPEAKER_WEIGHTS[DETAILS] * named / 2  # as if mentioned once

    @cached_property
    def _details(self) -> int:
        return reduce(or_, (row.details for row in self.rows), 0)

    @property
    def wanted(self) -> int:
        """The clauses by which a message is chosen, as bits.

        What the metadata have, the customer's name above all, holds for all messages, and does not count if there is
        anything else.
        """
        everything = (1 << len(self.topic)) - 1
        return everything & ~self._details or everything

    @cached_property
    def positions(self) -> list[int | None]:
        """The message that says most, then those that say what it does not, then the rest.

        Where one message has all the words, those that do not are left out. If the talk has all the words, what was
        said to tools and by them comes last.
        """
        talk = [row for row in self.rows if row.is_talk]
        if self.wanted & ~reduce(or_, (row.clauses for row in talk), 0):
            return self._chosen(self.rows)
        others = [row for row in self._complete(self.rows) if not row.is_talk]
        return self._chosen(talk) + [row.position for row in sorted(others, key=self._by_topic)]

    def _chosen(self, rows: Sequence[Row]) -> list[int | None]:
        missing = self.wanted
        saying = [row for row in rows if row.clauses & missing or not row.details]
        left = sorted(self._complete(rows) or saying, key=self._by_topic)
        ordered = list[Row]()
        while missing and left and len(ordered) < _MAX_CHOSEN:
            row = max(left, key=lambda row: (row.clauses & missing).bit_count()) if ordered else left[0]
            left.remove(row)
            ordered.append(row)
            missing &= ~row.clauses
        return [row.position for row in (*ordered, *left)]

    def _complete(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if not self.wanted & ~(row.clauses | row.details)]

    def _by_topic(self, row: Row) -> tuple[int, float, float]:
        return -(row.clauses & self.wanted).bit_count(), -row.score(self.topic), row.place


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
        weights, speakers, details = dict[int, float](), set[str](), 0
        for part in text.split("|") if present else ():
            if part[:1] == MARKS:
                continue
            is_detail = position is None and part[:1] == DETAILS
            for needle, number, weight in present:
                if not (count := part.count(needle)):
                    continue
                if is_detail and not self._clauses[number].is_small_number:
                    details |= 1 << number
                else:
                    speakers.add(part[0])
                    weights[number] = weights.get(number, 0.0) + count * weight
        if self._clauses and not (speakers or details) and not any(needle in text for needle in self._extra):
            return
        counts, clauses = [0.0] * len(self._clauses), 0
        for number, weight in weights.items():
            counts[number] = weight / (weight + 1)
            clauses |= 1 << number
        for number in range(len(self._clauses)):
            self._messages_with[number] += (clauses | details) >> number & 1
        quality = self._quality(text, speakers or {DETAILS}, len(weights))
        self._rows[completion].append(Row(position, counts, clauses, details, quality, not speakers <= _NO_TALK))

    def _quality(self, text: str, speakers: set[str], found: int) -> float:
        """Weigh a message by who speaks, how long it is, and whether the words stand together as they were typed."""
        speaker = max(_SPEAKER_WEIGHTS[one] for one in speakers)
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
            if rows and reduce(or_, (row.clauses | row.details for row in rows)) == all_clauses:
                matches.append(Match(completion, document, tuple(rows), topic, rarity))
            elif with_unread:
                matches.append(Match(completion, document))
        return matches
