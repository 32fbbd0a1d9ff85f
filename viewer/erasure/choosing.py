"""Chooses the conversations to erase: those of a customer, and those that are older than they may be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from viewer.archive.customers import stored_with
from viewer.archive.identity_keys import identity_keys
from viewer.archive.models import CompletionLabel, StoredCompletion, StoredCompletions


def ids_of_customer(value: str) -> list[str]:
    """Return the ids of a customer's conversations in any spelling, whoever saved them. Empty if no key names them."""
    key = identity_keys().customer
    return _ids(stored_with(key, value)) if key else []


def ids_before(moment: datetime) -> list[str]:
    """Return the ids of the conversations that were created before a moment; undated ones count as imported."""
    return _ids(StoredCompletion.objects.filter(created__lt=int(moment.timestamp())))


def without_kept(completion_ids: Iterable[str]) -> list[str]:
    """Leave out conversations with a label that keeps them for ever."""
    kept = set(CompletionLabel.objects.filter(label__is_keeping=True).values_list("completion_id", flat=True))
    return [completion_id for completion_id in completion_ids if completion_id not in kept]


def _ids(completions: StoredCompletions) -> list[str]:
    oldest_first = completions.order_by("created", "pk").values_list("completion_id", flat=True)
    return list(dict.fromkeys(oldest_first))
