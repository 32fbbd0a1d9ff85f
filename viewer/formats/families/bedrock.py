"""Messages of Amazon Bedrock's Converse, as Strands stores them too: blocks without a type, named by their only key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from viewer.formats.document import Document
from viewer.formats.drafts import (
    DraftMessage,
    as_text,
    audio_part,
    citation,
    data_url,
    file_part,
    image_part,
    note,
    text_part,
    tool_call,
)
from viewer.formats.family import Shape, list_at, object_at
from viewer.formats.message_lists import first_of
from viewer.formats.object_texts import base64_in

_BLOCKS = {
    "text", "toolUse", "toolResult", "image", "document", "video", "audio", "reasoningContent", "citationsContent",
    "guardContent", "cachePoint", "searchResult",
}  # fmt: skip
_OF_OTHERS = ("meta", "_content", "parts", "type")  # Haystack's blocks have no type either
_MEDIA_TYPES = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv",
                "html": "text/html"}  # fmt: skip


def is_message(value: Any) -> bool:
    """Whether a value is a message of Converse that has something in it."""
    if not isinstance(value, dict) or value.get("role") not in ("user", "assistant", "system"):
        return False
    content = value.get("content")
    if not isinstance(content, list) or not content or any(name in value for name in _OF_OTHERS):
        return False
    return all(isinstance(block, dict) and "type" not in block and not _BLOCKS.isdisjoint(block) for block in content)


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages; the results of tools, which stand in the user's, each become one of their own."""
    return [draft for message in messages if isinstance(message.value, dict) for draft in read_message(message)]


def read_message(message: Document) -> list[DraftMessage]:
    """Read one message. The answer to a request that was refused has nothing in it."""
    value, content = message.value, message.at("content")
    own = DraftMessage(as_text(value.get("role")), None, message.text)
    if content is None or not isinstance(content.value, list):
        own.content = None if content is None else as_text(content.value)
        return [own]
    results, parts, thoughts = list[DraftMessage](), list[dict[str, Any]](), list[str]()
    for block in content.items():
        given = object_at(block.value)
        if result := object_at(given, "toolResult"):
            results.append(_result(result, block))
        elif call := object_at(given, "toolUse"):
            name = as_text(call.get("name"))
            own.tool_calls.append(tool_call(as_text(call.get("toolUseId")), name, call.get("input")))
        elif reasoning := object_at(given, "reasoningContent"):
            _add_reasoning(thoughts, parts, reasoning, given)
        elif "cachePoint" not in given:
            parts += _parts(given)
    own.content, own.reasoning = parts or None, "\n\n".join(filter(None, thoughts))
    if own.role == "assistant" and not content.value:
        own.notes.append(note("lost-refusal", by="Strands" if "tracking_id" in value else "Bedrock"))
    has_own = own.content or own.tool_calls or own.reasoning or not results
    return [*results, *([own] if has_own else [])]


def _add_reasoning(
    thoughts: list[str], parts: list[dict[str, Any]], reasoning: dict[str, Any], block: dict[str, Any]
) -> None:
    held = reasoning.get("reasoningText")
    text = as_text(object_at(held).get("text")) if isinstance(held, dict) else as_text(held or reasoning.get("text"))
    if text:
        thoughts.append(text)
    else:
        parts.append(block)  # encrypted


def _parts(block: dict[str, Any]) -> list[dict[str, Any]]:
    if isinstance(block.get("text"), str):
        return [text_part(block["text"])]
    if isinstance(object_at(block, "guardContent", "text").get("text"), str):
        return [text_part(block["guardContent"]["text"]["text"])]
    if cited := object_at(block, "citationsContent"):
        texts = [as_text(object_at(each).get("text")) for each in list_at(cited, "content")]
        text = "".join(texts)
        sources = [_citation(object_at(each), len(text)) for each in list_at(cited, "citations")]
        return [text_part(text, sources)]
    kind = next((name for name in ("image", "document", "video", "audio") if object_at(block, name)), "")
    return [_media(kind, object_at(block, kind))] if kind else [block]


def _citation(value: dict[str, Any], length: int) -> dict[str, Any]:
    """Read a citation, which is of the whole block; it names a page of the web, or a document and a place in it."""
    location = object_at(value, "location")
    found = next((object_at(each) for each in location.values() if isinstance(each, dict)), location)
    url = first_of(found, ("url", "source", "domain"))
    if url is None and "documentIndex" in found:
        url = f"document {found['documentIndex']}"
    texts = [as_text(object_at(each).get("text")) for each in list_at(value, "sourceContent")]
    cited = citation(as_text(url or value.get("source")), as_text(value.get("title")), 0, length)
    return cited | ({"cited_text": "\n".join(texts)} if any(texts) else {})


def _media(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    format_, source = as_text(value.get("format")), object_at(value, "source")
    held = source.get("bytes")
    held = held.get("data") if isinstance(held, dict) else held  # Strands: {"__bytes_encoded__": true, "data": …}
    held = base64_in(held) if isinstance(held, str) else held
    media_type = _MEDIA_TYPES.get(format_) or f"{kind if kind != 'document' else 'application'}/{format_}"
    address = as_text(first_of(object_at(source, "s3Location"), ("uri",)) or object_at(source, "location").get("uri"))
    data = data_url(held, media_type) if isinstance(held, str) and held else address
    if not data and isinstance(source.get("text"), str):
        return text_part(source["text"])
    if kind == "image":
        return image_part(data)
    return audio_part(data, format_) if kind == "audio" else file_part(as_text(value.get("name")), data=data)


def _result(value: dict[str, Any], block: Document) -> DraftMessage:
    message = DraftMessage("tool", None, block.text, tool_call_id=as_text(value.get("toolUseId")))
    parts = list[dict[str, Any]]()
    for each in list_at(value, "content"):
        given = object_at(each)
        parts += [text_part(as_text(given["json"]))] if "json" in given else _parts(given)
    message.content = parts
    if value.get("status") not in (None, "success"):
        message.more = {"status": value["status"]}
    return message


SHAPE = Shape(is_message, read_messages)
