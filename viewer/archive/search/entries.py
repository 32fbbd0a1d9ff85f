"""Makes what the index keeps of a conversation: packs of its words, documents that find it, and what lists show of it.

Nothing here asks the database, so that all of it is ready before a transaction begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from viewer.archive.packing import for_database

from .indexed import Indexed, Portion
from .packs import Pack, Packer, with_positions
from .tokens import DocumentBuilder


@dataclass(frozen=True, slots=True)
class Entries:
    """What the index keeps of a conversation; `words` are for the list of all words, `contents` are of all messages."""

    packs: list[Pack]
    documents: list[tuple[bytes, Any]]  # signature, and tokens as their column has them
    words: set[str]
    question: str
    messages: int
    contents: Counter[str]


def entries_of(portions: Iterable[Portion]) -> Entries:
    """Make the entries of a conversation of its messages and, the last of them, its answer."""
    builder, packer = DocumentBuilder(), Packer()
    question, count, contents = "", -1, Counter[str]()  # the answer is no message
    for position, entry in with_positions(_added_to(builder, portions)):
        packer.add(position, entry)
        if position is None:
            builder.finish(entry.marks)
        question, count = question or entry.question, count + 1
        if entry.held:
            contents += entry.held
    documents = [(one.signature, for_database(one.tokens, connection)) for one in builder.documents]
    return Entries(packer.packs, documents, builder.words, question, count, contents)


def _added_to(builder: DocumentBuilder, portions: Iterable[Portion]) -> Iterator[Indexed]:
    for portion in portions:
        builder.add(portion)
        yield from portion.entries
