"""Searches the archive, in SQLite or PostgreSQL, and groups the results by conversation.

No step reads all entries that match a common word: results are the end of a range, or the best of the newest thousand.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from typing import Any, Literal

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import Length

from viewer.completions.reading import read_completion, read_message
from viewer.completions.types import Completion, Message, Unreadable, speaker_of

from .models import SearchEntry, StoredCompletion, StoredMessage, StoredMetadata, fit
from .search_index import ids_between
from .search_query import Query, Term, with_operator
from .search_text import EVERYTHING, extra_texts, shown_texts, texts_in_fields
from .snippets import Snippet, snippet_of

Order = Literal["newest", "best"]
Row = tuple[int, int, int | None]  # an entry, its completion, its position
MAX_COUNTED = 1000  # messages; beyond it the page says "more than"
_PAGE_SIZE = 20  # conversations on a page
_MAX_CANDIDATES = 500  # choices, metadata pairs and fields in which the words of an answer are looked for
_MAX_HITS = 3  # messages per conversation
_BATCH = 60  # entries fetched at a time
_SCAN_SIZES = (2_000, 50_000)  # entries compared one by one; each takes a microsecond
_MAX_READ = 8_000_000  # characters of JSON read for a page of results; later messages show only their id
_OPENING_MESSAGES = 5  # messages in which the customer's first message is looked for
_MAX_FACETS = 6  # each of models and of metadata pairs
_MAX_ENTRY_ID = 2**63 - 1 - _PAGE_SIZE  # above every entry; plus a page it still fits a bigint of either database


@dataclass(frozen=True, slots=True)
class Hit:
    """A match: a message by its id, an answer by its position, or a metadata pair or other field by its key.

    With none of these, the completion matches but no text shows why. `is_unread`: it was too large to read.
    """

    snippet: Snippet
    message_id: str = ""
    role: str = ""
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
    """Counts and facets of the results, from the newest thousand matches."""

    messages: int
    conversations: int
    facets: tuple[Facet, ...]

    @property
    def is_capped(self) -> bool:
        return self.messages > MAX_COUNTED


@dataclass(frozen=True, slots=True)
class Results:
    """One page of results. `cursor` leads to the next page and is empty on the last. Only the first has an overview."""

    groups: tuple[Group, ...] = ()
    cursor: str = ""
    overview: Overview | None = None


@dataclass(slots=True)
class _MatchingConversation:
    """The matching entries of one conversation: the positions of the first ones, and how many in total."""

    completion: int
    positions: list[int | None] = field(default_factory=list)
    count: int = 0

    def add(self, position: int | None) -> None:
        self.count += 1
        if len(self.positions) < _MAX_HITS:
            self.positions.append(position)


def search(query: Query, *, order: Order = "newest", after: str = "") -> Results:
    """Return one page of conversations. An invalid cursor starts from the beginning."""
    if query.is_empty:
        return Results()
    matching = _MatchingEntries(query)
    skipped, below = _read_cursor(after)
    is_first = below == _MAX_ENTRY_ID
    newest = matching.newest(MAX_COUNTED + 1 if is_first or order == "best" else _BATCH, below)
    if query.within:
        groups, cursor = _within_conversation(newest)
    elif order == "best":
        groups, cursor = _group_best(matching, newest, skipped)
    else:
        groups, cursor = _group_newest(matching, newest)
    return Results(tuple(_read_groups(groups, query)), cursor, _overview(newest, query) if is_first else None)


def _read_cursor(text: str) -> tuple[int, int]:
    """Parse how many conversations to skip, and the entry id below which to search."""
    cursor = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,19})", text, re.ASCII)
    return (int(cursor[1]), min(int(cursor[2]), _MAX_ENTRY_ID)) if cursor else (0, _MAX_ENTRY_ID)


def _within_conversation(rows: list[Row]) -> tuple[list[_MatchingConversation], str]:
    """Return every match in the one conversation that `id:` names, a page at a time."""
    page = rows[:_PAGE_SIZE]
    groups = [_MatchingConversation(page[0][1], [position for _, _, position in page], len(page))] if page else []
    return groups, f"0-{page[-1][0]}" if len(rows) > len(page) else ""


def _group_newest(matching: _MatchingEntries, rows: list[Row]) -> tuple[list[_MatchingConversation], str]:
    """Walk down from the newest entry. Further matches of one conversation are counted and skipped."""
    groups: list[_MatchingConversation] = []
    is_last = len(rows) < _BATCH
    while True:
        for entry, completion, position in rows:
            if not groups or groups[-1].completion != completion:
                if len(groups) == _PAGE_SIZE:
                    return groups, f"0-{entry + 1}"
                groups.append(_MatchingConversation(completion))
            groups[-1].add(position)
        if is_last:
            return groups, ""
        below = rows[-1][0]
        if groups[-1].count > _MAX_HITS:
            first = _first_entry(groups[-1].completion) or below  # None if it was deleted meanwhile
            groups[-1].count += matching.count(first, below)
            below = first
        rows = matching.newest(_BATCH, below)
        is_last = len(rows) < _BATCH


def _group_best(matching: _MatchingEntries, rows: list[Row], skipped: int) -> tuple[list[_MatchingConversation], str]:
    """Rank the newest thousand matches, and order conversations by their best message."""
    rows = rows[:MAX_COUNTED]
    ranks = matching.ranks([row[0] for row in rows]) if rows else {}
    groups: dict[int, _MatchingConversation] = {}
    for _, completion, position in sorted(rows, key=lambda row: (ranks.get(row[0], 0.0), -row[0])):
        groups.setdefault(completion, _MatchingConversation(completion)).add(position)
    page = list(islice(groups.values(), skipped, skipped + _PAGE_SIZE))
    is_last = skipped + _PAGE_SIZE >= len(groups)
    # The cursor keeps the newest entry, so that later imports push no conversation to the next page.
    return page, "" if is_last else f"{skipped + _PAGE_SIZE}-{rows[0][0] + 1}"


def _overview(newest: list[Row], query: Query) -> Overview:
    """Count the matches and their facets among the newest thousand."""
    completions = {completion for _, completion, _ in newest[:MAX_COUNTED]}
    present = {(operator.name.lower(), operator.value) for operator in query.operators}
    facets = [
        Facet(name, value, count, with_operator(query, name, value))
        for name, value, count in [*_models(completions), *_pairs(completions)]
        if (name.lower(), value) not in present
    ]
    return Overview(len(newest), len(completions), tuple(facets))


class _MatchingEntries:
    """The entries that match a query, fetched piece by piece. In SQL, because Django knows neither index."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._is_sqlite = connection.vendor == "sqlite"
        self._lowest, self._highest = ids_between(query.since, query.until)

    def newest(self, limit: int, below: int) -> list[Row]:
        """Return the newest entries below an id."""
        for scanned in _SCAN_SIZES if self._is_misestimated else ():
            rows = self._scan_newest(scanned, limit, below)
            if len(rows) == limit:
                return rows
            if len(rows) < scanned / 50:  # rare words: the index is faster
                break
        where, values = self._where(self._lowest, below - 1)
        entry = self._entry
        order = f"{entry} + 0" if self._is_misestimated else entry  # + 0 keeps the planner from walking down all ids
        return self._fetch(
            f"SELECT e.id, e.completion_id, e.position FROM (SELECT {entry} AS id FROM {self._from} WHERE {where} "
            f"ORDER BY {order} DESC LIMIT %s) f JOIN archive_searchentry e ON e.id = f.id ORDER BY e.id DESC",
            [*values, limit],
        )

    @property
    def _is_misestimated(self) -> bool:
        """Whether PostgreSQL misjudges the cost of the index: it assumes that words occur independently.

        For a prefix it would rather compare every entry from the newest down than read the index.
        """
        terms = self._query.terms
        return not self._is_sqlite and (sum(len(term.words) for term in terms) > 1 or any(t.is_prefix for t in terms))

    def _scan_newest(self, scanned: int, limit: int, below: int) -> list[Row]:
        """Compare the newest entries one by one: that finds common words before the index has listed them."""
        newest = "SELECT * FROM archive_searchentry WHERE id BETWEEN %s AND %s ORDER BY id DESC LIMIT %s"
        where, values = self._where(self._lowest, below - 1)
        return self._fetch(
            f"SELECT id, completion_id, position FROM ({newest}) archive_searchentry WHERE {where} "
            "ORDER BY id DESC LIMIT %s",
            [self._lowest, min(below - 1, self._highest), scanned, *values, limit],
        )

    def count(self, lowest: int, below: int) -> int:
        """Count the matching entries of a range, up to a thousand and one."""
        where, values = self._where(max(lowest, self._lowest), below - 1)
        counted = self._fetch(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {self._from} WHERE {where} LIMIT %s) f", [*values, MAX_COUNTED + 1]
        )
        return int(counted[0][0])

    def ranks(self, entries: list[int]) -> dict[int, float]:
        """Rank matching entries (newest first); lower is better."""
        if self._is_sqlite:
            where, values = self._where(entries[-1], entries[0])
            return dict(self._fetch(f"SELECT rowid, rank FROM {self._from} WHERE {where}", values))
        rank = "-ts_rank_cd(vector, to_tsquery('simple', %s), 1)"  # 1: longer texts rank lower
        tsquery = _tsquery([term for term in self._query.terms if not term.is_excluded])
        return dict(self._fetch(f"SELECT id, {rank} FROM {self._from} WHERE id = ANY(%s)", [tsquery, entries]))

    @property
    def _from(self) -> str:
        return "archive_search" if self._is_sqlite else "archive_searchentry"

    @property
    def _entry(self) -> str:
        return "archive_search.rowid" if self._is_sqlite else "archive_searchentry.id"

    def _where(self, lowest: int, highest: int) -> tuple[str, list[Any]]:
        where = f"{self._entry} BETWEEN %s AND %s"
        values: list[Any] = [lowest, min(highest, self._highest)]
        if self._is_sqlite:
            where, values = f"archive_search MATCH %s AND {where}", [_fts5(self._query.terms), *values]
        elif self._query.terms:
            where, values = f"vector @@ to_tsquery('simple', %s) AND {where}", [_tsquery(self._query.terms), *values]
        if self._query.within:
            completion, position = self._scope
            exists = f"EXISTS (SELECT 1 FROM archive_searchentry s WHERE s.id = {self._entry} AND s.completion_id = %s"
            where, values = f"{where} AND {exists}", [*values, completion]
            if position is not None:
                where, values = f"{where} AND s.position = %s", [*values, position]
            where += ")"
        return where, values

    @cached_property
    def _scope(self) -> tuple[int, int | None]:
        """Find the completion, or the message in one, that `id:` names, or (0, None), which matches nothing."""
        within = fit(self._query.within)
        completion = StoredCompletion.objects.filter(completion_id=within).values_list("pk", flat=True).first()
        if completion is not None:
            return completion, None
        message = StoredMessage.objects.filter(message_id=within).values_list("completion_id", "position").first()
        return message or (0, None)

    def _fetch(self, sql: str, values: list[Any]) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())


def _fts5(terms: Iterable[Term]) -> str:
    """Write the terms as an FTS5 query. NOT needs a left operand, so every entry has one common word."""
    terms = tuple(terms)
    wanted = [_phrase(term, " + ", '"', " *") for term in terms if not term.is_excluded]
    excluded = [_phrase(term, " + ", '"', " *") for term in terms if term.is_excluded]
    return " NOT ".join(["(" + " AND ".join(wanted or [f'"{EVERYTHING}"']) + ")", *excluded])


def _tsquery(terms: Iterable[Term]) -> str:
    phrases = [("!" if term.is_excluded else "", _phrase(term, " <-> ", "'", ":*")) for term in terms]
    return " & ".join(f"{sign}({phrase})" for sign, phrase in phrases)


def _phrase(term: Term, separator: str, quote: str, wildcard: str) -> str:
    """Join the words of a term. They are only letters and digits (`search_text`), so quoting is safe."""
    return separator.join(f"{quote}{word}{quote}" for word in term.words) + (wildcard if term.is_prefix else "")


def _first_entry(completion: int) -> int | None:
    entries = SearchEntry.objects.filter(completion_id=completion, position__isnull=False).order_by("position")
    return entries.values_list("id", flat=True).first()


def _models(completions: set[int]) -> list[tuple[str, str, int]]:
    with_model = StoredCompletion.objects.filter(pk__in=completions).exclude(model="")
    counted = with_model.values_list("model").annotate(count=Count("pk")).order_by("-count", "model")[:_MAX_FACETS]
    return [("model", model, count) for model, count in counted]


def _pairs(completions: set[int]) -> list[tuple[str, str, int]]:
    """Count the most common metadata pairs; one that a single conversation has is no useful filter."""
    pairs = StoredMetadata.objects.filter(completion__in=completions).values_list("key", "value")
    commonest = Counter(pairs).most_common(_MAX_FACETS)
    return [(f"meta.{key}", value, count) for (key, value), count in commonest if count > 1 and len(value) <= 60]


def _read_groups(groups: list[_MatchingConversation], query: Query) -> Iterable[Group]:
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
            _answer_hit(completion, query.marked)
            if position is None
            else _message_hit(*messages[group.completion, position], query.marked)
            for position in group.positions
            if position is None or (group.completion, position) in messages
        ]
        yield Group(
            completion=completion,
            opening=map(read_message, (messages[key][1] for key in opening if key in messages and messages[key][1])),
            hits=tuple(hits),
            more=group.count - len(group.positions),
        )


def _completions(groups: list[_MatchingConversation]) -> dict[int, str]:
    """Read the completions; those beyond the limit have only their id, time and model."""
    rows = StoredCompletion.objects.filter(pk__in=[group.completion for group in groups])
    columns = rows.values_list("pk", "completion_id", "created", "model")
    stubs = {
        pk: json.dumps({"id": completion_id, "created": created, "model": model})
        for pk, completion_id, created, model in columns
    }
    readable = _within_limit([(pk, size) for pk, size in rows.values_list("pk", Length("body"))])
    return stubs | dict(rows.filter(pk__in=readable).values_list("pk", "body"))


def _messages(groups: list[_MatchingConversation]) -> dict[tuple[int, int], tuple[str, str]]:
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


def _message_hit(message_id: str, body: str, terms: tuple[Term, ...]) -> Hit:
    if not body:
        return Hit((), message_id, is_unread=True)
    message = read_message(body)
    role = speaker_of(message) if isinstance(message, Message) else ""
    return Hit(snippet_of(shown_texts(message), terms), message.id, role)


def _answer_hit(completion: Completion, terms: tuple[Term, ...]) -> Hit:
    """Return the answer, metadata pair or field with the most matched words: one index entry covers them all."""
    candidates = chain(
        (
            Hit(snippet_of(chain(shown_texts(choice.message), extra_texts(choice)), terms), answer=position)
            for position, choice in enumerate(completion.choices)
        ),
        [Hit(())],
        (Hit(snippet_of([f"{key}: {value}"], terms), pair=key) for key, value in completion.metadata.items()),
        (Hit(snippet_of(texts_in_fields({key: source}), terms), field=key) for key, source in completion.other.items()),
    )
    return max(islice(candidates, _MAX_CANDIDATES), key=_count_marked)  # the first of equally good ones


def _count_marked(hit: Hit) -> int:
    return len({text.lower() for text, is_marked in hit.snippet if is_marked})
