"""Compares words as a reader does: case, accents, kinds of quotes and blanks, and the stars of Markdown do not count.

`static/js/mark-words.js` folds the same way, so that what is found here is what is marked there.
"""

from __future__ import annotations

import re
from unicodedata import combining, normalize

# The accents of Latin, Greek and Cyrillic, the points of Hebrew and Arabic; the vowels of other scripts are letters.
_IGNORED = re.compile("[*`\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670]")
_SAME = {"‘": "'", "’": "'", "“": '"', "”": '"'}  # these quotes are the point
_BLANKS = re.compile(" {2,}")


class _Letters(dict[int, str]):
    """What each character counts as, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        same = " " if letter.isspace() else normalize("NFKD", _SAME.get(letter, letter))
        self[code] = _IGNORED.sub("", same).casefold()
        return self[code]


_LETTERS = _Letters()


def fold(text: str) -> str:
    """Give a text as it counts for comparing."""
    return _BLANKS.sub(" ", text.translate(_LETTERS))


def occurrences(text: str, folded_words: str, most: int) -> list[tuple[int, int]]:
    """Find where words stand in a text, as start and end in the text itself; at most so many places."""
    if not folded_words or folded_words not in fold(text):
        return []
    folded, places = fold_and_map(text)
    spans: list[tuple[int, int]] = []
    at = folded.find(folded_words)
    while at >= 0 and len(spans) < most:
        behind = at + len(folded_words)
        end = places[behind - 1] + 1
        while end < len(text) and combining(text[end]):  # an accent that stands behind its letter
            end += 1
        spans.append((places[at], end))
        at = folded.find(folded_words, behind)
    return spans


def fold_and_map(text: str) -> tuple[str, list[int]]:
    """Fold, and say for every letter of the result where in the text it comes from."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        for piece in _LETTERS[ord(letter)]:
            if piece != " " or letters[-1:] != [" "]:
                letters.append(piece)
                places.append(place)
    return "".join(letters), places
