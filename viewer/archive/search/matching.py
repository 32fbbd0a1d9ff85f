"""Matches a query with conversations and messages: by tokens in the index, then by the words of each message.

The index says which conversations have all the words, wherever they stand. The words of their messages say which of
them has which, whether a phrase stands there as one, and how much a message says of what was asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any, Literal

from django.db import connection
from django.utils import timezone

from viewer.archive.bulk import is_one_of
from viewer.archive.messages import holders_of
from viewer.archive.models import StoredCompletion

from .clauses import FTS5, TSQUERY, Clause, clauses_of
from .index import documents_between
from .marked import condition_of
from .marks import EVERYTHING
from .packs import words_with
from .query import Query
from .ranking import Match, Scores
from .said import MARKS, codes_of
from .tokens import SPEAKERS

NEWEST = 2**63 - 1_000  # above every document; plus some it still fits a bigint of either database
OLDEST = -1  # below every document
_MAX_ROWS = 20_000  # messages read for a page of results
_MAX_CHARACTERS = 16_000_000  # of their words
_MAX_LOOKED_AT = 2_000  # documents that have the words of a phrase; looking at one takes 5 microseconds
_SIGNATURES_AT_ONCE = 500
_BATCH, _MAX_READ = 30, 60  # documents that are read at a time, and in all, because only reading shows a match
_MAX_AROUND = 50  # of them that are read on each side of a conversation
_SQLITE_MAY_HAVE = "archive_may_have(signature, %s)"
_POSTGRESQL_MAY_HAVE = "(position(%s::bytea IN signature) > 0 OR signature = '')"
_IS_SEEN = (
    "EXISTS (SELECT 1 FROM archive_searchdocument d JOIN archive_storedcompletion c ON c.id = d.completion_id "
    "JOIN archive_seencompletion s ON s.completion_id = c.completion_id AND s.person_id = %s AND s.at <= %s "
    "WHERE d.id = {id})"
)
_OF_COMPLETION = "{id} IN (SELECT id FROM archive_searchdocument WHERE completion_id = %s)"
_OF_OTHERS = (  # what others saved for themselves
    "{id} IN (SELECT d.id FROM archive_storedcompletion c JOIN archive_searchdocument d ON d.completion_id = c.id "
    "WHERE c.owner_id IS NOT NULL AND c.owner_id <> %s)"
)
_FROM_MESSAGES = ("has", "tool")  # filters that single messages meet


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that has the tokens of a query."""

    id: int
    completion: int

    @property
    def created(self) -> int:
        """The completion's time in Unix seconds."""
        return self.id >> 30


@dataclass(frozen=True, slots=True)
class Look:
    """Documents that were looked at, the matches among them, and the id beyond which to look on, if there are more.

    `is_all`: no other documents have the tokens.
    """

    candidates: list[Candidate]
    matches: list[Match]
    edge: int | None
    is_all: bool


class Matcher:
    """Finds the conversations that match a query. In SQL, because Django knows neither index.

    `kept` is the row of a completion that counts both as seen and as not yet seen, and as marked in every way.
    """

    def __init__(self, query: Query, *, kept: int | None = None) -> None:
        self.clauses = clauses_of(query)
        self._kept = kept
        self._query = query
        self._is_sqlite = connection.vendor == "sqlite"
        self._lowest, self._highest = documents_between(query.since, query.until)

    @property
    def wanted(self) -> tuple[Clause, ...]:
        return tuple(clause for clause in self.clauses if not clause.is_excluded)

    @property
    def is_certain(self) -> bool:
        """Whether every candidate matches, so that they can be counted without reading messages."""
        return not self._query.is_same and not any(clause.is_phrase for clause in self.clauses)

    def newest(self, limit: int, below: int) -> list[Candidate]:
        """Return the newest documents below an id that have all the tokens."""
        return self._documents(self._lowest, min(below - 1, self._highest), "DESC", limit)

    def oldest(self, limit: int, above: int) -> list[Candidate]:
        """Return the oldest documents above an id that have all the tokens, the newest of them first."""
        return self._documents(max(above + 1, self._lowest), self._highest, "ASC", limit)

    def look(self, limit: int, edge: int, enough: int, *, oldest_first: bool = False) -> Look:
        """Look for matches among the newest documents below an id, or the oldest above it, until there are enough.

        If all have them for certain, `limit` documents are returned and as many are read as are enough. Phrases, and
        words of one message, may be in few of the conversations that have the words: more are looked at.
        """
        limit = limit if self.is_certain else _MAX_LOOKED_AT
        candidates = self.oldest(limit, edge)[::-1] if oldest_first else self.newest(limit, edge)
        is_all = len(candidates) < limit
        candidates = _one_of_each(candidates)
        if self.is_certain:
            matches = self.match(candidates[:enough])
            following = beyond(candidates[enough].id, oldest_first) if len(candidates) > enough else None
            return Look(candidates, matches, following, is_all)
        matches, read = list[Match](), 0
        likely = self._likely(candidates)
        while batch := list(islice(likely, _BATCH)):
            matches += self.match(batch)
            read += len(batch)
            if len(matches) > enough or read >= _MAX_READ:
                return Look(candidates, matches, batch[-1].id, is_all)
        return Look(candidates, matches, None if is_all else candidates[-1].id, is_all)

    def _likely(self, candidates: list[Candidate]) -> Iterator[Candidate]:
        for start in range(0, len(candidates), _SIGNATURES_AT_ONCE):
            yield from self._likely_among(candidates[start : start + _SIGNATURES_AT_ONCE])

    def match_around(self, document: int, count: int) -> list[Match]:
        """Return the matches around a document: some that have the words may not match, so more are read."""
        limit = count + 1 if self.is_certain else _MAX_LOOKED_AT
        above = self._likely_among(_one_of_each(self.oldest(limit, document)))[-max(count, _MAX_AROUND) :]
        below = self._likely_among(_one_of_each(self.newest(limit, document + 1)))[: max(count, _MAX_AROUND)]
        return self.match([*above, *below])

    def count(self, speakers: frozenset[str], limit: int) -> int:
        """Count the conversations that have all the tokens, if these had said the words."""
        found = self._documents(self._lowest, self._highest, "DESC", limit, speakers)
        return len({candidate.completion for candidate in found})

    def _documents(
        self,
        lowest: int,
        highest: int,
        order: Literal["ASC", "DESC"],
        limit: int,
        speakers: frozenset[str] | None = None,
    ) -> list[Candidate]:
        where = ["{ordered} BETWEEN %s AND %s"]
        values: list[Any] = [lowest, highest]
        if expression := self._expression(speakers or self._query.speakers):
            where.append("archive_search MATCH %s" if self._is_sqlite else "archive_tokens(tokens) @@ %s::tsquery")
            values.append(expression)
        if self._query.is_seen is not None:
            is_seen = _IS_SEEN if self._query.is_seen else f"NOT {_IS_SEEN}"
            where.append(f"({is_seen} OR {_OF_COMPLETION})")
            values += [self._query.reader, self._query.seen_until or timezone.now(), self._kept]
        for condition, given in self._marked:
            where.append(condition)
            values += given
        if self._query.within:
            where.append(_OF_COMPLETION)
            values.append(self._scope[0])
        if self._is_some_hidden:
            where.append(f"NOT {_OF_OTHERS}")
            values.append(self._query.reader or 0)
        table, columns = "archive_searchdocument", "id, completion_id"
        column = ordered = marked = "archive_searchdocument.id"
        if self._is_sqlite and expression:
            table, columns = "archive_search", "rowid AS id"
            column = ordered = "archive_search.rowid"
            marked = f"+{column}"  # or SQLite would look up the words once for each marked document
        elif expression:
            ordered = f"{column} + 0"  # keeps the planner from walking along the ids and comparing each document
        condition = " AND ".join(where).format(id=column, ordered=ordered, marked=marked)
        found = f"SELECT {columns} FROM {table} WHERE {condition} ORDER BY {ordered} {order} LIMIT %s"
        if table == "archive_search":
            found = f"SELECT d.id, d.completion_id FROM ({found}) f JOIN archive_searchdocument d ON d.id = f.id"
        rows = self._fetch(found, [*values, limit])
        return [Candidate(*row) for row in sorted(rows, reverse=True)]

    @cached_property
    def _is_some_hidden(self) -> bool:
        """Whether others have saved something: mostly not, and then no search has to leave it out."""
        return StoredCompletion.objects.hidden_from(self._query.reader).exists()

    @cached_property
    def _marked(self) -> list[tuple[str, list[Any]]]:
        reader, kept = self._query.reader or 0, self._kept or 0
        return [condition_of(asked, reader, kept) for asked in self._query.marks]

    @cached_property
    def _phrases(self) -> list[bytes]:
        """The codes of words that a conversation must have side by side: phrases that cannot be written as one word."""
        phrases = set[bytes]()
        for clause in self.wanted:
            if len(clause.wordings) == 1:
                words = clause.wordings[0].split()[: -1 if clause.is_prefix else None]
                if len(words) > 1:
                    phrases.add(codes_of(words))
        return sorted(phrases)

    def _likely_among(self, candidates: list[Candidate]) -> list[Candidate]:
        """Keep the completions of which a document's signature has all phrases."""
        if not (candidates and self._phrases):
            return candidates
        where, completions = is_one_of("completion_id", [candidate.completion for candidate in candidates])
        with connection.cursor() as cursor:
            may_have = _SQLITE_MAY_HAVE if self._is_sqlite else _POSTGRESQL_MAY_HAVE
            condition = " AND ".join([where, *[may_have] * len(self._phrases)])
            cursor.execute(
                f"SELECT completion_id FROM archive_searchdocument WHERE {condition}", [completions, *self._phrases]
            )
            kept = {row for (row,) in cursor.fetchall()}
        return [candidate for candidate in candidates if candidate.completion in kept]

    def match(self, candidates: Sequence[Candidate]) -> list[Match]:
        """Read the words of the candidates' messages, and leave out those that do not have what was asked."""
        documents = {candidate.completion: candidate.id for candidate in candidates}
        if not self._needles:
            return [Match(completion, document) for completion, document in documents.items()]
        return self._read(list(documents)).matches(documents, with_unread=self.is_certain)

    def positions_within(self) -> tuple[int, list[int | None]]:
        """Return the completion that `id:` names, and the matching positions in it, in the order of reading."""
        completion, position = self._scope
        matches = self._read([completion]).matches({completion: 0})
        found = {at for match in matches for at in match.positions if position is None or at == position}
        return completion, sorted(found, key=lambda at: math.inf if at is None else at)

    def _read(self, completions: list[int]) -> Scores:
        scores = Scores(self.wanted, tuple(chain.from_iterable(self._filter_needles)))
        forbidden = [needle for clause in self._forbidden for needle in clause.needles]
        left = [completions]
        while left:
            several = left.pop()
            rows, is_complete = self._matching_rows(several)
            if not is_complete and len(several) > 1:  # one of them may be very long
                middle = len(several) // 2
                left += [several[:middle], several[middle:]]
                continue
            for completion, position, words in rows:
                text = self._said_by_asked(words)
                if any(needle in text for needle in forbidden):
                    scores.forbid(completion)
                elif not self._query.is_same or self._has_all(text):
                    scores.add(completion, position, text)
        return scores

    @property
    def _forbidden(self) -> list[Clause]:
        """The phrases that no message of a conversation may have: only reading shows it."""
        is_same = self._query.is_same
        return [] if is_same else [clause for clause in self.clauses if clause.is_excluded and clause.is_phrase]

    @cached_property
    def _scope(self) -> tuple[int, int | None]:
        """Find the completion, or the message in one, that `id:` names, or (0, None), which matches nothing."""
        within, reader = self._query.within, self._query.reader
        completion = StoredCompletion.objects.named(within, reader).values_list("pk", flat=True).first()
        if completion is not None:
            return completion, None
        return next(iter(holders_of(within, reader)), (0, None))

    @property
    def _needles(self) -> list[str]:
        """What is looked for in messages: the words, what else they must have, and without both, who speaks."""
        words = [needle for clause in (*self.wanted, *self._forbidden) for needle in clause.needles]
        filters = [each for each in self._query.filters if not each.is_excluded]
        roles = [f" {mark} " for each in filters if each.name == "role" for mark in each.marks]
        return [*words, *chain.from_iterable(self._filter_needles)] or roles

    @cached_property
    def _filter_needles(self) -> list[tuple[str, ...]]:
        """For each filter that single messages meet, what stands among their marks."""
        filters = [each for each in self._query.filters if each.name in _FROM_MESSAGES and not each.is_excluded]
        return [tuple(f" {mark}{'' if each.is_prefix else ' '}" for mark in each.marks) for each in filters]

    def _said_by_asked(self, words: str) -> str:
        """Keep the segments of those who were asked for, and the marks."""
        if not any(segment in words for segment in self._segments_left_out):
            return words
        return "|".join(part for part in words.split("|") if part[:1] in self._query.speakers or part[:1] == MARKS)

    @cached_property
    def _segments_left_out(self) -> list[str]:
        return [f"|{speaker} " for speaker in SPEAKERS - self._query.speakers]

    def _has_all(self, text: str) -> bool:
        has_words = all(
            any(needle in text for needle in clause.needles) != clause.is_excluded for clause in self.clauses
        )
        return has_words and all(any(needle in text for needle in each) for each in self._filter_needles)

    def _matching_rows(self, completions: list[int]) -> tuple[list[tuple[int, int | None, str]], bool]:
        """Return the entries that have any of the needles, and whether these are all."""
        rows, left = list[tuple[int, int | None, str]](), _MAX_CHARACTERS
        for row in words_with(completions, self._needles):
            rows.append(row)
            left -= len(row[2])
            if left < 0 or len(rows) == _MAX_ROWS:
                return rows, False
        return rows, True

    def _expression(self, speakers: frozenset[str]) -> str:
        """Write the query for the index; empty if it asks for no token."""
        dialect = FTS5 if self._is_sqlite else TSQUERY
        wanted = [dialect.clause(clause, speakers) for clause in self.wanted]
        wanted += [dialect.filter(each) for each in self._query.filters if not each.is_excluded]
        # What may not be in the same message, or not as a phrase, may be elsewhere in the conversation.
        words = [] if self._query.is_same else [clause for clause in self.clauses if not clause.is_phrase]
        excluded = [dialect.clause(clause, speakers) for clause in words if clause.is_excluded]
        excluded += [dialect.filter(each) for each in self._query.filters if each.is_excluded]
        if not wanted and (excluded or self._forbidden):
            wanted = [dialect.token(EVERYTHING)]
        return dialect.without.join([dialect.both.join(wanted), *excluded]) if wanted else ""

    def _fetch(self, sql: str, values: list[Any]) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())


def beyond(document: int, oldest_first: bool) -> int:
    """Return the edge beyond which a document is the first."""
    return document - 1 if oldest_first else document + 1


def _one_of_each(candidates: list[Candidate]) -> list[Candidate]:
    """Keep the first document of each completion: a very long one has several."""
    first: dict[int, Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.completion, candidate)
    return list(first.values())
