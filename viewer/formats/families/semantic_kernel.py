"""Semantic Kernel's `ChatHistory`: messages with `items`, whose kind is a `content_type`, in .NET the `$type`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import DraftMessage, as_text, data_url, file_part, media_part, text_part, tool_call
from viewer.formats.family import Family, Shape, object_at, objects_at
from viewer.formats.message_lists import draft_of, first_of, is_list_of

_NAME = "semantic-kernel"
_LISTS = ("messages", "Messages", "chat_history", "chatHistory", "ChatHistory")
_NAMES = ("name", "author_name")
_CLASSES = {
    "TextContent": "text",
    "ImageContent": "image",
    "AudioContent": "audio",
    "BinaryContent": "binary",
    "FunctionCallContent": "function_call",
    "FunctionResultContent": "function_result",
    "FileReferenceContent": "file_reference",
    "ReasoningContent": "reasoning",
}


def _get(value: Any, name: str) -> Any:
    """Return a member under its name in Python, or in .NET with capitals (`MimeType`) or without (`mimeType`)."""
    values = object_at(value)
    pascal = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    return first_of(values, (name, pascal, pascal[:1].lower() + pascal[1:]))


def _role(message: dict[str, Any]) -> str:
    given = _get(message, "role")
    return as_text(_get(given, "label") if isinstance(given, dict) else given)


def _kind(item: dict[str, Any]) -> str:
    """Return the kind of an item: .NET names its classes, and early versions for Python had only texts."""
    given = as_text(first_of(item, ("content_type", "$type"))) or ("text" if "text" in item else "")
    return _CLASSES.get(given, given)


def is_message(value: Any) -> bool:
    """Whether a value is a message of a `ChatHistory`, in Python or .NET."""
    if not isinstance(value, dict) or "type" in value or not _role(value):
        return False
    items = _get(value, "items")
    if isinstance(_get(value, "role"), dict):
        return isinstance(items, list) or isinstance(_get(value, "content"), str)
    is_known = value.get("content_type") == "message" or "metadata" in value
    return is_known and isinstance(items, list) and all(map(_kind, filter(None, map(object_at, items))))


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages; the results of tools, which one message may have several of, each become one of their own."""
    return [draft for message in messages for draft in _messages(message)]


def _messages(message: Document) -> list[DraftMessage]:
    if not is_message(message.value):
        return [DraftMessage.of(message)] if isinstance(message.value, dict) else []
    parts, calls, results = list[dict[str, Any]](), list[dict[str, Any]](), list[DraftMessage]()
    reasoning = ""
    for item in objects_at({"items": _get(message.value, "items")}, "items"):
        match _kind(item):
            case "function_result":
                results.append(_result(item, message))
            case "function_call":
                calls.append(tool_call(as_text(_get(item, "id")), _name_of(item), _get(item, "arguments")))
            case "reasoning":
                reasoning += as_text(_get(item, "text"))
            case _:
                parts.append(_part(item))
    said = _get(message.value, "content")
    if not (parts or results) and isinstance(said, str):
        parts.append(text_part(said))
    name = as_text(first_of({name: _get(message.value, name) for name in ("name", "author_name")}, _NAMES))
    if results:
        return results
    draft = DraftMessage(_role(message.value), parts, message.text, name=name, tool_calls=calls, reasoning=reasoning)
    about = object_at(_get(message.value, "metadata"))
    draft.id, draft.created = first_of(about, ("id", "Id")), first_of(about, ("created", "CreatedAt", "createdAt"))
    return [draft]


def _name_of(item: dict[str, Any]) -> str:
    names = (as_text(_get(item, "plugin_name")), as_text(_get(item, "function_name")))
    return as_text(item.get("name")) or "-".join(filter(None, names))


def _part(item: dict[str, Any]) -> dict[str, Any]:
    match _kind(item):
        case "text":
            return text_part(as_text(_get(item, "text")))
        case "image" | "audio" | "binary" as kind:
            media_type = as_text(_get(item, "mime_type")) or {"image": "image/*", "audio": "audio/*"}.get(kind, "")
            data = _get(item, "data")
            url = _get(item, "data_uri") or (data_url(data, media_type) if isinstance(data, str) else "")
            return media_part(media_type, as_text(url or _get(item, "uri")))
        case "file_reference":
            return file_part(file_id=as_text(_get(item, "file_id")))
    return {"type": _kind(item) or "item", **item}  # shown as JSON, under its name


def _result(item: dict[str, Any], message: Document) -> DraftMessage:
    call_id = first_of({"id": _get(item, "call_id"), "own": _get(item, "id")}, ("id", "own"))
    return DraftMessage(
        "tool", as_text(_get(item, "result")), message.text, name=_name_of(item), tool_call_id=as_text(call_id)
    )


def _read(document: Document) -> Iterator[Conversation]:
    messages = next((found for name in _LISTS if (found := document.at(name))), document)
    draft = draft_of(_NAME, document, read_messages(messages.items()), _LISTS)
    models = (first_of(object_at(each), ("ai_model_id", "ModelId", "modelId")) for each in reversed(messages.value))
    draft.model = as_text(next(filter(None, models), ""))
    draft.created = draft.created or next((message.created for message in draft.messages if message.created), None)
    last = object_at(messages.value[-1])
    draft.finish_reason = as_text(last.get("finish_reason")) or None
    draft.fields["usage"] = _usage(object_at(last, "metadata", "usage")) or draft.fields.get("usage")
    yield draft.finish(document)


def _usage(given: dict[str, Any]) -> dict[str, Any] | None:
    counts = {name: given.get(name) for name in ("prompt_tokens", "completion_tokens")}
    return counts if any(counts.values()) else None


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="Semantic Kernel",
    what=gettext_lazy("A Semantic Kernel chat history"),
    seen="semantic-kernel 0.9.9b1, 1.30.0 and 1.45.0; .NET by published examples",
    keeps="texts, pictures, sound, tool calls and results, the model, times and ids of answers",
    loses="other times; citations and reasoning; a refusal is plain text",
    matches=is_list_of(SHAPE, *_LISTS),
    read=_read,
)
