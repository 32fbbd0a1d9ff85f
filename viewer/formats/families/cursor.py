"""Cursor: chats as it exports them, its agent's transcripts, and its database, in which everything stands.

Facts from exports of 0.50 to 3.15, from transcripts and tables of 2025 and 2026 and from programs that read them. The
database has for each chat the order of its bubbles, and each bubble under a key of its own; Cursor empties old ones.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cells import object_of
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, EVENT
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.message_lists import first_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "cursor", "Cursor"
_SPEAKERS = {"User": CUSTOMER, "Cursor": "assistant"}
_USER = 1  # the type of a bubble; all others are the assistant's
_TRANSCRIPT = re.compile(r"(?:.*/)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl")  # named after its chat
_QUERY = re.compile(r"<user_query>((?:(?!</?user_query>).)*+)</user_query>", re.S)
_OF_CHAT = ("composerId", "name", "createdAt", "modelConfig", "status", "createdOnBranch", "workspaceIdentifier")
_OF_BUBBLE = (
    "bubbleId", "type", "text", "thinking", "toolFormerData", "createdAt", "images", "modelInfo", "errorDetails",
    "attachedFileCodeChunksMetadataOnly",
)  # fmt: skip


def _is_line(value: Any) -> bool:
    """Whether a value is a line of a transcript."""
    if not isinstance(value, dict):
        return False
    if value.get("type") == "turn_ended":
        return "status" in value and "role" not in value
    message = object_at(value, "message")
    return value.keys() == {"role", "message"} and "content" in message and "role" not in message


def _is_chat(value: Any) -> bool:
    return isinstance(value, dict) and (
        {"exported_from", "turns"} <= value.keys() or {"chat", "bubbles"} == value.keys()
    )


def _read(document: Document) -> Iterator[Conversation]:
    yield (_written if "turns" in document.value else _stored)(document.value).finish(document)


def _written(value: dict[str, Any]) -> Draft:
    """Read an export, which has neither what the agent did nor times."""
    draft = Draft(_NAME, metadata={name: value.get(name) for name in ("title", "version")})
    for turn in objects_at(value, "turns"):
        role = _SPEAKERS.get(as_text(turn.get("speaker")), EVENT)
        draft.messages.append(DraftMessage(role, [text_part(as_text(turn.get("text")))]))
    return draft


# --- Transcripts of the agent -----------------------------------------------------------------------------------------


def _join(lines: list[Document]) -> Iterator[Conversation]:
    messages = [message for line in lines for message in _line(line)]
    if not any(message.role in (CUSTOMER, "assistant") for message in messages):
        raise NothingSaid
    named = _TRANSCRIPT.fullmatch(lines[0].place.file)
    draft = Draft(_NAME, id=id_of_beginning(_NAME, named[1]) if named else None, messages=messages)
    yield draft.finish_at(lines[0].place, *(line.text for line in lines))


def _line(line: Document) -> list[DraftMessage]:
    value = line.value
    if "message" not in value:
        said = "" if value["status"] == "success" else as_text(value.get("error") or value["status"])
        return [DraftMessage(EVENT, said, line.text, name="turn_ended")] if said else []
    content, blocks = object_at(value, "message")["content"], objects_at(value, "message", "content")
    if isinstance(content, str):
        blocks = [{"type": "text", "text": content}]
    found = list(_asked(blocks)) if value["role"] == CUSTOMER else _answered(blocks)
    if found:
        found[-1].source = line.text
    return found


def _asked(blocks: list[dict[str, Any]]) -> Iterator[DraftMessage]:
    """Read what was typed, which stands within what Cursor puts around it."""
    texts = [block["text"] for block in blocks if isinstance(block.get("text"), str)]
    typed = [query.strip() for text in texts for query in _QUERY.findall(text)]
    around = [left for text in texts if (left := _QUERY.sub("", text).strip())]
    others = [block for block in blocks if not isinstance(block.get("text"), str)]
    if typed and around:
        yield DraftMessage("system", [text_part(text) for text in around])
    yield DraftMessage(CUSTOMER, [*(text_part(text) for text in typed or around), *others])


def _answered(blocks: list[dict[str, Any]]) -> list[DraftMessage]:
    turn = Turn()
    for block in blocks:
        match block.get("type"):
            case "text":
                turn.add(text_part(as_text(block.get("text"))))
            case "thinking":
                turn.think(as_text(first_of(block, ("thinking", "text"))))
            case "tool_use":
                turn.call(as_text(block.get("id")), as_text(block.get("name")), block.get("input") or {})
            case "tool_result":
                result = turn.result(as_text(block.get("tool_use_id")), as_text(block.get("content")))
                result.more = {"is_error": True} if block.get("is_error") else {}
            case _:
                turn.add(block)
    return [] if turn.is_empty else turn.messages()


# --- The database -----------------------------------------------------------------------------------------------------


def _stored(value: dict[str, Any]) -> Draft:
    chat, bubbles = object_at(value, "chat"), objects_at(value, "bubbles")
    models = [object_at(chat, "modelConfig"), *(object_at(bubble, "modelInfo") for bubble in bubbles)]
    names = [as_text(model.get("modelName")) for model in models]
    draft = Draft(
        _NAME,
        id=id_within(_NAME, chat.get("composerId")),
        created=chat.get("createdAt"),
        model=next((name for name in reversed(names) if name not in ("", "default")), ""),
        metadata={
            "title": chat.get("name"),
            "cwd": object_at(chat, "workspaceIdentifier", "uri").get("fsPath"),
            "branch": chat.get("createdOnBranch"),
        },
    )
    thoughts = ""
    for bubble, before in zip(bubbles, [{}, *bubbles], strict=False):
        if _is_emptied(bubble) and _is_emptied(before) and bubble.get("type") == before.get("type"):
            continue
        found, thoughts = _bubble(bubble, thoughts)
        draft.messages += found
    if thoughts:
        draft.messages.append(DraftMessage("assistant", reasoning=thoughts))
    if not draft.messages:
        raise NothingSaid
    return draft


def _is_emptied(bubble: dict[str, Any]) -> bool:
    return bool(bubble) and bubble.keys() <= {"bubbleId", "type"}


def _bubble(bubble: dict[str, Any], thoughts: str) -> tuple[list[DraftMessage], str]:
    """Read a bubble. One that has only what was thought goes together with the next; `thoughts` is what there was."""
    text, thought = as_text(bubble.get("text")), as_text(object_at(bubble, "thinking").get("text"))
    tool = object_at(bubble, "toolFormerData")
    if bubble.get("type") == _USER:
        found = [*([DraftMessage("assistant", reasoning=thoughts)] if thoughts else []), _typed(bubble, text)]
        thoughts = ""
    elif _is_emptied(bubble):
        found = [DraftMessage("assistant", None, notes=[note("lost-text", by=_TITLE)])]
    elif not (text.strip() or tool.get("name") or bubble.get("errorDetails")):
        return [], "\n\n".join(filter(None, (thoughts, thought)))
    else:
        turn = Turn()
        turn.think("\n\n".join(filter(None, (thoughts, thought))))
        turn.add(*([text_part(text)] if text.strip() else []))
        if tool.get("name"):
            _take_tool(turn, tool)
        found, thoughts = turn.messages(), ""
        if bubble.get("errorDetails"):
            found[0].more["error"] = as_text(object_at(bubble, "errorDetails").get("message") or bubble["errorDetails"])
    for draft in found:
        draft.created = bubble.get("createdAt")
    found[-1].id, found[-1].source = bubble.get("bubbleId"), json.dumps(bubble, ensure_ascii=False)
    return found, thoughts


def _typed(bubble: dict[str, Any], text: str) -> DraftMessage:
    files = [as_text(one.get("relativeWorkspacePath")) for one in objects_at(bubble, _OF_BUBBLE[-1])]
    draft = DraftMessage(CUSTOMER, [*([text_part(text)] if text else []), *map(file_part, filter(None, files))])
    if _is_emptied(bubble):
        draft.notes.append(note("lost-text", by=_TITLE))
    if list_at(bubble, "images"):
        draft.notes.append(note("lost-image", by=_TITLE))
    return draft


def _take_tool(turn: Turn, tool: dict[str, Any]) -> None:
    call_id, status = as_text(tool.get("toolCallId")), tool.get("status")
    turn.call(call_id, as_text(tool["name"]), first_of(tool, ("rawArgs", "params")) or {})
    output = first_of(tool, ("result", "error"))
    if output is not None or status in ("error", "cancelled"):
        result = turn.result(call_id, _output(output), as_text(tool["name"]))
        failed = {"is_error": True} if status == "error" else {"status": status} if status == "cancelled" else {}
        result.more = {"status": "rejected"} if tool.get("userDecision") == "rejected" else failed


def _output(output: Any) -> str:
    """Return what a tool returned: of a command, what it wrote."""
    return as_text(first_of(object_of(output), ("output", "clientVisibleErrorMessage")) or output)


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the chats of a database, each with those of its bubbles that there are."""
    keys = database.execute("SELECT key FROM cursorDiskKV WHERE key LIKE 'composerData:%' ORDER BY rowid").fetchall()
    for number, (key,) in enumerate(keys, start=1):
        chat = _value_at(database, key)
        heads = objects_at(chat, "fullConversationHeadersOnly") or objects_at(chat, "conversation")
        own = as_text(chat.get("composerId")) or key.partition(":")[2]
        bubbles = [_bubble_at(database, own, head, object_at(chat, "conversationMap")) for head in heads]
        if bubbles:
            about = {name: chat[name] for name in _OF_CHAT if name in chat} | {"composerId": own}
            yield number, json.dumps({"chat": about, "bubbles": bubbles}, ensure_ascii=False)


def _bubble_at(database: sqlite3.Connection, chat: str, head: dict[str, Any], legacy: dict[str, Any]) -> dict[str, Any]:
    own = as_text(head.get("bubbleId"))
    held = _value_at(database, f"bubbleId:{chat}:{own}") or object_at(legacy, own) or head
    return {name: held[name] for name in _OF_BUBBLE if held.get(name) not in (None, "", [])} | {
        name: head[name] for name in ("bubbleId", "type") if name in head
    }


def _value_at(database: sqlite3.Connection, key: str) -> dict[str, Any]:
    """Return the object under a key; empty where there is none, or where Cursor has emptied it."""
    query = "SELECT CAST(value AS TEXT) FROM cursorDiskKV WHERE key = ?"
    (text,) = database.execute(query, (key,)).fetchone() or (None,)
    return object_of(text)


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A chat of Cursor"),
    seen="exports of 0.50 to 3.15; transcripts and the database of 2025 and 2026, by programs that read them",
    keeps="texts; from the database also reasoning, tool calls, results and whether they failed, titles, the model, "
    "times; from transcripts tool calls",
    loses="pictures; in exports all that the agent did, and times; in transcripts results and times",
    matches=lambda value: _is_line(value) or _is_chat(value),
    read=_read,
    key=lambda document: f"file {document.place.file}" if _is_line(document.value) else "",
    join=_join,
    is_part=True,
    tables=frozenset({"cursorDiskKV"}),
    rows=_rows,
)
