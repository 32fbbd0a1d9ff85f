"""opencode: sessions that it exports, and its database.

Facts from its source of 2026 (`message-v2.ts`, `export.ts`) and from the tables of 1.2. Messages have their parts
beside them; texts that are `synthetic` were put in by opencode.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cells import object_of
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, image_part, note, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, EVENT, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME = "opencode"
_QUIET = ("step-start", "step-finish", "snapshot", "patch", "agent")
_SESSIONS = """
    SELECT id, json_object('id', id, 'parentID', parent_id, 'title', title, 'directory', directory, 'version', version,
    'time', json_object('created', time_created, 'updated', time_updated)) FROM session ORDER BY time_created, id
"""
_MESSAGES = "SELECT id, data FROM message WHERE session_id = ? ORDER BY time_created, id"
_PARTS = "SELECT data FROM part WHERE message_id = ? ORDER BY id"


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or "time" not in object_at(value, "info"):
        return False
    first = first_object(value.get("messages"))
    return value.get("messages") == [] or (isinstance(first.get("parts"), list) and "role" in object_at(first, "info"))


def _read(document: Document) -> Iterator[Conversation]:
    info = object_at(document.value, "info")
    held = document.members["messages"]
    reverted, is_reverted = object_at(info, "revert").get("messageID"), False
    messages = list[DraftMessage]()
    for message in held.items():
        drafts = _messages(message)
        is_reverted = is_reverted or reverted == object_at(message.value, "info").get("id") is not None
        if drafts and is_reverted:
            drafts[0].notes.append(note("taken-out"))
        messages += drafts
    if not messages:
        raise NothingSaid
    models = [_model(object_at(message.value, "info")) for message in held.items()]
    yield Draft(
        _NAME,
        id=id_within(_NAME, info.get("id")),
        created=object_at(info, "time").get("created"),
        model=next(filter(None, reversed(models)), ""),
        metadata={
            "title": info.get("title"),
            "cwd": info.get("directory"),
            "version": info.get("version"),
            "session": info.get("parentID"),
        },
        messages=messages,
        source=source_of(document, ("messages",)),
    ).finish(document)


def _model(info: dict[str, Any]) -> str:
    return as_text(info.get("modelID") or object_at(info, "model").get("modelID"))


def _messages(message: Document) -> list[DraftMessage]:
    info, turn = object_at(message.value, "info"), Turn()
    put_in = list[DraftMessage]()
    for part in objects_at(message.value, "parts"):
        if part.get("synthetic") and part.get("type") == "text":
            put_in.append(DraftMessage("system", as_text(part.get("text"))))
        elif part.get("type") == "compaction":
            put_in.append(DraftMessage(EVENT, "compaction"))
        elif part.get("type") not in _QUIET:
            _take(turn, part)
    if system := as_text(info.get("system")):
        put_in.insert(0, DraftMessage("system", system))
    error = object_at(info, "error")
    drafts = [] if turn.is_empty and not error and put_in else turn.messages()
    for draft in drafts:
        draft.role = CUSTOMER if info.get("role") == CUSTOMER and draft.role == "assistant" else draft.role
    if error:
        turn.last().more["error"] = as_text(first_of(object_at(error, "data"), ("message",)) or error.get("name"))
    found = [*drafts, *put_in] if info.get("role") == CUSTOMER else [*put_in, *drafts]
    if info.get("summary") is True:
        turn.last().role, turn.last().name = "system", "summary"
    for draft in found:
        draft.created = object_at(info, "time").get("created")
    if found:
        found[0].id, found[0].source = info.get("id"), message.text
    return found


def _take(turn: Turn, part: dict[str, Any]) -> None:
    match part.get("type"):
        case "text":
            turn.add(*([text_part(as_text(part["text"]))] if part.get("text") else []))
        case "reasoning":
            turn.think(as_text(part.get("text")))
        case "file":
            turn.add(_file(part))
        case "tool":
            _take_call(turn, part)
        case _:
            turn.add(part)


def _file(part: dict[str, Any]) -> dict[str, Any]:
    media_type, url = as_text(part.get("mime")), as_text(part.get("url"))
    if media_type.startswith("image/"):
        return image_part(url if url.startswith(("data:", "http")) else "", caption=as_text(part.get("filename")))
    return linked_file(url, media_type, as_text(part.get("filename")))


def _take_call(turn: Turn, part: dict[str, Any]) -> None:
    call_id, state = as_text(part.get("callID")), object_at(part, "state")
    turn.call(call_id, as_text(part.get("tool")), state.get("input") or {})
    if state.get("status") == "error":
        turn.result(call_id, as_text(state.get("error"))).more = {"is_error": True}
    elif "output" in state:
        files = [_file(each) for each in objects_at(state, "attachments")]
        turn.result(call_id, [text_part(as_text(state["output"])), *files] if files else as_text(state["output"]))


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the sessions of a database as they are exported."""
    sessions = database.execute(_SESSIONS).fetchall()
    for number, (own, info) in enumerate(sessions, start=1):
        messages = []
        for message_id, data in database.execute(_MESSAGES, (own,)).fetchall():
            parts = [part for (part,) in database.execute(_PARTS, (message_id,))]
            about = json.dumps({"id": message_id} | object_of(data), ensure_ascii=False)
            messages.append(f'{{"info":{about},"parts":[{",".join(parts)}]}}')
        yield number, f'{{"info":{info},"messages":[{",".join(messages)}]}}'


FAMILY = Family(
    name=_NAME,
    title="opencode",
    what=gettext_lazy("A session of opencode"),
    seen="exports and the database of 1.2, by its source of 2026",
    keeps="texts, files, reasoning, tool calls, results and whether they failed, errors, titles, the model, times",
    loses="the system prompt",
    matches=_matches,
    read=_read,
    tables=frozenset({"session", "message", "part"}),
    told_by=frozenset({"session.directory", "message.data", "part.message_id"}),
    rows=_rows,
)
