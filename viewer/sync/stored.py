"""What a page says of a conversation in the archive: whose it is, where it came from, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from viewer.archive.models import StoredCompletion, fit
from viewer.deployment.prepared import Prepared
from viewer.sources.sources import Source


@dataclass(frozen=True, slots=True)
class StoredState:
    """Of a conversation that a person reads from a source. Times and host are of its copy, if it is one.

    `key` is the API key to save it with, now or again; None if it came from a file, or from the key of another.
    """

    is_live: bool
    is_stored: bool = False
    is_own: bool = False
    host: str = ""
    copied_at: datetime | None = None
    deleted_at: datetime | None = None
    key: UUID | None = None


def stored_state(person: User, completion_id: str, source: Source) -> StoredState:
    """Look up what the archive has of a conversation, by one query."""
    row = _state_of.first(fit(completion_id), person.pk)
    live_key = source.key.pk if source.key else None
    if row is None:
        return StoredState(is_live=not source.is_archive, key=live_key)
    owner, host, copied_at, deleted_at, key, key_owner = row
    return StoredState(
        is_live=not source.is_archive,
        is_stored=True,
        is_own=owner is not None,
        host=host or "",
        copied_at=copied_at,
        deleted_at=deleted_at,
        key=live_key or (key if key_owner == person.pk else None),
    )


@Prepared
def _state_of(completion_id: str, person: int | None) -> QuerySet[StoredCompletion, Any]:
    columns = "owner_id", "copy__host", "copy__copied_at", "copy__deleted_at", "copy__api_key", "copy__api_key__owner"
    return StoredCompletion.objects.named(completion_id, person).values_list(*columns)
