"""Ranks conversations by the words of their messages, and chooses the message at which each is opened."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul

from .clauses import Clause
from .text import ASSISTANT, CUSTOMER, DETAILS, MARKS, PROMPTS, TOOLS

_SPEAKER_WEIGHTS = {CUSTOMER: 1.0, ASSISTANT: 1.0, DETAILS: 0.7, TOOLS: 0.6, PROMPTS: 0.4}
_ADJACENT = 1.5  # words that stand as they were typed, one after the other
_ELSEWHERE = 0.3  # of what a word counts that is not in the message but in another of the conversation
_TYPICAL_LENGTH = 400  # characters of words; a longer text says less of each
_MAX_CHOSEN = 3  # messages that are chosen for what the others do not say
_MAX_NEEDLES = 6
_IDENTIFIER_WEIGHT = 0.3  # an order number finds the conversation, the other words the message in it


@dataclass(frozen=True, slots=True)
class Row:
    """A message, and what each clause counts in it: from 0 to 1, as the second mention counts less than the first."""

    position: int | None
    counts: list[float]
    quality: float
    found: int  # clauses
    is_detail: bool  # only the metadata, the model or the day have the words

    @property
    def place(self) -> float:
        return math.inf if self.position is None else self.position

    def score(self, shares: Sequence[float]) -> float:
        """Weigh each clause by its share."""
        return self.quality * sum(map(mul, shares, self.counts))


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
        complete = [row for row in self.rows if row.found == len(self.topic)]
        rows = complete or self.rows
        left = sorted(rows, key=lambda row: (row.is_detail, -row.found, -row.score(self.topic), row.place))
        ordered = list[Row]()
        missing = set(range(len(self.topic)))
        while missing and left and len(ordered) < _MAX_CHOSEN:
            row = max(left, key=lambda row: _new_in(row, missing))
            left.remove(row)
            ordered.append(row)
            missing = {number for number in missing if not row.counts[number]}
        return [row.position for row in (*ordered, *left)]


def _new_in(row: Row, missing: set[int]) -> tuple[bool, int]:
    found = sum(row.counts[number] > 0 for number in missing)
    return found > 0 and not row.is_detail, found


class Scores:
    """Collects what the messages of conversations have of a query, and ranks them by it."""

    def __init__(self, clauses: tuple[Clause, ...], extra_needles: tuple[str, ...]) -> None:
        self._clauses = clauses
        self._extra = extra_needles
        self._needles = [(needle, n, weight) for n, clause in enumerate(clauses) for needle, weight in clause.weighted]
        words = {needle.strip(): (n, weight) for needle, n, weight in self._needles if _is_word(needle)}
        self._words = words if len(words) == sum(_is_word(needle) for needle, *_ in self._needles) else {}
        self._others = [each for each in self._needles if not (self._words and _is_word(each[0]))]
        self._phrase = f" {' '.join(clause.wordings[0] for clause in clauses)} "
        self._rows: dict[int, list[Row]] = defaultdict(list)
        self._messages_with = [0] * len(clauses)
        self._forbidden: set[int] = set()

    def add(self, completion: int, position: int | None, text: str) -> None:
        """Add a message if it has something of the query."""
        weights, speakers = [0.0] * len(self._clauses), set[str]()
        for part in text.split("|"):
            if part[:1] != MARKS and (found := self._found_in(part)):
                speakers.add(part[0])
                for number, weight in found:
                    weights[number] += weight
        if self._clauses and not speakers and not any(needle in text for needle in self._extra):
            return
        for number, weight in enumerate(weights):
            self._messages_with[number] += weight > 0
        count = sum(weight > 0 for weight in weights)
        quality = self._quality(text, speakers, count)
        counts = [weight / (weight + 1) for weight in weights]
        self._rows[completion].append(Row(position, counts, quality, count, speakers == {DETAILS}))

    def _found_in(self, text: str) -> list[tuple[int, float]]:
        """Return the number of a clause and a weight for each of its wordings that a text has."""
        if len(self._needles) > _MAX_NEEDLES:  # then it is faster to look up each word of the text
            words = list(filter(None, map(self._words.get, text.split())))
            return words + [(n, text.count(needle) * weight) for needle, n, weight in self._others if needle in text]
        return [(n, text.count(needle) * weight) for needle, n, weight in self._needles if needle in text]

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
        matches = []
        for completion, document in documents.items():
            rows = self._rows.get(completion, [])
            if completion in self._forbidden:
                continue
            if rows and all(any(row.counts[number] for row in rows) for number in range(len(self._clauses))):
                matches.append(Match(completion, document, tuple(rows), topic, rarity))
            elif with_unread:
                matches.append(Match(completion, document))
        return matches


def _is_word(needle: str) -> bool:
    return needle[-1] == " " and " " not in needle[1:-1]
