"""Turns the terms of a query into clauses, with all ways to write each, and clauses into a query for the index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from .forms import existing, forms_of
from .query import Filter, Query
from .terms import Term

_MAX_SMALL = 3  # digits
_FORM_WEIGHT = 0.8  # of another form of a word than the one typed


@dataclass(frozen=True)
class Clause:
    """A term with all its wordings: words between single spaces, the first `exact` of them as typed."""

    wordings: tuple[str, ...]
    exact: int = 1
    is_prefix: bool = False
    is_excluded: bool = False

    @property
    def is_phrase(self) -> bool:
        return " " in self.wordings[0]

    @property
    def is_identifier(self) -> bool:
        return any(character.isdigit() for character in self.wordings[0])

    @property
    def is_small_number(self) -> bool:
        """Whether it says little where it stands: any metadata may have a 3."""
        return self.wordings[0].isdecimal() and len(self.wordings[0]) <= _MAX_SMALL

    @cached_property
    def needles(self) -> tuple[str, ...]:
        """What is looked for in the words of a message."""
        end = "" if self.is_prefix else " "
        return tuple(f" {wording}{end}" for wording in self.wordings)

    @cached_property
    def weighted(self) -> tuple[tuple[str, float], ...]:
        """The needles, and what each counts: forms count less."""
        return tuple((needle, 1.0 if n < self.exact else _FORM_WEIGHT) for n, needle in enumerate(self.needles))


def clauses_of(query: Query) -> tuple[Clause, ...]:
    """Look up the forms of every term in the archive."""
    forms = forms_of(word for term in query.terms if _has_forms(term) for word in _exact(term))
    compounds = set(existing({word for term in query.terms for word in term.compounds}))
    return tuple(_clause(term, forms, compounds) for term in query.terms)


def _clause(term: Term, forms: dict[str, list[str]], compounds: set[str]) -> Clause:
    exact = _exact(term)
    others = [form for each in exact for form in forms.get(each, ())] if _has_forms(term) else []
    others += [word for word in term.compounds if word in compounds]
    return Clause(tuple(dict.fromkeys(exact + others)), len(exact), term.is_prefix, term.is_excluded)


def _exact(term: Term) -> list[str]:
    return [" ".join(words) for words in (term.words, *term.others)]


def _has_forms(term: Term) -> bool:
    return not (term.is_exact or term.is_prefix)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database writes a query for its index. Tokens are only letters and digits, so quoting them is safe."""

    quote: str
    star: str
    both: str
    either: str
    without: str

    def token(self, token: str, is_prefix: bool = False) -> str:
        return f"{self.quote}{token}{self.quote}{self.star if is_prefix else ''}"

    def clause(self, clause: Clause, speakers: frozenset[str]) -> str:
        return self._any(self._wording(wording, clause.is_prefix, speakers) for wording in clause.wordings)

    def filter(self, asked: Filter) -> str:
        return self._any(self.token(mark, asked.is_prefix) for mark in asked.marks)

    def _wording(self, wording: str, is_prefix: bool, speakers: frozenset[str]) -> str:
        words = wording.split()
        last = len(words) - 1
        said = [
            self._any(self.token(speaker + word, is_prefix and number == last) for speaker in sorted(speakers))
            for number, word in enumerate(words)
        ]
        return f"({self.both.join(said)})"

    def _any(self, parts: Iterable[str]) -> str:
        return f"({self.either.join(parts)})"


FTS5 = Dialect('"', " *", " AND ", " OR ", " NOT ")
TSQUERY = Dialect("'", ":*", " & ", " | ", " & !")
