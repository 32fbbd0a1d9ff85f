"""Splits texts into the words that they are found by.

Words are folded, and scripts without spaces between words are split into overlapping pairs, so that a word is found
inside a run. After a change here a migration must clear the index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain, combinations, filterfalse
from operator import add

from viewer.completions.folding import IGNORED, fold

from .said import BETWEEN

MAX_WORD = 64  # characters; nobody types longer words, and PostgreSQL rejects words of 2 kB
_MARKS = "".join(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c) in ("Mn", "Mc"))
_VOWEL_SIGNS = re.sub(f"[{IGNORED}]", "", _MARKS)  # the marks that folding keeps
LETTER = rf"(?!_)[\w{_VOWEL_SIGNS}]"  # the characters of words
BREAK = re.compile(rf"[^\w{_VOWEL_SIGNS}]|_")
_ASCII_BREAKS = {code: " " for code in range(128) if not chr(code).isalnum()}
_WITHOUT_BREAKS = dict.fromkeys(_ASCII_BREAKS)
_ASCII_BREAKS_IN_MANY = _ASCII_BREAKS | {ord(BETWEEN): BETWEEN}
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_MAX_FORMS = 50  # different characters of a text that are replaced one by one
# Thai, Lao, Myanmar, Hangul letters, Khmer, kana, ideographs, Hangul.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{UNSPACED}]+")
_RUN_AT_END = re.compile(rf"(?<![{UNSPACED}])([{UNSPACED}]++)\s*+\Z")
# What people write with or without separators: order numbers, amounts, dates, phone numbers, names with an apostrophe.
_GROUPED = re.compile(r"(?<![^\W_])[^\W_]++(?:[-_./,:'’#][^\W_]++)+")
_CODE = re.compile(r"(?<![^\W_])(?:[^\W\d_]{1,4}|[A-Z]{5,6}) \d{2,}\Z")  # "HAT 136"
_MAX_LETTERS = 6  # of a code
_NUMBER_AFTER_LETTER = re.compile(r" (?<=[^\W\d_] )\d{2,}+(?![^\W_])")  # begins with what Python finds at once
_NUMBER = r"(?=[^\W\d_]*+\d)[^\W_]++"
# "LS6 3HT", "DE89 3704 0044", "SG 4410 2298 7 GB"
_SPACED = re.compile(rf"(?<![^\W_])(?:[^\W\d_]{{1,4}} )?{_NUMBER}(?: {_NUMBER})+(?: [^\W\d_]{{1,4}}(?![^\W_]))?")
_MAY_BE_SPACED = re.compile(r"\d[^\W\d_]* [^\W\d_]*\d")
_MAX_SPACED = 8  # parts
_MIN_SPACED = 5  # characters
_PHONE = re.compile(r"[+0(](?<!\w0)\d[\d ()/.-]{6,20}\d")
_THOUSANDS = re.compile(r"\d{1,3}(?:[,.'’]\d{3})+(?!\d)")
_AMOUNT = re.compile(r"(\d{1,3}(?:[,.'’]\d{3})+|\d+)[.,](\d{1,2})", re.ASCII)
_DIGIT = re.compile(r"\d")
_SIGN = re.compile(r"[-'\d\x80-\U0010ffff]")  # ² and ½ become digits, too
_SEPARATORS = ("-", "'", "’")
_NEITHER_DIGIT_NOR_SEPARATOR = bytes(code for code in range(128) if chr(code) not in "0123456789-'")
_MAX_KNOWN = 50_000  # words of which the joined ones are kept
_MAX_JOINED = 32  # characters
# "don't", "e-mail"; where nothing else has a part in it, as in "state-of-the-art"
_TWO_IN_ONE = re.compile(rf"(?<![^\W_])(?<![-'’])([^\W\d_]{{1,{_MAX_JOINED}}}+)['’-]([^\W\d_]++)(?![-'’]|[^\W_])")
PHONE_TAIL = 9  # digits that a number has in common with and without its country code
_LONG_WORD = re.compile(rf"(\S{{{MAX_WORD}}})\S+")


def words_of(text: str) -> str:
    """Split a text into folded words, separated by spaces."""
    text = _in_ascii(text)
    words = text.lower().translate(_ASCII_BREAKS) if text.isascii() else BREAK.sub(" ", _fold_letters(text))
    if not words.isascii():
        words = _RUN.sub(_in_pairs, words)
    return _LONG_WORD.sub(r"\1", words) if may_have_run(words, MAX_WORD) else words


def split_together(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the words of each text, each word between two spaces, and those of all, with `BETWEEN` where a text ends.

    Those that can be written in ASCII are split as one, at a third of the cost.
    """
    texts = [text if text.isascii() else _in_ascii(text) for text in texts]
    plain = [text.replace(BETWEEN, " ") if BETWEEN in text else text for text in texts if text.isascii()]
    together = f" {BETWEEN} ".join(plain).lower().translate(_ASCII_BREAKS_IN_MANY)
    words = together.split()
    if may_have_run(together, MAX_WORD):
        words = [word[:MAX_WORD] for word in words]
    words_of_plain = iter(f" {' '.join(words)} ".split(BETWEEN))
    each = list[str]()
    for text in texts:
        if text.isascii():
            each.append(next(words_of_plain))
            continue
        own = words_of(text).split()
        words += [BETWEEN, *own]
        each.append(f" {' '.join(own)} ")
    return each, words


class _AsciiForms(dict[str, str | None]):
    """What a character becomes where that is ASCII, such as ü, €, or a quote; otherwise None."""

    def __missing__(self, letter: str) -> str | None:
        words = BREAK.sub(" ", _fold_letters(letter))
        self[letter] = words if words.isascii() else None
        return self[letter]


_ASCII_FORMS = _AsciiForms()


def _in_ascii(text: str) -> str:
    """Write a text in ASCII if its words are, as most of a Latin script: Python splits that ten times as fast."""
    for _ in range(_MAX_FORMS):
        first = _BEYOND_ASCII.search(text)
        form = _ASCII_FORMS[first[0]] if first else None
        if first is None or form is None:
            break
        text = text.replace(first[0], form)
    return text


def _fold_letters(text: str) -> str:
    """Fold a text and recompose it, because pairs are of syllables and not of their parts."""
    return unicodedata.normalize("NFC", fold(text))


def may_have_run(text: str, length: int) -> bool:
    """Whether some stretch of half this length has no space, which is faster than measuring every word."""
    half = length // 2
    return not all(" " in text[start : start + half] for start in range(0, len(text) - half + 1, half))


def joined_words(text: str) -> list[str]:
    """Return the words that a text has if separators are left out: `tk30582` for "TK-30582", `email` for "e-mail".

    An amount is the same word however it is written, `1234x50` for "1,234.50" and "1234,5", and `1234` for its whole.

    Of a phone number also its last nine digits, which it has in common with the number as dialled from elsewhere. Each
    is there once.
    """
    signs = text.encode().translate(None, _NEITHER_DIGIT_NOR_SEPARATOR) if text.isascii() else _signs_in(text)
    if not signs:  # as most texts
        return []
    words = text.replace('"', " ").split()  # so JSON without spaces is many words, too
    found = dict.fromkeys(chain.from_iterable(map(_JOINED_IN.__getitem__, filterfalse(str.isalpha, words))))
    if signs.strip(b"-'"):  # a digit
        found |= dict.fromkeys(_joined_across_spaces(text))
    return list(found)


def _signs_in(text: str) -> bytes:
    """Return a digit or a separator, if a text has any."""
    return b"0" if _DIGIT.search(text) else b"-" if any(separator in text for separator in _SEPARATORS) else b""


class _JoinedIn(dict[str, tuple[str, ...]]):
    """The joined words in what stands between two spaces, computed when it is needed: much of it comes again."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        joined = tuple(_joined_in(word)) if _SIGN.search(word) else ()
        if len(word) <= MAX_WORD:
            if len(self) >= _MAX_KNOWN:
                self.clear()
            self[word] = joined
        return joined


_JOINED_IN = _JoinedIn()


def _joined_in(word: str) -> Iterator[str]:
    for match in _TWO_IN_ONE.finditer(word):
        if len(joined := _join(match[1] + match[2])) <= _MAX_JOINED:
            yield joined
    if _DIGIT.search(word) or not word.isascii():
        for pattern in (_GROUPED, _THOUSANDS):
            for match in pattern.finditer(word):
                yield from _joined_number(match[0])


def _joined_across_spaces(text: str) -> Iterator[str]:
    for match in _NUMBER_AFTER_LETTER.finditer(text):
        if code := _CODE.search(text, max(0, match.start() - _MAX_LETTERS), match.end()):
            yield from _joined_number(code[0])
    for match in _PHONE.finditer(text):
        yield from _joined_number(match[0])
    for match in _SPACED.finditer(text) if _MAY_BE_SPACED.search(text) else ():
        yield from joined_runs(words_of(match[0]).split()[:_MAX_SPACED])


def _joined_number(text: str) -> Iterator[str]:
    """Yield a number without its separators, if it has a digit and is not too long."""
    if amount := _AMOUNT.fullmatch(text):
        yield f"{re.sub('[^0-9]', '', amount[1])}x{amount[2]:0<2}"
        return
    joined = _join(text)
    if len(joined) <= _MAX_JOINED and _DIGIT.search(joined):
        yield joined
        if joined.isdecimal():
            yield from phone_tail(joined)


def _join(text: str) -> str:
    """Write the words of a text as one. What is too long to be looked for stays so, and may have another end."""
    return text.lower().translate(_WITHOUT_BREAKS) if text.isascii() else "".join(words_of(text).split())


def joined_runs(parts: list[str]) -> Iterator[str]:
    """Yield every two or more neighbouring parts of a number as one word: somebody may search for a part of an IBAN."""
    for start, end in combinations(range(len(parts) + 1), 2):
        joined = "".join(parts[start:end])
        if end - start > 1 and _MIN_SPACED <= len(joined) <= _MAX_JOINED:
            yield joined


def phones(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield where a text has a phone number with spaces in it, and its joined words."""
    for match in _PHONE.finditer(text):
        joined = _join(match[0])
        yield *match.span(), [joined, *(phone_tail(joined) if joined.isdecimal() else ())]


def phone_tail(digits: str) -> Iterator[str]:
    if len(digits) > PHONE_TAIL:
        yield digits[-PHONE_TAIL:]


def query_words(text: str) -> tuple[list[str], bool]:
    """Split a search text into words, and return whether the last is only a prefix.

    A run of ideographs is indexed as its pairs and its last character alone. A searched run may end inside an indexed
    one, so its last character alone is left out; a single character is searched as a prefix.
    """
    words = words_of(text).split()
    run = _RUN_AT_END.search(BREAK.sub(" ", _fold_letters(text)))
    if run is None:
        return words, False
    return (words[:-1], False) if len(run[1]) > 1 else (words, True)


def _in_pairs(run: re.Match[str]) -> str:
    text = run[0]
    return f" {' '.join([*map(add, text, text[1:]), text[-1]])} "
