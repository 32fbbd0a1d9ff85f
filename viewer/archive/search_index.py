"""The index over the words of the search: FTS5 in SQLite, a generated tsvector in PostgreSQL.

The database keeps it true. Triggers follow every change of an entry; a message or completion that changes without its
entries loses them, and `rebuild_search --missing` finds it by the missing entry of its answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice, tee
from operator import itemgetter

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef, QuerySet

from viewer.completions.source_text import Piece, decode_object

from .bulk import ROWS, insert
from .models import SearchEntry, StoredCompletion, write_held
from .search_text import to_index

Entry = tuple[int, int, int | None, str, str]  # a row of SearchEntry

_ENTRY, _COMPLETION, _MESSAGE = "archive_searchentry", "archive_storedcompletion", "archive_storedmessage"
_FORGET_MESSAGE = (
    f"DELETE FROM {_ENTRY} WHERE completion_id = OLD.completion_id AND (position = OLD.position OR position IS NULL)"
)
_FORGET_COMPLETION = f"DELETE FROM {_ENTRY} WHERE completion_id = OLD.id"
# Where a message is put in, there is no entry yet but that of the answer, which tells that one is missing.
_FORGET_ANSWER = f"DELETE FROM {_ENTRY} WHERE position IS NULL AND completion_id = NEW.completion_id"
_FORGET_ANSWERS = (
    f"DELETE FROM {_ENTRY} WHERE position IS NULL "
    "AND completion_id = ANY (ARRAY(SELECT DISTINCT completion_id FROM added))"
)
# What happens to which table, and what is no longer true then.
_STALE = [
    ("AFTER INSERT", _MESSAGE, _FORGET_ANSWER),
    ("AFTER DELETE", _MESSAGE, _FORGET_MESSAGE),
    ("AFTER UPDATE", _MESSAGE, _FORGET_MESSAGE),
    ("AFTER UPDATE", _COMPLETION, _FORGET_COMPLETION),
    ("BEFORE DELETE", _COMPLETION, _FORGET_COMPLETION),
]
_TAKE_OUT = "INSERT INTO archive_search(archive_search, rowid, words) VALUES ('delete', OLD.id, OLD.words);"
_PUT_IN = "INSERT INTO archive_search(rowid, words) VALUES (NEW.id, NEW.words);"
_SQLITE = [
    # The words are cut already, and `ascii` splits at nothing else. No lists of beginnings (`prefix=`): they would cost
    # a third more when importing, and spare 3 ms where fifty thousand entries match.
    f"CREATE VIRTUAL TABLE archive_search USING fts5(words, content='{_ENTRY}', content_rowid='id', tokenize='ascii')",
    # Gathered in memory until 8 MB: the default of 1 MB would write many small segments and merge them again.
    "INSERT INTO archive_search(archive_search, rank) VALUES ('hashsize', 8000000)",
    f"CREATE TRIGGER archive_search_insert AFTER INSERT ON {_ENTRY} BEGIN {_PUT_IN} END",
    f"CREATE TRIGGER archive_search_delete AFTER DELETE ON {_ENTRY} BEGIN {_TAKE_OUT} END",
    f"CREATE TRIGGER archive_search_update AFTER UPDATE ON {_ENTRY} BEGIN {_TAKE_OUT} {_PUT_IN} END",
]
_POSTGRESQL = [
    f"ALTER TABLE {_ENTRY} ADD COLUMN vector tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED",
    f"ALTER TABLE {_ENTRY} ALTER COLUMN vector SET STATISTICS 1000",
    f"CREATE INDEX archive_search ON {_ENTRY} USING gin (vector)",
]
_MOST_SECONDS = 2**33 - 1  # the year 2242
_AT_ONCE = 50  # completions of one transaction


def create(on: BaseDatabaseWrapper) -> None:
    """Make the index and the triggers, for whatever entries there are."""
    is_sqlite = on.vendor == "sqlite"
    with on.cursor() as cursor:
        for statement in _SQLITE if is_sqlite else _POSTGRESQL:
            cursor.execute(statement)
        if is_sqlite:
            cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('rebuild')")
    watch(on)


def drop(on: BaseDatabaseWrapper) -> None:
    """Take the index and the triggers away, whatever state they are in."""
    unwatch(on)
    with on.cursor() as cursor:
        if on.vendor == "sqlite":
            for event in ("insert", "delete", "update"):
                cursor.execute(f"DROP TRIGGER IF EXISTS archive_search_{event}")
            cursor.execute("DROP TABLE IF EXISTS archive_search")
        else:
            cursor.execute(f"ALTER TABLE {_ENTRY} DROP COLUMN IF EXISTS vector")


def watch(on: BaseDatabaseWrapper) -> None:
    """Make the triggers that forget what a change has made untrue. They cost no look at what is stored already."""
    with on.cursor() as cursor:
        for number, (moment, table, action) in enumerate(_STALE):
            name, each = f"archive_stale_{number}", "FOR EACH ROW"
            if on.vendor == "sqlite":
                cursor.execute(f"CREATE TRIGGER {name} {moment} ON {table} BEGIN {action}; END")
                continue
            if moment == "AFTER INSERT":  # once for all rows of a statement, for an import puts in thousands
                action, each = _FORGET_ANSWERS, "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
            gives = "OLD" if moment == "BEFORE DELETE" else "NULL"
            cursor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {action}; RETURN {gives}; END $$"
            )
            cursor.execute(f"CREATE TRIGGER {name} {moment} ON {table} {each} EXECUTE FUNCTION {name}()")


def unwatch(on: BaseDatabaseWrapper) -> None:
    """Take the triggers away that `watch` makes, those of an older version too."""
    with on.cursor() as cursor:
        for number, (_, table, _) in enumerate(_STALE):
            name = f"archive_stale_{number}"
            if on.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")


def entries_of(
    completion: int, created: int, messages: Iterable[tuple[int, int]], indexed: Iterator[tuple[str, Counter[str]]]
) -> Iterator[Entry]:
    """Make the entries of a completion from (row, position) of its messages in order, and what `to_index` gives."""
    row, is_alone = completion, True
    for row, position in messages:
        is_alone = False
        words, held = next(indexed)
        yield _entry_id(created, row), completion, position, words, write_held(held)
    words, held = next(indexed)
    yield _entry_id(created, row, is_answer=True, is_alone=is_alone), completion, None, words, write_held(held)


def save_entries(entries: Iterable[Entry]) -> None:
    """Insert entries, some thousand at a time, so that memory does not grow with a conversation.

    They come in the order of their ids, for FTS5 begins a new piece of its index whenever one is lower than the last.
    """
    entries = iter(entries)
    while batch := sorted(islice(entries, ROWS), key=itemgetter(0)):
        insert(_ENTRY, "id, completion_id, position, words, held", batch)


def forget_everything() -> None:
    """Empty the index and make it anew, which mends whatever was wrong with it."""
    with transaction.atomic():
        forget(connection)


def forget(on: BaseDatabaseWrapper) -> None:
    """Empty the index, for a migration too: after a change of `search_text` what it holds is not what is looked for."""
    drop(on)
    with on.cursor() as cursor:
        cursor.execute(f"DELETE FROM {_ENTRY}")
    create(on)


def without_entries() -> QuerySet[StoredCompletion]:
    """Give the completions that the search does not know, or not any more."""
    known = SearchEntry.objects.filter(completion=OuterRef("pk"), position=None)
    return StoredCompletion.objects.filter(~Exists(known)).order_by("pk")


def fill_in() -> Iterator[int]:
    """Write what is missing, some completions at a time; yield how many, after they are committed."""
    last = 0
    while True:
        with transaction.atomic():
            found = list(without_entries().filter(pk__gt=last).select_for_update()[:_AT_ONCE])
            SearchEntry.objects.filter(completion__in=found).delete()
            save_entries(chain.from_iterable(map(_read_entries, found)))
        if not found:
            return
        last = found[-1].pk
        yield len(found)


def optimise() -> None:
    """Merge what many imports have left in pieces, and let the planner count anew."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('optimize')")
        cursor.execute(f"ANALYZE {_ENTRY}")


def _read_entries(completion: StoredCompletion) -> Iterator[Entry]:
    rows = completion.messages.order_by("position").values_list("pk", "position", "body").iterator(2000)
    for_rows, for_words = tee(rows)  # read in step, so that one row is held and not all
    indexed = to_index(
        completion.model,
        dict(completion.metadata.values_list("key", "value")),
        (Piece(message, decode_object(message)) for _, _, message in for_words),
        completion.body,
    )
    return entries_of(completion.pk, completion.created, ((row, position) for row, position, _ in for_rows), indexed)


def _entry_id(created: int, row: int, *, is_answer: bool = False, is_alone: bool = False) -> int:
    """Number an entry by its second, then by its message's row; an answer comes right after the last message.

    An answer without messages has the completion's row, in a half of its own. 28 bits of the row are enough to tell
    apart what was stored with the same second.
    """
    return _at(created) << 30 | is_alone << 29 | (row & 0xFFFFFFF) << 1 | is_answer


def _at(seconds: int) -> int:
    return min(max(seconds, 0), _MOST_SECONDS)


def ids_between(since: int | None, until: int | None) -> tuple[int, int]:
    """Give the lowest and the highest id of entries from one second up to before another."""
    lowest = _at(since or 0) << 30
    highest = _at(_MOST_SECONDS if until is None else until - 1) << 30 | 0x3FFFFFFF
    return (lowest, highest) if until is None or until > 0 else (0, 0)
