"""Finds values to filter by, with how many conversations have each: of all metadata keys, models and contents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Max, Q, QuerySet

from viewer.archive.models import StoredCompletion, StoredMetadata
from viewer.archive.summaries import count_kinds

from .matching import NEWEST, Matcher
from .query import Query

_MAX_NEWEST = 20_000  # conversations of the whole archive that are looked at
_MAX_FOUND = 2_000  # conversations that a query finds, of which values are looked at
_MAX_VALUES = 5  # of each name
_MAX_PAIRS = 1_000  # different ones that are looked through
_MAX_LENGTH = 200  # characters of a value to filter by


@dataclass(frozen=True, slots=True)
class Value:
    """A value to filter by, as an operator of a query: `model`, `has` or `meta.KEY`."""

    name: str
    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Values:
    """Values with their counts, the commonest of each name first. `newest`: only so many conversations were counted."""

    values: tuple[Value, ...]
    newest: int | None


def values_of(query: Query, text: str = "") -> Values:
    """Return the commonest values of what a query finds, or of the whole archive, that have a text in them."""
    completions, newest = _completions(query)
    metadata = StoredMetadata.objects.filter(completion__in=completions)
    pairs = metadata.filter(Q(value__icontains=text) | Q(key__icontains=text)) if text else metadata
    counted = pairs.values_list("key", "value").annotate(count=Count("pk")).order_by("-count", "key", "value")
    models = completions.exclude(model="").filter(model__icontains=text).values_list("model")
    values = [
        *(Value(f"meta.{key}", value, count) for key, value, count in counted[:_MAX_PAIRS] if _is_usable(value)),
        *(Value("model", model, count) for model, count in models.annotate(count=Count("pk")).order_by("-count")),
        *(Value("has", kind, count) for kind, count in count_kinds(completions).most_common()),
    ]
    return Values(tuple(_first_of_each(values)), newest)


def _completions(query: Query) -> tuple[QuerySet[StoredCompletion], int | None]:
    """Return the conversations to look at, and how many if there are more."""
    if query.is_empty:
        last = StoredCompletion.objects.aggregate(last=Max("pk"))["last"] or 0
        newest = StoredCompletion.objects.filter(pk__gt=last - _MAX_NEWEST)
        return newest, _MAX_NEWEST if last > _MAX_NEWEST else None
    found = {candidate.completion for candidate in Matcher(query).newest(_MAX_FOUND, NEWEST)}
    return StoredCompletion.objects.filter(pk__in=found), _MAX_FOUND if len(found) == _MAX_FOUND else None


def _is_usable(value: str) -> bool:
    return bool(value.strip()) and len(value) <= _MAX_LENGTH


def _first_of_each(values: Iterable[Value]) -> Iterable[Value]:
    """Keep the first values of each name."""
    seen = Counter[str]()
    for value in values:
        seen[value.name] += 1
        if value.name == "has" or seen[value.name] <= _MAX_VALUES:
            yield value
