"""Compares texts as a reader does: case, accents, compatibility forms and kinds of quotes, dashes, spaces do not count.

There is no other folding: search indexes its result, find compares by it, and `static/js/desk/folding.js` repeats it
in the browser, so that every match is also highlighted. Signs that make a different letter do count: the vowel signs of
Indic scripts, the virama, the voicing of kana. Each character is folded on its own, whatever its neighbours are.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import accumulate, islice
from unicodedata import normalize

Span = tuple[int, int]

# Accents, points and tones; then tatweel; then invisible characters: controls, joiners, selectors, fillers, tags.
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
_SPACE = re.compile("[\\s\x00-\x1f\x7f\u2400-\u2421]")  # a page shows controls as symbols
# Characters that Unicode does not decompose, or decomposes in a misleading way.
_EQUIVALENTS = {
    "'": "‘’‚‛‹›ʹʼ´\u1ffd′׳❛❜",
    '"': "“”„‟«»″״❝❞",
    "-": "֊־᠆‐‑‒–—―−˗⁃⸗⸺⸻",
    "/": "⁄∕",
    "\u3099": "゛",
    "\u309a": "゜",
    "ae": "æ", "b": "ƀɓ", "d": "đðɗ", "h": "ħ", "j": "ȷ", "k": "ƙ", "l": "ł", "o": "ø", "oe": "œ", "t": "ŧ",
    "th": "þ", "y": "ƴ", "z": "ƶ", "σ": "ς", "2": "ƻ",
}  # fmt: skip
_EQUIVALENT = {letter: plain for plain, letters in _EQUIVALENTS.items() for letter in letters}

_BLOCK = 1_000  # characters
_OVERLAP = 20_000  # characters of a piece that are searched again together with the next


class _Letters(dict[int, str]):
    """What each character is folded to, computed when it is first needed."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        decomposed = _IGNORED.sub("", normalize("NFKD", _EQUIVALENT.get(letter, letter)))
        lower = _SPACE.sub(" ", decomposed).lower().upper().lower()  # ẞ becomes ß, then SS; ı becomes I
        self[code] = "".join(_EQUIVALENT.get(piece, piece) for piece in lower)
        return self[code]


_LETTERS = _Letters()

# What a match may have between two letters of a word: the asterisks and backticks of Markdown, and the code points
# that a page shows for hidden characters. Those of line separators count as spaces.
_LINE_SEPARATORS = "0085|2028|2029"
_SKIPPED = rf"[*`]|\[u\+(?!{_LINE_SEPARATORS})[0-9a-f]{{4,6}}\]"
_LETTER_GAP = rf"(?:{_SKIPPED})*"
_MARKDOWN_GAP = "[*`]*"
_WORD_GAP = rf"{_LETTER_GAP}(?: |\[u\+(?:{_LINE_SEPARATORS})\])(?: |\[u\+(?:{_LINE_SEPARATORS})\]|{_SKIPPED})*"


def fold(text: str) -> str:
    """Fold a text for comparison. The result is decomposed; `normalize("NFC", …)` composes it again."""
    return text.translate(_LETTERS)


def fold_query(words: str) -> str:
    """Fold the words of a query."""
    return " ".join(re.sub("[*`]", "", fold(words)).split())


def compile_pattern(words: str) -> re.Pattern[str]:
    """Compile a query to a pattern for folded text; an empty query matches nothing."""
    return re.compile(_WORD_GAP.join(map(_word_pattern, fold_query(words).split())) or "(?!)")


def _word_pattern(word: str) -> str:
    """Allow a gap before every letter, but before a bracket none that holds one: a text must match in one way only."""
    gaps = ("" if n == 0 else _MARKDOWN_GAP if letter == "[" else _LETTER_GAP for n, letter in enumerate(word))
    return "".join(gap + re.escape(letter) for gap, letter in zip(gaps, word, strict=True))


def find_matches(pieces: Iterable[str], pattern: re.Pattern[str]) -> Iterator[tuple[str, int, int]]:
    """Find all matches in a text that comes in pieces. Yield a window of the text, and the start and end in it.

    The window includes the surroundings of the match, and a long text is never copied. A match is missed only if it
    begins in one piece and ends in another after a gap of 20,000 characters.
    """
    window, searched = "", 0  # folded characters of the window that have been searched
    for piece, is_last in _with_is_last(pieces):
        window += piece
        folded = fold(window)
        position_of: Callable[[int], int] | None = None  # made when there is a match
        limit = len(folded) - (0 if is_last else len(fold(window[-_OVERLAP:])))
        for match in pattern.finditer(folded, searched):
            if match.start() >= limit:
                break
            searched = match.end()
            if _splits_letter(match, folded):
                continue
            start, end = match.span()
            if position_of is None:
                position_of = int if _is_one_to_one(window) else _position_mapper(window)
            yield window, position_of(start), _end_of_letter(window, position_of(end - 1))
        if not is_last:
            window = window[-2 * _OVERLAP :]
            searched = max(searched, limit) - len(folded) + len(fold(window))


def _with_is_last(pieces: Iterable[str]) -> Iterator[tuple[str, bool]]:
    pieces = iter(pieces)
    piece = next(pieces, None)
    while piece is not None:
        next_piece = next(pieces, None)
        yield piece, next_piece is None
        piece = next_piece


def _splits_letter(match: re.Match[str], folded: str) -> bool:
    """Whether the character after a match changes its last letter: カ does not match ガ, which is カ and a mark."""
    after = folded[match.end() : match.end() + 1]
    return not (after.isascii() or normalize("NFC", match[0] + after).startswith(normalize("NFC", match[0])))


def find_spans(text: str, pattern: re.Pattern[str], limit: int) -> list[Span]:
    """Return the start and end of the matches in a text, no more than `limit`."""
    return [(start, end) for _, start, end in islice(find_matches([text], pattern), max(limit, 0))]


def _is_one_to_one(text: str) -> bool:
    """Whether each character is folded to one, as every one of ASCII is."""
    return text.isascii() or all(len(_LETTERS[ord(letter)]) == 1 for letter in set(text))


def _position_mapper(text: str) -> Callable[[int], int]:
    """Return a function from a position in the folded text to the position in the text.

    A table of all positions would take a gigabyte for a text of 30 MB, so the text is folded in blocks as needed.
    """
    ends = list[int]()  # of the blocks in the folded text

    @lru_cache(1)
    def letter_ends(block: int) -> array[int]:
        letters = text[block * _BLOCK : (block + 1) * _BLOCK]
        return array("I", accumulate(map(len, map(_LETTERS.__getitem__, map(ord, letters)))))

    def position_of(folded_position: int) -> int:
        while not ends or ends[-1] <= folded_position:
            start = len(ends) * _BLOCK
            ends.append((ends[-1] if ends else 0) + len(fold(text[start : start + _BLOCK])))
        block = bisect_right(ends, folded_position)
        within = folded_position - (ends[block - 1] if block else 0)
        return block * _BLOCK + bisect_right(letter_ends(block), within)

    return position_of


def _end_of_letter(text: str, position: int) -> int:
    """Return the end of a letter, including the ignored characters after it."""
    end = position + 1
    while end < len(text) and not _LETTERS[ord(text[end])]:
        end += 1
    return end
