"""HuggingChat and other servers of chat-ui: a chat that was exported, or all of them with their files in a ZIP.

Facts from the source of chat-ui of 2024 to 2026 (`conversationTrace.ts`, `Message.ts`, `MessageUpdate.ts`, the route
`export`). A message names those before it; the export of all leaves out the calls of tools, which stand in `updates`.
"""

from __future__ import annotations

from collections.abc import Iterator
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
)
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.trees import Tree, kept, left_of, walk
from viewer.formats.turns import Turn

_NAME, _TITLE = "hugging-chat", "HuggingChat"
_TRACE = "chat-ui-conversation-trace"
_KNOWN = ("_id", "id", "title", "model", "preprompt", "createdAt", "updatedAt", "rootMessageId", "messages")


def _is_chat(value: Any) -> bool:
    first = first_object(list_at(value, "messages")) if isinstance(value, dict) else {}
    return {"from", "content"} <= first.keys() and not {"rootMessageId", "preprompt"}.isdisjoint(value)


def _matches(value: Any) -> bool:
    return _is_chat(value) or (object_at(value).get("format") == _TRACE and _is_chat(value.get("conversation")))


def _read(document: Document) -> Iterator[Conversation]:
    chat = document.at("conversation") or document
    value, held = chat.value, chat.members["messages"]
    nodes = {as_text(message.value.get("id")) or str(n): message for n, message in enumerate(held.items())}
    parents, before = dict[str, str | None](), ""
    for name, message in nodes.items():
        ancestors = list_at(message.value, "ancestors")
        parents[name] = as_text(ancestors[-1]) if ancestors else None if "ancestors" in message.value else before
        before = name
    images = {as_text(image.get("sha")): image for image in objects_at(document.value, "toolImages")}
    walked = walk(
        Tree(parents),
        lambda name: nodes[name].value.get("from") == CUSTOMER,
        lambda names: [draft for name in names for draft in _messages(nodes[name], images)],
    )
    draft = Draft(
        _NAME,
        id=id_within(_NAME, first_of(value, ("id", "_id"))),
        created=value.get("createdAt"),
        model=as_text(value.get("model")),
        metadata={"title": value.get("title")},
        messages=walked.messages,
        choices=walked.choices,
        source=kept(chat=source_of(chat, _KNOWN), messages=left_of(nodes, walked)),
    )
    prompt = as_text(value.get("preprompt"))
    if prompt and not any(message.role == "system" for message in draft.messages):
        draft.messages.insert(0, DraftMessage("system", prompt))
    yield draft.finish(document)


def _messages(message: Document, images: dict[str, dict[str, Any]]) -> list[DraftMessage]:
    """Read a message; a system message without a text is where each chat begins."""
    value, turn = message.value, Turn()
    if value.get("from") == "system" and not value.get("content"):
        return []
    for update in objects_at(value, "updates"):
        _take(turn, update, images)
    turn.think(as_text(value.get("reasoning")))
    turn.add(*([text_part(as_text(value["content"]))] if value.get("content") else []))
    turn.add(*map(_file, list_at(value, "files")))
    drafts, last = turn.messages(), turn.last()
    if value.get("from") != "assistant":
        last.role = as_text(value.get("from"))
    if any(file.get("type") != "base64" for file in objects_at(value, "files")):
        last.notes.append(note("lost-file", by=_TITLE))
    if value.get("interrupted"):
        last.notes.append(note("interrupted"))
    if value.get("score") in (1, -1):
        last.more["feedback"] = value["score"]
    last.id, last.source = value.get("id"), message.text
    for draft in drafts:
        draft.created = value.get("createdAt")
    return drafts


def _take(turn: Turn, update: dict[str, Any], images: dict[str, dict[str, Any]]) -> None:
    own, kind = as_text(update.get("uuid")), (update.get("type"), update.get("subtype"))
    match kind:
        case ("tool", "call"):
            call = object_at(update, "call")
            turn.call(own, as_text(call.get("name")), call.get("parameters") or {})
        case ("tool", "result"):
            result = object_at(update, "result")
            parts = [part for output in objects_at(result, "outputs") for part in _output(output, images)]
            draft = turn.result(own, parts or as_text(result.get("message")))
            draft.more = {"is_error": True} if result.get("status") == "error" else {}
        case ("tool", "error"):
            turn.result(own, as_text(update.get("message"))).more = {"is_error": True}
        case ("webSearch", "sources"):
            cited = objects_at(update, "sources")
            turn.last().annotations += [citation(as_text(one.get("link")), as_text(one.get("title"))) for one in cited]
        case ("status", _) if update.get("status") == "error":
            turn.last().more["error"] = as_text(update.get("message") or "error")


def _output(output: dict[str, Any], images: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the parts of what a tool returned: a text, or blocks, of which pictures stand elsewhere by their hash."""
    blocks = objects_at(output, "content")
    pictures = [block for block in blocks if block.get("type") == "image"]
    texts = [as_text(block.get("text")) for block in blocks if isinstance(block.get("text"), str)]
    text = as_text(output.get("text")) or "\n".join(texts) or ("" if pictures else as_text(output))
    if text:
        yield text_part(text)
    for picture in pictures:
        media_type = as_text(picture.get("mimeType")) or "image/png"
        data = as_text(picture.get("data") or images.get(as_text(picture.get("sha")), {}).get("data"))
        yield media_part(media_type, data_url(data, media_type) if data else "")


def _file(file: Any) -> dict[str, Any]:
    """Read a file: its bytes, its hash alone, or in an export of all its name in the ZIP."""
    if not isinstance(file, dict):
        return file_part(as_text(file))
    name, media_type = as_text(file.get("name")), as_text(file.get("mime"))
    is_held = file.get("type") == "base64" and isinstance(file.get("value"), str)
    return media_part(media_type, data_url(file["value"], media_type), name) if is_held else file_part(name)


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A HuggingChat export"),
    seen="exports by the source of chat-ui of 2024 to 2026",
    keeps="texts, reasoning, tool calls, results and whether they failed, sources, errors, feedback, titles, prompts, "
    "the model, times; other branches in the JSON",
    loses="most files; in an export of all, tool calls and sources",
    matches=_matches,
    read=_read,
)
