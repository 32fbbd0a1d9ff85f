"""Cuts a snippet around the first match out of a text, and marks the matches in the original spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from viewer.completions.folding import Span, find_spans, fold
from viewer.completions.source_text import clean

from .clauses import Clause, clauses_of
from .query import Query
from .words import LETTER, PHONE_TAIL, UNSPACED

Snippet = tuple[tuple[str, bool], ...]  # pieces of text, and whether each is marked

_CONTEXT_BEFORE, _MAX_LENGTH = 70, 240  # characters: before the first match, and in total
_WINDOW, _OVERLAP = 5000, 300  # characters searched at a time
_MAX_COMPARED = 30  # matches of a text, of which the place with the most different ones is shown
_SEPARATORS = "[-_./,:'’#() ]{0,3}"  # between the characters of a code
_BEFORE_TAIL = rf"(?:[+(]{{0,2}}[0-9]{_SEPARATORS}){{0,6}}"  # of a phone number
_AMOUNT, _DECIMAL_POINT = re.compile("([0-9]+)x([0-9]{2})"), "[.,]"  # `text.joined_words`
# Characters searched in total: the first 200,000 of a message are indexed, and indented JSON may be longer.
_MAX_SEARCHED = 1_000_000


def snippet_of(texts: Iterable[str], clauses: tuple[Clause, ...]) -> Snippet:
    """Return a snippet of the text and place with the most different matches.

    If nothing matches visibly, it is the beginning of the first text that is more than an id.
    """
    pattern = _pattern(clauses)
    best, start, most = "", 0, 0
    remaining = _MAX_SEARCHED
    for text in texts:
        if not most and " " not in best:
            best = text if " " in text or not best else best
        different, place = _find(pattern, text[:remaining]) if pattern else (0, 0)
        if different > most:
            best, start, most = text, max(0, place - _CONTEXT_BEFORE), different
        remaining -= len(text) + 1
        if remaining <= 0 or most >= len(clauses):
            break
    return _cut(best, start, pattern)


def _find(pattern: re.Pattern[str], text: str) -> tuple[int, int]:
    """Return how many different matches stand together at the best place of the first window with any, and where."""
    for start in range(0, max(1, len(text)), _WINDOW):
        window = text[start : start + _WINDOW + _OVERLAP]
        if spans := find_spans(window, pattern, _MAX_COMPARED):
            places = [(len(_matches_in_snippet(window, spans, first)), -first) for first, _ in spans]
            different, place = max(places)
            return different, start - place
    return 0, 0


def _matches_in_snippet(text: str, spans: list[Span], start: int) -> set[str]:
    end = start + _MAX_LENGTH - _CONTEXT_BEFORE
    return {text[first:last].lower() for first, last in spans if start <= first and last <= end}


def _cut(text: str, start: int, pattern: re.Pattern[str] | None) -> Snippet:
    """Cut at spaces where there are some nearby, and mark every match."""
    if start and (blank := text.find(" ", start, start + 20) + 1):
        start = blank
    end = min(len(text), start + _MAX_LENGTH)
    if end < len(text) and (blank := text.rfind(" ", end - 20, end)) > start:
        end = blank
    shown = text[start:end]
    pieces = [("…", False)] if start else []
    end_of_last = 0
    for first, last in find_spans(shown, pattern, _MAX_LENGTH) if pattern else ():
        pieces += [(shown[end_of_last:first], False), (shown[first:last], True)]
        end_of_last = last
    pieces += [(shown[end_of_last:], False), ("…" if end < len(text) else "", False)]
    return tuple((re.sub(r"\s+", " ", clean(piece)), is_marked) for piece, is_marked in pieces if piece)


def pattern_for_browsers(query: Query) -> str:
    """Return a JavaScript pattern, for text folded by folding.js, of what snippets mark; empty if they mark nothing."""
    pattern = _pattern(tuple(clause for clause in clauses_of(query) if not clause.is_excluded))
    return pattern.pattern.replace(LETTER, r"[\p{L}\p{M}\p{N}]") if pattern else ""


@lru_cache(200)
def _pattern(clauses: tuple[Clause, ...]) -> re.Pattern[str] | None:
    """Compile all wordings into one pattern for folded text, the longest first because the first alternative wins."""
    wordings = {(wording, clause.is_prefix) for clause in clauses for wording in clause.wordings}
    patterns = sorted((_wording_pattern(*wording) for wording in wordings), key=lambda text: (-len(text), text))
    return re.compile("|".join(patterns), re.DOTALL) if patterns else None


def _wording_pattern(wording: str, is_prefix: bool) -> str:
    words = wording.split()
    runs = [bool(re.match(f"[{UNSPACED}]", word)) for word in words]
    parts = []
    for index, word in enumerate(words):
        if runs[index] and index and runs[index - 1] and words[index - 1][-1] == word[0]:
            parts.append(re.escape(fold(word[1:])))  # of two overlapping pairs, the second adds one character
        else:
            between = f"(?:(?!{LETTER}).)" + ("*" if runs[index] or runs[index - 1] else "+")
            parts.append((between if index else "") + _word_pattern(word))
    before = "" if runs[0] else f"(?<!{LETTER})"
    if wording.isdecimal() and len(wording) == PHONE_TAIL:
        before += _BEFORE_TAIL
    after = "" if runs[-1] or is_prefix else f"(?!{LETTER})"
    return before + "".join(parts) + after


def _word_pattern(word: str) -> str:
    """Let `tk30582` match "TK-30582": a word with digits may be written with separators."""
    is_code = any(character.isdigit() for character in word)
    if amount := _AMOUNT.fullmatch(word):
        cents = f"{amount[2]}?" if word.endswith("0") else amount[2]
        return _SEPARATORS.join(amount[1]) + _DECIMAL_POINT + cents
    letters = map(re.escape, fold(word))
    return (_SEPARATORS if is_code else "").join(letters)
