"""Chooses the conversations to erase: those of a customer, and those that are older than they may be.

Of conversations that were only read from a server, a share or an unfinished saving may keep something.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from django.db.models import Exists, OuterRef

from viewer.archive.customers import is_same_value, stored_with
from viewer.archive.identity_keys import identity_keys
from viewer.archive.models import CompletionLabel, StoredCompletion, StoredCompletions
from viewer.completions.reading import read_completion
from viewer.completions.types import Completion
from viewer.sharing.models import Share
from viewer.sync.models import Saving

_IS_STORED = Exists(StoredCompletion.objects.filter(completion_id=OuterRef("completion_id")))


def ids_of_customer(value: str) -> list[str]:
    """Return the ids of a customer's conversations in any spelling, whoever saved them. Empty if no key names them.

    A share is found if its snapshot has the metadata of the customer.
    """
    key = identity_keys().customer
    if not key:
        return []
    shared = (
        one for one, completion, _ in _only_shared() if is_same_value(key, completion.metadata.get(key, ""), value)
    )
    return _once(_oldest_first(stored_with(key, value)), shared)


def ids_before(moment: datetime) -> list[str]:
    """Return the ids of the conversations that were created before a moment.

    Undated ones count as imported or shared; of those that are being saved only the beginning of that is known.
    """
    stored = StoredCompletion.objects.filter(created__lt=int(moment.timestamp()))
    shared = (one for one, completion, at in _only_shared() if (completion.created or at) < moment)
    saving = Saving.objects.filter(~_IS_STORED, started_at__lt=moment).values_list("completion_id", flat=True)
    return _once(_oldest_first(stored), shared, saving)


def without_kept(completion_ids: Iterable[str]) -> list[str]:
    """Leave out conversations with a label that keeps them for ever."""
    kept = set(CompletionLabel.objects.filter(label__is_keeping=True).values_list("completion_id", flat=True))
    return [completion_id for completion_id in completion_ids if completion_id not in kept]


def _only_shared() -> Iterator[tuple[str, Completion, datetime]]:
    """Yield the conversations that are not stored, but in snapshots: id, what was shared of it, and when."""
    shares = Share.objects.filter(~_IS_STORED, snapshot__isnull=False).order_by("pk")
    for completion_id, body, at in shares.values_list("completion_id", "snapshot__body", "created_at").iterator():
        completion = read_completion(body)
        if isinstance(completion, Completion):
            yield completion_id, completion, at


def _oldest_first(completions: StoredCompletions) -> Iterable[str]:
    return completions.order_by("created", "pk").values_list("completion_id", flat=True)


def _once(*found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(found)))
