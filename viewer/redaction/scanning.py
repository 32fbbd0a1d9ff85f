"""Finds everything in one text, in each of its readings, and resolves what overlaps."""

from __future__ import annotations

import re
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
_MEDIA_FIELDS = frozenset(("data", "file_data", "b64_json", "bytes", "base64", "signature", "encrypted_content"))
_MIN_MEDIA, _MIN_BLOB = 40, 1_000  # characters of base64 in a field for it, and in any
_ORDER = {kind: n for n, kind in enumerate(("word", "key", "iban", "card", "ip", "email", "phone", "name"))}
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Scanner:
    """What is looked for: addresses, numbers and keys of any kind, and these names, words and known values."""

    words: Words
    regions: tuple[str, ...] = ()  # countries of the phone numbers that are written without one, the likeliest first
    digits: dict[str, str] = field(default_factory=dict)  # of known phone numbers, with their values
    secrets: tuple[str, ...] = ()  # known keys
    chosen: frozenset[tuple[str, str]] | None = None  # kinds and values to find, None for all

    def scan(self, text: str, name: str = "") -> list[Hit]:
        """Find everything in a text, in order; what overlaps is one hit. `name` is that of its field."""
        if len(text) < 2 or is_media(text, name):
            return []
        hits = self._hits(text, name)
        return _resolved(hit for hit in hits if self.chosen is None or (hit.kind, hit.value) in self.chosen)

    def _hits(self, text: str, name: str) -> Iterator[Hit]:
        if name == "#":
            for hit in self._numbers(text, ""):
                if hit.kind == "card" or text in self.digits:
                    yield hit
            return
        if is_secret_field(name, text):
            yield Hit(0, len(text), "key", text)
        for place, piece in _without_data(text):
            for reading in readings(piece):
                yield from _placed(self._find(reading.text, name), reading, place)

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
    least = _MIN_MEDIA if name in _MEDIA_FIELDS else _MIN_BLOB
    return len(text) >= least and not _NO_BASE64.search(text)


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
