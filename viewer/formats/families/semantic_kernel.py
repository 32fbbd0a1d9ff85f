"""Semantic Kernel's `ChatHistory.serialize()`: messages with `items`, each with a `content_type`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import DraftMessage, file_part, media_part, text_part, tool_call
from viewer.formats.family import Family, Shape
from viewer.formats.message_lists import draft_of, is_list_of

_NAME = "semantic-kernel"


def is_message(value: Any) -> bool:
    """Whether a value is a message of a `ChatHistory`."""
    return isinstance(value, dict) and value.get("content_type") == "message" and isinstance(value.get("items"), list)


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages; the results of tools, which one message may have several of, each become one of their own."""
    return [draft for message in messages for draft in _messages(message)]


def _messages(message: Document) -> list[DraftMessage]:
    parts, calls, results = list[dict[str, Any]](), list[dict[str, Any]](), list[DraftMessage]()
    for item in message.value["items"]:
        match item.get("content_type"):
            case "function_result":
                results.append(_result(item, message))
            case "function_call":
                name = item.get("name") or "-".join(filter(None, (item.get("plugin_name"), item.get("function_name"))))
                calls.append(tool_call(item.get("id") or "", name, item.get("arguments")))
            case _:
                parts.append(_part(item))
    role, name = message.value.get("role", ""), message.value.get("name") or ""
    return results or [DraftMessage(role, parts, message.text, name=name, tool_calls=calls)]


def _part(item: dict[str, Any]) -> dict[str, Any]:
    match item.get("content_type"):
        case "text":
            return text_part(item.get("text") or "")
        case "image" | "audio" | "binary" as kind:
            url = item.get("data_uri") or item.get("uri") or ""
            media_type = item.get("mime_type") or {"image": "image/*", "audio": "audio/*"}.get(kind, "")
            return media_part(media_type, url)
        case "file_reference":
            return file_part(file_id=item.get("file_id") or "")
    return item  # shown as JSON, under its name


def _result(item: dict[str, Any], message: Document) -> DraftMessage:
    return DraftMessage(
        "tool", item.get("result"), message.text, name=item.get("name") or "", tool_call_id=item.get("id") or ""
    )


def _read(document: Document) -> Iterator[Conversation]:
    messages = document.at("messages") or document
    draft = draft_of(_NAME, document, read_messages(messages.items()), ["messages"])
    draft.model = next((str(each["ai_model_id"]) for each in messages.value if each.get("ai_model_id")), "")
    yield draft.finish(document)


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="Semantic Kernel",
    what=gettext_lazy("A Semantic Kernel chat history"),
    seen="semantic-kernel 1.45.0",
    keeps="texts, pictures, sound, tool calls and results, the model",
    loses="times; citations and reasoning; a refusal is plain text",
    matches=is_list_of(SHAPE),
    read=_read,
)
