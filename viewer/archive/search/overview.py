"""Counts what a search found: how many conversations, who said the words, what is inside, when, with which metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils.timezone import get_current_timezone

from viewer.archive.bulk import is_one_of
from viewer.archive.summaries import count_kinds

from .marks import model_without_date
from .matching import Look, Matcher
from .query import TALK, Query, with_operator
from .said import ASSISTANT, CUSTOMER, PROMPTS, TOOLS
from .spellings import Counted, count_pairs, join_spellings, shared_mark

MAX_COUNTED = 1000  # conversations; beyond it the page says "more than"
_MAX_FACETS = 4  # each of models, of metadata pairs and of days
_MAX_DAYS = 62  # between the first and the last result that are counted by day
_KINDS = ("error", "refusal", "cut-off", "filtered", "image", "audio", "file")


@dataclass(frozen=True, slots=True)
class Facet:
    """A value that many results share, in how many conversations, and the query filtered by it."""

    name: str
    value: str
    count: int
    query: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts and facets of the results, from the newest thousand conversations that match.

    `in_prompts` is how many more there are if prompts are searched as well. Who said the words and what the
    conversations contain is not counted if there are more than a thousand.
    """

    conversations: int
    is_capped: bool
    in_prompts: int = 0
    facets: tuple[Facet, ...] = ()
    speakers: tuple[Facet, ...] = ()
    kinds: tuple[Facet, ...] = ()
    days: tuple[Facet, ...] = ()


def overview_of(matcher: Matcher, query: Query, look: Look) -> Overview:
    """Count the matching conversations and their facets; of those that must be read, only those that were."""
    candidates = look.candidates[:MAX_COUNTED]
    is_capped = not look.is_all
    if not matcher.is_certain:
        documents = {match.document for match in look.matches}
        candidates = [candidate for candidate in candidates if candidate.id in documents]
        is_capped = look.edge is not None
    completions = {candidate.completion for candidate in candidates}
    in_prompts = 0
    is_countable = matcher.is_certain and not is_capped
    if is_countable and query.wanted and query.speakers == TALK:
        in_prompts = matcher.count(TALK | {PROMPTS}, MAX_COUNTED + 1) - len(completions)
    counted = [*_models(completions), *_pairs(completions)]
    return Overview(
        conversations=len(completions),
        is_capped=is_capped,
        in_prompts=max(0, in_prompts),
        facets=_facets(query, counted),
        speakers=_facets(query, _speakers(matcher, query) if is_countable else []),
        kinds=_facets(query, [] if is_capped else _kinds(completions)),
        days=_days(query, [] if is_capped else [candidate.created for candidate in candidates]),
    )


def _facets(query: Query, counted: Iterable[Counted]) -> tuple[Facet, ...]:
    """Turn counted values into filters, without those that the query has, however they are spelled there."""
    present = {shared_mark(operator.name, operator.value) for operator in query.operators}
    return tuple(
        Facet(name, value, count, with_operator(query, name, value))
        for name, value, count in counted
        if shared_mark(name, value) not in present
    )


def _speakers(matcher: Matcher, query: Query) -> Iterable[Counted]:
    """Count the conversations in which each speaker said all the words."""
    if not query.wanted or any(operator.name == "role" for operator in query.operators):
        return
    for role, speaker in (("customer", CUSTOMER), ("assistant", ASSISTANT), ("tools", TOOLS), ("prompts", PROMPTS)):
        if count := matcher.count(frozenset(speaker), MAX_COUNTED):
            yield "role", role, count


def _kinds(completions: set[int]) -> Iterable[Counted]:
    """Count the conversations that contain what people look for."""
    kinds = count_kinds(completions)
    return [("has", kind, kinds[kind]) for kind in _KINDS if kinds[kind]]


def _days(query: Query, created: list[int]) -> tuple[Facet, ...]:
    """Count by the reader's day, or by month if they are far apart or each is on a day of its own."""
    if len(created) < 2 or query.since is not None or query.until is not None:
        return ()
    days = [datetime.fromtimestamp(seconds, get_current_timezone()).date() for seconds in created]
    is_by_month = (max(days) - min(days)).days > _MAX_DAYS or len({*days}) == len(days)
    counts = Counter(day.replace(day=1) if is_by_month else day for day in days)
    facets = []
    for day, count in sorted(counts.most_common(_MAX_FACETS), reverse=True):
        following = (day + timedelta(days=31)).replace(day=1) if is_by_month else day + timedelta(days=1)
        pattern = "%Y-%m" if is_by_month else "%Y-%m-%d"
        asked = f"{query.text} after:{day:{pattern}} before:{following:{pattern}}".strip()
        facets.append(Facet("month" if is_by_month else "day", day.isoformat(), count, asked))
    return tuple(facets) if len(facets) > 1 else ()


def _models(completions: set[int]) -> list[Counted]:
    where, values = is_one_of("id", completions)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT model, COUNT(*) FROM archive_storedcompletion "
            f"WHERE model <> '' AND {where} GROUP BY 1 ORDER BY 2 DESC, 1",
            [values],
        )
        models = cursor.fetchall()
    return join_spellings(("model", model_without_date(model), count) for model, count in models)[:_MAX_FACETS]


def _pairs(completions: set[int]) -> list[Counted]:
    """Count the most common metadata pairs; one that a single conversation has is no useful filter."""
    where, values = is_one_of("completion_id", completions)
    counted = (
        "SELECT key, value, COUNT(*) AS count FROM archive_storedmetadata "
        f"WHERE {where} AND length(value) <= 60 GROUP BY 1, 2"
    )
    return [pair for pair in count_pairs(counted, [values])[:_MAX_FACETS] if pair[2] > 1]
