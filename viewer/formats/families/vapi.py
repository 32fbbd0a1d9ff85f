"""Calls of Vapi, as its API and the report at the end of a call give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part, tool_call
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "vapi"
_ROLES = {"bot": "assistant", "tool_calls": "assistant", "tool_call_result": "tool"}
_MARKS = ("secondsFromStart", "seconds_from_start")
_CALL_LISTS, _CALL_IDS = ("toolCalls", "tool_calls"), ("toolCallId", "tool_call_id")
_ABOUT = ("assistantId", "type", "status", "endedReason", "phoneNumberId", "squadId", "workflowId")


def _list_in(value: Any) -> tuple[str, ...]:
    """Return where the messages of a call are; empty if the value is none. A call of a chat has OpenAI's instead."""
    for names in (("artifact", "messages"), ("messages",)):
        if not first_object(list_at(value, *names)).keys().isdisjoint(_MARKS):
            return names
    return ()


def _matches(value: Any) -> bool:
    return bool(_list_in(value) or _list_in(object_at(value, "message")))


def _read(document: Document) -> Iterator[Conversation]:
    held = document.at("message")
    record = document if held is None or not _list_in(held.value) else held  # a report has all of it in its message
    value, where = record.value, _list_in(record.value)
    call = object_at(value, "call") or value
    found: Document | None = record
    for name in where:
        found = found.at(name) if found is not None else None
    messages = [_message(each) for each in found.items() if isinstance(each.value, dict)] if found is not None else []
    model = object_at(value, "assistant", "model") or object_at(call, "assistant", "model")
    yield Draft(
        _NAME,
        id=id_within(_NAME, call.get("id")),
        created=first_of(value | call, ("startedAt", "createdAt")) or next((each.created for each in messages), None),
        model=as_text(model.get("model")),
        metadata={name: each for name, each in _about(value | call).items() if each},
        messages=messages,
        source=_rest_of(record),
    ).finish(document)


def _about(call: dict[str, Any]) -> dict[str, Any]:
    who = {"customer": first_of(object_at(call, "customer"), ("number", "name"))}
    return {name: call.get(name) for name in _ABOUT} | who | {"assistant": object_at(call, "assistant").get("name")}


def _rest_of(record: Document) -> str:
    """Write what is read nowhere else; what was said stands in a call up to four times."""
    rest, artifact = source_of(record, ("messages", "artifact", "transcript")), record.at("artifact")
    beside = source_of(artifact, ("messages", "messagesOpenAIFormatted", "transcript")) if artifact is not None else ""
    return f"[{rest},{beside}]" if rest and beside else rest or beside


def _message(entry: Document) -> DraftMessage:
    value = entry.value
    role = as_text(value.get("role"))
    draft = DraftMessage(_ROLES.get(role, role), source=entry.text, created=value.get("time"))
    draft.name = as_text(first_of(value, ("name", "assistantName", "speakerLabel")))
    if role == "tool_call_result":
        draft.content = as_text(value.get("result"))
        draft.tool_call_id = as_text(first_of(value, _CALL_IDS))
        return draft
    text = as_text(first_of(value, ("message", "content")))
    draft.content = [text_part(text)] if text else None
    for call in (each for name in _CALL_LISTS for each in objects_at(value, name)):
        inner = object_at(call, "function")
        draft.tool_calls.append(tool_call(as_text(call.get("id")), as_text(inner.get("name")), inner.get("arguments")))
    return draft


FAMILY = Family(
    name=_NAME,
    title="Vapi",
    what=gettext_lazy("A call of Vapi"),
    seen="the models of vapi-server-sdk 3.0.0",
    keeps="what was said, the prompt, tool calls and results, times, the assistant, the customer's number, how the "
    "call ended",
    loses="the sound; whether a result was a failure",
    matches=_matches,
    read=_read,
)
