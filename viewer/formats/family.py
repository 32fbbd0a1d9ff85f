"""What each module of `families` says of its tools, and how their records are recognised and read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from .chains import Link
from .document import Conversation, Document
from .drafts import DraftMessage

# What a family may raise for a shape that it has never seen.
FAILURES = (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError, RecursionError)


def _reads_nothing(document: Document) -> Iterator[Conversation]:
    return iter(())


@dataclass(frozen=True)
class Shape:
    """How messages of one kind look, wherever they stand: in a list of their own, or in the record of another tool.

    `is_message` is asked for single messages and must say no to those of all others. `read` gets all messages of a
    conversation, because one of them may become several, and several one.
    """

    is_message: Callable[[Any], bool]
    read: Callable[[Iterable[Document]], list[DraftMessage]]


@dataclass(frozen=True)
class Family:
    """Records of one shape. `docs/importing.md` has a table of the first six fields.

    A document is asked for with `matches` by its value alone, which may be an object or a whole list; `matches` must be
    quick and say no to everything else. `read` yields the conversations of one document.

    Where several documents are one conversation, such as spans, `key` names the conversation of a document, and `join`
    gets all documents of a key, in the order of the file. A key may be empty: then the document is read alone.

    `own` is the id that a tool gave a document, unique within its key; empty if it gave none. What stands in two
    exports is read once, as the later one has it.

    `is_part` says that the documents are parts of a record where they stand in a list, such as messages.

    Keys may belong together: `thread` names for a document the conversation of its key, where the document knows it;
    `threads` settles it for the documents of a key that name several, and `link` says for those that name none how they
    hang together with other keys (`formats.chains`).

    `parts` yields the documents in one that holds several, such as a message with many spans.

    An SQLite database that has all of `tables`, and in them the columns `told_by` (“table.column”) where other tools
    have tables of these names, is read by `rows`, which yields (number, JSON) of each document. Where programs choose
    the name of the table, one with just these `columns` is read in the place of the one `renamed`.
    """

    name: str  # of the family in the archive; never changes
    title: str  # the tools, as they call themselves
    what: str | Promise  # a record, with its article, for "… with 3 conversations"
    seen: str  # the versions whose output was read
    keeps: str
    loses: str  # what the tools themselves do not write
    matches: Callable[[Any], bool]
    read: Callable[[Document], Iterable[Conversation]] = _reads_nothing
    key: Callable[[Document], str] | None = None
    join: Callable[[list[Document]], Iterable[Conversation]] | None = None
    own: Callable[[Document], str] | None = None
    is_part: bool = False
    thread: Callable[[Document], str] | None = None
    threads: Callable[[list[Document]], list[str]] | None = None
    link: Callable[[list[Document]], Link | None] | None = None
    parts: Callable[[Document], Iterator[Document]] | None = None
    tables: frozenset[str] = frozenset()
    told_by: frozenset[str] = frozenset()
    rows: Callable[[sqlite3.Connection], Iterator[tuple[int, str]]] | None = None
    renamed: str = ""
    columns: frozenset[str] = frozenset()


def first_object(value: Any) -> dict[str, Any]:
    """Return the first item of a list if it is an object; otherwise an empty one."""
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}


def object_at(value: Any, *names: str) -> dict[str, Any]:
    """Return the object under these names, one inside the other; an empty one if there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def list_at(value: Any, *names: str) -> list[Any]:
    """Return the list under these names, one inside the other; an empty one if there is none."""
    holder = object_at(value, *names[:-1])
    found = holder.get(names[-1])
    return found if isinstance(found, list) else []


def objects_at(value: Any, *names: str) -> list[dict[str, Any]]:
    """Return the objects of the list under these names; what else is in the list is left out."""
    return [item for item in list_at(value, *names) if isinstance(item, dict)]
