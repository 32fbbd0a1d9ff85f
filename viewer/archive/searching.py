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
from typing import Literal

from django.db.models import Count, Q
from django.db.models.functions import Length
from django.utils.timezone import get_current_timezone

from viewer.completions.reading import read_completion, read_message
from viewer.completions.types import Completion, Message, Unreadable, effective_role

from .models import (
    SearchDocument,
    SearchEntry,
    StoredCompletion,
    StoredMessage,
    StoredMetadata,
    fit,
    read_held,
)
from .search_matching import Candidate, Clause, Match, Matcher
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
MAX_RANKED = 300  # conversations that "best" orders; the rest is found by the newest first
_PAGE_SIZE = 20  # conversations on a page
_MAX_CANDIDATES = 500  # choices, metadata pairs and fields in which the words of an answer are looked for
_MAX_HITS = 3  # messages per conversation
_BATCH = 40  # conversations read at a time
_MAX_READ = 8_000_000  # characters of JSON read for a page of results; later messages show only their id
_OPENING_MESSAGES = 5  # messages in which the customer's first message is looked for
_MAX_FACETS = 4  # each of models, of metadata pairs and of days
_MAX_DAYS = 62  # between the first and the last result that are counted by day
_KINDS = ("error", "refusal", "image", "audio", "file")
_MAX_ID = 2**63 - 1 - _PAGE_SIZE  # above every document; plus a page it still fits a bigint of either database


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
    is_first = below == _MAX_ID
    needed = MAX_COUNTED + 1 if is_first or order == "best" else 2 * _BATCH
    candidates = matcher.candidates(needed, below)
    ranked = matcher.match(candidates[:MAX_RANKED]) if order == "best" or (is_first and not matcher.is_certain) else []
    if query.within:
        page, cursor = _within_conversation(matcher, candidates, skipped)
    elif order == "best":
        page, cursor = _best(ranked, candidates, skipped)
    else:
        page, cursor = _newest(matcher, candidates)
    overview = _overview(matcher, query, candidates, ranked) if is_first else None
    return Results(tuple(_read_groups(page, query, matcher.wanted)), cursor, overview)


def _read_cursor(text: str) -> tuple[int, int]:
    """Parse how many conversations (within one: messages) to skip, and the document id below which to search."""
    cursor = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,19})", text, re.ASCII)
    return (int(cursor[1]), min(int(cursor[2]), _MAX_ID)) if cursor else (0, _MAX_ID)


@dataclass(frozen=True, slots=True)
class _Place:
    """A conversation on a page: the positions that are shown, and how many more match."""

    completion: int
    positions: list[int | None]
    more: int = 0


def _place(match: Match) -> _Place:
    return _Place(match.completion, match.positions[:_MAX_HITS], max(0, len(match.positions) - _MAX_HITS))


def _within_conversation(matcher: Matcher, candidates: list[Candidate], skipped: int) -> tuple[list[_Place], str]:
    """Return every match in the one conversation that `id:` names, a page at a time."""
    if not candidates:
        return [], ""
    completion, positions = matcher.positions_within()
    shown = positions[skipped : skipped + _PAGE_SIZE]
    has_more = skipped + _PAGE_SIZE < len(positions)
    return [
        _Place(completion, shown)
    ] if shown else [], f"{skipped + _PAGE_SIZE}-{candidates[0].id + 1}" if has_more else ""


def _newest(matcher: Matcher, candidates: list[Candidate]) -> tuple[list[_Place], str]:
    """Walk down from the newest conversation until a page is full, or as many are read as are ranked."""
    page: list[_Place] = []
    for start in range(0, min(len(candidates), MAX_RANKED), _BATCH):
        batch = candidates[start : start + _BATCH]
        for match in matcher.match(batch):
            if len(page) == _PAGE_SIZE:
                return page, f"0-{match.document + 1}"
            page.append(_place(match))
    rest = candidates[MAX_RANKED:]
    return page, f"0-{rest[0].id + 1}" if rest else _cursor_after(matcher, candidates)


def _cursor_after(matcher: Matcher, candidates: list[Candidate]) -> str:
    """Point to the conversation after those that were read, if there is one."""
    further = matcher.candidates(1, candidates[-1].id) if candidates else []
    return f"0-{further[0].id + 1}" if further else ""


def _best(ranked: list[Match], candidates: list[Candidate], skipped: int) -> tuple[list[_Place], str]:
    """Order conversations by rank. The cursor keeps the newest, so that later imports push none to another page."""
    ordered = _by_rank(ranked)
    page = [_place(match) for match in ordered[skipped : skipped + _PAGE_SIZE]]
    is_last = skipped + _PAGE_SIZE >= len(ordered)
    return page, "" if is_last else f"{skipped + _PAGE_SIZE}-{candidates[0].id + 1}"


def _by_rank(matches: list[Match]) -> list[Match]:
    return sorted(matches, key=lambda match: (-match.rank, -match.document))


def _overview(matcher: Matcher, query: Query, candidates: list[Candidate], ranked: list[Match]) -> Overview:
    """Count the matching conversations and their facets, exactly if they are few enough to have been read."""
    completions = {candidate.completion for candidate in candidates[:MAX_COUNTED]}
    if not matcher.is_certain:
        completions = {match.completion for match in ranked}
    most = MAX_COUNTED if matcher.is_certain else MAX_RANKED
    is_capped = len(candidates) > most
    in_prompts = 0
    if not is_capped and query.wanted and query.speakers == TALK:
        in_prompts = matcher.count(TALK | {PROMPTS}, MAX_COUNTED + 1) - len(completions)
    counted = [*_models(completions), *_pairs(completions)]
    return Overview(
        conversations=len(completions),
        is_capped=is_capped,
        in_prompts=max(0, in_prompts),
        facets=_facets(query, counted),
        speakers=_facets(query, [] if is_capped else _speakers(matcher, query)),
        kinds=_facets(query, [] if is_capped else _kinds(completions)),
        days=_days(query, [candidate.created for candidate in candidates if candidate.completion in completions]),
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
        matches = _by_rank(matcher.match(matcher.candidates(MAX_RANKED, _MAX_ID)))
    else:
        matches = matcher.match(_candidates_around(matcher, stored, max(earlier, later) + 1))
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
    return bool(matcher.match(matcher.candidates(1, _MAX_ID)))


def _candidates_around(matcher: Matcher, completion: int | None, count: int) -> list[Candidate]:
    document = SearchDocument.objects.filter(completion_id=completion).values_list("id", flat=True).first()
    if document is None:
        return matcher.candidates(count, _MAX_ID)
    # Some that have the tokens may not match, so more are read than are asked for.
    above = matcher.candidates_above(count + _BATCH, document)
    return above + matcher.candidates(count + _BATCH, document + 1)


def _models(completions: set[int]) -> list[tuple[str, str, int]]:
    with_model = StoredCompletion.objects.filter(pk__in=completions).exclude(model="")
    counted = with_model.values_list("model").annotate(count=Count("pk")).order_by("-count", "model")[:_MAX_FACETS]
    return [("model", model, count) for model, count in counted]


def _pairs(completions: set[int]) -> list[tuple[str, str, int]]:
    """Count the most common metadata pairs; one that a single conversation has is no useful filter."""
    pairs = StoredMetadata.objects.filter(completion__in=completions).values_list("key", "value")
    commonest = Counter(pairs).most_common(_MAX_FACETS)
    return [(f"meta.{key}", value, count) for (key, value), count in commonest if count > 1 and len(value) <= 60]


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
    wanted = Q(completion__in=[group.completion for group in groups], position__lt=_OPENING_MESSAGES)
    for group in groups:
        wanted |= Q(
            completion=group.completion, position__in=[position for position in group.positions if position is not None]
        )
    rows = StoredMessage.objects.filter(wanted)
    ordered = sorted(
        rows.values_list("completion_id", "position", "message_id", "pk", Length("body")),
        key=lambda row: (row[:2] not in hits, row[:2]),
    )
    readable = _within_limit([(pk, size) for *_, pk, size in ordered])
    bodies = dict(rows.filter(pk__in=readable).values_list("pk", "body"))
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
