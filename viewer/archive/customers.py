"""Finds the other conversations of a customer: all that have the same metadata pair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from viewer.completions.reading import read_time
from viewer.completions.summary import Summary

from .models import StoredCompletion, fit, fit_key, fit_value
from .summaries import summaries_of


@dataclass(frozen=True, slots=True)
class Visit:
    """One conversation of a customer; the time is None where the archive's number is no date."""

    id: str
    created: datetime | None
    summary: Summary | None


@dataclass(frozen=True, slots=True)
class History:
    """The conversations of a customer around one of them, the newest first, and how many there are in all."""

    later: tuple[Visit, ...]
    earlier: tuple[Visit, ...]
    count: int


def history_of(key: str, value: str, completion_id: str, size: int) -> History:
    """Return so many conversations of a customer on each side of one; if it is not stored, the newest ones."""
    conversations = StoredCompletion.objects.filter(metadata__key=fit_key(key), metadata__value=fit_value(value))
    rows = conversations.values_list("completion_id", "created")
    place = StoredCompletion.objects.filter(completion_id=fit(completion_id)).values_list("created", "pk").first()
    if place is None:
        later, earlier = [], list(rows.order_by("-created", "-pk")[:size])
    else:
        created, pk = place
        after = Q(created__gt=created) | Q(created=created, pk__gt=pk)
        later = list(rows.filter(after).order_by("created", "pk")[:size])[::-1]
        before = Q(created__lt=created) | Q(created=created, pk__lt=pk)
        earlier = list(rows.filter(before).order_by("-created", "-pk")[:size])
    summaries = summaries_of(one for one, _ in (*later, *earlier))
    visits = [
        [Visit(one, read_time(seconds), summaries.get(one)) for one, seconds in side] for side in (later, earlier)
    ]
    return History(tuple(visits[0]), tuple(visits[1]), conversations.count())


def ids_with(pairs: dict[str, str], limit: int) -> list[str]:
    """Return the newest conversations that have all of some metadata pairs."""
    found: QuerySet[StoredCompletion] = StoredCompletion.objects.order_by("-created", "-pk")
    for key, value in pairs.items():
        found = found.filter(metadata__key=fit_key(key), metadata__value=fit_value(value))
    return list(found.values_list("completion_id", flat=True)[:limit])
