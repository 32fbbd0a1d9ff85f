"""Reads what a page of results shows: the conversations, and of each matching message a snippet with the words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, islice

from django.db.models.functions import Length

from viewer.archive.messages import messages_at
from viewer.archive.models import StoredCompletion
from viewer.archive.summaries import summaries_by_row
from viewer.completions.reading import read_completion, read_message
from viewer.completions.summary import Summary
from viewer.completions.types import Completion, Message, effective_role

from .clauses import Clause
from .snippets import Snippet, snippet_of
from .texts import day_texts, extra_texts, other_fields, prompt_fields, shown_texts, texts_in_fields

_MAX_CANDIDATES = 500  # choices, metadata pairs and fields in which the words of an answer are looked for
_MAX_READ = 8_000_000  # characters of JSON read for a page of results; later messages show only their id


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
    summary: Summary | None
    hits: tuple[Hit, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation on a page: the positions that are shown, how many more match, and by which clauses (bits)."""

    completion: int
    positions: list[int | None]
    more: int = 0
    wanted: int = 0


def read_groups(groups: list[Place], clauses: tuple[Clause, ...]) -> Iterable[Group]:
    """Read what a page of results shows: all completions in one query, all messages in another."""
    completions = {pk: read_completion(body) for pk, body in _completions(groups).items()}
    summaries = summaries_by_row(completions)
    messages = _messages(groups)
    for group in groups:
        completion = completions.get(group.completion)  # None if it was deleted meanwhile
        if not isinstance(completion, Completion):
            continue
        wanted = tuple(clause for number, clause in enumerate(clauses) if group.wanted >> number & 1)
        hits = [
            _answer_hit(completion, clauses, wanted)
            if position is None
            else _message_hit(*messages[group.completion, position], position, clauses)
            for position in group.positions
            if position is None or (group.completion, position) in messages
        ]
        yield Group(
            completion=completion,
            summary=summaries.get(group.completion),
            hits=tuple(hits),
            more=group.more,
        )


def _completions(groups: list[Place]) -> dict[int, str]:
    """Read the completions; those beyond the limit have only their id, time and model."""
    rows = StoredCompletion.objects.filter(pk__in=[group.completion for group in groups])
    columns = rows.values_list("pk", "completion_id", "created", "model")
    stubs = {
        pk: json.dumps({"id": completion_id, "created": created, "model": model})
        for pk, completion_id, created, model in columns
    }
    readable = _within_limit([(pk, size) for pk, size in rows.values_list("pk", Length("body"))])
    return stubs | dict(rows.filter(pk__in=readable).values_list("pk", "body"))


def _messages(groups: list[Place]) -> dict[tuple[int, int], tuple[str, str]]:
    """Return the id and JSON of matching messages, by completion and position; beyond the limit they have no JSON."""
    wanted = {(group.completion, position) for group in groups for position in group.positions if position is not None}
    return messages_at(wanted, _MAX_READ)


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


def _answer_hit(completion: Completion, clauses: tuple[Clause, ...], wanted: tuple[Clause, ...]) -> Hit:
    """Return the answer, metadata pair or field with the most wanted words: one index entry covers them all."""
    answers = (
        (Hit((), answer=position), list(chain(shown_texts(choice.message), extra_texts(choice))))
        for position, choice in enumerate(completion.choices)
    )
    pairs = ((Hit((), pair=key), [f"{key}: {value}"]) for key, value in completion.metadata.items())
    facts = ((Hit(()), [text]) for text in _model_and_day(completion))
    fields = (
        (Hit((), field=key), list(texts_in_fields({key: source})))
        for key, source in (other_fields(completion) | prompt_fields(completion)).items()
    )
    candidates = islice(chain(answers, [(Hit(()), [])], pairs, facts, fields), _MAX_CANDIDATES)
    hit, texts = max(candidates, key=lambda one: _count_marked(snippet_of(one[1], wanted)))  # of equals, the first
    return replace(hit, snippet=snippet_of(texts, clauses))


def _model_and_day(completion: Completion) -> Iterable[str]:
    days = day_texts(int(completion.created.timestamp())) if completion.created else [""]
    return (f"{completion.model} · {day}" if day else completion.model for day in days)


def _count_marked(snippet: Snippet) -> int:
    return len({text.lower() for text, is_marked in snippet if is_marked})
