"""Who speaks in a conversation, what they say as words in their order, and the codes that signatures consist of."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from zlib import crc32

CUSTOMER, ASSISTANT, TOOLS, PROMPTS, DETAILS = "12345"  # who speaks; details are metadata, model, date, unknown roles
MARKS = "m"  # stands where a speaker does
BETWEEN = "\x00"  # stands in no words
_SHORT = 4  # characters of words that are frequent in most languages
_MAX_CODES = 50_000
_APART = "\x00"  # the code of no word, where words are no neighbours


class Words:
    """The words of one speaker, with `BETWEEN` where words are no neighbours, and what is made of them, once."""

    def __init__(self, in_order: list[str]) -> None:
        self._in_order = in_order

    @cached_property
    def different(self) -> set[str]:
        words = set(self._in_order)
        words.discard(BETWEEN)
        return words

    @cached_property
    def codes(self) -> bytes:
        return codes_of([*self._in_order, BETWEEN])


def codes_of(words: Iterable[str]) -> bytes:
    """Return the codes of words, as they stand in a signature where the words are neighbours."""
    return "".join(map(_CODES.__getitem__, words)).encode("latin-1")  # texts are joined in half the time of bytes


class _Codes(dict[str, str]):
    """The code of each word, computed when it is needed: most words of a language come again and again.

    Two bytes, and one of a short word, because many words are short.
    """

    def __missing__(self, word: str) -> str:
        if len(self) >= _MAX_CODES:
            self.clear()
        number = crc32(word.encode("utf-8", "replace"))
        code = chr(1 + number % 255) + chr(1 + (number >> 16) % 255)
        self[word] = code = _APART if word == BETWEEN else code[:1] if len(word) <= _SHORT else code
        return code


_CODES = _Codes()


def may_have(signature: bytes, codes: bytes) -> bool:
    """Whether the words of some codes may stand side by side."""
    return codes in signature or not signature
