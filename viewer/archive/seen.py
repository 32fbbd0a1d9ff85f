"""Remembers which conversations each person has opened."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef

from viewer.deployment.database import without_waiting

from .models import SeenCompletion, StoredCompletion, fit

_AT_ONCE = 5_000  # rows


def mark_seen(person_id: int, completion_ids: Iterable[str]) -> None:
    """Remember that a person has seen conversations."""
    seen = (SeenCompletion(person_id=person_id, completion_id=fit(one)) for one in completion_ids)
    SeenCompletion.objects.bulk_create(seen, ignore_conflicts=True, batch_size=1_000)


def record_seen(person_id: int, completion_id: str) -> None:
    """Remember that a person opened a conversation, without waiting: an import may have locked the database."""
    if not seen_among(person_id, [completion_id]):
        with suppress(DatabaseError), without_waiting(), transaction.atomic():
            mark_seen(person_id, [completion_id])


def mark_stored_seen(person_id: int, completions: list[int] | None = None) -> int:
    """Remember that a person has seen archived conversations, by their rows, or all; return how many were new."""
    stored = StoredCompletion.objects.all()
    if completions is not None:
        stored = stored.filter(pk__in=completions)
    seen = SeenCompletion.objects.filter(person_id=person_id, completion_id=OuterRef("completion_id"))
    new = stored.filter(~Exists(seen)).values_list("completion_id", flat=True)
    count = 0
    for batch in iter(lambda: list(new[:_AT_ONCE]), []):
        mark_seen(person_id, batch)
        count += len(batch)
    return count


def mark_unseen(person_id: int, completion_id: str) -> None:
    """Forget that a person has seen a conversation."""
    SeenCompletion.objects.filter(person_id=person_id, completion_id=fit(completion_id)).delete()


def seen_among(person_id: int, completion_ids: Iterable[str]) -> set[str]:
    """Return those of some conversations that a person has seen."""
    seen = SeenCompletion.objects.filter(person_id=person_id, completion_id__in=[fit(one) for one in completion_ids])
    return set(seen.values_list("completion_id", flat=True))
