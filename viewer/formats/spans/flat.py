"""Messages that stand in attributes field by field: OpenInference's, and OpenLLMetry's `gen_ai.prompt.N`."""

from __future__ import annotations

import json
from typing import Any

from viewer.formats.drafts import DraftMessage, as_text, image_part, text_part, tool_call
from viewer.formats.family import list_at, objects_at

from .attributes import as_json
from .genai import append_to, notes_on_nothing
from .span import Span, nested

_ROLES = {"model": "assistant"}


def openinference_messages(span: Span, prefix: str) -> list[DraftMessage]:
    """Read `llm.input_messages` or `llm.output_messages`, which have neither refusals nor citations nor reasoning."""
    found: list[DraftMessage] = []
    for item in nested(span.attributes, prefix):
        message = item.get("message", item)
        if isinstance(message, dict):
            results = [each for text in list_at(item, "function") if isinstance(each := as_json(text), dict)]
            for draft in map(_function_result, results) if results else (_openinference(message, item),):
                append_to(found, draft)
    return found


def _function_result(value: dict[str, Any]) -> DraftMessage:
    """Read a result of AutoGen, of which a message may have several, beside it."""
    return DraftMessage(
        "tool",
        as_text(value.get("content")),
        json.dumps(value, ensure_ascii=False),
        name=as_text(value.get("name")),
        tool_call_id=as_text(value.get("call_id")),
        more={"is_error": True} if value.get("is_error") else {},
    )


def _openinference(item: dict[str, Any], beside: dict[str, Any]) -> DraftMessage:
    role = str(item.get("role") or "")
    content: Any = item.get("content")
    draft = DraftMessage(_ROLES.get(role, role), content, json.dumps(item, ensure_ascii=False))
    contents = [part.get("message_content", part) for part in objects_at(item, "contents")]
    thoughts = [part for part in contents if part.get("type") == "reasoning"]
    draft.reasoning = "\n\n".join(as_text(part.get("text")) for part in thoughts if part.get("text"))
    if contents:
        draft.content = [_content(part) for part in contents if part not in thoughts and part.get("type") != "tool_use"]
    draft.content = draft.content or as_text(beside.get("thought"))  # of AutoGen, which says it beside a call
    calls = (each.get("tool_call", each) for each in objects_at(item, "tool_calls"))
    draft.tool_calls = [_call(call) for call in calls if isinstance(call, dict)]
    draft.tool_call_id, draft.name = str(item.get("tool_call_id") or ""), str(item.get("name") or "")
    if not (draft.content or draft.tool_calls or draft.reasoning):
        draft.notes = notes_on_nothing(draft.role, "OpenInference")
    return draft


def _content(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind in ("text", None) and "text" in part:
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
    draft.tool_calls = [_call(call) for call in objects_at(item, "tool_calls")]
    if isinstance(function := item.get("function_call"), dict):
        draft.tool_calls.append(tool_call("", str(function.get("name") or ""), function.get("arguments")))
    draft.tool_call_id, draft.refusal = str(call_id), as_text(item.get("refusal"))
    draft.reasoning = as_text(item.get("reasoning") or item.get("reasoning_content"))
    if item.get("finish_reason"):
        draft.more["finish_reason"] = item["finish_reason"]
    if not (draft.content or draft.tool_calls or draft.refusal):
        draft.notes = notes_on_nothing(role, "OpenLLMetry")
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
