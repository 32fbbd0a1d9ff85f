"""What is searched: terms, and what words that stand side by side are together: a number, a date, a compound."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from viewer.completions.folding import fold

from .small_words import CURRENCIES, SMALL_WORDS
from .texts import names_of_month
from .words import phones, words_of

ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)", re.ASCII | re.IGNORECASE)
_LETTERS, _HAS_DIGIT = re.compile(r"[^\W\d_]{1,6}"), re.compile(r"\d")
_ONE_PART = re.compile(r"[^\W_]+")
_MIN_COMPOUND = 6  # letters
_MAX_PARTS, _MAX_NUMBER = 8, 32  # parts of a number with spaces in it, and characters


@dataclass(frozen=True, slots=True)
class Term:
    """Consecutive words. With `is_prefix`, the last is only the beginning of a word.

    `others` are other ways to write the same, or what OR adds; of `is_exact` words no other forms are found.
    `compounds` are words that it makes with its neighbours, searched too if the archive has them.
    """

    words: tuple[str, ...]
    is_prefix: bool = False
    is_excluded: bool = False
    is_exact: bool = False
    others: tuple[tuple[str, ...], ...] = ()
    compounds: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class PlainWord:
    """A word without quotes, star or operator: where it stands in the query, and its term."""

    start: int
    end: int
    value: str
    term: Term


def join_neighbours(text: str, terms: list[Term], plain: list[PlainWord]) -> tuple[tuple[Term, ...], list[str]]:
    """Return the terms of a query, with what its plain words are together, and the small words that are left out."""
    joiner = _Joiner(terms, plain)
    joiner.join_words()
    joiner.join_dates()  # before "may" is left out
    joiner.join_numbers(text)  # before the "hat" of HAT 136 is left out, which is German for "has"
    left_out = joiner.leave_out_small_words(text)
    return tuple(joiner.terms), left_out


class _Joiner:
    """Changes the terms of neighbouring words."""

    def __init__(self, terms: list[Term], plain: list[PlainWord]) -> None:
        self.terms = terms
        self._plain = plain

    def join_numbers(self, text: str) -> None:
        """Make one term of `+44 20 7946 0958`; add to the words of `HAT 136` what they are when written together."""
        for start, end, (number, *tail) in phones(text):
            words = [word for word in self._plain if start <= word.start and word.end <= end]
            if len(words) > 1:  # a 44 somewhere else is not what is looked for
                self._merge(words, Term((number,), others=tuple((each,) for each in tail)))
        for words in self._neighbours():
            together = "".join(words_of("".join(word.value for word in words)).split())
            if len(together) <= _MAX_NUMBER and _is_number([word.value for word in words]):
                self._add(words, others=[together])

    def _neighbours(self) -> Iterator[list[PlainWord]]:
        """Yield every two or more plain words that stand side by side."""
        for first in range(len(self._plain)):
            for last in range(first + 1, min(first + _MAX_PARTS, len(self._plain))):
                if self._plain[last].start != self._plain[last - 1].end + 1:
                    break
                yield self._plain[first : last + 1]

    def _pairs(self) -> Iterator[tuple[PlainWord, PlainWord]]:
        return ((words[0], words[1]) for words in self._neighbours() if len(words) == 2)

    def join_words(self) -> None:
        """Let `check out` and `Ersatz Karte` find what was written as one word."""
        for first, second in self._pairs():
            together = first.value + second.value
            words = words_of(together).split()
            if len(words) == 1 and len(together) >= _MIN_COMPOUND and together.isalpha():
                self._add([first, second], compounds=words)

    def _add(self, words: Iterable[PlainWord], others: Iterable[str] = (), compounds: Iterable[str] = ()) -> None:
        for word in words:
            old = word.term
            word.term = replace(
                old,
                others=(*old.others, *((other,) for other in others)),
                compounds=(*old.compounds, *compounds),
            )
            self._replace(old, word.term)

    def join_dates(self) -> None:
        """Make one phrase of `4 November`, in either order and in every language."""
        for first, second in list(self._pairs()):
            dates = _dates(first.value, second.value)
            if dates and first in self._plain and second in self._plain:
                self._merge([first, second], Term(dates[0], others=tuple(dates[1:])))

    def leave_out_small_words(self, text: str) -> list[str]:
        """Search "why was I charged 12 euros" as "charged 12". Return what is left out, unless that would be all."""
        beside_numbers = {word for pair in self._pairs() if any(map(_has_digit, pair)) for word in pair}
        small = [
            word
            for word in self._plain
            if _is_small(word.value, text) or (word in beside_numbers and fold(word.value) in CURRENCIES)
        ]
        kept = [term for term in self.terms if not any(term is word.term for word in small)]
        if not small or all(term.is_excluded for term in kept):
            return []
        self.terms = kept
        return [word.value for word in small]

    def _merge(self, words: list[PlainWord], term: Term) -> None:
        merged = [word.term for word in words]
        self._replace(merged[0], term)
        self.terms = [term for term in self.terms if not any(term is one for one in merged)]
        self._plain = [word for word in self._plain if word not in words]

    def _replace(self, old: Term, new: Term) -> None:
        self.terms[next(number for number, term in enumerate(self.terms) if term is old)] = new


def _is_number(parts: list[str]) -> bool:
    """Whether words may be the parts of one number: some with digits, and letters only before and after them."""
    has_digits = [_HAS_DIGIT.search(part) is not None for part in parts]
    if not any(has_digits) or not all(map(_ONE_PART.fullmatch, parts)):
        return False
    first, last = has_digits.index(True), len(parts) - has_digits[::-1].index(True)
    letters = parts[:first] + parts[last:]
    if first and not parts[first][0].isdigit():  # it has its letters already
        return False
    return first < 3 and len(parts) - last < 2 and all(has_digits[first:last]) and all(map(_LETTERS.fullmatch, letters))


def _dates(first: str, second: str) -> list[tuple[str, ...]]:
    """Return every way to write a day and a month that stand side by side, the one that was typed first."""
    words = [(ordinal[1] if (ordinal := ORDINAL.fullmatch(one)) else one).strip(".,") for one in (first, second)]
    for day, month in (words, words[::-1]):
        names = _months().get(fold(month), ())
        if names and day.isdecimal() and 1 <= int(day) <= 31:
            days = [
                day,
                f"{int(day)}",
                f"{int(day):02}",
                *(f"{int(day)}{ending}" for ending in ("st", "nd", "rd", "th")),
            ]
            typed = tuple(map(fold, words))
            ways = [way for name in names for one in days for way in ((one, name), (name, one))]
            return list(dict.fromkeys([typed, *ways]))
    return []


@cache
def _months() -> dict[str, list[str]]:
    """Return all names of the month by each of its names, folded."""
    months = [[fold(name).strip(".") for name in names_of_month(month)] for month in range(1, 13)]
    return {name: names for names in months for name in names}


def _is_small(value: str, text: str) -> bool:
    """IT and US are words of their own, unless everything is in capitals."""
    is_name = len(value) > 1 and value.isupper() and not text.isupper()
    return fold(value).strip(".,;:!?") in SMALL_WORDS and not is_name


def _has_digit(word: PlainWord) -> bool:
    return _HAS_DIGIT.search(word.value) is not None
