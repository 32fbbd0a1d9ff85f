"""Messages as OpenTelemetry's conventions for generative AI have them: a role, and `parts` with a type each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from viewer.formats.document import Document
from viewer.formats.drafts import (
    DraftMessage,
    as_text,
    data_url,
    file_part,
    media_part,
    note,
    refusal_part,
    text_part,
    tool_call,
)
from viewer.formats.families import responses
from viewer.formats.family import Shape, object_at
from viewer.formats.object_texts import object_in

BY = "OpenTelemetry"
_TYPES = {
    "text", "tool_call", "tool_call_response", "reasoning", "thinking", "blob", "uri", "file", "refusal",
    "server_tool_call", "server_tool_call_response", "image-url", "audio-url", "video-url", "document-url", "binary",
}  # fmt: skip
_BLOCK = re.compile(r"[A-Z]\w{0,40}Block\(\w+=")
_DEFAULT_TYPES = {"image": "image/*", "audio": "audio/*", "video": "video/*"}


def is_message(value: Any) -> bool:
    """Whether a value is a message of these conventions: the texts of its parts are called `content`, not `text`."""
    if not isinstance(value, dict) or not isinstance(value.get("role"), str) or "id" in value:
        return False
    parts = value.get("parts")
    return isinstance(parts, list) and all(_is_part(part) for part in parts)


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or part.get("type") not in _TYPES:
        return False
    return part["type"] not in ("text", "reasoning") or "text" not in part


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages; the results of tools, which one message may have several of, each become one of their own."""
    found: list[DraftMessage] = []
    for message in messages:
        if isinstance(message.value, dict):
            for draft in _messages(message):
                append_to(found, draft)
    return found


def read_system(instructions: Document | None) -> list[DraftMessage]:
    """Read `gen_ai.system_instructions`: a text, parts, or messages."""
    if instructions is None:
        return []
    value = instructions.value
    if isinstance(value, list) and any(isinstance(item, dict) and "role" in item for item in value):
        return read_messages(instructions.items())
    parts = value if isinstance(value, list) else [value]
    if not parts:
        return []
    return [DraftMessage("system", [_part(_as_part(part)) for part in parts], instructions.text)]


def append_to(found: list[DraftMessage], draft: DraftMessage) -> None:
    """Add a message. Responses gives each call of an answer as a message of its own: it joins the text before it."""
    last = found[-1] if found else None
    is_more = last is not None and last.role == draft.role == "assistant" and not _ends(last) and not _ends(draft)
    if last is None or not is_more or draft.content:
        found.append(draft)
        return
    last.tool_calls = [*last.tool_calls, *draft.tool_calls]
    last.reasoning = "\n\n".join(filter(None, (last.reasoning, draft.reasoning)))
    last.source = f"[{last.source},{draft.source}]"


def _ends(message: DraftMessage) -> bool:
    return "finish_reason" in message.more


def _messages(message: Document) -> list[DraftMessage]:
    value = message.value
    role, name = str(value.get("role") or ""), value.get("name")
    draft = DraftMessage(role, [], message.text, name=name if isinstance(name, str) else "")
    parts = _with_outputs(_parts_of(value))
    results = [_result(part, message) for part in parts if part.get("type") == "tool_call_response"]
    for part in parts:
        _read_part(part, draft)
    if value.get("finish_reason"):
        draft.more["finish_reason"] = value["finish_reason"]
    is_empty = not (draft.content or draft.tool_calls or draft.reasoning)
    if is_empty and not (results or draft.notes):
        draft.notes = notes_on_nothing(role)
    return results if results and is_empty else [*results, draft]


def _parts_of(value: dict[str, Any]) -> list[dict[str, Any]]:
    parts = value.get("parts", value.get("content"))
    return [_as_part(part) for part in (parts if isinstance(parts, list) else [parts] if parts else [])]


def _with_outputs(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put what a tool returned that the server ran into the part with its call: Google's have no ids."""
    found, waiting = list[dict[str, Any]](), list[dict[str, Any]]()
    for part in parts:
        call = next((call for call in waiting if call.get("id") == part.get("id")), None)
        if part.get("type") == "server_tool_call_response" and call is not None:
            waiting.remove(call)
            call["output"] = part.get("server_tool_call_response")
            continue
        found.append(dict(part) if part.get("type") == "server_tool_call" else part)
        if part.get("type") == "server_tool_call":
            waiting.append(found[-1])
    return found


def _as_part(part: Any) -> dict[str, Any]:
    """Return a part as the conventions have it; Logfire leaves some blocks as Anthropic's client has them."""
    if not isinstance(part, dict):
        return {"type": "text", "content": part}
    text, kind = part.get("content"), str(part.get("type"))
    if kind == "text" and isinstance(text, str) and _BLOCK.match(text) and (shown := object_in(text)):
        return _as_part(shown)  # it writes a block of a history as Python does
    call = {name: part.get(name) for name in ("id", "name")}
    if kind == "tool_use":
        return {"type": "tool_call", **call, "arguments": part.get("input")}
    if kind == "server_tool_use":
        return {"type": "server_tool_call", **call, "server_tool_call": {"input": part.get("input")}}
    if kind.endswith("_tool_result") and part.get("tool_use_id"):
        returned = {"content": text}
        return {"type": "server_tool_call_response", "id": part["tool_use_id"], "server_tool_call_response": returned}
    return part


def notes_on_nothing(role: str, by: str = BY) -> list[dict[str, Any]]:
    """Say what may be missing: the instrumentation of OpenAI's client empties refusals and messages with a picture."""
    if role == "assistant":
        return [note("lost-refusal", by)]
    return [note("lost-content", by)]


def _read_part(part: dict[str, Any], draft: DraftMessage) -> None:
    content = draft.content if isinstance(draft.content, list) else []
    match part.get("type"):
        case "tool_call":
            draft.tool_calls.append(
                tool_call(str(part.get("id") or ""), str(part.get("name") or ""), part.get("arguments"))
            )
        case "tool_call_response":
            pass  # a message of its own
        case "server_tool_call" if isinstance(part.get("server_tool_call"), dict):
            _add_server_call(part, draft, content)
        case "reasoning" | "thinking":
            thought = _thought(next((part[name] for name in ("content", "text", "thinking") if name in part), None))
            draft.reasoning = "\n\n".join(filter(None, (draft.reasoning, thought)))
        case "text" if part.get("content", part.get("text")) == "":
            pass
        case "text" if thought := _bedrock_thought(part.get("content")):
            draft.reasoning = thought
        case "blob" if not part.get("content"):
            kind = str(part.get("modality") or part.get("mime_type") or "").partition("/")[0]
            draft.notes.append(note(f"lost-{kind}" if kind in ("image", "audio") else "lost-file", BY))
        case _:
            content.append(_part(part))


def _add_server_call(part: dict[str, Any], draft: DraftMessage, content: list[Any]) -> None:
    """Add the call of a tool that the server ran: one of OpenAI is an item of its Responses API, in other words."""
    told = part["server_tool_call"]
    if "status" in told:
        item = told | {"type": f"{told.get('type')}_call", "id": part.get("id"), "name": part.get("name")}
        for read in responses.read_items([Document(json.dumps(item, ensure_ascii=False))]):
            draft.tool_calls += read.tool_calls
            draft.notes += read.notes
            content += read.content if isinstance(read.content, list) else []
        return
    given = {name: value for name, value in told.items() if name != "type"}
    call = {"id": as_text(part.get("id")), "type": "server_tool_call", "name": as_text(part.get("name"))}
    call["arguments"] = as_text(given["input"] if given.keys() == {"input"} else given)
    output = part.get("output")
    if isinstance(output, dict):
        brought = {name: value for name, value in output.items() if name != "type"}
        (inner, *more) = brought.values() or ("",)
        call["output"] = as_text(brought if more else inner)
    draft.tool_calls.append(call)


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind, content = part.get("type"), part.get("content", part.get("text"))
    if kind == "text" and isinstance(content, str):
        return text_part(content)
    if kind == "refusal":
        return refusal_part(as_text(content))
    media_type = str(part.get("mime_type") or part.get("media_type") or "")
    media_type = media_type or _DEFAULT_TYPES.get(str(part.get("modality") or kind).partition("-")[0], "")
    if kind in ("blob", "binary") and isinstance(content, str):
        return media_part(media_type, data_url(content, media_type or "application/octet-stream"))
    if kind == "uri" or str(kind).endswith("-url"):
        return media_part(media_type, str(part.get("uri") or part.get("url") or ""))
    if kind == "file":
        held = object_at(part, "file")  # as OpenAI's client has it
        name, data = as_text(part.get("name") or held.get("filename")), as_text(held.get("file_data"))
        return file_part(name, data=data, file_id=as_text(part.get("file_id") or held.get("file_id")))
    return part  # shown as JSON, under its name


def _thought(content: Any) -> str:
    """Return the text of reasoning, which OpenLLMetry may write as JSON of OpenAI's summary."""
    if isinstance(content, str) and content.startswith("[{"):
        try:
            content = json.loads(content)
        except ValueError:
            return as_text(content)
    if isinstance(content, list):
        return "\n\n".join(str(item.get("text") or "") for item in content if isinstance(item, dict))
    return as_text(content)


def _bedrock_thought(content: Any) -> str:
    """Return the reasoning in a block of Bedrock's, which OpenLLMetry writes as the JSON of it; else nothing."""
    if not isinstance(content, str) or not content.startswith('{"reasoningContent":'):
        return ""
    try:
        return as_text(object_at(json.loads(content), "reasoningContent", "reasoningText").get("text"))
    except ValueError:
        return ""


def _result(part: dict[str, Any], message: Document) -> DraftMessage:
    response = part.get("response", part.get("result", part.get("content")))
    return DraftMessage(
        "tool",
        text_of_result(response),
        message.text,
        name=str(part.get("name") or ""),
        tool_call_id=str(part.get("id") or ""),
        more={"is_error": True} if part.get("is_error") else {},
    )


def _is_text(block: dict[str, Any]) -> bool:
    if block.get("type") != "text":
        return block.keys() == {"text"}
    return block.keys() in ({"type", "text"}, {"type", "content"})


def text_of_result(value: Any) -> str:
    """Return what a tool returned as a text; of a list of blocks that have only a text these, anything else as JSON."""
    blocks = value if isinstance(value, list) else []
    if len(blocks) == 1 and isinstance(blocks[0], dict) and blocks[0].keys() == {"json"}:  # Bedrock's
        return as_text(blocks[0]["json"])
    texts = [block.get("text", block.get("content")) for block in blocks if isinstance(block, dict) and _is_text(block)]
    return "\n".join(map(as_text, texts)) if texts and len(texts) == len(blocks) else as_text(value)


SHAPE = Shape(is_message, read_messages)
