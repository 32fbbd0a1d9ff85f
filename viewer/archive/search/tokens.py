"""Produces what the index finds a conversation by, wherever in it the words stand: its tokens, and its signature.

A token is a word with its speaker in front (`1refund`: the customer said it), or a mark (`text`). Tokens have no
order. The signature says which words may stand side by side, so that a phrase of common words need not be looked for in
every conversation that has them. The words of the messages, which are kept beside, say which message has them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import xor
from zlib import crc32

from .text import ASSISTANT, CUSTOMER, DETAILS, EVERYTHING, MARKS, PROMPTS, TOOLS

SPEAKERS = frozenset((CUSTOMER, ASSISTANT, TOOLS, PROMPTS, DETAILS))
# PostgreSQL takes 1 MB of tokens. A conversation beyond that, of some 100,000 different words, has several documents.
_MAX_BYTES = 900_000
_MAX_DOCUMENTS = 64
_BITS_PER_PAIR = 16  # of a signature: at most one of sixteen pairs seems to be there and is not
_MAX_SIGNATURE = 1 << 17  # bytes
_MAX_PAIRS = _MAX_SIGNATURE * 8 // (2 * _BITS_PER_PAIR)  # from so many on, a signature has its full size
_SEED = 0x9E3779B9  # any number but 0, so that "a b" and "b a" differ
_MAX_HASHES = 200_000


@dataclass(frozen=True, slots=True)
class Document:
    """The tokens of messages that follow each other, between spaces, and the signature of their pairs."""

    tokens: str
    signature: bytes


class DocumentBuilder:
    """Collects the tokens of a conversation, entry by entry, into as few documents as possible."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.words: set[str] = set()
        self._waiting: list[str] = []
        self._most = 0  # bytes that the tokens of what waits may have
        self._tokens: set[str] = set()
        self._pairs: set[int] = set()
        self._full: bytearray | None = None  # the signature, where it has its full size
        self._size = 0

    def add(self, words: str, *, is_answer: bool) -> None:
        """Add the words of an entry. That of the answer is the last, and its marks are for all documents."""
        self._waiting.append(words)
        self._most += _most_bytes(words)
        if self._most > _MAX_BYTES:
            for waiting in self._waiting:
                self._add_entry(waiting)
            self._waiting = []
        if is_answer:
            self._finish(words)

    def _finish(self, answer: str) -> None:
        if self._waiting:  # it fits into one document: all entries at once take half the time of one by one
            self._tokens, self._pairs, words = tokens_and_pairs("".join(self._waiting))
            self.words |= words
        if self.documents:
            shared = " ".join(sorted(token for token in tokens_and_pairs(answer)[0] if token.startswith(EVERYTHING)))
            self.documents = [replace(one, tokens=f"{one.tokens} {shared}") for one in self.documents]
        self._close()

    def _add_entry(self, words: str) -> None:
        entry, pairs, said = tokens_and_pairs(words)
        self.words |= said
        new = entry - self._tokens
        size = (sum(map(len, new)) + len(new)) * (1 if words.isascii() else 4)  # bytes at most
        if self._tokens and self._size + size > _MAX_BYTES and len(self.documents) < _MAX_DOCUMENTS - 1:
            self._close()
        self._tokens |= new
        self._pairs |= pairs
        self._size += size
        if len(self._pairs) >= _MAX_PAIRS:  # as numbers they would take a hundred times as much memory as their bits
            self._full = self._full or bytearray(_MAX_SIGNATURE)
            _set_bits(self._full, self._pairs)
            self._pairs = set()

    def _close(self) -> None:
        signature = self._full or bytearray(_size_of_signature(len(self._pairs)))
        _set_bits(signature, self._pairs)
        self.documents.append(Document(_join(self._tokens), bytes(signature)))
        self._tokens, self._pairs, self._full, self._size = set(), set(), None, 0


def _join(tokens: set[str]) -> str:
    """Join as many tokens as fit: a single message may have more."""
    text = " ".join(sorted(tokens))
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= _MAX_BYTES else encoded[:_MAX_BYTES].decode("utf-8", "ignore").rpartition(" ")[0]


def _most_bytes(words: str) -> int:
    """Return what the tokens of some words take at most: each has its speaker in front, and a space behind it."""
    return 2 * len(words) * (1 if words.isascii() else 4)


def tokens_and_pairs(words: str) -> tuple[set[str], set[int], set[str]]:
    """Return the tokens of the words of one entry or several, the hashes of their pairs, and what is said."""
    by_speaker, pairs = defaultdict[str, set[str]](set), set[int]()
    for segment in words.split("|"):
        said = segment[1:].split()
        speaker = segment[:1]
        by_speaker[speaker].update(said)
        if speaker != MARKS:
            pairs.update(pair_hashes(said))
    tokens = by_speaker.pop(MARKS, set())
    for speaker, different in by_speaker.items():
        tokens.update([speaker + word for word in different])
    return tokens, pairs, set().union(*by_speaker.values())


def pair_hashes(words: list[str]) -> Iterator[int]:
    """Yield a number of 32 bits for every two neighbours."""
    return map(xor, map(_FIRST.__getitem__, words[:-1]), map(_SECOND.__getitem__, words[1:]))


class _Hashes(dict[str, int]):
    """The hash of each word, computed when it is first needed: most words of a language come again and again."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def __missing__(self, word: str) -> int:
        if len(self) > _MAX_HASHES:
            self.clear()
        self[word] = crc32(word.encode("utf-8", "replace"), self._seed)
        return self[word]


_FIRST, _SECOND = _Hashes(0), _Hashes(_SEED)  # of a word before another, and of one after another


def _size_of_signature(pairs: int) -> int:
    """Return the bytes of the signature of so many pairs, a power of two."""
    return min(1 << max(3, (pairs * _BITS_PER_PAIR // 8).bit_length()), _MAX_SIGNATURE)


def _set_bits(signature: bytearray, pairs: set[int]) -> None:
    """Set the bit of each pair."""
    mask = len(signature) * 8 - 1
    for pair in pairs:
        bit = pair & mask
        signature[bit >> 3] |= 1 << (bit & 7)


def may_have_pair(signature: bytes, pair: int) -> bool:
    """Whether a signature has the bit of a pair."""
    bit = pair & (len(signature) * 8 - 1)
    return bool(signature[bit >> 3] >> (bit & 7) & 1)
