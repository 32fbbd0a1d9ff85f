"""Finds the conversations that have the same metadata pair, above all those of a customer, in whatever spelling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from viewer.completions.folding import fold
from viewer.completions.reading import read_time
from viewer.completions.summary import Summary

from .models import StoredCompletion, StoredCompletions, StoredMetadata, fit_key, fit_value
from .search.matching import NEWEST, Matcher
from .search.query import Filter, Query
from .search.spellings import shared_mark
from .summaries import summaries_of

_MAX_LOOKED_AT = 500  # of the newest conversations with a pair, for its spellings


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


def history_of(pair: tuple[str, str], completion_id: str, size: int, reader: int | None) -> History:
    """Return so many conversations of a customer on each side of one; if it is not stored, the newest ones."""
    conversations = _with(*pair, reader)
    rows = conversations.values_list("completion_id", "created")
    place = StoredCompletion.objects.named(completion_id, reader).values_list("created", "pk").first()
    if place is None:
        later, earlier = [], list(rows.order_by("-created", "-pk")[:size])
    else:
        created, pk = place
        after = Q(created__gt=created) | Q(created=created, pk__gt=pk)
        later = list(rows.filter(after).order_by("created", "pk")[:size])[::-1]
        before = Q(created__lt=created) | Q(created=created, pk__lt=pk)
        earlier = list(rows.filter(before).order_by("-created", "-pk")[:size])
    summaries = summaries_of((one for one, _ in (*later, *earlier)), reader)
    visits = [
        [Visit(one, read_time(seconds), summaries.get(one)) for one, seconds in side] for side in (later, earlier)
    ]
    return History(tuple(visits[0]), tuple(visits[1]), conversations.count())


def count_with(key: str, value: str, reader: int | None) -> int:
    """Count the conversations that have a metadata pair."""
    return _with(key, value, reader).count()


def pair_of(key: str) -> tuple[str, str] | None:
    """Return some pair of a key, of the team's conversations."""
    pairs = StoredMetadata.objects.filter(key=key, completion__owner=None).exclude(value="")
    return pairs.values_list("key", "value").first()


def query_of(key: str, value: str, reader: int | None) -> Query:
    """Return the query for a metadata pair, of which a text might be too long or need quotes."""
    return Query(filters=(Filter(f"meta.{key}", (_mark(key, value),)),), reader=reader)


def is_same_value(key: str, one: str, other: str) -> bool:
    """Whether two values of a metadata key are spellings of one."""
    return _mark(key, one) == _mark(key, other)


def _mark(key: str, value: str) -> str:
    return shared_mark(f"meta.{key}", value)


def ids_with(pairs: dict[str, str], limit: int, reader: int | None) -> list[str]:
    """Return the newest conversations that have all of some metadata pairs."""
    found: QuerySet[StoredCompletion] = StoredCompletion.objects.order_by("-created", "-pk")
    for key, value in pairs.items():
        found = found & _with(key, value, reader)
    return list(found.values_list("completion_id", flat=True)[:limit])


def stored_with(key: str, value: str) -> StoredCompletions:
    """Return the conversations that have a metadata pair in any spelling, whoever saved them. Looks at each value."""
    values = StoredMetadata.objects.filter(key=key).values_list("value", flat=True).distinct()
    same = [each for each in values if is_same_value(key, each, value)]
    holders = StoredMetadata.objects.filter(key=key, value__in=same).values("completion")
    return StoredCompletion.objects.filter(pk__in=holders)


def _with(key: str, value: str, reader: int | None) -> QuerySet[StoredCompletion]:
    """Return the conversations that a filter by a pair finds. The index knows those with other spellings of it."""
    candidates = Matcher(query_of(key, value, reader)).newest(_MAX_LOOKED_AT, NEWEST)
    newest = [candidate.completion for candidate in candidates]
    stored = StoredMetadata.objects.filter(completion__in=newest).values_list("key", "value").distinct()
    same = {pair for pair in stored if fold(pair[0]) == fold(key) and _mark(*pair) == _mark(key, value)}
    same.add((fit_key(key), fit_value(value)))  # which may not be indexed yet
    holders = StoredMetadata.objects.filter(reduce(or_, (Q(key=key, value=value) for key, value in same)))
    return StoredCompletion.objects.visible_to(reader).filter(pk__in=holders.values("completion"))
