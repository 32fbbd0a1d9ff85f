"""LlamaIndex's chat stores and memories: messages with `blocks`, under the key of each conversation."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    citation,
    data_url,
    file_part,
    media_part,
    note,
    text_part,
    tool_call,
)
from viewer.formats.family import Family, Shape, first_object, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import draft_of, source_of

_NAME = "llamaindex"
_DEFAULT_KEYS = ("chat_history", "chat_store", "default", "chat_messages")  # not of one conversation alone
_ROLES = {"chatbot": "assistant", "model": "assistant"}
# Of a block with bytes: where they are, what kind they are, and how LlamaIndex says so.
_MEDIA = {
    "image": ("image", "image/png", "lost-image"),
    "audio": ("audio", "audio/wav", "lost-audio"),
    "video": ("video", "video/mp4", "lost-file"),
    "document": ("data", "application/pdf", "lost-file"),
}


def is_message(value: Any) -> bool:
    """Whether a value is a `ChatMessage`, also of versions before 0.12, which had no blocks."""
    if not (isinstance(value, dict) and isinstance(value.get("role"), str) and "type" not in value):
        return False
    first = first_object(value.get("blocks"))
    return "block_type" in first or (isinstance(value.get("additional_kwargs"), dict) and _has_content(value))


def _has_content(value: dict[str, Any]) -> bool:
    return isinstance(value.get("blocks"), list) or isinstance(value.get("content"), str | None)


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read `ChatMessage` objects."""
    return [_message(message) for message in messages if isinstance(message.value, dict)]


def _message(message: Document) -> DraftMessage:
    value = message.value
    if not is_message(value):
        return DraftMessage.of(message)
    more = object_at(value, "additional_kwargs")
    role = _ROLES.get(value["role"], value["role"])
    draft = DraftMessage(role, source=message.text, name=as_text(more.get("name")))
    draft.tool_call_id = as_text(more.get("tool_call_id"))
    calls = {call.get("id"): object_at(call, "function") for call in objects_at(more, "tool_calls")}
    found = {call_id: (function.get("name"), function.get("arguments")) for call_id, function in calls.items()}
    parts: list[dict[str, Any]] = []
    for block in objects_at(value, "blocks"):
        if block.get("block_type") == "tool_call":  # the same calls as in additional_kwargs, since 0.13
            found.setdefault(block.get("tool_call_id"), (block.get("tool_name"), block.get("tool_kwargs")))
        elif block.get("block_type") == "thinking":
            draft.reasoning += ("\n\n" if draft.reasoning else "") + as_text(block.get("content"))
        else:
            parts += _parts(block, draft)
    draft.tool_calls = [tool_call(as_text(each), as_text(name), given) for each, (name, given) in found.items()]
    texts = [part for part in parts if part != text_part("")]
    draft.content = texts or (value["content"] if isinstance(value.get("content"), str) else None)
    draft.refusal = as_text(more.get("refusal"))
    if role == "assistant" and not (draft.content or found or draft.refusal or draft.reasoning):
        draft.notes.append(note("lost-refusal", by="LlamaIndex"))
    return draft


def _parts(block: dict[str, Any], draft: DraftMessage) -> Iterator[dict[str, Any]]:
    match block.get("block_type"):
        case "text":
            yield text_part(as_text(block.get("text")))
        case "image" | "audio" | "video" | "document" as kind:
            yield _media(kind, block, draft)
        case "citable":
            yield text_part(as_text(block.get("title")))
            for inner in objects_at(block, "content"):
                yield from _parts(inner, draft)
        case "citation":
            url = as_text(object_at(block, "additional_location_info").get("url") or block.get("source"))
            draft.annotations.append(citation(url, as_text(block.get("title"))))
        case "cache":
            pass
        case kind:
            yield {"type": kind or "block"} | block


def _media(kind: str, block: dict[str, Any], draft: DraftMessage) -> dict[str, Any]:
    name, media_type, lost = _MEDIA[kind]
    media_type = as_text(block.get(f"{kind}_mimetype")) or media_type
    if isinstance(block.get("format"), str):
        media_type = f"{kind}/{block['format']}"
    data, url, path = block.get(name), block.get("url"), as_text(block.get("path"))
    title = as_text(block.get("title")) or path.replace("\\", "/").rpartition("/")[2]
    if isinstance(data, str) and data:
        return media_part(media_type, data_url(data, media_type), title)
    if isinstance(url, str) and url:
        return media_part(media_type, url, title)
    draft.notes.append(note(lost, by="LlamaIndex"))
    return file_part(title)


def _stores(value: Any) -> tuple[str, ...]:
    """Return where the store is: alone, in a memory, or in the context of an agent; empty if there is none."""
    for names in ((), ("chat_store",), ("value", "chat_store")):
        store = object_at(value, *names, "store")
        if any(isinstance(list_, list) and is_message(first_object(list_)) for list_ in list(store.values())[:3]):
            return (*names, "store")
    return ()


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return is_message(first_object(value))
    if not isinstance(value, dict):
        return False
    return is_message(first_object(value.get("messages"))) or bool(_stores(value)) or _memory_in(value) is not None


def _memory_in(value: dict[str, Any]) -> str | None:
    """Return the memory that the context of an agent has as a text of JSON."""
    memory = object_at(value, "state", "state_data", "_data").get("memory")
    return memory if isinstance(memory, str) and '"chat_store"' in memory else None


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    memory = _memory_in(value) if isinstance(value, dict) else None
    if memory is not None:
        yield from _read(Document(memory, document.place))
        return
    names = _stores(value) if isinstance(value, dict) else ()
    store = document.at(*names) if names else None
    for key, messages in store.members.items() if store else ():
        if messages.value:
            draft = Draft(_NAME, id=None if key in _DEFAULT_KEYS else id_within(_NAME, key))
            draft.messages, draft.source = read_messages(messages.items()), source_of(document, names[:1])
            yield draft.finish_at(document.place, key, messages.text)
    if store is None:
        messages = document.at("messages") or document
        draft = draft_of(_NAME, document, read_messages(messages.items()), ["messages"])
        draft.id = id_within(_NAME, draft.id)
        yield draft.finish(document)


def _memories(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the messages of each key of the table that a `Memory` with a database has."""
    rows = database.execute("SELECT key, data FROM llama_index_memory ORDER BY key, timestamp, id")
    for number, (key, group) in enumerate(groupby(rows, key=lambda row: row[0]), start=1):
        yield number, f'{{"id":{json.dumps(key)},"messages":[{",".join(data for _, data in group)}]}}'


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="LlamaIndex",
    what=gettext_lazy("A LlamaIndex chat store"),
    seen="llama-index-core 0.14.25",
    keeps="texts, pictures, sound, documents, reasoning, tool calls and results",
    loses="refusals: an empty answer; sources, times, the model, and whether a tool failed",
    matches=_matches,
    read=_read,
    tables=frozenset({"llama_index_memory"}),
    rows=_memories,
    renamed="llama_index_memory",
    columns=frozenset({"id", "key", "timestamp", "role", "status", "data"}),
)
