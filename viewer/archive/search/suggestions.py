"""Proposes searches that find something instead of one that finds nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .forms import neighbours_of, relatives_of
from .matching import NEWEST, Matcher
from .query import Query, read_query
from .said import PROMPTS
from .words import words_of

Kind = Literal["spelling", "without", "prompts", "apart", "only"]
_MAX_SUGGESTIONS = 8
_MAX_TRIED = 20  # searches
_MAX_COUNTED = 1000
_MAX_READ = 50  # conversations that are read to count those with a phrase


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another search and how many conversations it finds; `kind` says how it differs, `changed` in what."""

    kind: Kind
    changed: str
    query: str
    count: int


def suggest(query: Query) -> list[Suggestion]:
    """Return searches that differ as little as possible and find something, the most similar first."""
    suggestions = list[Suggestion]()
    for tried, (kind, changed, text) in enumerate(_variants(query)):
        if len(suggestions) == _MAX_SUGGESTIONS or tried == _MAX_TRIED:
            break
        if count := _count(text, query.reader):
            suggestions.append(Suggestion(kind, changed, text, count))
    return suggestions


def correction(suggestions: list[Suggestion]) -> Suggestion | None:
    """Return the first if it changes a mere word: another order number would be another matter."""
    first = suggestions[0] if suggestions else None
    return first if first and first.kind == "spelling" and first.changed.isalpha() else None


def _count(text: str, reader: int | None) -> int:
    """Count the conversations that have what is asked; those of a phrase are read."""
    query = read_query(text, reader)
    matcher = Matcher(query)
    if matcher.is_certain:
        return matcher.count(query.speakers, _MAX_COUNTED)
    return len(matcher.look(_MAX_COUNTED, NEWEST, _MAX_READ).matches)


def _variants(query: Query) -> Iterator[tuple[Kind, str, str]]:
    if query.is_same:
        yield "apart", "", " ".join(re.sub(r"(?i)\bsame:(\S*)", r"\1", query.text).split())
    folded = {word: "".join(words_of(word).split()) for word in _plain_words(query)}
    relatives = relatives_of(folded.values())
    for word, one in folded.items():
        for other in (*neighbours_of(one), *relatives.get(one, ())):
            yield "spelling", other, _with(query.text, word, other)
    if query.terms and not query.speakers >= {PROMPTS}:
        yield "prompts", "", f"{query.text} role:all"
    for operator in query.operators:
        yield "without", f"{operator.name}:{operator.value}", operator.rest
    words = _plain_words(query)
    for word in words if len(words) > 1 else ():
        yield "without", word, _with(query.text, word, "")
    for word in words if len(words) > 2 else ():
        yield "only", word, word
    if '"' in query.text:
        yield "apart", "", " ".join(query.text.replace('"', " ").split())


def _plain_words(query: Query) -> list[str]:
    """Return the words of a query as they were typed, without operators, phrases and excluded ones."""
    return [word for word in re.sub(r'"[^"]*"?', " ", query.text).split() if ":" not in word and word[0] not in "-("]


def _with(text: str, word: str, other: str) -> str:
    return " ".join(re.sub(rf"(?<!\S){re.escape(word)}(?!\S)", other, text, count=1).split())
