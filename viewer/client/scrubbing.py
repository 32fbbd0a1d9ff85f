"""Takes a person's own secrets out of what a server sends back: an echo must not reach a page, a program or a log.

The secrets are at hand, so they are looked for themselves, as they are and as programs write them (base64 at every
alignment, hexadecimal, in small and capital letters, percent signs, escapes of JSON and HTML), in halves, and with a
mask in the middle. What a server says when it refuses is looked through more closely: any long part of a secret, one
end beside a mask and shorter secrets count there, and a net for whatever else looks like a key. In a conversation they
do not: its words are not ours to change.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cached_property
from html import escape
from typing import AnyStr
from urllib.parse import quote

# Characters. What stands for a key where none is needed is shorter, and a word that conversations hold: "EMPTY",
# "ollama", llama.cpp's "sk-no-key-required" (18). Keys that keep a secret are longer: Azure's 32, OpenAI's from 51.
_A_SECRET = 20
_SHORT_SECRET = 8  # characters, a digit among them; looked for in refusals alone
_TELLING = 16  # characters of a secret in a row, or half of it: so much must not be told
_ENOUGH_LETTERS = 4  # of a secret's own start and end, beside a mask: OpenAI shows twelve, others the last four
_MASK = re.compile(r"[*•●]{2,}+|…++|\.{3,}+|[xX]{4,}+")
# What stands between the two ends of a masked secret in an answer: some of its characters, a mask, some more of them.
# The first are taken once and for all: an answer is long, and may begin like the secret at every third byte.
_SIGNS = rb"(?:[*]{2,80}|\.{3,80}|(?:\xe2\x80[\xa2\xa6]|\xe2\x97\x8f|\\u20(?:22|26)|\\u25cf){1,80})"
_BETWEEN = rb"(?:[\w-]{0,13}+" + _SIGNS + rb"[\w-]{0,12}|(?>[\w-]{0,13}?[xX]{4})[\w-]{0,88}?)"
# The second net, for keys that are not the person's: a gateway has some of its own. Each match begins where no letter
# stands before it, so that a long text is looked through once.
_LOOKS_LIKE_A_KEY = re.compile(r"(?<![\w-])[\w-]*+\*{2,}+[\w-]*+|\bsk-[\w-]++", re.ASCII)
_IN_PLACE = "[key]"
_BEGINNINGS = ((3, b""), (2, rb"\Z"), (1, rb"\Z"))  # characters that are enough to wait for the rest
_LONGEST_MASKED = 600  # bytes, where each sign of the mask is written as JSON writes it
_ALL = "".join(map(chr, range(0x21, 0x7F)))  # what a key may consist of
_SPECIAL = "".join(one for one in _ALL if not one.isalnum())


class Scrubber:
    """Knows the secrets that were sent along, and puts "[key]" in the place of each."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def answer(self, body: bytes) -> bytes:
        """Clean an answer: of the whole secret, its halves and its masked form, and of nothing else."""
        for echo in self._echoes:
            body = body.replace(echo, _IN_PLACE.encode())
        for masked in self._masked:
            body = masked.sub(_IN_PLACE.encode(), body)
        return body

    def pieces(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """Clean an answer that comes in pieces. What begins like a secret at the end of one waits for the next."""
        waiting = b""
        for piece in body:
            waiting = self.answer(waiting + piece)
            begun = self._beginning.search(waiting, max(0, len(waiting) - self._reach))
            kept = begun.start() if begun else len(waiting)
            if kept:
                yield waiting[:kept]
                waiting = waiting[kept:]
        if waiting:
            yield waiting

    def error(self, body: bytes) -> bytes:
        """Clean what a server says when it refuses, whatever its bytes are."""
        return self.said(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def said(self, text: str) -> str:
        """Clean a server's sentence or a header's value."""
        for echo in self._echoes_in_refusals:
            text = text.replace(echo, _IN_PLACE)
        for secret in filter(_counts_in_refusals, self._secrets):
            if len(secret) >= _A_SECRET:
                text = _without_runs(text, secret)
            text = "".join(_unmasked(text, secret))
        return without_keys(text)

    @cached_property
    def _long(self) -> list[str]:
        """What is looked for in answers: no address, which a header may name (OpenRouter's HTTP-Referer)."""
        return [secret for secret in self._secrets if len(secret) >= _A_SECRET and "://" not in secret]

    @cached_property
    def _echoes(self) -> list[bytes]:
        """Every way in which a whole secret is written, the longest first, and its halves but for plain words."""
        halves = [half for one in self._long for half in (one[: len(one) // 2], one[len(one) // 2 :])]
        return [echo.encode() for echo in (*_echoes_of(self._long), *filter(_has_digit, halves))]

    @cached_property
    def _echoes_in_refusals(self) -> list[str]:
        return _echoes_of(filter(_counts_in_refusals, self._secrets))

    @cached_property
    def _masked(self) -> list[re.Pattern[bytes]]:
        """The start and the end of a secret with a mask between them, which are told together nowhere else."""
        ends = ((re.escape(one[:3].encode()), re.escape(one[-4:].encode())) for one in self._long)
        return [re.compile(start + _BETWEEN + end) for start, end in ends]

    @cached_property
    def _beginning(self) -> re.Pattern[bytes]:
        """The first bytes of an echo, or as many of them as there are before the end."""
        forms = {re.escape(echo[:length]) + end for echo in self._echoes for length, end in _BEGINNINGS}
        return re.compile(b"|".join(forms) or b"(?!)")

    @cached_property
    def _reach(self) -> int:
        """How many bytes an echo may be long."""
        return max((_LONGEST_MASKED, *map(len, self._echoes))) if self._echoes else 0


def without_keys(text: str) -> str:
    """Put "[key]" in the place of whatever looks like a key: `sk-…`, or a word with stars in it."""
    return _LOOKS_LIKE_A_KEY.sub(_IN_PLACE, text)


def _counts_in_refusals(secret: str) -> bool:
    return len(secret) >= _A_SECRET or (len(secret) >= _SHORT_SECRET and _has_digit(secret))


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _echoes_of(secrets: Iterable[str]) -> list[str]:
    echoes: set[str] = set()
    for secret in secrets:
        packed = secret.encode().hex()
        echoes |= {secret.lower(), secret.upper(), packed, packed.upper(), *_as_numbers(secret, _ALL)}
        echoes |= {form for text in (secret, *_in_base64(secret)) for form in (text, *_escaped(text))}
    return sorted(echoes, key=len, reverse=True)


def _in_base64(secret: str) -> Iterator[str]:
    """Write the digits that a secret alone decides, at each of the three places that it may have among the others.

    So `Bearer <secret>` and `name:<secret>` are found too, and padding does not matter.
    """
    for before in range(3):
        whole = b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
        digits = whole[(before * 8 + 5) // 6 : (before + len(secret.encode())) * 8 // 6]
        yield digits
        yield digits.translate({ord("+"): "-", ord("/"): "_"})


def _escaped(text: str) -> Iterator[str]:
    percent = quote(text, safe="")
    yield percent
    yield re.sub("%..", lambda found: found[0].lower(), percent)
    yield quote(text)
    in_json = json.dumps(text)[1:-1]
    yield in_json
    yield in_json.replace("/", r"\/")
    yield json.dumps(in_json)[1:-1]  # in arguments, which are JSON in a string of JSON
    yield from _as_numbers(in_json, "<>&'+")
    yield from _as_numbers(text, _SPECIAL)
    yield escape(text)


def _as_numbers(text: str, which: str) -> Iterator[str]:
    """Write some characters by their numbers, as JSON, addresses and HTML do."""
    for form in (r"\u{:04x}", r"\u{:04X}", "%{:02x}", "%{:02X}", "&#{};", "&#x{:x};", "&#x{:X};"):
        yield text.translate({ord(one): form.format(ord(one)) for one in set(text).intersection(which)})


def _without_runs(text: str, secret: str) -> str:
    """Put "[key]" in the place of so many characters of a secret in a row that they tell too much of it."""
    least = min(_TELLING, len(secret) // 2)
    step = least // 2
    block = least - step + 1  # each run of that length holds one of these blocks
    starts = {secret[at : at + block]: at for at in range(0, len(secret) - block + 1, step)}  # each once: costs
    for found, at in starts.items():
        if found in text:
            text = "".join(_cut_runs(text, secret, at, at + block, least))
    return text


def _cut_runs(text: str, secret: str, start: int, end: int, least: int) -> Iterator[str]:
    done = 0
    for block in re.finditer(re.escape(secret[start:end]), text):
        before = _alike(text[max(done, block.start() - start) : block.start()][::-1], secret[:start][::-1])
        behind = _alike(text[block.end() : block.end() + len(secret) - end], secret[end:])
        if block.start() >= done and before + end - start + behind >= least:
            yield text[done : block.start() - before] + _IN_PLACE
            done = block.end() + behind
    yield text[done:]


def _alike(one: str, other: str) -> int:
    """Say how many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _unmasked(text: str, secret: str) -> Iterator[str]:
    """Cut the start and the end of a secret beside a mask. More than a few letters are gone as a run already."""
    first, last = secret[: _TELLING + 1], secret[::-1][: _TELLING + 1]
    done = 0
    for mask in _MASK.finditer(text):
        start, end = mask.span()
        before = _overlap(text[max(done, start - _TELLING) : start], first)
        after = _overlap(text[end : end + _TELLING][::-1], last)
        if before + after >= _ENOUGH_LETTERS:
            yield text[done : start - before] + _IN_PLACE
            done = end + after
    yield text[done:]


def _overlap(text: AnyStr, start: AnyStr) -> int:
    """Say how many characters at the end of a text are a beginning, and not the whole, of another."""
    longest = min(len(text), len(start) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(start[:length])), 0)
