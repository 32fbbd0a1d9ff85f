"""Finds everything in one text, in each of its readings, and resolves what overlaps."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .addresses import find_emails, find_ips
from .hits import Hit
from .keys import find_keys, is_secret_field
from .names import Words
from .numbers import digits_in, find_ibans, find_known, find_numbers
from .readings import Reading, readings

# Base64 may be wrapped; a word after a line break is too short for that.
_BYTES = r"(?:[A-Za-z0-9+/=_%-]|\r?\n(?=[A-Za-z0-9+/=_-]{20}))*+"
DATA_URL = re.compile(rf"data:(?P<type>\w{{0,20}})[\w.+/;=, -]{{0,100}}?base64,{_BYTES}", re.IGNORECASE)
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/=_\r\n-]")
_FILE_FIELDS = ("file_data", "b64_json")
_MIN_MEDIA = 1_000  # characters of base64 in any other field
_ORDER = {kind: n for n, kind in enumerate(("word", "key", "iban", "card", "ip", "email", "phone", "name"))}
# A word that no language has: base64 of a few letters has capitals in the middle.
_BASE64_WORD = re.compile(r"[A-Za-z0-9+/_-](?<![\w+/-].)[a-z0-9+/_-]*+[A-Z][A-Za-z0-9+/_-]{5,}+={0,2}+")
_MAX_WORD = 2_000  # characters
_STANDARD = str.maketrans("-_", "+/")
_SHORT, _MAX_SEEN = 100, 20_000  # characters of a text that is remembered, as fields repeat themselves; how many
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Scanner:
    """What is looked for: addresses, numbers and keys of any kind, and these names, words and known values."""

    words: Words
    regions: tuple[str, ...] = ()  # countries of the phone numbers that are written without one, the likeliest first
    digits: dict[str, str] = field(default_factory=dict)  # of known phone numbers, with their values
    secrets: tuple[str, ...] = ()  # known keys
    chosen: frozenset[tuple[str, str]] | None = None  # kinds and values to find, None for all
    seen: dict[tuple[str, str], list[Hit]] = field(default_factory=dict, compare=False)  # of short texts

    def scan(self, text: str, name: str = "") -> list[Hit]:
        """Find everything in a text, in order; what overlaps is one hit. `name` is that of its field."""
        if len(text) < 2 or is_media(text, name):
            return []
        if (hits := self.seen.get((text, name))) is None:
            found = self._hits(text, name)
            hits = _resolved(hit for hit in found if self.chosen is None or (hit.kind, hit.value) in self.chosen)
            if len(text) <= _SHORT and len(self.seen) < _MAX_SEEN:
                self.seen[text, name] = hits
        return hits

    def knows_of(self, text: str) -> bool:
        """Whether a text may hold one of the known numbers and keys. It does if it has escapes."""
        return (
            not text.isascii()
            or any(sign in text for sign in "\\%&*`")
            or any(secret in text for secret in self.secrets)
            or any(find_known(text, self.digits))
        )

    def _hits(self, text: str, name: str) -> Iterator[Hit]:
        if name[:1] == "#":  # a number of JSON, which never begins with 0
            yield from self._numbers(text, f"{name[1:]}: ")
            return
        if is_secret_field(name, text):
            yield Hit(0, len(text), "key", text)
        for place, piece in _without_data(text):
            for reading in readings(piece):
                yield from _placed(self._find(reading.text, name), reading, place)
            yield from self._encoded(piece, place)

    def _encoded(self, text: str, place: int) -> Iterator[Hit]:
        """Find short texts in base64 that hold something: all of such a word is one hit."""
        for word in _BASE64_WORD.finditer(text):
            if len(word[0]) <= _MAX_WORD and (decoded := _from_base64(word[0])):
                for hit in _resolved(self._find(decoded, ""))[:1]:
                    yield hit._replace(start=word.start() + place, end=word.end() + place)

    def _find(self, text: str, name: str) -> Iterator[Hit]:
        yield from find_emails(text)
        yield from find_keys(text)
        if _DIGIT.search(text):
            yield from find_ibans(text)
            yield from self._numbers(text, f"{name}: " if name else "")
            yield from find_ips(text)
        for secret in self.secrets:
            start = text.find(secret)
            while start >= 0:
                yield Hit(start, start + len(secret), "key", secret)
                start = text.find(secret, start + len(secret))
        yield from self.words.find(text)

    def _numbers(self, text: str, before: str) -> Iterator[Hit]:
        for hit in find_numbers(text, before, self.regions):
            known = self.digits.get(digits_in(text[hit.start : hit.end])) if hit.kind == "phone" else None
            yield hit._replace(value=known) if known else hit
        if self.digits:
            yield from find_known(text, self.digits)


def _from_base64(word: str) -> str:
    """Decode a word that may be base64, of any alphabet and without padding; empty if it is no text."""
    digits = word.rstrip("=").translate(_STANDARD)
    try:
        text = b64decode(digits + "=" * (-len(digits) % 4)).decode()
    except ValueError:
        return ""
    return text if text.isprintable() else ""


def _placed(hits: Iterable[Hit], reading: Reading, place: int) -> Iterator[Hit]:
    """Move hits from a reading to the text, where what was read begins at `place`."""
    for hit in hits:
        start, end = reading.span(hit.start, hit.end)
        yield hit._replace(start=start + place, end=end + place)


def _without_data(text: str) -> Iterator[tuple[int, str]]:
    """Yield the text between data URLs, and where it begins."""
    start = 0
    if "base64," in text:
        for found in DATA_URL.finditer(text):
            yield start, text[start : found.start()]
            start = found.end()
    yield start, text[start:] if start else text


def is_media(text: str, name: str) -> bool:
    """Whether a text is the bytes of a picture, of sound or of a file, which are not searched."""
    return (len(text) >= _MIN_MEDIA or name in _FILE_FIELDS) and not _NO_BASE64.search(text)


def _resolved(hits: Iterable[Hit]) -> list[Hit]:
    """Join hits that overlap into one, the longest of them, so that no part of any stays."""
    joined, longest = list[Hit](), 0
    for hit in sorted(hits, key=lambda one: (one.start, -one.end, _ORDER[one.kind])):
        length = hit.end - hit.start
        if not joined or hit.start >= joined[-1].end:
            joined.append(hit)
            longest = length
            continue
        last = joined[-1]
        best = hit if length > longest else last
        joined[-1] = best._replace(start=last.start, end=max(last.end, hit.end))
        longest = max(longest, length)
    return joined
