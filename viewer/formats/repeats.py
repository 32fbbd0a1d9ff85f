"""Tells conversations apart that have no id and say the very same: two customers may both have written only “Hello”."""

from __future__ import annotations

import sqlite3

from .document import Conversation
from .stored import with_id


class Repeats:
    """Counts how often each conversation without an id came. SQLite keeps the counts on disk where they are many."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY, count INTEGER) WITHOUT ROWID")

    def told_apart(self, conversation: Conversation) -> Conversation:
        """Return a conversation with an id: its own, or one made of what it says and how often that came before."""
        if conversation.id:
            return conversation
        (count,) = self._database.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
            (bytes.fromhex(conversation.digest[:24]),),
        ).fetchone()
        return with_id(conversation, count)
