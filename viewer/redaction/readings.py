r"""Reads a text as people and programs do, and knows where each letter of the reading is in the text.

`jane%40example.com`, `jane\_doe@…`, `jane&#64;…`, `jane**@**…`, a soft hyphen and full-width letters all read as an
address. Whoever finds something in a reading asks for its place in the text, and replaces it there, so that nothing
else is changed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import unescape
from unicodedata import decimal
from urllib.parse import unquote

from viewer.completions.folding import Span, fold

_MAX_ROUNDS = 5  # an escape within an escape within …
_UTF_8 = "%[0-7]{x}|%[cdCD]{x}%[89abAB]{x}|%[eE]{x}(?:%[89abAB]{x}){{2}}|%[fF]{x}(?:%[89abAB]{x}){{3}}"
_ESCAPE = re.compile(
    r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[^0-9A-Za-mo-qsu-z])|"
    + _UTF_8.format(x="[0-9a-fA-F]")
    + r"|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
    # jane [at] example (dot) com
    r"|[\[({<] ?(?:(?P<at>at|AT|At|@)|(?P<dot>dot|DOT|Dot|punkt|PUNKT|Punkt|\.)) ?[\])}>] ?"
    # jane @ example.com, jane at example dot com
    r"|(?<=\w) (?:(?P<spoken_at>@(?= [\w-]{1,60}\.[A-Za-z])|at(?= [\w-]{1,60} dot [A-Za-z]))|dot(?= [A-Za-z]{2})) "
    # =40 of quoted-printable
    r"|=(?:40|2E)",
    re.DOTALL,
)
_SIGN_OF_ESCAPE = re.compile(r"[\\\\%&\[({<]| @ | dot |=40")
_MARK = re.compile(r"[*`]+|~~|</?(?:a|b|i|u|s|em|strong|span|mark|code|wbr|sub|sup|font)(?:[ \t/][^<>]{0,300})?>")

_Unit = tuple[int, int, str]  # start and end in the text, and how it reads


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it reads, made from another text or reading by rewriting some units of it."""

    text: str
    source: Reading | None = None
    starts: list[int] = field(default_factory=list)  # of each unit in this text
    units: list[tuple[int, int, int]] = field(default_factory=list)  # start and end in the source, length here
    takes_marks: bool = False  # whether what is ignored after a letter belongs to the letter

    def span(self, start: int, end: int) -> Span:
        """Return the place of a part of this reading in the text that was read first."""
        if self.starts:
            start, end = self._start(start), self._end(end)
        return self.source.span(start, end) if self.source else (start, end)

    def _start(self, position: int) -> int:
        n = bisect_right(self.starts, position) - 1
        if n < 0:
            return position
        (begin, end, length), start = self.units[n], self.starts[n]
        return begin if position < start + length else end + position - start - length

    def _end(self, position: int) -> int:
        n = bisect_right(self.starts, position - 1) - 1
        if n < 0:
            end = position
        else:
            (_, unit_end, length), start = self.units[n], self.starts[n]
            end = unit_end if position <= start + length else unit_end + position - start - length
        while self.takes_marks and n + 1 < len(self.starts) and self.units[n + 1][0] == end:
            n += 1
            if self.units[n][2]:
                break
            end = self.units[n][1]
        return end


class _Letters(dict[int, str]):
    """How each character reads: without accents, width and style, but with its case; digits of all scripts as ours."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        digit = decimal(letter, None)
        folded = fold(letter) if digit is None else str(digit)
        self[code] = letter if code < 0x80 else folded.upper() if letter.isupper() else folded
        return self[code]


_LETTERS = _Letters()


def readings(text: str) -> Iterator[Reading]:
    """Yield each different reading of a text: as written, without escapes, and without marks of Markdown and HTML."""
    reading = _plain(text)
    yield reading
    for _ in range(_MAX_ROUNDS):
        if (decoded := _without_escapes(reading)) is reading:
            break
        reading = decoded
        yield reading
    if (unmarked := _without_marks(reading)) is not reading:
        yield unmarked


def _plain(text: str) -> Reading:
    base = Reading(text)
    if text.isascii():
        return base
    odd = [letter for letter in set(text) if len(_LETTERS[ord(letter)]) != 1]
    if not odd:
        return Reading(text.translate(_LETTERS), base)
    found = re.finditer(f"[{''.join(map(re.escape, odd))}]", text)
    units = ((one.start(), one.end(), one[0]) for one in found)
    reading = _rewritten(text, base, ((start, end, _LETTERS[ord(letter)]) for start, end, letter in units))
    return Reading(reading.text.translate(_LETTERS), base, reading.starts, reading.units, takes_marks=True)


def _without_escapes(reading: Reading) -> Reading:
    if not _SIGN_OF_ESCAPE.search(reading.text):
        return reading
    return _rewritten(reading.text, reading, map(_unescaped, _ESCAPE.finditer(reading.text)))


def _unescaped(found: re.Match[str]) -> _Unit:
    start, end = found.span()
    escape = found[0]
    if escape[0] in " =":
        return start, end, "@" if found["spoken_at"] or escape == "=40" else "."
    if found["at"] or found["dot"]:
        is_after_space = found.string[start - 1 : start] == " "
        return start - is_after_space, end, "@" if found["at"] else "."
    if escape[0] == "\\":
        if len(escape) > 2:
            return start, end, chr(int(escape[2:], 16)).translate(_LETTERS)
        return start, end, "\n" if escape[1] in "nrt" else escape[1]
    reads = unescape(escape) if escape[0] == "&" else unquote(escape, errors="replace")
    return start, end, reads.translate(_LETTERS)


def _without_marks(reading: Reading) -> Reading:
    found = _MARK.finditer(reading.text)
    return _rewritten(reading.text, reading, ((one.start(), one.end(), "") for one in found))


def _rewritten(text: str, source: Reading, units: Iterable[_Unit]) -> Reading:
    """Rewrite units of a text; return the source itself if there are none that change it."""
    pieces, starts, kept = list[str](), list[int](), list[tuple[int, int, int]]()
    position = length = 0
    for start, end, reads in units:
        if text[start:end] == reads:
            continue
        pieces += text[position:start], reads
        length += start - position
        starts.append(length)
        kept.append((start, end, len(reads)))
        length, position = length + len(reads), end
    if not kept:
        return source
    return Reading("".join(pieces) + text[position:], source, starts, kept)
