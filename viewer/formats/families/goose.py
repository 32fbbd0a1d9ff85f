"""Goose: sessions as its command exports them, its older files with a message on each line, and its database.

Facts from its source of 2026 (`conversation/message.rs`) and from lines of parsers of it: the results of tools stand in
messages of the user, and a call that could not be understood has an error in its place.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.cells import object_of, rows_of
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, data_url, image_part, text_part, tool_call
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.help_desks import EVENT
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.message_lists import source_of

_NAME = "goose"
_OWN = ("toolRequest", "toolResponse", "systemNotification", "toolConfirmationRequest", "frontendToolRequest")
_OF_MESSAGE = {"id", "role", "created", "content", "metadata"}
_HEAD = {"working_dir", "description"}  # of the line before the messages
_SESSIONS = "SELECT * FROM sessions ORDER BY created_at, id"
_MESSAGES = "SELECT role, content_json, created_timestamp FROM messages WHERE session_id = ? ORDER BY id"


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or "created" not in value or value.get("role") not in ("user", "assistant"):
        return False
    return isinstance(value.get("content"), list) and value.keys() <= _OF_MESSAGE


def _is_session(value: Any) -> bool:
    if not isinstance(value, dict) or "working_dir" not in value or not isinstance(value.get("conversation"), list):
        return False
    return all(map(_is_message, value["conversation"][:1]))


def _is_line(value: Any) -> bool:
    return _is_message(value) or (isinstance(value, dict) and value.keys() >= _HEAD and "conversation" not in value)


def _read(document: Document) -> Iterator[Conversation]:
    messages = [draft for one in document.members["conversation"].items() for draft in _messages(one)]
    yield _draft(document, messages).finish(document)


def _join(lines: list[Document]) -> Iterator[Conversation]:
    head = next((line for line in lines if not _is_message(line.value)), Document("{}"))
    messages = [draft for line in lines if line is not head for draft in _messages(line)]
    draft, first = _draft(head, messages), object_at(next((line.value for line in lines if line is not head), None))
    draft.id = draft.id or id_of_beginning(_NAME, first.get("created"), as_text(first.get("content")))
    yield draft.finish_at(lines[0].place, *(line.text for line in lines))


def _draft(about: Document, messages: list[DraftMessage]) -> Draft:
    if not messages:
        raise NothingSaid
    value = about.value
    return Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=value.get("created_at") or messages[0].created,
        model=as_text(object_at(value, "model_config").get("model_name")),
        metadata={"title": value.get("name") or value.get("description"), "cwd": value.get("working_dir")},
        messages=messages,
        source=source_of(about, ("id", "conversation", "name", "working_dir", "created_at")),
    )


def _messages(message: Document) -> list[DraftMessage]:
    """Read a message; results of tools, which stand in the user's, and what Goose reports become their own."""
    value = message.value
    own = DraftMessage(as_text(value.get("role")), id=value.get("id"))
    if object_at(value, "metadata").get("userVisible") is False:
        own.role = "system"
    own.content, others = [], list[DraftMessage]()
    for part in objects_at(value, "content"):
        match part.get("type"):
            case "text":
                own.content += [text_part(as_text(part["text"]))] if part.get("text") else []
            case "thinking" | "reasoning":
                own.reasoning = "\n\n".join(
                    filter(None, (own.reasoning, as_text(part.get("thinking") or part.get("text"))))
                )
            case "image":
                own.content.append(image_part(data_url(as_text(part.get("data")), as_text(part.get("mimeType")))))
            case "toolRequest" | "frontendToolRequest":
                own.tool_calls.append(_call(part))
                others += _misunderstood(part)
            case "toolResponse":
                others.append(_result(part))
            case "systemNotification":
                others.append(DraftMessage(EVENT, as_text(part.get("msg") or part.get("message"))))
            case "redactedThinking":
                pass
            case _:
                own.content.append(part)
    is_said = own.content or own.tool_calls or own.reasoning or not others
    found = [*([own] if is_said else []), *others]
    for draft in found:
        draft.created = value.get("created")
    found[0].source = message.text
    return found


def _call(part: dict[str, Any]) -> dict[str, Any]:
    given = object_at(part, "toolCall")
    called = object_at(given, "value") or given
    return tool_call(as_text(part.get("id")), as_text(called.get("name")), called.get("arguments") or {})


def _misunderstood(part: dict[str, Any]) -> Iterable[DraftMessage]:
    """Yield the error of a call that Goose could not understand, which has no other result."""
    given = object_at(part, "toolCall")
    if given.get("status") == "error":
        yield DraftMessage(
            "tool", as_text(given.get("error")), tool_call_id=as_text(part.get("id")), more={"is_error": True}
        )


def _result(part: dict[str, Any]) -> DraftMessage:
    given = object_at(part, "toolResult")
    value = given.get("value")
    content = list_at(value, "content") if isinstance(value, dict) else value
    draft = DraftMessage("tool", tool_call_id=as_text(part.get("id")))
    parts = [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []
    texts = [each for each in parts if each.get("type") == "text" or each.keys() == {"text"}]
    if given.get("status") == "error":
        draft.content = as_text(given.get("error"))
    elif parts and len(parts) == len(texts):
        draft.content = "\n".join(as_text(each.get("text")) for each in texts)
    else:
        draft.content = [_part(each) for each in parts] if parts else as_text(value)
    if given.get("status") == "error" or object_at(value).get("isError"):
        draft.more = {"is_error": True}
    return draft


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") == "image":
        return image_part(data_url(as_text(part.get("data")), as_text(part.get("mimeType"))))
    return text_part(as_text(part["text"])) if isinstance(part.get("text"), str) else part


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the sessions of a database as they are exported."""
    sessions = list(rows_of(database.execute(_SESSIONS)))
    for number, about in enumerate(sessions, start=1):
        about["model_config"] = object_of(about.pop("model_config_json", None))
        said = [
            f'{{"role":{json.dumps(role)},"created":{json.dumps(created)},"content":{content}}}'
            for role, content, created in database.execute(_MESSAGES, (about["id"],))
        ]
        pairs = [(name, json.dumps(value, ensure_ascii=False)) for name, value in about.items() if value is not None]
        yield number, to_object([*pairs, ("conversation", f"[{','.join(said)}]")])


FAMILY = Family(
    name=_NAME,
    title="Goose",
    what=gettext_lazy("A session of Goose"),
    seen="exports, lines and the database of 1.x, by its source of 2026",
    keeps="texts, pictures, reasoning, tool calls, results and whether they failed, titles, the model, times",
    loses="the system prompt",
    matches=lambda value: _is_session(value) or _is_line(value),
    read=_read,
    key=lambda document: "" if _is_session(document.value) else f"file {document.place.file}",
    join=_join,
    is_part=True,
    tables=frozenset({"sessions", "messages"}),
    told_by=frozenset({"sessions.working_dir", "messages.content_json", "messages.created_timestamp"}),
    rows=_rows,
)
