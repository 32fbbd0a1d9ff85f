"""Produces what the index finds a conversation by, wherever in it the words stand: its tokens, and its signature.

A token is a word with its speaker in front (`1refund`: the customer said it), or a mark (`text`). Tokens have no
order. The signature says which words may stand side by side, so that a phrase of common words need not be looked for in
every conversation that has them. The words of the messages, which are kept beside, say which message has them.

A word costs as much as looking it up in two dictionaries: what is the same for all words is done for thousands at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from zlib import crc32

from .text import ASSISTANT, BETWEEN, CUSTOMER, DETAILS, EVERYTHING, MARKS, PROMPTS, TOOLS, Portion

SPEAKERS = frozenset((CUSTOMER, ASSISTANT, TOOLS, PROMPTS, DETAILS))
# PostgreSQL takes 1 MB of tokens. A conversation beyond that, of some 100,000 different words, has several documents.
_MAX_BYTES = 900_000
_MAX_DOCUMENTS = 64
_SHORT = 4  # characters of words that are frequent in most languages
_MAX_SIGNATURE = 1 << 18  # bytes
_MAX_CODES = 50_000
_APART = "\x00"  # the code of no word, where words are no neighbours


@dataclass(frozen=True, slots=True)
class Document:
    """The tokens of messages that follow each other, between spaces, and the signature of their words.

    The signature has a code for each word in turn: a phrase may stand only where the codes of its words stand side by
    side. Of more words than are worth looking through it is empty, which says nothing.
    """

    tokens: str
    signature: bytes


class DocumentBuilder:
    """Collects the tokens of a conversation, some messages at a time, into as few documents as possible."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.words: set[str] = set()
        self._start()

    def _start(self) -> None:
        """Begin another document."""
        self._tokens = defaultdict[str, set[str]](set)  # the different words of each speaker, and the marks
        self._size = 0  # bytes that they have at most
        self._signature = bytearray()

    def add(self, portion: Portion) -> None:
        """Add messages to the document, or if they do not fit there, to another."""
        said = {speaker: set(words) for speaker, words in portion.said.items()}
        said[MARKS] = set().union(*[entry.marks for entry in portion.entries])
        size = sum(_most_bytes(entry.words) for entry in portion.entries)
        if self._size and self._size + size > _MAX_BYTES and len(self.documents) < _MAX_DOCUMENTS - 1:
            size = sum(_size_of(words - self._tokens[speaker]) for speaker, words in said.items())
            self._size = sum(map(_size_of, self._tokens.values()))
            if self._size + size > _MAX_BYTES:
                self._close()
        for speaker, words in said.items():
            self._tokens[speaker] |= words
        self._size += size
        if len(self._signature) <= _MAX_SIGNATURE:
            for words_in_order in portion.said.values():
                self._signature += codes_of([*words_in_order, BETWEEN])

    def finish(self, marks: Iterable[str]) -> None:
        """Make documents of what was added. The marks of the answer are for all of them."""
        shared = " ".join(mark for mark in marks if mark.startswith(EVERYTHING))
        self.documents = [replace(one, tokens=f"{one.tokens} {shared}") for one in self.documents]
        self._close()

    def _close(self) -> None:
        for words in self._tokens.values():
            words.discard(BETWEEN)
        signature = bytes(self._signature) if len(self._signature) <= _MAX_SIGNATURE else b""
        self.documents.append(Document(_shortened(self._joined()), signature))
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
