"""Finds words of the archive that are forms of another (refund, refunded, refunds) or spelled nearly alike.

The index keeps words as they are written. Their forms are looked up when somebody searches: so the exact form can rank
first, and other languages take effect without a new index.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import snowballstemmer
from django.conf import settings
from django.db import connection

_MIN_LETTERS = 4  # of a word that has other forms
_MAX_SUFFIX = 7  # letters that a form may be longer than the word
_MAX_COMPARED = 400  # words with the same beginning
_MAX_FORMS = 12
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))  # words are folded: "Müller" is muller, "Mueller" is mueller
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def forms_of(word: str) -> list[str]:
    """Return the other forms of a word that the archive has, in the languages of `SEARCH_LANGUAGES`, shortest first."""
    if len(word) < _MIN_LETTERS or not word.isalpha():
        return []
    spelled = {word, *(word.replace(two, one) for two, one in _UMLAUTS)}
    stems = {(language, _stem(language, each)) for language in settings.SEARCH_LANGUAGES for each in spelled}
    beginnings = {stem[: max(3, len(stem) - 1)] for _, stem in stems}
    found = {
        other
        for other in _words_that_begin(beginnings, len(word) + _MAX_SUFFIX)
        if other.isalpha() and any(_stem(language, other) == stem for language, stem in stems)
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


def _words_that_begin(beginnings: Iterable[str], max_letters: int) -> list[str]:
    # Compared byte by byte, as both databases can do by their index: the collation of PostgreSQL may order otherwise.
    from_, below = ("~>=~", "~<~") if connection.vendor == "postgresql" else (">=", "<")
    sql = (
        f"SELECT word FROM archive_searchword WHERE word {from_} %s AND word {below} %s AND length(word) <= %s "
        f"LIMIT {_MAX_COMPARED}"
    )
    words = []
    with connection.cursor() as cursor:
        for beginning in beginnings:
            cursor.execute(sql, [beginning, beginning[:-1] + chr(ord(beginning[-1]) + 1), max_letters])
            words += [word for (word,) in cursor.fetchall()]
    return words


def _existing(words: Iterable[str]) -> list[str]:
    words = sorted(words)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT word FROM archive_searchword WHERE word IN ({', '.join(['%s'] * len(words))})", words)
        return sorted(word for (word,) in cursor.fetchall())
