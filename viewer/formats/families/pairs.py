"""Requests and the responses to them, under all the names that logs have for the two."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.reading import read_time
from viewer.formats.columns import CONVERSATIONS
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text
from viewer.formats.exchanges import fill, is_answered, is_asked
from viewer.formats.family import Family, object_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import draft_of, first_of
from viewer.formats.pairs import PATHS, REPLIES, Path, at, place_of, rest_of, value_at

_NAME = "pair"
# The same where both are only texts: their names alone say who speaks.
_QUESTIONS = (
    "prompt", "question", "instruction", "query", "user_message", "user_input", "user_query", "input",
)  # fmt: skip
_SPEAKERS = (("user", "assistant"), ("user", "bot"), ("human", "assistant"), ("human", "ai"), ("human", "bot"))
_SYSTEMS = ("system", "system_prompt", "systemPrompt")
_MESSAGES = ("message_id", "messageId", "id")
_NEVER = datetime.max.replace(tzinfo=UTC)
# An answer without what was asked.
_ALONE: tuple[Path, ...] = (("response", "body"), ("response",), ("body",), ("response_body",), ("completion",))


def _paths_of(value: Any) -> tuple[Path | None, Path] | None:
    """Return where a record has its request and its response; None if it is no pair."""
    if not isinstance(value, dict):
        return None
    for request, response in PATHS:
        if response[0] not in value:  # as most are
            continue
        asked, answered = value_at(value, request), value_at(value, response)
        if answered in (None, "", [], {}):
            continue
        if is_asked(asked) or (asked not in (None, "", [], {}) and request and is_answered(answered)):
            return request, response
    question, answer = _text_in(value, _QUESTIONS), _text_in(value, REPLIES)
    if question and answer and (isinstance(value[question], str) or isinstance(value[answer], str)):
        return (question,), (answer,)
    for human, bot in _SPEAKERS:
        if all(isinstance(value.get(name), str) and value[name] for name in (human, bot)):
            return (human,), (bot,)
    if isinstance(value.get("generations"), list):  # a result of LangChain
        return None, ()
    alone = place_of(value, _ALONE, _has_choices)
    return None if alone is None else (None, alone)


def _has_choices(answered: Any) -> bool:
    return isinstance(answered, dict) and isinstance(answered.get("choices"), list)


def _text_in(value: dict[str, Any], names: Iterable[str]) -> str:
    """Return which member is a text; a cell of a table that is JSON is one too."""
    kinds = {name: str if name in ("input", "output") else (str, dict) for name in names}
    return next((name for name in names if value.get(name) and isinstance(value[name], kinds[name])), "")


def _conversation_of(value: dict[str, Any]) -> Any:
    """Return the conversation of which a pair is one turn: of texts alone, which do not repeat what came before."""
    own = first_of(value, CONVERSATIONS)
    if not isinstance(own, (str, int)) or isinstance(own, bool):
        return None
    request, response = _paths_of(value) or (None, ())
    is_turn = request and response and all(isinstance(value_at(value, path), str) for path in (request, response))
    return own if is_turn else None


def _key(document: Document) -> str:
    return as_text(_conversation_of(document.value))


def _join(rows: list[Document]) -> Iterator[Conversation]:
    """Read the turns of a conversation, by their times if all have one."""
    drafts = {id(row): _draft(row) for row in rows}
    times = [read_time(drafts[id(row)].created) for row in rows]
    if all(times):
        rows = [row for _, row in sorted(zip(times, rows, strict=True), key=lambda each: each[0] or _NEVER)]
    found = [drafts[id(row)] for row in rows]
    whole = Draft(_NAME, id=id_within(_NAME, _conversation_of(rows[0].value)), created=found[0].created)
    whole.model = next((draft.model for draft in reversed(found) if draft.model), "")
    whole.metadata = _common([draft.metadata for draft in found])
    whole.fields = _common([draft.fields for draft in found])
    for row, draft in zip(rows, found, strict=True):
        whole.messages += _turn(row, draft, whole)
    yield whole.finish_at(rows[0].place, *(row.text for row in rows))


def _common(each: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what stands in all of these."""
    return {name: value for name, value in each[0].items() if all(other.get(name) == value for other in each)}


def _turn(row: Document, draft: Draft, whole: Draft) -> list[DraftMessage]:
    """Return the messages of a turn; what else is in its row stands on the answer."""
    said = {message.content for message in whole.messages if message.role == "system"}
    messages = [message for message in draft.messages if message.role != "system" or message.content not in said]
    messages += [answer for answer, _reason in draft.choices]
    for message in messages:
        message.created = message.created or draft.created
    rest = (json.loads(draft.source) if draft.source else {}) | draft.metadata | draft.fields
    known = (draft.created, draft.model, whole.metadata, whole.fields)
    more = {name: value for name, value in rest.items() if name not in whole.metadata | whole.fields}
    messages[-1].id = first_of(row.value, _MESSAGES)
    messages[-1].more |= {
        name: value for name, value in more.items() if name not in _MESSAGES and value not in (*known, "", None)
    }
    messages[0].source = row.text
    return messages


def _read(document: Document) -> Iterator[Conversation]:
    yield _draft(document).finish(document)


def _draft(document: Document) -> Draft:
    request, response = _paths_of(document.value) or (None, ())
    draft = draft_of(_NAME, document, [], ())
    own_id, draft.id = draft.id, None
    known = {response, *((name,) for name in ("metadata", *draft.metadata, *draft.fields))}
    asked = at(document, request)
    if asked is not None and request and isinstance(asked.value, str):
        asked, beside = _in_words(document, request[0])
        known |= beside
    answer = at(document, response)
    read = fill(draft, asked, answer)
    held = object_at(answer.value if answer is not None else None)
    if held and "role" not in held and draft.completion is None and response:
        known.discard(response)  # of an answer that stands deeper in it, the rest would be lost
    draft.id = draft.id or (None if draft.completion else own_id)
    draft.source = rest_of(document, known | {(*(request or ()), *path) for path in read})
    return draft


def _in_words(record: Document, question: str) -> tuple[Document, set[Path]]:
    """Return a question that is only a text as a request, with the system prompt and the input that stand beside it."""
    values = record.value
    asked = [question, "input"] if question == "instruction" else [question]
    texts = [values[name] for name in asked if isinstance(values.get(name), str) and values[name]]
    system = next((name for name in _SYSTEMS if isinstance(values.get(name), str)), "")
    request = ({"system": values[system]} if system else {}) | {"prompt": "\n\n".join(texts)}
    text = json.dumps(request, ensure_ascii=False)
    return Document(text, record.place, record.find), {(name,) for name in (*asked, system) if name}


FAMILY = Family(
    name=_NAME,
    title="Request logs",
    what=gettext_lazy("A log of requests and responses"),
    seen="",
    keeps="the request with its parameters, the response, times, metadata; turns that are only texts, by the id of "
    "their conversation",
    loses="",
    matches=lambda value: _paths_of(value) is not None,
    read=_read,
    key=_key,
    join=_join,
)
