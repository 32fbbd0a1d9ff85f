"""Sessions of OpenAI's SDKs for agents: databases and tables of Python's, items of JavaScript's, states of both."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, note
from viewer.formats.family import Family, object_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

from .responses import is_item, read_items

_NAME = "openai-agents"
_ROWS = """
    SELECT {order}, m.session_id, m.message_data, m.created_at, {branch} FROM agent_messages m {structure}
    ORDER BY m.session_id, {branch}, {order}
"""
_STRUCTURE = "LEFT JOIN message_structure s ON s.message_id = m.id AND s.session_id = m.session_id"
_JAVASCRIPT = {"callId", "rawContent"}  # members of items that only JavaScript's SDK writes so
# The members of a state, in JavaScript and in Python. Python's `session_items` also have what a handoff took out.
_ASKED = ("originalInput", "original_input")
_SINCE = ("generatedItems", "session_items", "generated_items")
_RESPONSES = ("modelResponses", "model_responses")
_READ_OF_STATE = (*_ASKED, *_SINCE, *_RESPONSES, "lastModelResponse", "last_model_response")


def _is_row(value: Any) -> bool:
    return isinstance(value, dict) and "message_data" in value and "session_id" in value


def _is_state(value: Any) -> bool:
    return isinstance(value, dict) and "$schemaVersion" in value and any(name in value for name in _ASKED)


def _is_list(value: Any) -> bool:
    """Whether a list of items has marks of these SDKs, which those of the API do not have."""
    if not isinstance(value, list) or not any(is_item(each) for each in value):
        return False
    return any(_is_marked(each) for each in value if isinstance(each, dict))


def _is_marked(item: dict[str, Any]) -> bool:
    return "provider_data" in item or "providerData" in item or not _JAVASCRIPT.isdisjoint(item)


def _matches(value: Any) -> bool:
    return _is_row(value) or _is_state(value) or _is_list(value)


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the rows of the sessions, one after the other; of a session with branches those of each branch."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    is_advanced = "message_structure" in tables
    names = {
        "order": "COALESCE(s.sequence_number, m.id)" if is_advanced else "m.id",
        "branch": "COALESCE(s.branch_id, 'main')" if is_advanced else "'main'",
        "structure": _STRUCTURE if is_advanced else "",
    }
    columns = ("id", "session_id", "message_data", "created_at", "branch_id")
    for number, row in enumerate(database.execute(_ROWS.format(**names)), start=1):
        yield number, json.dumps(dict(zip(columns, row, strict=True)))


def _key(document: Document) -> str:
    value = document.value
    if not _is_row(value):
        return ""
    names = (document.place.file, value["session_id"], value.get("branch_id") or "main")
    return json.dumps(names)


def _join(rows: list[Document]) -> Iterator[Conversation]:
    first = rows[0].value
    items = [_item_of(row) for row in rows]
    messages = read_items(items)
    for message, row in zip(messages, rows, strict=True):
        message.created = _time_of(row.value)
    session, branch = str(first["session_id"]), first.get("branch_id") or "main"
    draft = _draft(messages, items)
    draft.id = _id_of(session, branch)
    draft.created = _time_of(first)
    draft.metadata = {"session": session} | ({"branch": branch} if branch != "main" else {})
    yield draft.finish_at(rows[0].place, *(row.text for row in rows))


def _item_of(row: Document) -> Document:
    """Return the item in a row. Raises NotReadable."""
    data = row.value["message_data"]
    item = Document(data, row.place) if isinstance(data, str) else row.members["message_data"]
    if not isinstance(item.value, dict):
        raise NotReadable(gettext("A message of this session is not a JSON object."))
    if "__enc__" in item.value:
        raise NotReadable(
            gettext("This session is encrypted: export it with the program that has its key, as a list of items.")
        )
    return item


def _time_of(row: dict[str, Any]) -> Any:
    """Return when a row was written; SQLite's times are in UTC and do not say so."""
    time = row.get("created_at")
    is_utc = isinstance(time, str) and len(time) >= 19 and time[10:11] in (" ", "T") and "+" not in time
    return f"{str(time)[:10]}T{str(time)[11:].rstrip('Z')}Z" if is_utc else time


def _id_of(session: str, branch: str) -> str:
    name = str(id_within(_NAME, session))
    return name if branch == "main" else f"{name}-{branch}"


def _draft(messages: list[DraftMessage], items: Iterable[Document]) -> Draft:
    values = [object_at(item.value) for item in items]
    models = (object_at(value, name).get("model") for value in values for name in ("provider_data", "providerData"))
    draft = Draft(_NAME, messages=messages, model=next((model for model in models if isinstance(model, str)), ""))
    if messages and messages[-1].role == "user":  # an answer that is a refusal raises an error, and is not stored
        messages[-1].notes.append(note("lost-refusal", by="OpenAI Agents SDK"))
    return draft


def _read(document: Document) -> Iterator[Conversation]:
    if _is_list(document.value):
        items = list(document.items())
        yield _draft(read_items(items), items).finish(document)
    else:
        yield _state(document).finish(document)


def _state(state: Document) -> Draft:
    """Start the draft of a `RunState`: what was asked, and the items that came since."""
    given = _first_at(state, _ASKED)
    asked = [_question(given)] if given and isinstance(given.value, str) else _items_of(given)
    since = [_first_at(item, ("rawItem", "raw_item")) for item in _items_of(_first_at(state, _SINCE)) if _is_said(item)]
    answers = _items_of(_first_at(state, _RESPONSES))
    items = [*asked, *filter(None, since)]
    if not since:
        items += [item for answer in answers for item in _items_of(answer.at("output"))]
    draft = _draft(read_items(items), items)
    first = object_at(answers[0].value) if answers else {}
    response = object_at(first, "providerData")  # as it came; only JavaScript keeps it
    if isinstance(response.get("instructions"), str) and response["instructions"]:
        draft.messages.insert(0, DraftMessage("system", response["instructions"]))
    draft.id, draft.created = response.get("id") or first.get("response_id"), response.get("created_at")
    draft.model = str(response.get("model") or draft.model)
    draft.metadata = {"agent": object_at(first_of(state.value, ("currentAgent", "current_agent"))).get("name")}
    draft.source = source_of(state, _READ_OF_STATE)
    return draft


def _is_said(item: Document) -> bool:
    """Whether an item is more than the wish to approve a call, which stands before it as an item of its own."""
    return object_at(item.value).get("type") != "tool_approval_item"


def _question(text: Document) -> Document:
    return Document(to_object([("role", '"user"'), ("content", text.text)]), text.place)


def _first_at(holder: Document, names: Iterable[str]) -> Document | None:
    return next(filter(None, map(holder.at, names)), None)


def _items_of(found: Document | None) -> list[Document]:
    return list(found.items()) if found is not None else []


FAMILY = Family(
    name=_NAME,
    title="OpenAI Agents SDK",
    what=gettext_lazy("An OpenAI Agents SDK session"),
    seen="openai-agents 0.3.3 and 0.24.0, @openai/agents 0.20.0",
    keeps="all items, times, the model where it is written, each branch as a conversation of its own",
    loses="the system prompt; a refusal, in JavaScript even what was asked",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
    tables=frozenset({"agent_sessions", "agent_messages"}),
    rows=_rows,
    renamed="agent_messages",
    columns=frozenset({"id", "session_id", "message_data", "created_at"}),
)
