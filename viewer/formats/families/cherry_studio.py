"""Cherry Studio: backups, as ZIP with its files or as JSON. Messages name their blocks, which stand in another table.

Facts from its source of 2025 and 2026 (`newMessage.ts`, `BackupService`); before version 4 of backups, a message has
its text itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cells import object_of
from viewer.formats.document import Conversation, Document, Find, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, file_part, image_part, note, text_part
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.media import data_part
from viewer.formats.message_lists import first_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "cherry-studio", "Cherry Studio"
_STORE = "persist:cherry-studio"


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and "localStorage" in value and isinstance(object_at(value).get("indexedDB"), dict)


def _read(document: Document) -> Iterator[Conversation]:
    """Read the topics of a backup. What it has of settings, such as keys of APIs, is not kept."""
    held, about = document.at("indexedDB", "topics"), _assistants(document.value)
    blocks = {block.get("id"): block for block in objects_at(document.value, "indexedDB", "message_blocks")}
    topics = [topic for topic in (held.items() if held else ()) if list_at(topic.value, "messages")]
    if not topics:
        raise NothingSaid
    for topic in topics:
        assistant, name = about.get(as_text(topic.value.get("id")), ({}, ""))
        messages = list(topic.members["messages"].items())
        draft = _draft(topic.value, [message.value for message in messages])
        draft.metadata = {"title": name or topic.value.get("name"), "assistant": assistant.get("name")}
        prompt = as_text(assistant.get("prompt"))
        draft.messages = [DraftMessage("system", prompt)] if prompt else []
        own = [_blocks(message.value, blocks) for message in messages]
        for message, parts in zip(messages, own, strict=True):
            draft.messages += _messages(message, parts)
        yield draft.finish_at(document.place, topic.text, *(json.dumps(parts) for parts in own))


def _assistants(value: dict[str, Any]) -> dict[str, tuple[dict[str, Any], str]]:
    """Return for each topic its assistant and its name, which stand in the storage of the application, as JSON."""
    state = object_of(object_of(object_at(value, "localStorage").get(_STORE)).get("assistants"))
    held = [*objects_at(state, "assistants"), object_at(state, "defaultAssistant")]
    return {
        as_text(topic.get("id")): (assistant, as_text(topic.get("name")))
        for assistant in reversed(held)
        for topic in objects_at(assistant, "topics")
    }


def _draft(topic: dict[str, Any], messages: list[Any]) -> Draft:
    models = [_model(object_at(message)) for message in messages]
    created = (object_at(message).get("createdAt") for message in messages)
    return Draft(
        _NAME,
        id=id_within(_NAME, topic.get("id")),
        created=next(filter(None, created), None),
        model=next(filter(None, reversed(models)), ""),
    )


def _model(message: dict[str, Any]) -> str:
    return as_text(object_at(message, "model").get("id") or message.get("modelId"))


def _blocks(message: dict[str, Any], blocks: dict[Any, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the blocks of a message; of an old one, what it has itself."""
    names = [name for name in list_at(message, "blocks") if isinstance(name, str)]
    own = [blocks.get(name) or {"type": "lost", "id": name} for name in names]
    for name, kind in (("reasoning_content", "thinking"), ("content", "main_text")):
        if isinstance(message.get(name), str) and message[name]:
            own.append({"type": kind, "content": message[name]})
    return own


def _messages(message: Document, blocks: list[dict[str, Any]]) -> list[DraftMessage]:
    value, turn = message.value, Turn()
    turn.last()
    for block in blocks:
        _take(turn, block, message.find)
    drafts = turn.messages()
    last = turn.last()
    if value.get("role") != "assistant":
        last.role = as_text(value.get("role"))
    elif list_at(value, "mentions") or value.get("foldSelected") is not None:  # one of several models that were asked
        last.name = _model(value)
    for draft in drafts:
        draft.created = value.get("createdAt")
    sources = [message.text, *(json.dumps(block, ensure_ascii=False) for block in blocks if block.get("messageId"))]
    last.id, last.source = value.get("id"), sources[0] if len(sources) == 1 else f"[{','.join(sources)}]"
    return drafts


def _take(turn: Turn, block: dict[str, Any], find: Find) -> None:
    content = block.get("content")
    match block.get("type"):
        case "main_text":
            turn.add(*([text_part(as_text(content))] if content else []))
        case "code":
            turn.add(text_part(f"```{as_text(block.get('language'))}\n{as_text(content)}\n```"))
        case "thinking":
            turn.think(as_text(content))
        case "tool":
            _take_tool(turn, block)
        case "image" | "file":
            _take_file(turn, block, find)
        case "citation":
            turn.last().annotations += _citations(block)
        case "error":
            error = object_at(block, "error")
            turn.last().more["error"] = as_text(first_of(error, ("message", "name")) or error)
        case "lost":
            turn.last().notes.append(note("lost-content", by=_TITLE))
        case "unknown":
            pass  # what stands for an answer until it comes
        case _:
            turn.add(block)


def _take_tool(turn: Turn, block: dict[str, Any]) -> None:
    raw = object_at(block, "metadata", "rawMcpToolResponse")
    call_id = as_text(first_of(raw, ("toolCallId", "id")) or block.get("toolId"))
    name = as_text(object_at(raw, "tool").get("name") or block.get("toolName"))
    turn.call(call_id, name, first_of(block, ("arguments",)) or raw.get("arguments") or {})
    response = raw.get("response") if raw.get("response") is not None else block.get("content")
    if response is None:
        return
    texts = [as_text(part.get("text")) for part in objects_at(response, "content") if part.get("type") == "text"]
    is_failed = object_at(response).get("isError") or "error" in (raw.get("status"), block.get("status"))
    is_text = bool(texts) and len(texts) == len(list_at(response, "content"))
    result = turn.result(call_id, "\n".join(texts) if is_text else as_text(response))
    result.more = {"is_error": True} if is_failed else {}


def _take_file(turn: Turn, block: dict[str, Any], find: Find) -> None:
    """Add a file, which is in the ZIP of a backup, under its id."""
    file, url = object_at(block, "file"), as_text(block.get("url"))
    name, is_picture = as_text(first_of(file, ("origin_name", "name"))), block.get("type") == "image"
    generated = list_at(block, "metadata", "generateImageResponse", "images")
    if data := find(as_text(file["id"])) if file.get("id") else None:
        turn.add(data_part(data, name))
    elif url.startswith(("data:", "http://", "https://")):
        turn.add(image_part(url, caption=name))
    elif generated:
        turn.add(*(image_part(as_text(each)) for each in generated))
    else:
        turn.add(image_part("", caption=name) if is_picture else file_part(name))
        turn.last().notes.append(note("lost-image" if is_picture else "lost-file", by=_TITLE))


def _citations(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the sources of an answer, whose shape is that of whoever searched."""
    waiting: list[Any] = [object_at(block, "response").get("results"), block.get("knowledge")]
    found = dict[str, str]()
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            url = first_of(value, ("url", "uri", "link", "sourceUrl"))
            if isinstance(url, str):
                found.setdefault(url, as_text(first_of(value, ("title", "name"))))
            waiting += [each for each in value.values() if isinstance(each, (dict, list))]
    return [citation(url, title) for url, title in found.items()]


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A Cherry Studio backup"),
    seen="backups of the versions 1 to 5, by its source of 2025 and 2026",
    keeps="texts, reasoning, tool calls, results and whether they failed, sources, files and pictures of the ZIP, "
    "prompts, titles, errors, the model, times",
    loses="which words of an answer cite a source; files and pictures, in a backup that leaves them out",
    matches=_matches,
    read=_read,
)
