"""Finds words of the archive that are forms of another (refund, refunded, refunds) or spelled nearly alike.

The index keeps words as they are written. Their forms are looked up when somebody searches: so the exact form can rank
first, and other languages take effect without a new index.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

import snowballstemmer
from django.conf import settings
from django.db import connection

_MIN_LETTERS = 4  # of a word that has other forms
_MAX_SUFFIX = 7  # letters that a form may be longer than the word
_MAX_COMPARED = 400  # words with the same beginning
_MAX_UNITED = 100  # beginnings that are looked up at once; SQLite takes 500
_MAX_FORMS = 12
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))  # words are folded: "Müller" is muller, "Mueller" is mueller
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def forms_of(words: Iterable[str]) -> dict[str, list[str]]:
    """Return the other forms of words that the archive has, in the languages of `SEARCH_LANGUAGES`, shortest first."""
    stems = {word: _stems_of(word) for word in words if len(word) >= _MIN_LETTERS and word.isalpha()}
    longest = dict[str, int]()
    for word, each in stems.items():
        for beginning in map(_beginning, each):
            longest[beginning] = max(longest.get(beginning, 0), len(word) + _MAX_SUFFIX)
    beginning_so = _words_that_begin(longest)
    return {word: _forms(word, each, beginning_so) for word, each in stems.items()}


def _stems_of(word: str) -> set[tuple[str, str]]:
    spelled = {word, *(word.replace(two, one) for two, one in _UMLAUTS)}
    return {(language, _stem(language, each)) for language in settings.SEARCH_LANGUAGES for each in spelled}


def _beginning(stem: tuple[str, str]) -> str:
    return stem[1][: max(3, len(stem[1]) - 1)]


def _forms(word: str, stems: set[tuple[str, str]], beginning_so: dict[str, list[str]]) -> list[str]:
    found = {
        other
        for beginning in set(map(_beginning, stems))
        for other in beginning_so[beginning]
        if len(other) <= len(word) + _MAX_SUFFIX
        and other.isalpha()
        and any(_stem(language, other) == stem for language, stem in stems)
    }
    return sorted(found - {word}, key=lambda other: (len(other), other))[:_MAX_FORMS]


def neighbours_of(word: str) -> list[str]:
    """Return the words of the archive that are one letter off: one left out, added, changed, or two swapped."""
    if len(word) < _MIN_LETTERS or len(word) > 20:
        return []
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    near = {before + after[1:] for before, after in splits if after}
    near |= {before + after[1] + after[0] + after[2:] for before, after in splits if len(after) > 1}
    near |= {before + letter + after[1:] for before, after in splits if after for letter in _LETTERS}
    near |= {before + letter + after for before, after in splits for letter in _LETTERS}
    return _existing(near - {word})


@lru_cache(20_000)
def _stem(language: str, word: str) -> str:
    return str(_stemmer(language).stemWord(word))


@lru_cache
def _stemmer(language: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(language)


def _words_that_begin(longest: dict[str, int]) -> dict[str, list[str]]:
    """Return words by their beginning; `longest` has for each how many letters they may have."""
    # Compared byte by byte, as both databases can do by their index: the collation of PostgreSQL may order otherwise.
    from_, below = ("~>=~", "~<~") if connection.vendor == "postgresql" else (">=", "<")
    select = (
        f"SELECT %s AS beginning, word FROM archive_searchword WHERE word {from_} %s AND word {below} %s "
        f"AND length(word) <= %s LIMIT {_MAX_COMPARED}"
    )
    words: dict[str, list[str]] = {beginning: [] for beginning in longest}
    left = iter(longest.items())
    with connection.cursor() as cursor:
        while several := list(islice(left, _MAX_UNITED)):
            values = [
                value
                for beginning, letters in several
                for value in (beginning, beginning, beginning[:-1] + chr(ord(beginning[-1]) + 1), letters)
            ]
            cursor.execute(" UNION ALL ".join([f"SELECT * FROM ({select}) one"] * len(several)), values)
            for beginning, word in cursor.fetchall():
                words[beginning].append(word)
    return words


def _existing(words: Iterable[str]) -> list[str]:
    words = sorted(words)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT word FROM archive_searchword WHERE word IN ({', '.join(['%s'] * len(words))})", words)
        return sorted(word for (word,) in cursor.fetchall())
