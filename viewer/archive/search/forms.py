"""Finds words of the archive that are forms of another (refund, refunded, refunds) or spelled nearly alike.

The index keeps words as they are written. Their forms are looked up when somebody searches: so the exact form can rank
first, and other languages take effect without a new index.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import islice

import snowballstemmer
from django.conf import settings
from django.db import connection

_MIN_LETTERS = 4  # of a word that has other forms
_MAX_SUFFIX = 7  # letters that a form may be longer than the word
_MAX_COMPARED = 400  # words with the same beginning
_COMPOUNDING = {"danish", "dutch", "finnish", "german", "hungarian", "norwegian", "swedish"}
_MIN_OF_COMPOUND, _MIN_ADDED, _MAX_ADDED = 5, 4, 20  # letters of its beginning, and of what follows
_LIGHT = "german, lightly"  # beside Snowball's German, for which gesperrt is no form of Sperrung
_ENDINGS = (("ungen", 4), ("ung", 4), ("en", 4), ("et", 5), ("te", 5), ("st", 5), ("t", 5), ("n", 5), ("e", 5))
# Words of one kind whose stems differ, and words of different kinds whose stems do not.
_ALIKE = [
    "lose lost loss", "pay paid payment", "deliver delivery", "send sent", "buy bought", "break broke broken",
    "steal stole stolen", "write wrote written", "tell told", "hold held", "leave left", "bring brought",
    "take took taken", "freeze froze frozen", "forget forgot forgotten", "keep kept", "sell sold", "receive receipt",
    "deny denial", "refuse refusal", "choose chose chosen", "speak spoke spoken", "withdraw withdrew withdrawn",
]  # fmt: skip
_UNLIKE = ["customs", "internal intern", "police", "universe"]
_MAX_UNITED = 100  # beginnings that are looked up at once; SQLite takes 500
_MAX_SCANNED = 2  # words for which all others are looked at
_MAX_FORMS = 12
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))  # words are folded: "Müller" is muller, "Mueller" is mueller
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def forms_of(words: Iterable[str]) -> dict[str, list[str]]:
    """Return the other forms of words that the archive has, in the languages of `SEARCH_LANGUAGES`, shortest first."""
    stems = {
        word: _stems_of(word) for word in words if word.isalpha() and (len(word) >= _MIN_LETTERS or word in _alike())
    }
    longest = dict[str, int]()
    for word, each in stems.items():
        for beginning in _beginnings(each):
            longest[beginning] = max(longest.get(beginning, 0), len(word) + _MAX_SUFFIX)
        if _may_begin_compounds(word):
            longest[word] = max(longest.get(word, 0), len(word) + _MAX_ADDED)
    beginning_so = _words_that_begin(longest)
    return {word: _forms(word, each, beginning_so) for word, each in stems.items()}


def _stems_of(word: str) -> set[tuple[str, str]]:
    """Return the stems of a word, each with its language."""
    languages = [*settings.SEARCH_LANGUAGES, *([_LIGHT] if "german" in settings.SEARCH_LANGUAGES else [])]
    spelled = {word, *(word.replace(two, one) for two, one in _UMLAUTS)}
    stems = {(language, _stem(language, each)) for language in languages for each in spelled}
    if "english" in languages:
        stems |= {("english", stem) for stem in _alike().get(_stem("english", word), ())}
    return stems


@cache
def _alike() -> dict[str, set[str]]:
    """Return all stems of a kind of words by each of them."""
    kinds = [{_stem("english", word) for word in words.split()} for words in _ALIKE]
    return {stem: kind for kind in kinds for stem in kind}


@cache
def _unlike() -> dict[str, int]:
    return {word: number for number, words in enumerate(_UNLIKE) for word in words.split()}


def _beginnings(stems: set[tuple[str, str]]) -> set[str]:
    beginnings = {stem[: max(3, len(stem) - 1)] for language, stem in stems if language != _LIGHT}
    return beginnings | {f"{prefix}{stem}" for language, stem in stems if language == _LIGHT for prefix in ("", "ge")}


def _may_begin_compounds(word: str) -> bool:
    return len(word) >= _MIN_OF_COMPOUND and not _COMPOUNDING.isdisjoint(settings.SEARCH_LANGUAGES)


def _forms(word: str, stems: set[tuple[str, str]], beginning_so: dict[str, list[str]]) -> list[str]:
    found = {
        other
        for beginning in _beginnings(stems)
        for other in beginning_so[beginning]
        if len(other) <= len(word) + _MAX_SUFFIX
        and other.isalpha()
        and any(_stem(language, other) == stem for language, stem in stems)
        and _unlike().get(other) == _unlike().get(word)
    }
    compounds = beginning_so[word] if _may_begin_compounds(word) else []
    longer = {other for other in compounds if len(other) >= len(word) + _MIN_ADDED and other.isalpha()}
    return [*_shortest(found - {word}), *_shortest(longer - found)][:_MAX_FORMS]


def _shortest(words: set[str]) -> list[str]:
    return sorted(words, key=lambda word: (len(word), word))


def relatives_of(words: Iterable[str]) -> dict[str, list[str]]:
    """Return the archive's words of which long words may be made, or that end with a word that it does not have.

    So haftpflicht for Haftpflichtversicherung, and garageneinfahrt for Einfahrt.
    """
    long = {word for word in words if len(word) >= _MIN_OF_COMPOUND and word.isalpha()}
    beginnings = existing({word[:end] for word in long for end in range(_MIN_OF_COMPOUND, len(word) - 1)})
    endings = _words_that_end(sorted(long.difference(existing(long)))[:_MAX_SCANNED])
    return {
        word: [
            *sorted(filter(word.startswith, beginnings), key=len)[-1:],
            *_shortest({other for other in endings if other.endswith(word)})[:2],
        ]
        for word in long
    }


def _words_that_end(endings: list[str]) -> list[str]:
    """Look at all words of the archive: 30 ms for each ending and 400,000 words."""
    if not endings:
        return []
    condition = " OR ".join(["word LIKE %s"] * len(endings))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT word FROM archive_searchword WHERE {condition} LIMIT {_MAX_COMPARED}",
            [f"%{ending}" for ending in endings],
        )
        return [word for (word,) in cursor.fetchall()]


def neighbours_of(word: str) -> list[str]:
    """Return the words of the archive that are one letter off: one left out, added, changed, or two swapped."""
    if len(word) < _MIN_LETTERS or len(word) > 20:
        return []
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    near = {before + after[1:] for before, after in splits if after}
    near |= {before + after[1] + after[0] + after[2:] for before, after in splits if len(after) > 1}
    near |= {before + letter + after[1:] for before, after in splits if after for letter in _LETTERS}
    near |= {before + letter + after for before, after in splits for letter in _LETTERS}
    return sorted(existing(near - {word}), key=lambda other: (other[-2:] != word[-2:], other))


@lru_cache(20_000)
def _stem(language: str, word: str) -> str:
    return _stem_lightly(word) if language == _LIGHT else str(_stemmer(language).stemWord(word))


def _stem_lightly(word: str) -> str:
    """Return `sperr` for sperren, Sperrung and gesperrt, `nachbar` for Nachbarn."""
    is_participle = word.startswith("ge") and word.endswith(("t", "en")) and len(word) > 6
    word = word.removeprefix("ge") if is_participle else word
    for ending, min_left in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= min_left - is_participle:
            return word.removesuffix(ending)
    return word


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


def existing(words: Iterable[str]) -> list[str]:
    """Return those of some words that the archive has."""
    words = sorted(words)
    if not words:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT word FROM archive_searchword WHERE word IN ({', '.join(['%s'] * len(words))})", words)
        return sorted(word for (word,) in cursor.fetchall())
