"""The full-text index: FTS5 in SQLite, a generated tsvector in PostgreSQL.

Triggers keep it in sync. Every change of an entry changes the index; a change of a message or completion deletes its
entries, and `rebuild_search --missing` finds it because its answer's entry is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice, tee
from operator import itemgetter

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef, QuerySet

from viewer.completions.source_text import Piece, values_of

from .bulk import BATCH_ROWS, insert
from .models import SearchEntry, StoredCompletion, write_held
from .search_text import words_to_index

Entry = tuple[int, int, int | None, str, str]  # a row of SearchEntry

_ENTRY, _COMPLETION, _MESSAGE = "archive_searchentry", "archive_storedcompletion", "archive_storedmessage"
_DELETE_FOR_MESSAGE = (
    f"DELETE FROM {_ENTRY} WHERE completion_id = OLD.completion_id AND (position = OLD.position OR position IS NULL)"
)
_DELETE_FOR_COMPLETION = f"DELETE FROM {_ENTRY} WHERE completion_id = OLD.id"
# A new message has no entry yet. Deleting the answer's entry marks its completion as not fully indexed.
_DELETE_ANSWER = f"DELETE FROM {_ENTRY} WHERE position IS NULL AND completion_id = NEW.completion_id"
_DELETE_ANSWERS = (
    f"DELETE FROM {_ENTRY} WHERE position IS NULL "
    "AND completion_id = ANY (ARRAY(SELECT DISTINCT completion_id FROM added))"
)
# Event, table, and the statement that deletes the entries it makes stale.
_INVALIDATIONS = [
    ("AFTER INSERT", _MESSAGE, _DELETE_ANSWER),
    ("AFTER DELETE", _MESSAGE, _DELETE_FOR_MESSAGE),
    ("AFTER UPDATE", _MESSAGE, _DELETE_FOR_MESSAGE),
    ("AFTER UPDATE", _COMPLETION, _DELETE_FOR_COMPLETION),
    ("BEFORE DELETE", _COMPLETION, _DELETE_FOR_COMPLETION),
]
_REMOVE_WORDS = "INSERT INTO archive_search(archive_search, rowid, words) VALUES ('delete', OLD.id, OLD.words);"
_ADD_WORDS = "INSERT INTO archive_search(rowid, words) VALUES (NEW.id, NEW.words);"
_SQLITE = [
    # The words are split already, and `ascii` splits at nothing but spaces. No prefix index (`prefix=`): it would make
    # imports a third slower, and save 3 ms when fifty thousand entries match.
    f"CREATE VIRTUAL TABLE archive_search USING fts5(words, content='{_ENTRY}', content_rowid='id', tokenize='ascii')",
    # Buffer up to 8 MB in memory: the default of 1 MB would write many small segments and merge them again.
    "INSERT INTO archive_search(archive_search, rank) VALUES ('hashsize', 8000000)",
    f"CREATE TRIGGER archive_search_insert AFTER INSERT ON {_ENTRY} BEGIN {_ADD_WORDS} END",
    f"CREATE TRIGGER archive_search_delete AFTER DELETE ON {_ENTRY} BEGIN {_REMOVE_WORDS} END",
    f"CREATE TRIGGER archive_search_update AFTER UPDATE ON {_ENTRY} BEGIN {_REMOVE_WORDS} {_ADD_WORDS} END",
]
_POSTGRESQL = [
    f"ALTER TABLE {_ENTRY} ADD COLUMN vector tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED",
    f"ALTER TABLE {_ENTRY} ALTER COLUMN vector SET STATISTICS 1000",
    f"CREATE INDEX archive_search ON {_ENTRY} USING gin (vector)",
]
_MAX_SECONDS = 2**33 - 1  # the year 2242
_BATCH = 50  # completions per transaction


def create(database: BaseDatabaseWrapper) -> None:
    """Create the index and the triggers, and index the existing entries."""
    is_sqlite = database.vendor == "sqlite"
    with database.cursor() as cursor:
        for statement in _SQLITE if is_sqlite else _POSTGRESQL:
            cursor.execute(statement)
        if is_sqlite:
            cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('rebuild')")
    create_triggers(database)


def drop(database: BaseDatabaseWrapper) -> None:
    """Drop the index and the triggers, whatever state they are in."""
    drop_triggers(database)
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            for event in ("insert", "delete", "update"):
                cursor.execute(f"DROP TRIGGER IF EXISTS archive_search_{event}")
            cursor.execute("DROP TABLE IF EXISTS archive_search")
        else:
            cursor.execute(f"ALTER TABLE {_ENTRY} DROP COLUMN IF EXISTS vector")


def create_triggers(database: BaseDatabaseWrapper) -> None:
    """Create the triggers that delete stale entries. Creating them reads no stored rows."""
    with database.cursor() as cursor:
        for number, (event, table, action) in enumerate(_INVALIDATIONS):
            name, each = f"archive_stale_{number}", "FOR EACH ROW"
            if database.vendor == "sqlite":
                cursor.execute(f"CREATE TRIGGER {name} {event} ON {table} BEGIN {action}; END")
                continue
            if event == "AFTER INSERT":  # once per statement, because an import inserts thousands of rows
                action, each = _DELETE_ANSWERS, "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
            returned = "OLD" if event == "BEFORE DELETE" else "NULL"
            cursor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {action}; RETURN {returned}; END $$"
            )
            cursor.execute(f"CREATE TRIGGER {name} {event} ON {table} {each} EXECUTE FUNCTION {name}()")


def drop_triggers(database: BaseDatabaseWrapper) -> None:
    """Drop the triggers of `create_triggers`, also those of an older version."""
    with database.cursor() as cursor:
        for number, (_, table, _) in enumerate(_INVALIDATIONS):
            name = f"archive_stale_{number}"
            if database.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")


def entries_of(
    completion: int, created: int, messages: Iterable[tuple[int, int]], indexed: Iterator[tuple[str, Counter[str]]]
) -> Iterator[Entry]:
    """Yield the entries of a completion, from (row, position) of each message and the output of `words_to_index`."""
    row, is_alone = completion, True
    for row, position in messages:
        is_alone = False
        words, held = next(indexed)
        yield _entry_id(created, row), completion, position, words, write_held(held)
    words, held = next(indexed)
    yield _entry_id(created, row, is_answer=True, is_alone=is_alone), completion, None, words, write_held(held)


def save_entries(entries: Iterable[Entry]) -> None:
    """Insert entries, some thousand at a time, so that memory does not grow with a conversation.

    They are sorted by id, because FTS5 starts a new segment whenever an id is lower than the last.
    """
    entries = iter(entries)
    while batch := sorted(islice(entries, BATCH_ROWS), key=itemgetter(0)):
        insert(_ENTRY, "id, completion_id, position, words, held", batch)


def clear() -> None:
    """Empty and recreate the index, which repairs any damage to it."""
    with transaction.atomic():
        drop(connection)
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {_ENTRY}")
        create(connection)


def unindexed() -> QuerySet[StoredCompletion]:
    """Return the completions that are not, or no longer, fully indexed."""
    known = SearchEntry.objects.filter(completion=OuterRef("pk"), position=None)
    return StoredCompletion.objects.filter(~Exists(known)).order_by("pk")


def index_missing() -> Iterator[int]:
    """Index what is missing, some completions at a time; yield how many, after each commit."""
    last = 0
    while True:
        with transaction.atomic():
            completions = list(unindexed().filter(pk__gt=last).select_for_update()[:_BATCH])
            SearchEntry.objects.filter(completion__in=completions).delete()
            save_entries(chain.from_iterable(map(_read_entries, completions)))
        if not completions:
            return
        last = completions[-1].pk
        yield len(completions)


def optimise() -> None:
    """Merge the segments that many imports have left, and update the planner's statistics."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('optimize')")
        cursor.execute(f"ANALYZE {_ENTRY}")


def _read_entries(completion: StoredCompletion) -> Iterator[Entry]:
    rows = completion.messages.order_by("position").values_list("pk", "position", "body").iterator(2000)
    for_rows, for_words = tee(rows)  # read in step, so that only one row is in memory
    indexed = words_to_index(
        completion.model,
        dict(completion.metadata.values_list("key", "value")),
        (Piece(message, values_of(message)) for _, _, message in for_words),
        completion.body,
    )
    return entries_of(completion.pk, completion.created, ((row, position) for row, position, _ in for_rows), indexed)


def _entry_id(created: int, row: int, *, is_answer: bool = False, is_alone: bool = False) -> int:
    """Build the id of an entry from its second, then its message's row; an answer follows the last message.

    An answer without messages uses the completion's row, in a range of its own. 28 bits of the row are enough to tell
    entries of the same second apart.
    """
    return _clamp(created) << 30 | is_alone << 29 | (row & 0xFFFFFFF) << 1 | is_answer


def _clamp(seconds: int) -> int:
    return min(max(seconds, 0), _MAX_SECONDS)


def ids_between(since: int | None, until: int | None) -> tuple[int, int]:
    """Return the lowest and highest entry id from `since` (inclusive) to `until` (exclusive)."""
    lowest = _clamp(since or 0) << 30
    highest = _clamp(_MAX_SECONDS if until is None else until - 1) << 30 | 0x3FFFFFFF
    return (lowest, highest) if until is None or until > 0 else (0, 0)
