"""Searches the archive: one question, two databases behind it, results grouped by conversation.

No step looks at all that matches a common word: results are the end of a range, or ranked among the newest thousand.
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
from viewer.completions.types import Completion, Message, Unreadable, effective_role

from .models import SearchEntry, StoredCompletion, StoredMessage, StoredMetadata, fit
from .search_index import ids_between
from .search_query import Query, Term, with_operator
from .search_text import EVERYTHING, shown_texts, texts_beside, texts_in_fields
from .snippets import Snippet, snippet_of

Order = Literal["newest", "best"]
Row = tuple[int, int, int | None]  # an entry, its completion, its position
MOST_COUNTED = 1000  # messages; what is more is said as "more than"
_GROUPS = 20  # conversations on a page
_MOST_PLACES = 500  # of a completion in which the words of its answer are looked for
_SHOWN = 3  # messages of one conversation
_CHUNK = 60  # entries asked for at a time
_STRETCHES = (2_000, 50_000)  # entries that are looked through one by one; each takes a microsecond
_MOST_READ = 8_000_000  # characters of JSON that a page of results reads; what comes after is named by its id
_OPENING = 5  # messages in which the first question is looked for
_FACETS = 6  # of models, and of metadata
_HIGHEST = 2**63 - 1 - _GROUPS  # above every entry, and with a page more still a number for either database


@dataclass(frozen=True, slots=True)
class Hit:
    """One message that matches by its id, one answer by its position, a pair of the metadata or a field by its key.

    With none of these it is the completion, which has nothing that shows why. One that `is_unread` was too large.
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
    """A conversation with the first messages that match, and how many more there are."""

    completion: Completion
    opening: Iterable[Message | Unreadable]  # what the user asked first stands in one of them; read when looked at
    hits: tuple[Hit, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Facet:
    """A value that many of the results have, how many conversations, and the question narrowed to it."""

    name: str
    value: str
    count: int
    query: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What all the results have in common, seen in the newest thousand."""

    messages: int
    conversations: int
    facets: tuple[Facet, ...]

    @property
    def is_capped(self) -> bool:
        return self.messages > MOST_COUNTED


@dataclass(frozen=True, slots=True)
class Results:
    """One page; `cursor` asks for the next and is empty on the last. Only a first page has an overview."""

    groups: tuple[Group, ...] = ()
    cursor: str = ""
    overview: Overview | None = None


@dataclass(slots=True)
class _Found:
    """The entries of one conversation that match: places of the first ones, and how many in all."""

    completion: int
    places: list[int | None] = field(default_factory=list)
    count: int = 0

    def add(self, place: int | None) -> None:
        self.count += 1
        if len(self.places) < _SHOWN:
            self.places.append(place)


def search(query: Query, *, order: Order = "newest", after: str = "") -> Results:
    """Find one page of conversations. An unknown cursor starts from the beginning."""
    if query.is_empty:
        return Results()
    matching = _Matching(query)
    skipped, below = _read_cursor(after)
    is_first = below == _HIGHEST
    newest = matching.newest(MOST_COUNTED + 1 if is_first or order == "best" else _CHUNK, below)
    if query.within:
        found, following = _all_of(newest)
    elif order == "best":
        found, following = _best(matching, newest, skipped)
    else:
        found, following = _newest(matching, newest)
    return Results(tuple(_read(found, query)), following, _overview(newest, query) if is_first else None)


def _read_cursor(given: str) -> tuple[int, int]:
    """Read how many conversations to skip, and the id below which to look."""
    cursor = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,19})", given, re.ASCII)
    return (int(cursor[1]), min(int(cursor[2]), _HIGHEST)) if cursor else (0, _HIGHEST)


def _all_of(rows: list[Row]) -> tuple[list[_Found], str]:
    """Give every message of the one conversation that is asked about, a page at a time."""
    page = rows[:_GROUPS]
    found = [_Found(page[0][1], [place for _, _, place in page], len(page))] if page else []
    return found, f"0-{page[-1][0]}" if len(rows) > len(page) else ""


def _newest(matching: _Matching, rows: list[Row]) -> tuple[list[_Found], str]:
    """Walk from the newest entry down. What a talkative conversation has more is counted and jumped over."""
    groups: list[_Found] = []
    is_last = len(rows) < _CHUNK
    while True:
        for entry, completion, place in rows:
            if not groups or groups[-1].completion != completion:
                if len(groups) == _GROUPS:
                    return groups, f"0-{entry + 1}"
                groups.append(_Found(completion))
            groups[-1].add(place)
        if is_last:
            return groups, ""
        below = rows[-1][0]
        if groups[-1].count > _SHOWN:
            first = _first_entry(groups[-1].completion) or below  # nothing is left where it was deleted meanwhile
            groups[-1].count += matching.count(first, below)
            below = first
        rows = matching.newest(_CHUNK, below)
        is_last = len(rows) < _CHUNK


def _best(matching: _Matching, rows: list[Row], skipped: int) -> tuple[list[_Found], str]:
    """Rank the newest thousand that match, and give the conversations by their best message."""
    rows = rows[:MOST_COUNTED]
    ranks = matching.ranks([row[0] for row in rows]) if rows else {}
    groups: dict[int, _Found] = {}
    for _, completion, place in sorted(rows, key=lambda row: (ranks.get(row[0], 0.0), -row[0])):
        groups.setdefault(completion, _Found(completion)).add(place)
    page = list(islice(groups.values(), skipped, skipped + _GROUPS))
    is_last = skipped + _GROUPS >= len(groups)
    # Later imports must not push a conversation from this page to the next, so the cursor holds on to the newest.
    return page, "" if is_last else f"{skipped + _GROUPS}-{rows[0][0] + 1}"


def _overview(newest: list[Row], query: Query) -> Overview:
    """Count what matches, and what it has in common, among the newest thousand."""
    completions = {completion for _, completion, _ in newest[:MOST_COUNTED]}
    asked = {(operator.name.lower(), operator.value) for operator in query.operators}
    facets = [
        Facet(name, value, count, with_operator(query, name, value))
        for name, value, count in [*_models(completions), *_pairs(completions)]
        if (name.lower(), value) not in asked
    ]
    return Overview(len(newest), len(completions), tuple(facets))


class _Matching:
    """What matches one question, asked of the database in pieces. SQL, for neither index is Django's."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._is_sqlite = connection.vendor == "sqlite"
        self._lowest, self._highest = ids_between(query.since, query.until)

    def newest(self, limit: int, below: int) -> list[Row]:
        """Give the newest entries below an id."""
        for looked_through in _STRETCHES if self._is_misjudged else ():
            rows = self._among_the_newest(looked_through, limit, below)
            if len(rows) == limit:
                return rows
            if len(rows) < looked_through / 50:  # it is rare, which is what the index is for
                break
        where, values = self._where(self._lowest, below - 1)
        entry = self._entry
        order = f"{entry} + 0" if self._is_misjudged else entry  # + 0: not by walking down all ids
        return self._ask(
            f"SELECT e.id, e.completion_id, e.position FROM (SELECT {entry} AS id FROM {self._from} WHERE {where} "
            f"ORDER BY {order} DESC LIMIT %s) f JOIN archive_searchentry e ON e.id = f.id ORDER BY e.id DESC",
            [*values, limit],
        )

    @property
    def _is_misjudged(self) -> bool:
        """Whether PostgreSQL guesses badly what a look costs: it takes words that stand together for independent.

        Of a beginning it would rather compare every entry from the newest down than read the index.
        """
        terms = self._query.terms
        return not self._is_sqlite and (sum(len(term.words) for term in terms) > 1 or any(t.is_prefix for t in terms))

    def _among_the_newest(self, looked_through: int, limit: int, below: int) -> list[Row]:
        """Look through the newest entries one by one, where something common is found before an index has listed it."""
        among = "SELECT * FROM archive_searchentry WHERE id BETWEEN %s AND %s ORDER BY id DESC LIMIT %s"
        where, values = self._where(self._lowest, below - 1)
        return self._ask(
            f"SELECT id, completion_id, position FROM ({among}) archive_searchentry WHERE {where} "
            "ORDER BY id DESC LIMIT %s",
            [self._lowest, min(below - 1, self._highest), looked_through, *values, limit],
        )

    def count(self, lowest: int, below: int) -> int:
        """Count the entries of a range, but no more than a thousand and one."""
        where, values = self._where(max(lowest, self._lowest), below - 1)
        counted = self._ask(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {self._from} WHERE {where} LIMIT %s) f", [*values, MOST_COUNTED + 1]
        )
        return int(counted[0][0])

    def ranks(self, entries: list[int]) -> dict[int, float]:
        """Rank entries that match, newest first; the lower, the better."""
        if self._is_sqlite:
            where, values = self._where(entries[-1], entries[0])
            return dict(self._ask(f"SELECT rowid, rank FROM {self._from} WHERE {where}", values))
        rank = "-ts_rank_cd(vector, to_tsquery('simple', %s), 1)"  # 1: a long text is worth less
        asked = _tsquery([term for term in self._query.terms if not term.is_excluded])
        return dict(self._ask(f"SELECT id, {rank} FROM {self._from} WHERE id = ANY(%s)", [asked, entries]))

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
            is_there = (
                f"EXISTS (SELECT 1 FROM archive_searchentry s WHERE s.id = {self._entry} AND s.completion_id = %s"
            )
            where, values = f"{where} AND {is_there}", [*values, completion]
            if position is not None:
                where, values = f"{where} AND s.position = %s", [*values, position]
            where += ")"
        return where, values

    @cached_property
    def _scope(self) -> tuple[int, int | None]:
        """Find the completion, or the message of one, that `id:` names; a row that is none where nothing has it."""
        within = fit(self._query.within)
        completion = StoredCompletion.objects.filter(completion_id=within).values_list("pk", flat=True).first()
        if completion is not None:
            return completion, None
        message = StoredMessage.objects.filter(message_id=within).values_list("completion_id", "position").first()
        return message or (0, None)

    def _ask(self, sql: str, values: list[Any]) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())


def _fts5(terms: Iterable[Term]) -> str:
    """Write terms as FTS5 asks; a NOT needs something before it, so there is a word that every entry has."""
    terms = tuple(terms)
    wanted = [_phrase(term, " + ", '"', " *") for term in terms if not term.is_excluded]
    excluded = [_phrase(term, " + ", '"', " *") for term in terms if term.is_excluded]
    return " NOT ".join(["(" + " AND ".join(wanted or [f'"{EVERYTHING}"']) + ")", *excluded])


def _tsquery(terms: Iterable[Term]) -> str:
    written = [("!" if term.is_excluded else "", _phrase(term, " <-> ", "'", ":*")) for term in terms]
    return " & ".join(f"{sign}({phrase})" for sign, phrase in written)


def _phrase(term: Term, behind: str, quote: str, goes_on: str) -> str:
    """Join the words of a term. They are letters and digits alone (`search_text`), so quotes hold them."""
    return behind.join(f"{quote}{word}{quote}" for word in term.words) + (goes_on if term.is_prefix else "")


def _first_entry(completion: int) -> int | None:
    entries = SearchEntry.objects.filter(completion_id=completion, position__isnull=False).order_by("position")
    return entries.values_list("id", flat=True).first()


def _models(completions: set[int]) -> list[tuple[str, str, int]]:
    found = StoredCompletion.objects.filter(pk__in=completions).exclude(model="")
    counted = found.values_list("model").annotate(count=Count("pk")).order_by("-count", "model")[:_FACETS]
    return [("model", model, count) for model, count in counted]


def _pairs(completions: set[int]) -> list[tuple[str, str, int]]:
    """Count the commonest pairs; what only one conversation has narrows nothing down."""
    pairs = StoredMetadata.objects.filter(completion__in=completions).values_list("key", "value")
    commonest = Counter(pairs).most_common(_FACETS)
    return [(f"meta.{key}", value, count) for (key, value), count in commonest if count > 1 and len(value) <= 60]


def _read(found: list[_Found], query: Query) -> Iterable[Group]:
    """Read what a page of results shows: all completions at once, all messages at once."""
    completions = _completions(found)
    messages = _messages(found)
    for group in found:
        if group.completion not in completions:  # deleted while we were looking
            continue
        completion = read_completion(completions[group.completion])
        if isinstance(completion, Unreadable):
            continue
        opening = [(group.completion, place) for place in range(_OPENING)]
        hits = [
            _answer_hit(completion, query.marked)
            if place is None
            else _message_hit(*messages[group.completion, place], query.marked)
            for place in group.places
            if place is None or (group.completion, place) in messages
        ]
        yield Group(
            completion=completion,
            opening=map(read_message, (messages[at][1] for at in opening if at in messages and messages[at][1])),
            hits=tuple(hits),
            more=group.count - len(group.places),
        )


def _completions(found: list[_Found]) -> dict[int, str]:
    """Read the completions; of those for which there is no room what the list knows of them."""
    rows = StoredCompletion.objects.filter(pk__in=[group.completion for group in found])
    told = rows.values_list("pk", "completion_id", "created", "model")
    known = {pk: json.dumps({"id": given, "created": at, "model": model}) for pk, given, at, model in told}
    with_room = _with_room([(pk, size) for pk, size in rows.values_list("pk", Length("body"))])
    return known | dict(rows.filter(pk__in=with_room).values_list("pk", "body"))


def _messages(found: list[_Found]) -> dict[tuple[int, int], tuple[str, str]]:
    """Give the id and the JSON of the messages that were found and of those that open each conversation.

    They stand by completion and position. Those for which there is no room have no JSON; what was found goes first.
    """
    hits = {(group.completion, place) for group in found for place in group.places if place is not None}
    wanted = Q(completion__in=[group.completion for group in found], position__lt=_OPENING)
    for group in found:
        wanted |= Q(completion=group.completion, position__in=[place for place in group.places if place is not None])
    rows = StoredMessage.objects.filter(wanted)
    told = sorted(
        rows.values_list("completion_id", "position", "message_id", "pk", Length("body")),
        key=lambda row: (row[:2] not in hits, row[:2]),
    )
    bodies = dict(rows.filter(pk__in=_with_room([(pk, size) for *_, pk, size in told])).values_list("pk", "body"))
    return {(completion, position): (given, bodies.get(pk, "")) for completion, position, given, pk, _ in told}


def _with_room(sizes: list[tuple[int, int]]) -> list[int]:
    """Give the rows that may be read, by their sizes: the first in any case."""
    left = _MOST_READ
    with_room = list[int]()
    for pk, size in sizes:
        if size <= left or not with_room:
            with_room.append(pk)
            left -= size
    return with_room


def _message_hit(message_id: str, body: str, terms: tuple[Term, ...]) -> Hit:
    if not body:
        return Hit((), message_id, is_unread=True)
    message = read_message(body)
    role = effective_role(message) if isinstance(message, Message) else ""
    return Hit(snippet_of(shown_texts(message), terms), message.id, role)


def _answer_hit(completion: Completion, terms: tuple[Term, ...]) -> Hit:
    """Give what holds the most of the words: an answer, a pair of the metadata, a field; one entry has all words."""
    places = chain(
        (
            Hit(snippet_of(chain(shown_texts(choice.message), texts_beside(choice)), terms), answer=position)
            for position, choice in enumerate(completion.choices)
        ),
        [Hit(())],
        (Hit(snippet_of([f"{key}: {value}"], terms), pair=key) for key, value in completion.metadata.items()),
        (Hit(snippet_of(texts_in_fields({key: source}), terms), field=key) for key, source in completion.other.items()),
    )
    return max(islice(places, _MOST_PLACES), key=_words_in)  # the first of equals


def _words_in(hit: Hit) -> int:
    return len({text.lower() for text, is_marked in hit.snippet if is_marked})
