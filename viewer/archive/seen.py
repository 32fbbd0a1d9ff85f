"""Remembers which conversations each person has opened."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from viewer.deployment.prepared import Prepared
from viewer.deployment.waiting import without_waiting

from .bulk import is_one_of
from .models import SeenCompletion, StoredCompletion, fit


def mark_seen(person_id: int, completion_ids: Iterable[str]) -> None:
    """Remember that a person has seen conversations."""
    seen = (SeenCompletion(person_id=person_id, completion_id=fit(one)) for one in completion_ids)
    SeenCompletion.objects.bulk_create(seen, ignore_conflicts=True, batch_size=1_000)


def record_seen(person_id: int, completion_id: str) -> None:
    """Remember that a person opened a conversation, without waiting: an import may have locked the database."""
    if _seen.first(person_id, fit(completion_id)) is None:
        with suppress(DatabaseError), without_waiting(), transaction.atomic():
            mark_seen(person_id, [completion_id])


@Prepared
def _seen(person: int, completion_id: str) -> QuerySet[SeenCompletion, Any]:
    return SeenCompletion.objects.filter(person=person, completion_id=completion_id).values_list("pk")


def mark_stored_seen(person_id: int, completions: list[int] | None = None) -> int:
    """Remember that a person has seen archived conversations, by their rows, or all; return how many were new."""
    where, chosen = ("%s", True) if completions is None else is_one_of("id", completions)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO archive_seencompletion (person_id, completion_id, at) SELECT %s, completion_id, %s "
            f"FROM archive_storedcompletion WHERE {where} AND COALESCE(owner_id, %s) = %s ON CONFLICT DO NOTHING",
            [person_id, timezone.now(), chosen, person_id, person_id],
        )
        return max(0, int(cursor.rowcount))


def count_unseen(person_id: int) -> int:
    """Count the archived conversations that a person has not seen, from what they have: mostly less to look at."""
    ids = SeenCompletion.objects.filter(person_id=person_id).values("completion_id")
    seen = StoredCompletion.objects.visible_to(person_id).filter(completion_id__in=ids)
    return StoredCompletion.objects.count_visible(person_id) - seen.count()


def mark_unseen(person_id: int, completion_id: str) -> None:
    """Forget that a person has seen a conversation."""
    SeenCompletion.objects.filter(person_id=person_id, completion_id=fit(completion_id)).delete()


def seen_among(person_id: int, completion_ids: Iterable[str]) -> set[str]:
    """Return those of some conversations that a person has seen."""
    seen = SeenCompletion.objects.filter(person_id=person_id, completion_id__in=[fit(one) for one in completion_ids])
    return set(seen.values_list("completion_id", flat=True))
