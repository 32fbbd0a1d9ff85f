"""Searches the archive, in SQLite or PostgreSQL: which conversations match, in which order, and what a page shows.

No step reads all conversations that match a common word: a page is the end of a range, or the best of the newest ones.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, Literal

from django.db import connection
from django.db.models.functions import Length
from django.utils.timezone import get_current_timezone

from viewer.completions.reading import read_completion, read_message
from viewer.completions.types import Completion, Message, Unreadable, effective_role

from .models import (
    SearchDocument,
    SearchEntry,
    StoredCompletion,
    StoredMessage,
    fit,
    read_held,
)
from .search_matching import NEWEST, Clause, Look, Match, Matcher, is_one_of
from .search_query import TALK, Query, with_operator
from .search_text import (
    ASSISTANT,
    CUSTOMER,
    PROMPTS,
    TOOLS,
    day_texts,
    extra_texts,
    other_fields,
    prompt_fields,
    shown_texts,
    texts_in_fields,
)
from .snippets import Snippet, snippet_of

Order = Literal["newest", "best"]
MAX_COUNTED = 1000  # conversations; beyond it the page says "more than"
MAX_RANKED = 150  # conversations that "best" orders; the rest is found by the newest first
_PAGE_SIZE = 20  # conversations on a page
_MAX_CANDIDATES = 500  # choices, metadata pairs and fields in which the words of an answer are looked for
_MAX_HITS = 3  # messages per conversation
_MAX_READ = 8_000_000  # characters of JSON read for a page of results; later messages show only their id
_OPENING_MESSAGES = 5  # messages in which the customer's first message is looked for
_MAX_FACETS = 4  # each of models, of metadata pairs and of days
_MAX_DAYS = 62  # between the first and the last result that are counted by day
_KINDS = ("error", "refusal", "image", "audio", "file")


@dataclass(frozen=True, slots=True)
class Hit:
    """A match: a message by its id, an answer by its position, or a metadata pair or other field by its key.

    With none of these, the completion matches but no text shows why. `is_unread`: it was too large to read.
    """

    snippet: Snippet
    message_id: str = ""
    role: str = ""
    position: int | None = None
    answer: int | None = None
    pair: str = ""
    field: str = ""
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A conversation with its first matching messages, and how many more match."""

    completion: Completion
    opening: Iterable[Message | Unreadable]  # one contains the customer's first message; read lazily
    hits: tuple[Hit, ...]
    more: int


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


@dataclass(frozen=True, slots=True)
class Results:
    """One page of results. `cursor` leads to the next page and is empty on the last. Only the first has an overview."""

    groups: tuple[Group, ...] = ()
    cursor: str = ""
    overview: Overview | None = None


def search(query: Query, *, order: Order = "newest", after: str = "") -> Results:
    """Return one page of conversations. An invalid cursor starts from the beginning."""
    if query.is_empty:
        return Results()
    matcher = Matcher(query)
    skipped, below = _read_cursor(after)
    is_first = below == NEWEST
    enough = MAX_RANKED if order == "best" else _PAGE_SIZE
    look = matcher.look(MAX_COUNTED + 1 if is_first else enough + 1, below, enough)
    if query.within:
        page, cursor = _within_conversation(matcher, look, skipped)
    else:
        page, cursor = _page(look, order, skipped)
    overview = _overview(matcher, query, look) if is_first else None
    return Results(tuple(_read_groups(page, query, matcher.wanted)), cursor, overview)


def _read_cursor(text: str) -> tuple[int, int]:
    """Parse how many conversations (within one: messages) to skip, and the document id below which to search."""
    cursor = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,19})", text, re.ASCII)
    return (int(cursor[1]), min(int(cursor[2]), NEWEST)) if cursor else (0, NEWEST)


@dataclass(frozen=True, slots=True)
class _Place:
    """A conversation on a page: the positions that are shown, and how many more match."""

    completion: int
    positions: list[int | None]
    more: int = 0


def _place(match: Match) -> _Place:
    return _Place(match.completion, match.positions[:_MAX_HITS], max(0, len(match.positions) - _MAX_HITS))


def _within_conversation(matcher: Matcher, look: Look, skipped: int) -> tuple[list[_Place], str]:
    """Return every match in the one conversation that `id:` names, a page at a time."""
    if not look.matches:
        return [], ""
    completion, positions = matcher.positions_within()
    shown = positions[skipped : skipped + _PAGE_SIZE]
    has_more = skipped + _PAGE_SIZE < len(positions)
    cursor = f"{skipped + _PAGE_SIZE}-{look.candidates[0].id + 1}" if has_more else ""
    return [_Place(completion, shown)] if shown else [], cursor


def _page(look: Look, order: Order, skipped: int) -> tuple[list[_Place], str]:
    """Return a page, and the cursor of the next one.

    The best are those of the newest conversations; those of the older ones follow. The cursor keeps the newest that was
    looked at, so that later imports push no conversation to another page.
    """
    matches = _by_rank(look.matches) if order == "best" else look.matches
    page = [_place(match) for match in matches[skipped : skipped + _PAGE_SIZE]]
    if skipped + _PAGE_SIZE < len(matches):
        following = matches[skipped + _PAGE_SIZE].document + 1
        return page, f"0-{following}" if order == "newest" else f"{skipped + _PAGE_SIZE}-{look.candidates[0].id + 1}"
    return page, "" if look.below is None else f"0-{look.below}"


def _by_rank(matches: list[Match]) -> list[Match]:
    return sorted(matches, key=lambda match: (-match.rank, -match.document))


def _overview(matcher: Matcher, query: Query, look: Look) -> Overview:
    """Count the matching conversations and their facets; of those that must be read, only those that were."""
    candidates = look.candidates[:MAX_COUNTED]
    is_capped = len(look.candidates) > MAX_COUNTED
    if not matcher.is_certain:
        documents = {match.document for match in look.matches}
        candidates = [candidate for candidate in candidates if candidate.id in documents]
        is_capped = look.below is not None
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


def _facets(query: Query, counted: Iterable[tuple[str, str, int]]) -> tuple[Facet, ...]:
    """Turn counted values into filters, without those that the query has."""
    present = {(operator.name.lower(), operator.value) for operator in query.operators}
    return tuple(
        Facet(name, value, count, with_operator(query, name, value))
        for name, value, count in counted
        if (name.lower(), value) not in present
    )


def _speakers(matcher: Matcher, query: Query) -> Iterable[tuple[str, str, int]]:
    """Count the conversations in which each speaker said all the words."""
    if not query.wanted or any(operator.name == "role" for operator in query.operators):
        return
    for role, speaker in (("customer", CUSTOMER), ("assistant", ASSISTANT), ("tools", TOOLS), ("prompts", PROMPTS)):
        if count := matcher.count(frozenset(speaker), MAX_COUNTED):
            yield "role", role, count


def _kinds(completions: set[int]) -> Iterable[tuple[str, str, int]]:
    """Count the conversations that contain what people look for."""
    held = SearchEntry.objects.filter(completion__in=completions).exclude(held="").values_list("completion", "held")
    kinds = Counter(kind for _, kind in {(completion, kind) for completion, text in held for kind in read_held(text)})
    return [("has", kind, kinds[kind]) for kind in _KINDS if kinds[kind]]


def _days(query: Query, created: list[int]) -> tuple[Facet, ...]:
    """Count by the reader's day, or by month if they are far apart."""
    if len(created) < 2 or query.since is not None or query.until is not None:
        return ()
    days = [datetime.fromtimestamp(seconds, get_current_timezone()).date() for seconds in created]
    is_by_month = (max(days) - min(days)).days > _MAX_DAYS
    counts = Counter(day.replace(day=1) if is_by_month else day for day in days)
    facets = []
    for day, count in sorted(counts.most_common(_MAX_FACETS), reverse=True):
        following = (day + timedelta(days=31)).replace(day=1) if is_by_month else day + timedelta(days=1)
        pattern = "%Y-%m" if is_by_month else "%Y-%m-%d"
        asked = f"{query.text} after:{day:{pattern}} before:{following:{pattern}}".strip()
        facets.append(Facet("month" if is_by_month else "day", day.isoformat(), count, asked))
    return tuple(facets) if len(facets) > 1 else ()


@dataclass(frozen=True, slots=True)
class Window:
    """The results around a conversation in their order; it is at `index`, or nowhere (-1)."""

    groups: tuple[Group, ...]
    index: int
    has_earlier: bool
    has_later: bool


def results_around(query: Query, order: Order, completion_id: str, *, earlier: int, later: int) -> Window:
    """Return so many results before and after a conversation, and itself; from the first one if it is not found."""
    matcher = Matcher(query)
    stored = StoredCompletion.objects.filter(completion_id=fit(completion_id)).values_list("pk", flat=True).first()
    if order == "best":
        matches = _by_rank(matcher.look(MAX_RANKED, NEWEST, MAX_RANKED).matches)
    else:
        document = SearchDocument.objects.filter(completion_id=stored).values_list("id", flat=True).first()
        matches = matcher.match_around(document or NEWEST, max(earlier, later) + 1)
    index = next((number for number, match in enumerate(matches) if match.completion == stored), -1)
    first = max(0, index - earlier)
    last = index + later + 1 if index >= 0 else later
    shown = [_place(match) for match in matches[first:last]]
    groups = tuple(_read_groups(shown, query, matcher.wanted))
    return Window(groups, index - first if index >= 0 else -1, first > 0, last < len(matches))


def finds(query: Query, completion_id: str) -> bool:
    """Whether a conversation is among the results of a query."""
    if query.is_empty:
        return False
    matcher = Matcher(replace(query, within=completion_id))
    return bool(matcher.look(1, NEWEST, 1).matches)


def _models(completions: set[int]) -> list[tuple[str, str, int]]:
    where, values = is_one_of("id", completions)
    sql = f"SELECT model, COUNT(*) FROM archive_storedcompletion WHERE model <> '' AND {where} GROUP BY 1"
    return [("model", model, count) for model, count in _commonest(sql, values)]


def _pairs(completions: set[int]) -> list[tuple[str, str, int]]:
    """Count the most common metadata pairs; one that a single conversation has is no useful filter."""
    where, values = is_one_of("completion_id", completions)
    sql = (
        f"SELECT key, value, COUNT(*) FROM archive_storedmetadata WHERE {where} AND length(value) <= 60 "
        "GROUP BY 1, 2 HAVING COUNT(*) > 1"
    )
    return [(f"meta.{key}", value, count) for key, value, count in _commonest(sql, values)]


def _commonest(sql: str, values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY COUNT(*) DESC, 1 LIMIT {_MAX_FACETS}", [values])
        return list(cursor.fetchall())


def _read_groups(groups: list[_Place], query: Query, clauses: tuple[Clause, ...]) -> Iterable[Group]:
    """Read what a page of results shows: all completions in one query, all messages in another."""
    completions = _completions(groups)
    messages = _messages(groups)
    for group in groups:
        if group.completion not in completions:  # deleted meanwhile
            continue
        completion = read_completion(completions[group.completion])
        if isinstance(completion, Unreadable):
            continue
        opening = [(group.completion, position) for position in range(_OPENING_MESSAGES)]
        hits = [
            _answer_hit(completion, clauses)
            if position is None
            else _message_hit(*messages[group.completion, position], position, clauses)
            for position in group.positions
            if position is None or (group.completion, position) in messages
        ]
        yield Group(
            completion=completion,
            opening=map(read_message, (messages[key][1] for key in opening if key in messages and messages[key][1])),
            hits=tuple(hits),
            more=group.more,
        )


def _completions(groups: list[_Place]) -> dict[int, str]:
    """Read the completions; those beyond the limit have only their id, time and model."""
    rows = StoredCompletion.objects.filter(pk__in=[group.completion for group in groups])
    columns = rows.values_list("pk", "completion_id", "created", "model")
    stubs = {
        pk: json.dumps({"id": completion_id, "created": created, "model": model})
        for pk, completion_id, created, model in columns
    }
    readable = _within_limit([(pk, size) for pk, size in rows.values_list("pk", Length("body"))])
    return stubs | dict(rows.filter(pk__in=readable).values_list("pk", "body"))


def _messages(groups: list[_Place]) -> dict[tuple[int, int], tuple[str, str]]:
    """Return the id and JSON of matching messages and of each conversation's first ones, by completion and position.

    Messages beyond the limit have no JSON; matching ones are read first.
    """
    hits = {(group.completion, position) for group in groups for position in group.positions if position is not None}
    openings = {(group.completion, position) for group in groups for position in range(_OPENING_MESSAGES)}
    if not openings:
        return {}
    wanted = [*hits, *(openings - hits)]
    places = ", ".join(["(%s, %s)"] * len(wanted))
    with connection.cursor() as cursor:
        cursor.execute(
            # Joined: SQLite would compare every message of the archive with a list of pairs.
            f"SELECT completion_id, position, message_id, id, length(body) FROM (VALUES {places}) wanted "
            "JOIN archive_storedmessage ON completion_id = column1 AND position = column2",
            list(chain.from_iterable(wanted)),
        )
        rows = cursor.fetchall()
    ordered = sorted(rows, key=lambda row: (row[:2] not in hits, row[:2]))
    readable = _within_limit([(pk, size) for *_, pk, size in ordered])
    bodies = dict(StoredMessage.objects.filter(pk__in=readable).values_list("pk", "body"))
    return {
        (completion, position): (message_id, bodies.get(pk, "")) for completion, position, message_id, pk, _ in ordered
    }


def _within_limit(sizes: list[tuple[int, int]]) -> list[int]:
    """Return the rows that fit the read limit, by their sizes. The first always does."""
    remaining = _MAX_READ
    readable = list[int]()
    for pk, size in sizes:
        if size <= remaining or not readable:
            readable.append(pk)
            remaining -= size
    return readable


def _message_hit(message_id: str, body: str, position: int, clauses: tuple[Clause, ...]) -> Hit:
    if not body:
        return Hit((), message_id, position=position, is_unread=True)
    message = read_message(body)
    role = effective_role(message) if isinstance(message, Message) else ""
    return Hit(snippet_of(shown_texts(message), clauses), message.id, role, position)


def _answer_hit(completion: Completion, clauses: tuple[Clause, ...]) -> Hit:
    """Return the answer, metadata pair or field with the most matched words: one index entry covers them all."""
    candidates = chain(
        (
            Hit(snippet_of(chain(shown_texts(choice.message), extra_texts(choice)), clauses), answer=position)
            for position, choice in enumerate(completion.choices)
        ),
        [Hit(())],
        (Hit(snippet_of([f"{key}: {value}"], clauses), pair=key) for key, value in completion.metadata.items()),
        (Hit(snippet_of([text], clauses)) for text in _model_and_day(completion)),
        (
            Hit(snippet_of(texts_in_fields({key: source}), clauses), field=key)
            for key, source in (other_fields(completion) | prompt_fields(completion)).items()
        ),
    )
    return max(islice(candidates, _MAX_CANDIDATES), key=_count_marked)  # the first of equally good ones


def _model_and_day(completion: Completion) -> Iterable[str]:
    days = day_texts(int(completion.created.timestamp())) if completion.created else [""]
    return (f"{completion.model} · {day}" if day else completion.model for day in days)


def _count_marked(hit: Hit) -> int:
    return len({text.lower() for text, is_marked in hit.snippet if is_marked})
