"""Messages that stand in attributes field by field: OpenInference's, and OpenLLMetry's `gen_ai.prompt.N`."""

from __future__ import annotations

import json
from typing import Any

from viewer.formats.drafts import DraftMessage, as_text, image_part, note, text_part, tool_call

from .genai import append_to
from .span import Span, nested


def openinference_messages(span: Span, prefix: str) -> list[DraftMessage]:
    """Read `llm.input_messages` or `llm.output_messages`, which have neither refusals nor citations nor reasoning."""
    found: list[DraftMessage] = []
    for item in nested(span.attributes, prefix):
        message = item.get("message", item)
        if isinstance(message, dict):
            append_to(found, _openinference(message))
    return found


def _openinference(item: dict[str, Any]) -> DraftMessage:
    content: Any = item.get("content")
    contents = item.get("contents")
    draft = DraftMessage(str(item.get("role") or ""), content, json.dumps(item, ensure_ascii=False))
    if isinstance(contents, list):
        draft.content = [_content(part.get("message_content", part)) for part in contents if isinstance(part, dict)]
    calls = (each.get("tool_call", each) for each in _objects(item.get("tool_calls")))
    draft.tool_calls = [_call(call) for call in calls if isinstance(call, dict)]
    draft.tool_call_id, draft.name = str(item.get("tool_call_id") or ""), str(item.get("name") or "")
    if draft.role == "assistant" and not (draft.content or draft.tool_calls):
        draft.notes = [note("lost-refusal", "OpenInference")]
    return draft


def _content(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "text":
        return text_part(as_text(part.get("text")))
    image = part.get("image")
    url = image.get("image", image).get("url") if isinstance(image, dict) else None
    if kind == "image" and isinstance(url, str):
        return image_part(url)
    return part  # shown as JSON, under its name


def _call(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    named = function if isinstance(function, dict) else call
    return tool_call(str(call.get("id") or ""), str(named.get("name") or ""), named.get("arguments"))


def openllmetry_messages(span: Span, prefix: str) -> list[DraftMessage]:
    """Read `gen_ai.prompt` or `gen_ai.completion`, or `llm.prompts` and `llm.completions` of the first versions."""
    return [_openllmetry(item) for item in nested(span.attributes, prefix)]


def _openllmetry(item: dict[str, Any]) -> DraftMessage:
    call_id = item.get("tool_call_id") or ""
    role = str(item.get("role") or ("tool" if call_id else ""))
    draft = DraftMessage(role, _content_of_text(item.get("content")), json.dumps(item, ensure_ascii=False))
    draft.tool_calls = [_call(call) for call in _objects(item.get("tool_calls"))]
    if isinstance(function := item.get("function_call"), dict):
        draft.tool_calls.append(tool_call("", str(function.get("name") or ""), function.get("arguments")))
    draft.tool_call_id, draft.refusal = str(call_id), as_text(item.get("refusal"))
    draft.reasoning = as_text(item.get("reasoning") or item.get("reasoning_content"))
    if item.get("finish_reason"):
        draft.more["finish_reason"] = item["finish_reason"]
    if role == "assistant" and not (draft.content or draft.tool_calls or draft.refusal):
        draft.notes = [note("lost-refusal", "OpenLLMetry")]
    return draft


def _content_of_text(content: Any) -> Any:
    """Return parts where the text is JSON of a list of them."""
    if isinstance(content, str) and content.startswith("[{"):
        try:
            parts = json.loads(content)
        except ValueError:
            return content
        if all(isinstance(part, dict) and "type" in part for part in parts):
            return parts
    return content if isinstance(content, (str, list)) else as_text(content)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
