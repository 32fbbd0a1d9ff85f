"""Claude's export: conversations with `chat_messages`, whose content has the blocks of Anthropic's API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, Find, NotAConversation
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    citation,
    file_part,
    image_part,
    note,
    text_file,
    text_part,
)
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.ids import id_within
from viewer.formats.media import data_part
from viewer.formats.message_lists import source_of
from viewer.formats.trees import Tree, kept, left_of, walk
from viewer.formats.turns import Turn

_NAME, _TITLE = "claude-ai", "Claude"
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_BESIDE = (
    ({"uuid", "full_name", "email_address"}, gettext_lazy("a user")),
    ({"uuid", "name", "docs"}, gettext_lazy("a project")),
    ({"uuid", "name", "prompt_template"}, gettext_lazy("a project")),
    ({"conversations_memory"}, gettext_lazy("the memory")),
    ({"project_memories"}, gettext_lazy("the memory")),
)


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    first = first_object(value.get("chat_messages"))
    is_empty = value.get("chat_messages") == [] and "uuid" in value
    return "sender" in first or is_empty or _beside(value) is not None


def _beside(value: dict[str, Any]) -> Any:
    if "chat_messages" in value or "messages" in value:
        return None
    return next((what for names, what in _BESIDE if names <= value.keys()), None)


def _read(document: Document) -> Iterator[Conversation]:
    value, messages = document.value, document.at("chat_messages")
    if messages is None:
        what = _beside(value) or gettext_lazy("something else")
        raise NotAConversation(gettext("This is %s of a Claude export, not a conversation.") % what)
    nodes: dict[str, Document] = {}
    parents: dict[str, Any] = {}
    before: str | None = None
    for n, message in enumerate(messages.items()):
        name = str(object_at(message.value).get("uuid") or n)
        nodes[name] = message
        parents[name] = object_at(message.value).get("parent_message_uuid", before)
        before = name
    tree = Tree(parents, value.get("current_leaf_message_uuid"))
    walked = walk(
        tree,
        lambda name: object_at(nodes[name].value).get("sender") == "human",
        lambda names: [draft for name in names for draft in _messages(nodes[name])],
    )
    known = ("chat_messages", "uuid", "name", "created_at", "model")
    last = object_at(nodes[tree.path[-1]].value) if tree.path else {}
    draft = Draft(
        _NAME,
        id=id_within(_NAME, value.get("uuid")),
        created=value.get("created_at"),
        model=str(last.get("model") or value.get("model") or ""),
        metadata={
            "title": value.get("name"),
            "user": object_at(value, "account").get("uuid"),
            "project": object_at(value, "project").get("name") or value.get("project_uuid"),
        },
        messages=walked.messages,
        choices=walked.choices,
        finish_reason=last.get("stop_reason") if isinstance(last.get("stop_reason"), str) else None,
        source=kept(record=source_of(document, known), chat_messages=left_of(nodes, walked)),
    )
    yield draft.finish(document)


def _messages(message: Document) -> list[DraftMessage]:
    value = object_at(message.value)
    if value.get("sender") == "assistant":
        drafts = _answer(value)
    else:
        parts = [_text(block) for block in _blocks(value)]
        text = as_text(value.get("text"))
        is_told = any(part.get("text") for part in parts)
        role = {"human": "user"}.get(str(value.get("sender")), str(value.get("sender") or ""))
        drafts = [DraftMessage(role, parts if is_told or not text else [text_part(text), *parts])]
    last = next((draft for draft in reversed(drafts) if draft.role != "tool"), drafts[-1])
    last.id, last.created, last.source = value.get("uuid"), value.get("created_at"), message.text
    parts, notes = _files(value, message.find)
    last.content = [*(last.content if isinstance(last.content, list) else []), *parts] or None
    last.notes += notes
    return drafts


def _blocks(value: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in list_at(value, "content") if isinstance(block, dict)]


def _answer(value: dict[str, Any]) -> list[DraftMessage]:
    turn, waiting, is_said = Turn(), list[tuple[str, str]](), False
    for n, block in enumerate(_blocks(value)):
        match block.get("type"):
            case "text":
                is_said = is_said or bool(block.get("text"))
                if block.get("text"):
                    turn.add(_text(block))
            case "thinking" | "redacted_thinking":
                summaries = [object_at(each).get("summary") for each in list_at(block, "summaries")]
                turn.think(as_text(block.get("thinking")) or "\n".join(map(as_text, summaries)))
            case "tool_use" | "server_tool_use":
                call_id, name = str(block.get("id") or f"{value.get('uuid')}-{n}"), as_text(block.get("name"))
                turn.call(call_id, name, block.get("input"))
                waiting.append((call_id, name))
            case "tool_result":
                _take_result(turn, block, waiting)
            case "token_budget" | "flag":
                pass
            case _:
                turn.add(_text(block))
    if not is_said and value.get("text") and not waiting:
        turn.add(text_part(as_text(value["text"])))
    return turn.messages()


def _take_result(turn: Turn, block: dict[str, Any], waiting: list[tuple[str, str]]) -> None:
    """Add the result of a tool. Where it does not say of which call, it is of the first that has none yet."""
    name = as_text(block.get("name"))
    call_id = block.get("tool_use_id") or next((one for one, called in waiting if name in ("", called)), "")
    waiting[:] = [pair for pair in waiting if pair[0] != call_id] or waiting[:0]
    content = block.get("content")
    parts = [_result_part(part) for part in content] if isinstance(content, list) else as_text(content)
    turn.result(str(call_id), parts, name, **({"is_error": True} if block.get("is_error") else {}))


def _result_part(part: Any) -> dict[str, Any]:
    values = object_at(part)
    if not isinstance(part, dict):
        return text_part(as_text(part))
    url, title = values.get("url"), as_text(values.get("title"))
    text = values.get("text") or (title if values.get("type") == "knowledge" else None)  # since 2025 only the title
    if values.get("type") not in ("text", "knowledge") or not isinstance(text, str):
        return values
    return text_part(text, [citation(str(url), title)] if url else None)


def _text(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block of text with its citations; a spoken one is its transcript; any other stays as it is."""
    if block.get("type") not in ("text", "voice_note") or not isinstance(block.get("text"), str):
        return block
    return text_part(block["text"], [_citation(each) for each in list_at(block, "citations") if isinstance(each, dict)])


def _citation(cited: dict[str, Any]) -> dict[str, Any]:
    details, source = object_at(cited, "details"), first_object(cited.get("sources"))
    url, title = (
        next((str(one[name]) for one in (cited, details, source) if one.get(name)), "") for name in ("url", "title")
    )
    start, end = cited.get("start_index"), cited.get("end_index")
    return citation(url, title, start if isinstance(start, int) else None, end if isinstance(end, int) else None)


def _files(value: dict[str, Any], find: Find) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the files of a message: of texts the export has what Claude read in them, of all others the name."""
    parts, notes = list[dict[str, Any]](), list[dict[str, Any]]()
    for file in list_at(value, "attachments"):
        text = object_at(file).get("extracted_content")
        if isinstance(text, str) and text:
            parts.append(text_file(_name(file), text))
        elif file:
            parts.append(file_part(_name(file)))
            notes.append(note("lost-file", by=_TITLE))
    for file in list_at(value, "files_v2") or list_at(value, "files"):
        file_id, name = str(object_at(file).get("file_uuid") or ""), _name(file)
        if data_found := find(file_id) if file_id else None:
            parts.append(data_part(data_found, name))
            continue
        is_picture = object_at(file).get("file_kind") == "image" or name.lower().endswith(_PICTURES)
        parts.append(
            image_part("", file_id=file_id or name, caption=name) if is_picture else file_part(name, file_id=file_id)
        )
        notes.append(note("lost-image" if is_picture else "lost-file", by=_TITLE))
    return parts, notes


def _name(file: Any) -> str:
    return str(object_at(file).get("file_name") or object_at(file).get("name") or "")


FAMILY = Family(
    name=_NAME,
    title="Claude",
    what=gettext_lazy("A Claude export"),
    seen="exports of 2024 to 2026, by published examples",
    keeps="texts, reasoning, tool calls and results, sources, the text of attachments, other answers, times",
    loses="pictures and files that are no text; the model, in the export of the account",
    matches=_matches,
    read=_read,
)
