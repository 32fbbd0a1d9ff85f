"""Erases conversations from the archive for good, and remembers their ids, so that no import brings them back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from time import sleep

from django.db import connection, transaction

from .models import CompletionLabel, CompletionState, ErasedCompletion, SeenCompletion, StoredCompletion, fit
from .search.index import forget_words, words_of_completions

_MAX_CHECKPOINTS, _PAUSE = 20, 0.25  # tries, and seconds between them: a reader may be using the journal


def erase_stored(completion_ids: Collection[str], by: str) -> int:
    """Delete conversations, whoever saved them, with all that the index has of them; return how many rows there were.

    `purge` must follow: until then the files of the database still hold some of it.
    """
    ids = [fit(one) for one in completion_ids]
    with transaction.atomic():
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
    """Return those of some ids that were erased here."""
    erased = ErasedCompletion.objects.filter(pk__in=[fit(one) for one in completion_ids])
    return set(erased.values_list("pk", flat=True))


def allow_again(completion_id: str) -> bool:
    """Let imports bring a conversation back; return False if it was not erased."""
    return bool(ErasedCompletion.objects.filter(pk=fit(completion_id)).delete()[0])


def purge(*, is_thorough: bool = False) -> bool:
    """Remove what was deleted from the files of the database; return False if SQLite's journal still has some of it.

    SQLite overwrites what it deletes (`secure_delete` in the settings), but its full-text index only marks it until
    segments are merged, and the journal keeps older pages until nobody reads them. PostgreSQL frees the space for new
    rows by itself, some time later. `is_thorough` writes the whole database anew, which locks it meanwhile: only then
    nothing is left of what was deleted before the setting was there, and in PostgreSQL at all.
    """
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            if is_thorough:
                cursor.execute("VACUUM FULL")
            return True
        cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('optimize')")
        if is_thorough:
            cursor.execute("VACUUM")
        for _ in range(_MAX_CHECKPOINTS):
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if not cursor.fetchone()[0]:
                return True
            sleep(_PAUSE)
        return False
