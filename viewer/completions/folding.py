"""Compares texts as a reader does: case, accents, compatibility forms and kinds of quotes, dashes, blanks do not count.

This is the only folding: the search indexes what it gives, find compares by it, and `static/js/desk/mark-words.js` does
the same in the browser, so that what is found is what is marked. What makes another letter counts: the vowel signs of
Indic scripts, the virama, the voicing of kana. Nothing here looks at neighbours, so a text folds letter by letter.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from unicodedata import normalize

Span = tuple[int, int]

# Accents, points and tones; then tatweel; then what is not seen: controls, joiners, selectors, fillers, tags.
IGNORED = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08ca-\u08ff"
    "\u093c\u0951-\u0954\u09bc\u0a3c\u0abc\u0b3c\u0c3c\u0cbc\u0e48-\u0e4b\u0ec8-\u0ecb\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    "\u0640"
    "\x80-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ufffe\uffff\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e01ef"
)
_IGNORED = re.compile(f"[{IGNORED}]")
_BLANK = re.compile("[\\s\x00-\x1f\x7f\u2400-\u2421]")  # a page draws controls as their pictures
# What has no decomposition of its own, or a misleading one.
_ALIKE = {
    "'": "‘’‚‛‹›ʹʼ´\u1ffd′׳❛❜",
    '"': "“”„‟«»″״❝❞",
    "-": "֊־᠆‐‑‒–—―−˗⁃⸗⸺⸻",
    "/": "⁄∕",
    "\u3099": "゛",
    "\u309a": "゜",
    "ae": "æ", "b": "ƀɓ", "d": "đðɗ", "h": "ħ", "j": "ȷ", "k": "ƙ", "l": "ł", "o": "ø", "oe": "œ", "t": "ŧ",
    "th": "þ", "y": "ƴ", "z": "ƶ", "σ": "ς", "2": "ƻ",
}  # fmt: skip
_SAME = {letter: same for same, letters in _ALIKE.items() for letter in letters}

_BLOCK = 1_000  # characters
_OVERLAP = 20_000  # characters of a piece that are looked at once more with the next


class _Letters(dict[int, str]):
    """What each character counts as, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        spread = _IGNORED.sub("", normalize("NFKD", _SAME.get(letter, letter)))
        cased = _BLANK.sub(" ", spread).lower().upper().lower()  # ẞ has a small letter, whose capital is SS; ı has I
        self[code] = "".join(_SAME.get(piece, piece) for piece in cased)
        return self[code]


_LETTERS = _Letters()

# What may stand between two letters of a word that is found: the stars and ticks of Markdown, and hidden characters,
# which a page shows by name. Those that separate lines are named too, and count as blanks.
_BREAKS = "0085|2028|2029"
_SKIPPED = rf"[*`]|\[u\+(?!{_BREAKS})[0-9a-f]{{4,6}}\]"
_BETWEEN = rf"(?:{_SKIPPED})*"
_APART = rf"{_BETWEEN}(?: |\[u\+(?:{_BREAKS})\])(?: |\[u\+(?:{_BREAKS})\]|{_SKIPPED})*"


def fold(text: str) -> str:
    """Give a text as it counts for comparing, its letters taken apart; `normalize("NFC", …)` joins them again."""
    return text.translate(_LETTERS)


def needle_of(words: str) -> str:
    """Give words as they are looked for."""
    return " ".join(re.sub("[*`]", "", fold(words)).split())


def pattern_of(words: str) -> re.Pattern[str]:
    """Write words as an expression over folded text, which fits nowhere when there is nothing to look for."""
    return re.compile(_APART.join(map(_spelt, needle_of(words).split())) or "(?!)")


def _spelt(word: str) -> str:
    """Let what is skipped stand before every letter but a bracket, so that there is one way only to match a text."""
    return "".join(f"{_BETWEEN if at and letter != '[' else ''}{re.escape(letter)}" for at, letter in enumerate(word))


def found_in(pieces: Iterable[str], pattern: re.Pattern[str]) -> Iterator[tuple[str, int, int]]:
    """Find where words stand in a text that comes in pieces: a window of it, and start and end in there.

    The window also holds what stands near the words. No copy of a long text is made; what is missed is words that begin
    in one piece and end in another with 20,000 characters between, which are nothing but blanks and what is skipped.
    """
    window, used = "", 0  # letters of the window, folded, that have been looked at
    for piece, is_last in _marking_the_last(pieces):
        window += piece
        folded = fold(window)
        is_same = folded == window
        place_of = _places_in(window)
        decided = len(folded) - (0 if is_last else len(fold(window[-_OVERLAP:])))
        for match in pattern.finditer(folded, used):
            if match.start() >= decided:
                break
            used = match.end()
            if _is_cut(match, folded):
                continue
            start, end = match.span()
            yield (window, start, end) if is_same else (window, place_of(start), _behind(window, place_of(end - 1)))
        if not is_last:
            window = window[-2 * _OVERLAP :]
            used = max(used, decided) - len(folded) + len(fold(window))


def _marking_the_last(pieces: Iterable[str]) -> Iterator[tuple[str, bool]]:
    pieces = iter(pieces)
    piece = next(pieces, None)
    while piece is not None:
        following = next(pieces, None)
        yield piece, following is None
        piece = following


def _is_cut(found: re.Match[str], folded: str) -> bool:
    """Whether a letter goes on behind the words, which then do not stand there: no カ stands in ガ."""
    behind = folded[found.end() : found.end() + 1]
    return not (behind.isascii() or normalize("NFC", found[0] + behind).startswith(normalize("NFC", found[0])))


def occurrences(text: str, pattern: re.Pattern[str], most: int) -> list[Span]:
    """Find where words stand in a text, as start and end in the text itself; at most so many places."""
    return [(start, end) for _, start, end in islice(found_in([text], pattern), max(most, 0))]


def _places_in(text: str) -> Callable[[int], int]:
    """Tell for letters of a folded text where in the text they come from.

    A list of all would take a gigabyte for a text of 30 MB; so the text is folded in blocks, and one of them read.
    """
    ends = list[int]()  # of the folded blocks, as far as they were needed

    def place_of(letter: int) -> int:
        while not ends or ends[-1] <= letter:
            at = len(ends) * _BLOCK
            ends.append((ends[-1] if ends else 0) + len(fold(text[at : at + _BLOCK])))
        block = bisect_right(ends, letter)
        at, left = block * _BLOCK, letter - (ends[block - 1] if block else 0)
        while (length := len(_LETTERS[ord(text[at])])) <= left:
            at, left = at + 1, left - length
        return at

    return place_of


def _behind(text: str, place: int) -> int:
    """Give the end of a letter with what is ignored behind it."""
    end = place + 1
    while end < len(text) and not _LETTERS[ord(text[end])]:
        end += 1
    return end
