"""Recorded streams of Vercel's AI SDK: of messages for the user interface, and data streams of version 4."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, as_text, note
from viewer.formats.family import Family, object_at
from viewer.formats.message_lists import first_of

from .ai_sdk import read_messages

_NAME = "ai-sdk-stream"
_EVENTS = {
    "start-step", "finish-step", "step-start", "step-finish", "text-start", "text-delta", "text-end",
    "reasoning-start", "reasoning-delta", "reasoning-end", "tool-input-start", "tool-input-delta", "tool-input-end",
    "tool-input-available", "tool-input-error", "tool-output-available", "tool-output-error", "tool-output-denied",
    "message-metadata", "tool-call-streaming-start", "tool-call-delta",
}  # fmt: skip
# Parts and ends, which other tools may name so too: by what they have beside.
_MARKS = {
    "start": {"type", "messageId", "messageMetadata"}, "finish": {"type", "finishReason", "messageMetadata"},
    "abort": {"type", "reason"}, "error": {"type", "errorText"},
}  # fmt: skip
_NEEDED = {"source-url": "sourceId", "source-document": "sourceId", "file": "mediaType", "tool-call": "toolCallId",
           "tool-result": "toolCallId"}  # fmt: skip
# The codes of data streams, and what they are in the streams of later versions.
_CODES = {
    "0": "text-delta", "g": "reasoning-delta", "9": "tool-call", "a": "tool-result", "b": "tool-input-start",
    "c": "tool-input-delta", "f": "start-step", "e": "finish-step", "d": "finish", "h": "source", "k": "file",
    "3": "error", "2": "data-data", "8": "data-annotations",
}  # fmt: skip
_INPUTS = ("input", "args")
_DELTAS = ("delta", "textDelta", "text", "inputTextDelta", "argsTextDelta")


def _is_coded(value: dict[str, Any]) -> bool:
    return value.keys() == {"code", "value"} and value["code"] in _CODES


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if not isinstance(kind, str):
        return _is_coded(value)
    if kind in _EVENTS or (kind.startswith("data-") and "data" in value and "role" not in value):
        return True
    return value.keys() <= _MARKS.get(kind, set()) or (kind in _NEEDED and _NEEDED[kind] in value)


def _event_of(value: dict[str, Any]) -> dict[str, Any]:
    """Return an event; those of data streams are only a code and a value."""
    if not _is_coded(value):
        return value
    given = value["value"]
    inner = given if isinstance(given, dict) else {"delta" if isinstance(given, str) else "data": given}
    return inner | {"type": _CODES[value["code"]]}


def _join(documents: list[Document]) -> Iterator[Conversation]:
    streams: list[list[Document]] = [[]]
    for document in documents:
        if document.value.get("type") == "start" and streams[-1]:
            streams.append([])
        streams[-1].append(document)
    for stream in streams:
        events = [_event_of(each.value) for each in stream]
        message = _Message(events)
        text = json.dumps(message.value, ensure_ascii=False)
        draft = Draft(_NAME, id=message.value["id"] or None, notes=[note("lost-input")])
        draft.messages = read_messages([Document(text, stream[0].place, stream[0].find)])
        draft.created = object_at(message.value, "metadata").get("createdAt")
        draft.notes += [] if any(event["type"] == "finish" for event in events) else [note("cut-off")]
        yield draft.finish_at(stream[0].place, *(each.text for each in stream))


class _Message:
    """A message of the user interface that grows event by event. `value` is what the SDK would have stored of it."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._parts: list[dict[str, Any]] = []
        self._open: dict[tuple[str, Any], dict[str, Any]] = {}
        self.value: dict[str, Any] = {"id": "", "role": "assistant", "parts": self._parts}
        for event in events:
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        self.value["id"] = self.value["id"] or as_text(event.get("messageId"))
        if metadata := object_at(event, "messageMetadata"):
            self.value["metadata"] = object_at(self.value, "metadata") | metadata
        name, _, step = kind.rpartition("-")
        if kind in ("start-step", "step-start"):
            self._parts.append({"type": "step-start"})
            self._open.clear()
        elif name in ("text", "reasoning"):
            if step == "start" or (step == "delta" and (name, event.get("id")) not in self._open):
                self._begin(name, event.get("id"), {"type": name, "text": ""})
            if step == "delta":
                self._open[name, event.get("id")]["text"] += as_text(first_of(event, _DELTAS))
        elif "toolCallId" in event:
            self._call(event)
        elif kind == "source":
            self._parts.append({"type": kind, "source": event})
        elif kind not in ("start", "finish", "finish-step", "step-finish", "message-metadata"):
            self._parts.append(event)

    def _begin(self, name: str, key: Any, part: dict[str, Any]) -> dict[str, Any]:
        self._open = {other: each for other, each in self._open.items() if other[0] == "tool" or name == "tool"}
        self._open[name, key] = part
        self._parts.append(part)
        return part

    def _call(self, event: dict[str, Any]) -> None:
        kind, key = event["type"], event["toolCallId"]
        part = next((each for each in self._parts if each.get("toolCallId") == key), None)
        if part is None:
            named = as_text(event.get("toolName"))
            part = self._begin("tool", key, {"type": "dynamic-tool", "toolName": named, "toolCallId": key, "state": ""})
        given = next((event[name] for name in _INPUTS if event.get(name) is not None), None)
        if kind.endswith("-delta"):
            part["rawInput"] = as_text(part.get("rawInput")) + as_text(first_of(event, _DELTAS))
        elif given is not None:
            part |= {"input": given, "state": "input-available"}
        if kind in ("tool-output-available", "tool-result"):
            part |= {"output": event.get("output", event.get("result")), "state": "output-available"}
        elif kind in ("tool-output-error", "tool-input-error"):
            part |= {"errorText": event.get("errorText"), "state": "output-error"}
        elif kind == "tool-output-denied":
            part["state"] = "output-denied"


FAMILY = Family(
    name=_NAME,
    title="Vercel AI SDK: streams",
    what=gettext_lazy("A recorded Vercel AI SDK stream"),
    seen="ai 4.3.19, 5.0.277, 6.0.326, 7.0.173",
    keeps="the answer, put together from its parts: texts, reasoning, tool calls and results, sources, files",
    loses="what was asked",
    matches=_matches,
    key=lambda document: f"stream {document.place.file}",
    join=_join,
)
