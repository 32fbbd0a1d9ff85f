"""Says what an import would do with conversations, and stores nothing."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator

from viewer.formats.document import Conversation, Refusal
from viewer.formats.known import Known

from .importing import Found, Outcome, checked, known_among, status_of

_BATCH = 200  # conversations that one query looks for


def look_at(found: Iterable[Found]) -> Iterator[list[Outcome]]:
    """Yield what an import that replaces nothing would do, some at a time, in order.

    What comes twice is known the second time, as in an import. What reading raises comes after what stands before it.
    """
    seen, batch = _Seen(), list[Conversation | Known | Outcome]()
    try:
        for each in found:
            batch.append(Outcome(each.place, "bad", each.reason) if isinstance(each, Refusal) else checked(each))
            if len(batch) >= _BATCH:
                yield _outcomes(batch, seen)
                batch = []
    except (OSError, EOFError, ValueError, zlib.error):
        yield _outcomes(batch, seen)
        raise
    yield _outcomes(batch, seen)


def _outcomes(batch: list[Conversation | Known | Outcome], seen: _Seen) -> list[Outcome]:
    conversations = [one for one in batch if not isinstance(one, Outcome)]
    known = known_among([one.id for one in conversations])
    known = seen.among(conversations) | known
    outcomes = []
    for each in batch:
        if isinstance(each, Outcome):
            outcomes.append(each)
            continue
        outcomes.append(Outcome(each.place, status_of(each.id, each.digest, known), completion_id=each.id))
        known.setdefault(each.id, each.digest)
    seen.add(conversations)
    return outcomes


class _Seen:
    """The first digest of each id that came. A temporary database, which SQLite keeps in memory until it is large."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, digest TEXT) WITHOUT ROWID")

    def among(self, conversations: list[Conversation | Known]) -> dict[str, str]:
        marks = ",".join("?" * len(conversations))
        query = f"SELECT id, digest FROM seen WHERE id IN ({marks})"  # noqa: S608  # only question marks
        return dict(self._database.execute(query, [one.id for one in conversations]))

    def add(self, conversations: list[Conversation | Known]) -> None:
        rows = ((one.id, one.digest) for one in conversations)
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows)
