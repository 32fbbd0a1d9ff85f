"""Finds values to filter by, with how many conversations have each: of all metadata keys, models and contents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, Max, Q, QuerySet

from viewer.archive.identity_keys import metadata_keys
from viewer.archive.models import StoredCompletion, StoredMetadata, belongs_to_visible
from viewer.archive.summaries import count_kinds

from .marks import model_without_date
from .matching import NEWEST, Matcher
from .query import Query
from .spellings import Counted, count_pairs, join_spellings, shared_mark

_MAX_NEWEST = 20_000  # conversations of the whole archive that are looked at
_MAX_FOUND = 2_000  # conversations that a query finds, of which values are looked at
_MAX_VALUES = 5  # of each name
_MAX_MODELS = 1_000  # different ones that are looked through
_MAX_LENGTH = 200  # characters of a value to filter by


@dataclass(frozen=True, slots=True)
class Value:
    """A value to filter by, as an operator of a query: `model`, `has` or `meta.KEY`."""

    name: str
    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Values:
    """Values with their counts, the commonest of each name first. `newest`: only so many conversations were counted.

    `cut` are the names that have more values than these.
    """

    values: tuple[Value, ...]
    newest: int | None
    cut: frozenset[str] = frozenset()


def values_of(query: Query, text: str = "") -> Values:
    """Return the commonest values of what a query finds, or of the whole archive, that have a text in them."""
    completions, newest = _completions(query)
    metadata = StoredMetadata.objects.filter(completion__in=completions)
    if text:
        exactly = StoredMetadata.objects.filter(key__in=metadata_keys(), value=text)  # by the index, however old
        exactly = exactly.filter(belongs_to_visible(query.reader))
        metadata = metadata.filter(_contains("value", text) | _contains("key", text)) | exactly
    found = [
        *(pair for pair in _pairs(metadata) if _is_usable(pair[1])),
        *_models(completions, text),
        *(("has", kind, count) for kind, count in count_kinds(completions).most_common()),
    ]
    present = {shared_mark(operator.name, operator.value) for operator in query.operators}
    values = [Value(*value) for value in found if shared_mark(*value[:2]) not in present]
    first = tuple(_first_of_each(values))
    return Values(first, newest, frozenset(value.name for value in {*values} - {*first}))


def _pairs(metadata: QuerySet[StoredMetadata]) -> list[Counted]:
    try:
        return count_pairs(*metadata.values("key", "value").annotate(count=Count("pk")).query.sql_with_params())
    except EmptyResultSet:  # there is nothing to look at
        return []


def _models(completions: QuerySet[StoredCompletion], text: str) -> list[Counted]:
    """Count the models without their dates, except where only the date has the text that was typed."""
    models = completions.exclude(model="").filter(model__icontains=text).values_list("model")
    counted = models.annotate(count=Count("pk")).order_by("-count", "model")[:_MAX_MODELS]
    names = ((model_without_date(model), model, count) for model, count in counted)
    return join_spellings(
        ("model", name if text.lower() in name.lower() else model, count) for name, model, count in names
    )


def _contains(field: str, text: str) -> Q:
    """Match a text in any case. SQLite ignores that of ASCII alone, so other letters are tried in both."""
    spellings = {text, text.lower(), text.upper(), text.capitalize()}
    return reduce(or_, (Q(**{f"{field}__icontains": spelling}) for spelling in spellings))


def _completions(query: Query) -> tuple[QuerySet[StoredCompletion], int | None]:
    """Return the conversations to look at, and how many if there are more."""
    if query.is_empty:
        last = StoredCompletion.objects.aggregate(last=Max("pk"))["last"] or 0
        newest = StoredCompletion.objects.visible_to(query.reader).filter(pk__gt=last - _MAX_NEWEST)
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
