"""Recognises the answer of a model by its shape, of whatever API it is and whatever a log has called it."""

from __future__ import annotations

from typing import Any

from .chunks import is_chunk
from .family import first_object, list_at, object_at

_SPEAKERS = ("assistant", "model", "ai")


def may_answer(value: Any) -> bool:
    """Whether a value is the answer of a model by its shape, whatever it is called."""
    if isinstance(value, list):
        return is_chunk(first_object(value)) or _is_event(first_object(value))
    if not isinstance(value, dict):
        return False
    if any(list_at(value, name) for name in ("choices", "candidates")):
        return "messages" not in value
    is_listed = isinstance(value.get("output"), list) and str(value.get("object")).startswith("response")
    is_response = is_listed or bool(object_at(value, "output", "message"))
    is_said = isinstance(value.get("role"), str) and value["role"] in _SPEAKERS
    return is_response or is_said or ("stop_reason" in value and isinstance(value.get("content"), list))


def _is_event(value: dict[str, Any]) -> bool:
    """Whether a value is the first event of a stream of the Responses API, of Anthropic, Bedrock or Google."""
    return (
        value.get("type") in ("response.created", "message_start") or "messageStart" in value or "candidates" in value
    )
