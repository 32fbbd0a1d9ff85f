"""Keeps documents that belong together until all of them are there, on disk where they are many."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from viewer.completions.source_text import clean

from .chains import Link, chained
from .document import MAX_BYTES, Document, Find, Place
from .family import FAILURES, Family


class Waiting:
    """Documents by their key. A temporary database, which SQLite keeps in memory until it is large."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute(
            "CREATE TABLE waiting (n INTEGER PRIMARY KEY, key TEXT, own TEXT, thread TEXT, file TEXT, number INTEGER,"
            " unit TEXT, text TEXT)"
        )
        self._database.execute("CREATE UNIQUE INDEX by_own ON waiting (key, own) WHERE own != ''")
        self._finds: dict[str, Find] = {}

    def add(self, family: Family, key: str, document: Document) -> None:
        """Keep a document, in the place of an earlier one with its id."""
        place = document.place
        self._finds[place.file] = document.find
        thread = family.thread(document) if family.thread else ""
        own = clean(family.own(document)) if family.own else ""
        row = (_named(family, key), own, _named(family, f"thread {thread}") if thread else "", place.file, place.number)
        self._database.execute(
            "INSERT INTO waiting (key, own, thread, file, number, unit, text) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key, own) WHERE own != '' DO UPDATE SET thread = excluded.thread, file = excluded.file,"
            " number = excluded.number, unit = excluded.unit, text = excluded.text",
            (*row, place.unit, clean(document.text)),
        )

    def settle(self, families: Iterable[Family]) -> None:
        """Put together the keys that are of one conversation, as the families say."""
        self._database.execute("DROP INDEX by_own")
        self._database.execute("CREATE INDEX before ON waiting (key, n)")
        self._database.execute(
            "CREATE TABLE threads AS SELECT key, COUNT(DISTINCT NULLIF(thread, '')) AS count, MAX(thread) AS thread,"
            " SUM(LENGTH(text)) AS length FROM waiting GROUP BY key"
        )
        self._database.execute("CREATE UNIQUE INDEX thread_of ON threads (key)")
        for family in families:
            keys = (_named(family, ""), _named(family, "\U0010ffff"))
            if family.threads is not None:
                self._split(family, family.threads, keys)
            if family.link is not None:
                self._chain(family.link, keys)
        self._database.execute(
            "UPDATE waiting SET key = (SELECT thread FROM threads WHERE threads.key = waiting.key)"
            " WHERE key IN (SELECT key FROM threads WHERE count = 1)"
        )
        self._database.execute("DROP INDEX before")

    def _split(self, family: Family, threads_of: Callable[[list[Document]], list[str]], keys: tuple[str, str]) -> None:
        """Settle the conversations of documents of one key that name several."""
        for key in self._keys("count > 1", keys):
            rows = self._database.execute("SELECT n FROM waiting WHERE key = ? ORDER BY n", (key,)).fetchall()
            named = [_named(family, f"thread {name}") if name else key for name in threads_of(self._group(key))]
            self._database.executemany(
                "UPDATE waiting SET key = ? WHERE n = ?", zip(named, (n for (n,) in rows), strict=True)
            )

    def _chain(self, link_of: Callable[[list[Document]], Link | None], keys: tuple[str, str]) -> None:
        """Put together the keys without a name that go on where another ends."""
        links = list[tuple[str, Link]]()
        for key in self._keys("count = 0", keys):
            try:
                link = link_of(self._group(key))
            except FAILURES:
                continue  # `join` will fail in the same way, and say so
            if link is not None:
                links.append((key, link))
        moved = [(first, key) for key, first in chained(links).items() if first != key]
        self._database.executemany("UPDATE waiting SET key = ? WHERE key = ?", moved)

    def _keys(self, condition: str, between: tuple[str, str]) -> list[str]:
        """Return the keys of a family that fulfil a condition and are not too long to be read."""
        sql = f"SELECT key FROM threads WHERE {condition} AND length <= ? AND key BETWEEN ? AND ?"  # noqa: S608
        return [key for (key,) in self._database.execute(sql, (MAX_BYTES, *between))]

    def groups(self) -> Iterator[tuple[str, list[Document] | None]]:
        """Yield each key with its documents, in the order in which they came; None if they are too long."""
        with closing(self._database):
            self._database.execute("CREATE INDEX by_key ON waiting (key, n)")
            sizes = self._database.execute("SELECT key, SUM(LENGTH(text)) FROM waiting GROUP BY key ORDER BY MIN(n)")
            for key, length in sizes.fetchall():
                yield key, self._group(key) if length <= MAX_BYTES else None

    def _group(self, key: str) -> list[Document]:
        rows = self._database.execute("SELECT file, number, unit, text FROM waiting WHERE key = ? ORDER BY n", (key,))
        return [Document(text, Place(file, number, unit), self._finds[file]) for file, number, unit, text in rows]


def _named(family: Family, key: str) -> str:
    return f"{family.name}\n{key}".encode("utf-8", "replace").decode()
