"""Keeps documents that belong together until all of them are there, on disk where they are many."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from .document import MAX_BYTES, Document, Find, Place


class Waiting:
    """Documents by their key. A temporary database, which SQLite keeps in memory until it is large."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute(
            "CREATE TABLE waiting (n INTEGER PRIMARY KEY, key TEXT, file TEXT, number INTEGER, unit TEXT, text TEXT)"
        )
        self._finds: dict[str, Find] = {}

    def add(self, key: str, document: Document) -> None:
        """Keep a document."""
        place = document.place
        self._finds[place.file] = document.find
        row = (key.encode("utf-8", "replace").decode(), place.file, place.number, place.unit, document.text)
        self._database.execute("INSERT INTO waiting (key, file, number, unit, text) VALUES (?, ?, ?, ?, ?)", row)

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
