"""Removes a person's own secrets from responses: an echo must not reach a page, a program or a log.

The secrets are known, so responses are searched for them: as they are, as programs encode them (base64 at every
alignment, hexadecimal, lower and upper case, percent-encoding, escapes of JSON and HTML), in halves, and with a mask in
the middle. Error responses are searched more thoroughly: any long part of a secret counts there, one end next to a
mask, a shorter secret, and whatever else looks like a key. In a conversation these do not count, because its text must
not be changed.
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

# Characters. Placeholders for a key that is not needed are shorter, and are words that conversations contain: "EMPTY",
# "ollama", llama.cpp's "sk-no-key-required" (18). Real keys are longer: Azure's 32, OpenAI's at least 51.
_MIN_SECRET = 20
_MIN_SHORT_SECRET = 8  # characters, including a digit; these are removed from error responses only
_MIN_RUN = 16  # characters of a secret in a row, or half of it, that must not be shown
_MIN_BESIDE_MASK = 4  # characters of a secret's start and end next to a mask: OpenAI shows twelve, others the last four
_MASK = re.compile(r"[*•●]{2,}+|…++|\.{3,}+|[xX]{4,}+")
# Between the two ends of a masked secret in a body: some of its characters, a mask, some more of them. The first
# match possessively: a body is long, and every third byte may begin like the secret.
_MASK_IN_BODY = rb"(?:[*]{2,80}|\.{3,80}|(?:\xe2\x80[\xa2\xa6]|\xe2\x97\x8f|\\u20(?:22|26)|\\u25cf){1,80})"
_MASKED_MIDDLE = rb"(?:[\w-]{0,13}+" + _MASK_IN_BODY + rb"[\w-]{0,12}|(?>[\w-]{0,13}?[xX]{4})[\w-]{0,88}?)"
# Keys that are not the person's, such as a gateway's own. A match may not begin inside a word, so that a long text is
# scanned only once.
_KEY_LIKE = re.compile(r"(?<![\w-])[\w-]*+\*{2,}+[\w-]*+|\bsk-[\w-]++", re.ASCII)
_REPLACEMENT = "[key]"
_PREFIXES = ((3, b""), (2, rb"\Z"), (1, rb"\Z"))  # characters of a secret after which the next chunk is awaited
_MAX_MASKED = 600  # bytes, with each character of the mask escaped as in JSON
_KEY_CHARACTERS = "".join(map(chr, range(0x21, 0x7F)))
_SPECIAL_CHARACTERS = "".join(character for character in _KEY_CHARACTERS if not character.isalnum())


class Scrubber:
    """Replaces each secret of a request by "[key]"."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def clean_body(self, body: bytes) -> bytes:
        """Clean a successful response of the whole secret, its halves and its masked form, and of nothing else."""
        for echo in self._echoes:
            body = body.replace(echo, _REPLACEMENT.encode())
        for masked in self._masked:
            body = masked.sub(_REPLACEMENT.encode(), body)
        return body

    def clean_chunks(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """Clean a body in chunks. If the end of one may begin a secret, it is held back until the next one comes."""
        waiting = b""
        for chunk in body:
            waiting = self.clean_body(waiting + chunk)
            prefix = self._prefix.search(waiting, max(0, len(waiting) - self._max_length))
            end = prefix.start() if prefix else len(waiting)
            if end:
                yield waiting[:end]
                waiting = waiting[end:]
        if waiting:
            yield waiting

    def clean_error(self, body: bytes) -> bytes:
        """Clean the body of an error response, whatever its encoding."""
        return self.clean_text(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def clean_text(self, text: str) -> str:
        """Clean an error message or the value of a header."""
        for echo in self._echoes_in_errors:
            text = text.replace(echo, _REPLACEMENT)
        for secret in filter(_counts_in_errors, self._secrets):
            if len(secret) >= _MIN_SECRET:
                text = _without_runs(text, secret)
            text = "".join(_without_masked(text, secret))
        return without_keys(text)

    @cached_property
    def _long_secrets(self) -> list[str]:
        """The secrets to remove from bodies: no URLs, which a header may contain (OpenRouter's HTTP-Referer)."""
        return [secret for secret in self._secrets if len(secret) >= _MIN_SECRET and "://" not in secret]

    @cached_property
    def _echoes(self) -> list[bytes]:
        """All forms of the whole secrets, the longest first, and their halves, except for plain words."""
        halves = [half for secret in self._long_secrets for half in _halves(secret)]
        return [echo.encode() for echo in (*_echoes_of(self._long_secrets), *filter(_has_digit, halves))]

    @cached_property
    def _echoes_in_errors(self) -> list[str]:
        return _echoes_of(filter(_counts_in_errors, self._secrets))

    @cached_property
    def _masked(self) -> list[re.Pattern[bytes]]:
        """The start and the end of a secret with a mask between them; other text does not contain both."""
        ends = ((re.escape(secret[:3].encode()), re.escape(secret[-4:].encode())) for secret in self._long_secrets)
        return [re.compile(start + _MASKED_MIDDLE + end) for start, end in ends]

    @cached_property
    def _prefix(self) -> re.Pattern[bytes]:
        """The first bytes of an echo, or fewer at the end of the text."""
        forms = {re.escape(echo[:length]) + end for echo in self._echoes for length, end in _PREFIXES}
        return re.compile(b"|".join(forms) or b"(?!)")

    @cached_property
    def _max_length(self) -> int:
        """The length of the longest echo in bytes."""
        return max((_MAX_MASKED, *map(len, self._echoes))) if self._echoes else 0


def without_keys(text: str) -> str:
    """Replace everything that looks like a key by "[key]": `sk-…`, or a word that contains asterisks."""
    return _KEY_LIKE.sub(_REPLACEMENT, text)


def _counts_in_errors(secret: str) -> bool:
    return len(secret) >= _MIN_SECRET or (len(secret) >= _MIN_SHORT_SECRET and _has_digit(secret))


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _halves(secret: str) -> tuple[str, str]:
    middle = len(secret) // 2
    return secret[:middle], secret[middle:]


def _echoes_of(secrets: Iterable[str]) -> list[str]:
    echoes: set[str] = set()
    for secret in secrets:
        in_hex = secret.encode().hex()
        echoes |= {secret.lower(), secret.upper(), in_hex, in_hex.upper()}
        echoes |= set(_with_numeric_escapes(secret, _KEY_CHARACTERS))
        echoes |= {form for text in (secret, *_in_base64(secret)) for form in (text, *_escaped(text))}
    return sorted(echoes, key=len, reverse=True)


def _in_base64(secret: str) -> Iterator[str]:
    """Encode a secret at each of the three alignments, without the digits that depend on its neighbours.

    So `Bearer <secret>` and `name:<secret>` are found too, and padding does not matter.
    """
    for before in range(3):
        encoded = b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
        digits = encoded[(before * 8 + 5) // 6 : (before + len(secret.encode())) * 8 // 6]
        yield digits
        yield digits.translate({ord("+"): "-", ord("/"): "_"})


def _escaped(text: str) -> Iterator[str]:
    percent = quote(text, safe="")
    yield percent
    yield re.sub("%..", lambda match: match[0].lower(), percent)
    yield quote(text)
    in_json = json.dumps(text)[1:-1]
    yield in_json
    yield in_json.replace("/", r"\/")
    yield json.dumps(in_json)[1:-1]  # in the arguments of a tool call, which are JSON in a JSON string
    yield from _with_numeric_escapes(in_json, "<>&'+")
    yield from _with_numeric_escapes(text, _SPECIAL_CHARACTERS)
    yield escape(text)


def _with_numeric_escapes(text: str, which: str) -> Iterator[str]:
    """Escape some characters by their numbers, as in JSON, URLs and HTML."""
    for form in (r"\u{:04x}", r"\u{:04X}", "%{:02x}", "%{:02X}", "&#{};", "&#x{:x};", "&#x{:X};"):
        yield text.translate({ord(one): form.format(ord(one)) for one in set(text).intersection(which)})


def _without_runs(text: str, secret: str) -> str:
    """Replace runs of a secret's characters that are long enough to reveal it by "[key]"."""
    min_length = min(_MIN_RUN, len(secret) // 2)
    step = min_length // 2
    size = min_length - step + 1  # each run of that length contains one of these blocks
    # A dict, so that the text is searched only once for a block that a secret repeats.
    starts = {secret[start : start + size]: start for start in range(0, len(secret) - size + 1, step)}
    for block, start in starts.items():
        if block in text:
            text = "".join(_replace_runs(text, secret, start, start + size, min_length))
    return text


def _replace_runs(text: str, secret: str, start: int, end: int, min_length: int) -> Iterator[str]:
    done = 0
    for block in re.finditer(re.escape(secret[start:end]), text):
        before = _common_length(text[max(done, block.start() - start) : block.start()][::-1], secret[:start][::-1])
        after = _common_length(text[block.end() : block.end() + len(secret) - end], secret[end:])
        if block.start() >= done and before + end - start + after >= min_length:
            yield text[done : block.start() - before] + _REPLACEMENT
            done = block.end() + after
    yield text[done:]


def _common_length(text: str, other: str) -> int:
    """Return the length of the longest common prefix."""
    pairs = enumerate(zip(text, other, strict=False))
    return next((n for n, (left, right) in pairs if left != right), min(len(text), len(other)))


def _without_masked(text: str, secret: str) -> Iterator[str]:
    """Replace the start and the end of a secret next to a mask. Longer ends have been replaced as runs already."""
    first, last = secret[: _MIN_RUN + 1], secret[::-1][: _MIN_RUN + 1]
    done = 0
    for mask in _MASK.finditer(text):
        start, end = mask.span()
        before = _overlap(text[max(done, start - _MIN_RUN) : start], first)
        after = _overlap(text[end : end + _MIN_RUN][::-1], last)
        if before + after >= _MIN_BESIDE_MASK:
            yield text[done : start - before] + _REPLACEMENT
            done = end + after
    yield text[done:]


def _overlap(text: AnyStr, start: AnyStr) -> int:
    """Return how many characters at the end of a text are the beginning of another, but not the whole of it."""
    max_length = min(len(text), len(start) - 1)
    return next((length for length in range(max_length, 0, -1) if text.endswith(start[:length])), 0)
