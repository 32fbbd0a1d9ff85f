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

from .indexed import Portion
from .marks import EVERYTHING
from .said import ASSISTANT, CUSTOMER, DETAILS, MARKS, PROMPTS, TOOLS

SPEAKERS = frozenset((CUSTOMER, ASSISTANT, TOOLS, PROMPTS, DETAILS))
# PostgreSQL takes 1 MB of tokens. A conversation beyond that, of some 100,000 different words, has several documents.
_MAX_BYTES = 900_000
_MAX_DOCUMENTS = 64
_MAX_SIGNATURE = 1 << 18  # bytes


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
        said = [(speaker, words.different) for speaker, words in portion.said]
        said.append((MARKS, set().union(*[entry.marks for entry in portion.entries])))
        size = sum(_most_bytes(entry.words) for entry in portion.entries)
        if self._size and self._size + size > _MAX_BYTES and len(self.documents) < _MAX_DOCUMENTS - 1:
            size = sum(_size_of(words - self._tokens[speaker]) for speaker, words in said)
            self._size = sum(map(_size_of, self._tokens.values()))
            if self._size + size > _MAX_BYTES:
                self._close()
        for speaker, words in said:
            self._tokens[speaker] |= words
        self._size += size
        if len(self._signature) <= _MAX_SIGNATURE:
            for _, words_in_order in portion.said:
                self._signature += words_in_order.codes

    def finish(self, marks: Iterable[str]) -> None:
        """Make documents of what was added. The marks of the answer are for all of them."""
        shared = " ".join(mark for mark in marks if mark.startswith(EVERYTHING))
        self.documents = [replace(one, tokens=f"{one.tokens} {shared}") for one in self.documents]
        self._close()

    def _close(self) -> None:
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
