"""Messages of Anthropic's API, whose contents are blocks: `tool_use`, `tool_result`, `thinking` and others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from viewer.formats.document import Document
from viewer.formats.drafts import (
    DraftMessage,
    as_text,
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

_OWN_BLOCKS = {
    "tool_use", "tool_result", "thinking", "redacted_thinking", "server_tool_use", "mcp_tool_use", "container_upload",
    "search_result",
}  # fmt: skip
_SERVER_CALLS = ("server_tool_use", "mcp_tool_use")
_ENDS = ("end_turn", "tool_use", "stop_sequence")
_ROLES = ("user", "assistant", "system")
_TIMES = ("created_at", "createdAt", "timestamp")  # as programs keep messages; the API's have none


def is_message(value: Any) -> bool:
    """Whether a value is a message with blocks that only Anthropic's API has, or an answer as it comes from there."""
    if not isinstance(value, dict) or value.get("role") not in _ROLES or not isinstance(value.get("content"), list):
        return False
    is_answer = value.get("type") == "message" and "stop_reason" in value
    return is_answer or any(_is_own(block) for block in value["content"])


def _is_own(block: Any) -> bool:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        return False
    match block["type"]:
        case "image" | "document":
            return isinstance(block.get("source"), dict)
        case "text":
            return isinstance(block.get("text"), str) and ("citations" in block or "cache_control" in block)
        case "thinking" if isinstance(block.get("thinking"), list):
            return False  # Mistral's
        case kind:
            return kind in _OWN_BLOCKS or (kind.endswith("_tool_result") and "tool_use_id" in block)


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages; the results of tools, which stand in the user's, each become one of their own."""
    found = [message for message in messages if isinstance(message.value, dict)]
    return [draft for message in found for draft in _messages(message)]


def _is_of_openai(value: dict[str, Any]) -> bool:
    """Whether a message beside those of Anthropic is OpenAI's, as proxies take both."""
    return bool(value.get("tool_calls")) or value.get("role") not in _ROLES


def _messages(message: Document) -> list[DraftMessage]:
    value, content = message.value, message.at("content")
    if _is_of_openai(value):
        return [DraftMessage.of(message)]
    own = DraftMessage(as_text(value.get("role")), None, message.text, id=value.get("id"))
    own.created = first_of(value, _TIMES)
    own.more = {name: value[name] for name in ("stop_details",) if value.get(name)}
    if value.get("stop_reason") not in (None, *_ENDS):
        own.more |= {"stop_reason": value["stop_reason"]}
    if content is None or not isinstance(content.value, list):
        own.content = None if content is None else as_text(content.value)
        return [own]
    results = _add_blocks(own, content)
    for result in results:
        result.created = own.created
    has_own = own.content or own.tool_calls or own.reasoning or not results
    return [*results, *([own] if has_own else [])]


def _add_blocks(message: DraftMessage, content: Document) -> list[DraftMessage]:
    """Add blocks to a message; return the results of tools among them."""
    results, parts, thoughts = list[DraftMessage](), list[dict[str, Any]](), list[str]()
    for block in content.items():
        value = object_at(block.value)
        match as_text(value.get("type")):
            case "text":
                _add_text(parts, value)
            case "thinking":
                thoughts.append(as_text(value.get("thinking")))
            case "tool_use":
                call = tool_call(as_text(value.get("id")), as_text(value.get("name")), value.get("input"))
                message.tool_calls.append(call)
            case kind if kind in _SERVER_CALLS:
                message.tool_calls.append(_server_call(kind, value, content.value))
            case "tool_result":
                results.append(_result(value, block))
            case kind if kind.endswith("_tool_result") and _has_call(value, content.value):
                pass  # it is in its call
            case kind:
                parts.append(_part(kind, value) if value else text_part(as_text(block.value)))
    message.content, message.reasoning = parts or None, "\n\n".join(filter(None, thoughts))
    if thoughts and not message.reasoning:
        message.notes.append(note("lost-reasoning", by="Anthropic"))
    return results


def _add_text(parts: list[dict[str, Any]], block: dict[str, Any]) -> None:
    """Add a text to the text before it: a sentence with a citation is cut into several blocks."""
    text = as_text(block.get("text"))
    joins = bool(parts) and parts[-1].get("type") == "text" and "text" in parts[-1]
    start = len(parts[-1]["text"]) if joins else 0
    cited = [
        _citation(each, start, start + len(text)) for each in list_at(block, "citations") if isinstance(each, dict)
    ]
    if not joins:
        parts.append(text_part(text, cited))
        return
    annotations = [*parts[-1].get("annotations", []), *cited]
    parts[-1] = text_part(parts[-1]["text"] + text, annotations)


def _citation(value: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    """Read a citation, which is of the whole block. A cited document has a title, and its place in the request."""
    title = as_text(first_of(value, ("title", "document_title")))
    url = first_of(value, ("url", "source", "file_id"))
    if url is None and "document_index" in value:
        url = f"document {value['document_index']}"
    cited = citation(as_text(url), title, start, end)
    return cited | {name: value[name] for name in ("cited_text", "start_page_number") if value.get(name)}


def _part(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    source = object_at(value, "source")
    if kind == "image" and source:
        return image_part(_data_of(source), **({"file_id": source["file_id"]} if source.get("file_id") else {}))
    if kind == "document" and source.get("type") in ("base64", "text", "url", "file"):
        file_id = as_text(source.get("file_id"))
        return file_part(as_text(first_of(value, ("title", "filename"))), data=_data_of(source), file_id=file_id)
    if kind == "container_upload":
        return file_part(file_id=as_text(value.get("file_id")))
    return value


def _data_of(source: dict[str, Any]) -> str:
    media_type = as_text(first_of(source, ("media_type", "mediaType")))
    data = as_text(source.get("data"))
    if source.get("type") == "text":
        return f"data:{media_type or 'text/plain'},{quote(data)}"
    return data_url(data, media_type or "image/png") if data else as_text(source.get("url"))


def _server_call(kind: str, value: dict[str, Any], blocks: list[Any]) -> dict[str, Any]:
    """Build the call of a tool that Anthropic runs, with what it returned."""
    call = {
        "id": as_text(value.get("id")),
        "type": kind,
        "name": as_text(value.get("name")),
        "arguments": as_text(value.get("input")),
    }
    results = (block for block in blocks if isinstance(block, dict) and block.get("tool_use_id") == value.get("id"))
    if (result := next(results, None)) is not None:
        call["output"] = as_text(result.get("content"))
        content = result.get("content")
        error = object_at(content).get("error_code") or (content if result.get("is_error") else None)
        call |= {"error": as_text(error)} if error else {}
    if value.get("server_name"):
        call["server_name"] = value["server_name"]
    return call


def _has_call(result: dict[str, Any], blocks: list[Any]) -> bool:
    ids = (block.get("id") for block in blocks if isinstance(block, dict) and block.get("type") in _SERVER_CALLS)
    return result.get("tool_use_id") in ids


def _result(value: dict[str, Any], block: Document) -> DraftMessage:
    message = DraftMessage("tool", None, block.text, tool_call_id=as_text(value.get("tool_use_id")))
    content = value.get("content")
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        parts = list[dict[str, Any]]()
        for part in content:
            if part.get("type") == "text":
                parts.append(text_part(as_text(part.get("text"))))
            else:
                parts.append(_part(as_text(part.get("type")), part))
        message.content = parts
    else:
        message.content = as_text(content)
    if value.get("is_error"):
        message.more = {"is_error": True}
    return message


SHAPE = Shape(is_message, read_messages)
