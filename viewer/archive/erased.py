"""Erases conversations from the archive for good, and remembers their ids, so that no import brings them back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from time import sleep
from typing import Any

from django.db import connection, transaction

from .bulk import is_one_of
from .models import CompletionLabel, CompletionState, ErasedCompletion, SeenCompletion, StoredCompletion, fit
from .search.index import forget_words, words_of_completions

# Seconds before each try: to empty SQLite's journal, which a reader may be using; and to write PostgreSQL's tables
# anew, of which a transaction may still see old rows.
_CHECKPOINTS, _VACUUMS = (0, *[0.25] * 20), (0, 0.5, 2, 8)
_WAIT_FOR_READERS = 250  # milliseconds that SQLite itself waits at each try, as it keeps others from beginning
_LOCK_ID = 20_741_222  # any number but that of `start`, the same on every machine
_DEAD_ROWS = re.compile(r"\D*([1-9])")  # "12 dead row versions cannot be removed yet", in the language of the server


def erase_stored(completion_ids: Collection[str], by: str) -> int:
    """Delete conversations, whoever saved them, with all that the index has of them; return how many rows there were.

    `purge` must follow: until then the files of the database still hold some of it.
    """
    ids = [fit(one) for one in completion_ids]
    with transaction.atomic():
        _wait_for_writers()
        ErasedCompletion.objects.bulk_create((ErasedCompletion(pk=one, by=by) for one in ids), ignore_conflicts=True)
        stored = StoredCompletion.objects.filter(completion_id__in=ids)
        rows = list(stored.values_list("pk", flat=True))
        words = words_of_completions(rows)
        stored.delete()
        for kept_beside in (SeenCompletion, CompletionLabel, CompletionState):
            kept_beside.objects.filter(completion_id__in=ids).delete()
        forget_words(words)
    return len(rows)


def erased_among(completion_ids: Iterable[str]) -> set[str]:
    """Return those of some ids that were erased here. In a transaction this stays true: erasures wait for its end."""
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        _lock("pg_advisory_xact_lock_shared")
    where, ids = is_one_of("completion_id", map(fit, completion_ids))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT completion_id FROM archive_erasedcompletion WHERE {where}", [ids])
        return {completion_id for (completion_id,) in cursor.fetchall()}


def erased_since(moment: datetime) -> list[str]:
    """Return the ids that were erased here since then. In a transaction this stays true: erasures wait for its end."""
    erased_among(())
    return list(ErasedCompletion.objects.filter(at__gte=moment).values_list("pk", flat=True))


def _wait_for_writers() -> None:
    """Let whoever is storing conversations finish, or what they store would stay. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_LOCK_ID])


def allow_again(completion_id: str) -> bool:
    """Let imports bring a conversation back; return False if it was not erased."""
    return bool(ErasedCompletion.objects.filter(pk=fit(completion_id)).delete()[0])


def purge(*, is_thorough: bool = False) -> bool:
    """Remove what was deleted from the files of the database; return False if they still have some of it in the end.

    SQLite overwrites what it deletes (`secure_delete` in the settings), but its full-text index only marks it until
    segments are merged, and the journal keeps older pages until nobody reads them. PostgreSQL frees the space for new
    rows by itself, some time later. `is_thorough` writes the whole database anew, which locks it meanwhile: only then
    nothing is left of what was deleted before the setting was there, and in PostgreSQL at all.
    """
    if connection.vendor == "sqlite":
        return _purge_sqlite(is_thorough)
    return not is_thorough or _purge_postgresql()


def _purge_sqlite(is_thorough: bool) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('optimize')")
        if is_thorough:
            cursor.execute("VACUUM")
        cursor.execute(f"PRAGMA busy_timeout = {_WAIT_FOR_READERS}")
        try:
            return _empty_journal(cursor)
        finally:
            cursor.execute("PRAGMA busy_timeout = 0")


def _empty_journal(cursor: Any) -> bool:
    for pause in _CHECKPOINTS:
        sleep(pause)
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if not cursor.fetchone()[0]:
            return True
    return False


def _purge_postgresql() -> bool:
    """Write every table anew until no transaction keeps a deleted row alive: a backup, a long query, autovacuum.

    The planner's statistics (pg_statistic) quote frequent values, so they are gathered first and written anew as well;
    other catalogs are not, as some of them belong to all databases, where there is always a transaction.
    """
    with connection.cursor() as cursor:
        tables = ", ".join(
            map(connection.ops.quote_name, [*connection.introspection.table_names(cursor), "pg_statistic"])
        )
        cursor.execute(f"ANALYZE {tables}")
        for pause in _VACUUMS:
            sleep(pause)
            if _vacuum_full(cursor, tables):
                return True
    return False


def _vacuum_full(cursor: Any, tables: str) -> bool:
    """Return False if dead rows were kept, which PostgreSQL says in the detail of a notice alone."""
    kept = []
    session = connection.connection
    session.add_notice_handler(listen := lambda notice: kept.append(_DEAD_ROWS.match(notice.message_detail or "")))
    try:
        cursor.execute(f"VACUUM (FULL, VERBOSE) {tables}")
    finally:
        session.remove_notice_handler(listen)
    return not any(kept)
