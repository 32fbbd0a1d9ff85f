"""What was said in sessions of LiveKit Agents, a tool for voice agents: its chat history, alone or in a report.

Python's and JavaScript's SDK name the same members differently: `arguments` and `args`, `is_error` and `isError`.
"""

from __future__ import annotations

import base64
import binascii
import io
import wave
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    audio_part,
    image_part,
    note,
    text_part,
    tool_call,
)
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "livekit"
_TITLE = "LiveKit Agents"
_REPORTS = ("chat_history", "chatHistory")
_TIMES = ("created_at", "createdAt")
_CALL_IDS = ("call_id", "callId")
_FAILURES = ("is_error", "isError")
_AGENTS = (("old_agent_id", "oldAgentId"), ("new_agent_id", "newAgentId"))
_OWN = ("agent_handoff", "agent_config_update")
_OF_REPORT = ("room", "room_id", "job_id", "agent_name", "tags", "close_reason")


def _is_item(value: Any) -> bool:
    """Whether an item has what those of OpenAI's Responses API, which look like it, have not."""
    item = object_at(value)
    match item.get("type"):
        case "message":
            return "interrupted" in item
        case "function_call_output":
            return "name" in item and any(name in item for name in _FAILURES)
    return item.get("type") in _OWN


def _history_of(value: Any) -> Any:
    """Return the history: the record itself, or what stands in a report of a session."""
    return first_of(value, _REPORTS) if isinstance(value, dict) and "items" not in value else value


def _matches(value: Any) -> bool:
    history = _history_of(value)
    return any(_is_item(item) for item in (history if isinstance(history, list) else list_at(history, "items")))


def _read(document: Document) -> Iterator[Conversation]:
    value = object_at(document.value)
    history = next((held for name in _REPORTS if (held := document.at(name)) is not None), document)
    items = history.at("items") if isinstance(history.value, dict) else history
    found = [item for item in items.items() if isinstance(item.value, dict)] if items else []
    messages = [_message(item) for item in found]
    draft = Draft(
        _NAME,
        id=id_within(_NAME, first_of(value, ("job_id", "jobId"))),
        created=next((each.created for each in messages if each.created), value.get("timestamp")),
        model=_model_of(value, [item.value for item in found]),
        metadata={name: value[name] for name in _OF_REPORT if value.get(name)},
        messages=messages,
        source=source_of(document, (*_REPORTS, "items", *_OF_REPORT)),
    )
    yield draft.finish(document)


def _model_of(report: dict[str, Any], items: list[Any]) -> str:
    """Return which language model answered; a session also has models that hear and speak."""
    used = [each.get("model") for each in objects_at(report, "usage") if each.get("type") == "llm_usage"]
    named = [object_at(item, "metrics", "llm_metadata").get("model_name") for item in items]
    return as_text(next(filter(None, used + named), ""))


def _message(item: Document) -> DraftMessage:
    message = _made_of(item.value)
    message.source, message.id, message.created = item.text, item.value.get("id"), first_of(item.value, _TIMES)
    return message


def _made_of(value: dict[str, Any]) -> DraftMessage:
    call_id = as_text(first_of(value, _CALL_IDS))
    match value.get("type"):
        case "message":
            return _said(value)
        case "function_call":
            arguments = first_of(value, ("arguments", "args"))
            return DraftMessage("assistant", tool_calls=[tool_call(call_id, as_text(value.get("name")), arguments)])
        case "function_call_output":
            output = as_text(value.get("output"))
            message = DraftMessage("tool", output, name=as_text(value.get("name")), tool_call_id=call_id)
            message.more = {"status": "failed"} if first_of(value, _FAILURES) else {}
            return message
        case "agent_config_update" if isinstance(value.get("instructions"), str):
            return DraftMessage("system", value["instructions"])
        case "agent_handoff":
            agents = (
                first_of(value, names) for names in (("old_agent_id", "oldAgentId"), ("new_agent_id", "newAgentId"))
            )
            return DraftMessage("event", f"agent_handoff: {' → '.join(as_text(each) for each in agents if each)}")
    return DraftMessage("event", [value])


def _said(value: dict[str, Any]) -> DraftMessage:
    content = value.get("content")
    parts = [each for part in content for each in _parts_of(part)] if isinstance(content, list) else []
    message = DraftMessage(as_text(value.get("role")), parts or (content if isinstance(content, str) else None))
    if not message.content:  # a picture, or sound with its words: a history has them only if it is told to
        message.notes.append(note("lost-content", by=_TITLE))
    if value.get("interrupted"):
        message.notes.append(note("interrupted"))
    return message


def _parts_of(part: Any) -> list[dict[str, Any]]:
    if not isinstance(part, dict):
        return [text_part(as_text(part))]
    match part.get("type"):
        case "image_content" if isinstance(part.get("image"), str):
            detail = first_of(part, ("inference_detail", "inferenceDetail"))
            return [image_part(part["image"], **({"detail": detail} if detail else {}))]
        case "audio_content":
            words = [text_part(part["transcript"])] if isinstance(part.get("transcript"), str) else []
            sound = _wave_of(objects_at(part, "frame"))
            return words + ([audio_part(sound, "wav")] if sound else []) or [part]
        case "cache_breakpoint":
            return []
    return [part]


def _wave_of(frames: list[dict[str, Any]]) -> str:
    """Put frames of 16-bit samples together to a WAV file in base64; empty if they are something else."""
    written = io.BytesIO()
    try:
        with wave.open(written, "wb") as file:
            file.setparams((frames[0]["num_channels"], 2, frames[0]["sample_rate"], 0, "NONE", ""))
            for frame in frames:
                file.writeframes(base64.b64decode(frame["data"], validate=True))
    except (IndexError, KeyError, TypeError, binascii.Error, wave.Error):
        return ""
    return base64.b64encode(written.getvalue()).decode()


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A LiveKit Agents session"),
    seen="livekit-agents 1.8.9, @livekit/agents 1.9.0",
    keeps="what was said, where it was interrupted, tool calls, results and whether they failed, instructions, agents, "
    "times, pictures and sound with their words where they are exported",
    loses="unless it is asked for, pictures and sound with their words, and times; models but in reports",
    matches=_matches,
    read=_read,
)
