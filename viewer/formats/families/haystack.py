"""Haystack's chat messages as `to_dict` writes them: parts that are known by their only key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import (
    DraftMessage,
    as_text,
    data_url,
    media_part,
    note,
    text_part,
    tool_call,
)
from viewer.formats.family import Family, Shape, first_object, object_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import draft_of, first_of, is_list_of

_NAME = "haystack"
_PLACES = ("messages", "replies", "chat_messages", "history")
_PARTS = {"text", "tool_call", "tool_call_result", "image", "file", "reasoning"}
_INSIDE = {
    "tool_call": {"tool_name", "arguments"},
    "tool_call_result": {"result", "origin"},
    "image": {"base64_image", "mime_type"},
    "file": {"base64_data", "mime_type"},
    "reasoning": {"reasoning_text"},
}
_FIELDS = ("role", "content", "meta", "name")


def _field(value: dict[str, Any], name: str) -> Any:
    """Return a field; versions 2.9 and 2.10 wrote their names with an underscore before them."""
    return value.get(name, value.get(f"_{name}"))


def is_message(value: Any) -> bool:
    """Whether a value is a `ChatMessage`, of any version."""
    if not isinstance(value, dict) or "type" in value or not isinstance(_field(value, "role"), str):
        return False
    if not all(name in value or f"_{name}" in value for name in _FIELDS):  # Bedrock's have parts with one key too
        return False
    first = first_object(_field(value, "content"))
    return isinstance(_field(value, "meta"), dict) and (not first or bool(_part(first)[0]))


def _part(part: Any) -> tuple[str, Any]:
    """Return the kind of a part and what is in it; `asdict` writes only what is in it."""
    if not isinstance(part, dict):
        return "", part
    if len(part) == 1 and not _PARTS.isdisjoint(part):
        return next(iter(part.items()))
    return next((kind for kind, names in _INSIDE.items() if names <= part.keys()), ""), part


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages. What the model said and could not be kept is known by its finish reason."""
    return [
        draft
        for message in messages
        for draft in (_messages(message) if is_message(message.value) else [DraftMessage.of(message)])
    ]


def _messages(message: Document) -> Iterator[DraftMessage]:
    value, meta = message.value, object_at(_field(message.value, "meta"))
    content = _field(value, "content")
    draft = DraftMessage(as_text(_field(value, "role")), source=message.text, name=as_text(_field(value, "name")))
    parts: list[dict[str, Any]] = []
    results: list[DraftMessage] = []
    for part in content if isinstance(content, list) else [{"text": content}] if content else []:
        kind, inner = _part(part)
        match kind:
            case "text":
                parts.append(text_part(as_text(inner)))
            case "tool_call":
                draft.tool_calls.append(
                    tool_call(as_text(inner.get("id")), as_text(inner.get("tool_name")), inner.get("arguments"))
                )
            case "tool_call_result":
                results.append(_result(inner, message))
            case "reasoning":
                draft.reasoning = as_text(inner.get("reasoning_text") if isinstance(inner, dict) else inner)
            case _:
                parts.append(_media(kind, inner))
    draft.content = parts or None
    draft.created = first_of(meta, ("completion_start_time", "created_at"))
    ended = meta.get("finish_reason")
    if draft.role == "assistant" and not draft.tool_calls and ended == "tool_calls":
        draft.notes.append(note("lost-calls", by="Haystack"))
    elif draft.role == "assistant" and not (parts or draft.tool_calls or draft.reasoning):
        draft.notes.append(note("lost-refusal", by="Haystack"))
    yield from results or [draft]


def _media(kind: str, inner: Any) -> dict[str, Any]:
    """Return the part of a picture or a file; anything else as it is, under its key."""
    if isinstance(inner, dict) and isinstance(data := inner.get(f"base64_{'data' if kind == 'file' else kind}"), str):
        media_type = as_text(inner.get("mime_type")) or ("image/png" if kind == "image" else "application/octet-stream")
        return media_part(media_type, data_url(data, media_type), as_text(inner.get("filename")))
    return inner if not kind and isinstance(inner, dict) else {"type": kind or "part", kind or "value": inner}


def _result(result: dict[str, Any], message: Document) -> DraftMessage:
    origin, given = object_at(result, "origin"), result.get("result")
    draft = DraftMessage("tool", as_text(given), message.text, name=as_text(origin.get("tool_name")))
    if isinstance(given, list):
        kinds = [next(iter(part.items())) if isinstance(part, dict) and part else ("", part) for part in given]
        draft.content = [text_part(as_text(inner)) if kind == "text" else _media(kind, inner) for kind, inner in kinds]
    draft.tool_call_id = as_text(origin.get("id"))
    if result.get("error"):
        draft.more["is_error"] = True
    return draft


def _read(document: Document) -> Iterator[Conversation]:
    found = (document.at(name) for name in _PLACES)
    messages = next((each for each in found if each is not None), document)
    draft = draft_of(_NAME, document, read_messages(messages.items()), _PLACES)
    draft.id = id_within(_NAME, draft.id)
    metas = [object_at(_field(value, "meta")) for value in messages.value if isinstance(value, dict)]
    answers = [meta for meta in metas if meta.get("model")]
    if answers:
        draft.model = as_text(answers[-1]["model"])
        draft.finish_reason = as_text(answers[-1].get("finish_reason")) or None
        usage = object_at(answers[-1], "usage")
        names = ("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"), ("total_tokens",) * 2
        draft.fields["usage"] = {ours: first_of(usage, (ours, theirs)) for ours, theirs in names} if usage else None
    yield draft.finish(document)


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="Haystack",
    what=gettext_lazy("A Haystack chat"),
    seen="haystack-ai 2.3.1, 2.6.1, 2.10.3, 2.15.2, 2.20.0 and 3.4.1",
    keeps="texts, pictures, files, tool calls, results and whether they failed, reasoning of Responses, the model",
    loses=("refusals: an answer without parts; sources, reasoning of Chat Completions, calls that were no JSON, times"),
    matches=is_list_of(SHAPE, *_PLACES),
    read=_read,
)
