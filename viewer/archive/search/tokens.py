"""Produces what the index finds a conversation by, wherever in it the words stand: its tokens, and its signature.

A token is a word with its speaker in front (`1refund`: the customer said it), or a mark (`text`). Tokens have no
order. The signature says which words may stand side by side, so that a phrase of common words need not be looked for in
every conversation that has them. The words of the messages, which are kept beside, say which message has them.

A word costs as much as looking it up in two dictionaries: what is the same for all words is done for thousands at once.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from zlib import crc32

from .text import ASSISTANT, CUSTOMER, DETAILS, EVERYTHING, MARKS, PROMPTS, TOOLS, Indexed

SPEAKERS = frozenset((CUSTOMER, ASSISTANT, TOOLS, PROMPTS, DETAILS))
# PostgreSQL takes 1 MB of tokens. A conversation beyond that, of some 100,000 different words, has several documents.
_MAX_BYTES = 900_000
_MAX_DOCUMENTS = 64
_BITS_PER_PAIR = 12  # of a signature: of so many pairs that are not there, one seems to be
_MAX_SIGNATURE = 1 << 17  # bytes
_MAX_PAIRS = _MAX_SIGNATURE * 8 // _BITS_PER_PAIR  # from so many on, a signature has its full size
_SEED = 0x9E3779B9  # any number but 0, so that "a b" and "b a" differ
_MAX_HASHES = 50_000
_AT_ONCE = 4096  # words
_UNSET, _SET = b"0", ord("1")  # so that Python reads many bits as one number


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
        self._said = _Said()  # what was added last
        self._waiting = 0  # bytes that the tokens of that may have
        self._start()

    def _start(self) -> None:
        """Begin another document."""
        self._tokens = defaultdict[str, set[str]](set)  # the different words of each speaker, and the marks
        self._size = 0  # bytes that they may have
        self._pairs = array("I")
        self._bits: bytearray | None = None  # of the signature, where it has its full size

    def add(self, entry: Indexed) -> None:
        """Add an entry."""
        self._said.add(entry.segments)
        self._waiting += _most_bytes(entry.words)
        if self._waiting * 8 > _MAX_BYTES:
            self._take()

    def finish(self, answer: Indexed) -> None:
        """Make documents of what was added. The marks of the answer, the last entry, are for all of them."""
        self._take()
        marks = [mark for segment in answer.segments if segment[0] == MARKS for mark in segment[1:]]
        shared = " ".join(mark for mark in marks if mark.startswith(EVERYTHING))
        self.documents = [replace(one, tokens=f"{one.tokens} {shared}") for one in self.documents]
        self._close()

    def _take(self) -> None:
        """Take what was said into the document, or if it does not fit there, into another."""
        said = {speaker: set(words) for speaker, words in self._said.words.items()}
        size = sum(_size_of(words - self._tokens[speaker]) for speaker, words in said.items())
        if self._size and self._size + size > _MAX_BYTES and len(self.documents) < _MAX_DOCUMENTS - 1:
            self._close()
            size = sum(map(_size_of, said.values()))
        for speaker, words in said.items():
            self._tokens[speaker].update(words)
        self._size += size
        self._pairs += self._said.pairs()
        if len(self._pairs) > _MAX_PAIRS:
            self._pairs = array("I", set(self._pairs))
        if len(self._pairs) > _MAX_PAIRS:  # as numbers they would take more memory than as bits
            self._bits = self._bits or bytearray(_UNSET) * (_MAX_SIGNATURE * 8)
            _set_bits(self._bits, self._pairs)
            self._pairs = array("I")
        self._said, self._waiting = _Said(), 0

    def _close(self) -> None:
        pairs = set(self._pairs)
        bits = self._bits or bytearray(_UNSET) * (8 * _size_of_signature(len(pairs)))
        _set_bits(bits, pairs)
        self.documents.append(Document(_shortened(self._joined()), _signature_of(bits)))
        self.words.update(*(words for speaker, words in self._tokens.items() if speaker != MARKS))
        self._start()

    def _joined(self) -> str:
        """Join the tokens in their order: so they compress better, and PostgreSQL need not sort them."""
        joined = list[str]()
        for speaker, words in sorted(self._tokens.items()):
            if words:
                before = "" if speaker == MARKS else speaker
                joined.append(before + f" {before}".join(sorted(words)))
        return " ".join(joined)


class _Said:
    """The words of each speaker one after the other, and the marks."""

    def __init__(self) -> None:
        self.words = defaultdict[str, list[str]](list)
        self._ends = defaultdict[str, list[int]](list)  # where segments end, so that these words are no neighbours

    def add(self, segments: Iterable[list[str]]) -> None:
        for speaker, *said in segments:
            if said:
                words = self.words[speaker]
                words += said
                self._ends[speaker].append(len(words))

    def pairs(self) -> array[int]:
        """Return the hashes of the pairs of neighbours; 0 stands where a segment ends."""
        pairs = array("I")
        for speaker, words in self.words.items():
            if speaker != MARKS:
                of_speaker = pair_hashes(words)
                for end in self._ends[speaker][:-1]:
                    of_speaker[end - 1] = 0
                pairs += of_speaker
        return pairs


def _shortened(tokens: str) -> str:
    """Return as many tokens as fit: a single message may have more."""
    encoded = tokens.encode("utf-8", "replace")
    return tokens if len(encoded) <= _MAX_BYTES else encoded[:_MAX_BYTES].decode("utf-8", "ignore").rpartition(" ")[0]


def _size_of(words: Collection[str]) -> int:
    """Return the bytes of the tokens of different words of one speaker, with the spaces behind them."""
    return len("".join(words).encode("utf-8", "replace")) + 2 * len(words)


def _most_bytes(words: str) -> int:
    """Return what the tokens of some words take at most: each has its speaker in front, and a space behind it."""
    return 2 * len(words) * (1 if words.isascii() else 4)


def pair_hashes(words: list[str]) -> array[int]:
    """Return a number of 32 bits for every two neighbours."""
    pairs = array("I")
    for start in range(0, len(words) - 1, _AT_ONCE):
        hashes = b"".join(map(_HASHES.__getitem__, words[start : start + _AT_ONCE + 1]))
        number = int.from_bytes(hashes, "little")
        # Beside what each word is as the first stands what the next is as the second: all neighbours meet at once.
        pairs += array("I", (number ^ number >> 32).to_bytes(len(hashes), "little"))[1:-1:2]
    return pairs


class _Hashes(dict[str, bytes]):
    """What each word is as the second of a pair and as the first, of four bytes each, computed when it is needed.

    Most words of a language come again and again.
    """

    def __missing__(self, word: str) -> bytes:
        if len(self) >= _MAX_HASHES:
            self.clear()
        encoded = word.encode("utf-8", "replace")
        self[word] = both = crc32(encoded, _SEED).to_bytes(4, "little") + crc32(encoded).to_bytes(4, "little")
        return both


_HASHES = _Hashes()


def _size_of_signature(pairs: int) -> int:
    """Return the bytes of the signature of so many pairs."""
    return min(max(8, pairs * _BITS_PER_PAIR // 8), _MAX_SIGNATURE)


def _set_bits(bits: bytearray, pairs: Iterable[int]) -> None:
    """Set the bit of each pair."""
    size = len(bits)
    for pair in pairs:
        bits[pair % size] = _SET


def _signature_of(bits: bytearray) -> bytes:
    """Return bits as bytes, the first bit the lowest. The bits are of no use afterwards."""
    bits.reverse()
    return int(bits, 2).to_bytes(len(bits) // 8, "little")


def may_have_pair(signature: bytes, pair: int) -> bool:
    """Whether a signature has the bit of a pair."""
    bit = pair % (len(signature) * 8)
    return bool(signature[bit >> 3] >> (bit & 7) & 1)
