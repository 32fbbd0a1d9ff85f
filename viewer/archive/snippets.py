"""Cuts out of a text the place where words were found, and marks them in the text as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from viewer.completions.folding import find_spans, fold
from viewer.completions.source_text import clean

from .search_query import Term
from .search_text import LETTER, UNSPACED

Snippet = tuple[tuple[str, bool], ...]  # pieces of text, and whether each is marked

_BEFORE, _LENGTH = 70, 240  # characters of a snippet before its first word, and in all
_STRETCH, _OVERLAP = 5000, 300  # characters looked through at a time
# Characters looked through in all: the first 200,000 of a message are indexed, and indented they may be more.
_MOST = 1_000_000


def snippet_of(texts: Iterable[str], terms: tuple[Term, ...]) -> Snippet:
    """Give the first place with a word that was asked for; where none is to be seen, the beginning."""
    wanted = _pattern(terms)
    beginning = ""
    left = _MOST
    for text in texts:
        beginning = beginning or text
        if wanted and (at := _find(wanted, text[:left])) is not None:
            return _cut(text, max(0, at - _BEFORE), wanted)
        left -= len(text) + 1
        if left <= 0:
            break
    return _cut(beginning, 0, wanted)


def _find(wanted: re.Pattern[str], text: str) -> int | None:
    for start in range(0, max(1, len(text)), _STRETCH):
        if found := find_spans(text[start : start + _STRETCH + _OVERLAP], wanted, 1):
            return start + found[0][0]
    return None


def _cut(text: str, start: int, wanted: re.Pattern[str] | None) -> Snippet:
    """Cut at blanks where there are some near, and mark every word that was asked for."""
    if start and (blank := text.find(" ", start, start + 20) + 1):
        start = blank
    end = min(len(text), start + _LENGTH)
    if end < len(text) and (blank := text.rfind(" ", end - 20, end)) > start:
        end = blank
    shown = text[start:end]
    pieces = [("…", False)] if start else []
    done = 0
    for first, last in find_spans(shown, wanted, _LENGTH) if wanted else ():
        pieces += [(shown[done:first], False), (shown[first:last], True)]
        done = last
    pieces += [(shown[done:], False), ("…" if end < len(text) else "", False)]
    return tuple((re.sub(r"\s+", " ", clean(piece)), is_marked) for piece, is_marked in pieces if piece)


@lru_cache(200)
def _pattern(terms: tuple[Term, ...]) -> re.Pattern[str] | None:
    """Write the terms as one expression over folded text; the longest first, for the first that fits is taken."""
    written = sorted((_written(term) for term in terms), key=len, reverse=True)
    return re.compile("|".join(written), re.DOTALL) if written else None


def _written(term: Term) -> str:
    words = list(term.words)
    runs = [bool(re.match(f"[{UNSPACED}]", word)) for word in words]
    parts = []
    for at, word in enumerate(words):
        if runs[at] and at and runs[at - 1] and words[at - 1][-1] == word[0]:
            parts.append(re.escape(fold(word[1:])))  # the second of two overlapping pairs adds what is new
        else:
            between = f"(?:(?!{LETTER}).)" + ("*" if runs[at] or runs[at - 1] else "+")
            parts.append((between if at else "") + re.escape(fold(word)))
    before = "" if runs[0] else f"(?<!{LETTER})"
    after = "" if runs[-1] or term.is_prefix else f"(?!{LETTER})"
    return before + "".join(parts) + after
