"""Recorded streams of the Responses API: the events of a response, put together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from viewer.completions.source_text import to_object
from viewer.formats.document import Document
from viewer.formats.family import list_at, object_at

_ENDS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_OF_EVENTS = ("response", "item", "item_id", "delta", "output_index", "sequence_number")
# What the pieces of an event belong to: the list of parts in an item, its index in the event, the text in the part.
_PIECES = {
    "response.output_text": ("content", "content_index", "output_text", "text"),
    "response.refusal": ("content", "content_index", "refusal", "refusal"),
    "response.reasoning_summary_text": ("summary", "summary_index", "summary_text", "text"),
    "response.reasoning_text": ("content", "content_index", "reasoning_text", "text"),
}
_TEXTS = {
    "response.function_call_arguments": "arguments",
    "response.mcp_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
    "response.code_interpreter_call_code": "code",
}


def is_event(value: Any) -> bool:
    """Whether a value is an event of a stream."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return False
    if value["type"] == "error":
        return "sequence_number" in value
    return value["type"].startswith("response.") and any(name in value for name in _OF_EVENTS)


def responses_in(events: list[Document]) -> Iterator[tuple[Document, list[Document]]]:
    """Yield the response of each stream, with its events. A stream that broke off has what had come until then."""
    stream, current = list[Document](), ""
    for event in events:
        response_id = str(object_at(event.value, "response").get("id") or "")
        if stream and (event.value["type"] == "response.created" or (response_id and current not in ("", response_id))):
            yield _response_of(stream), stream
            stream, current = [], ""
        stream.append(event)
        current = response_id or current
    if stream:
        yield _response_of(stream), stream


def _response_of(events: list[Document]) -> Document:
    first = events[0]
    last = next((event for event in reversed(events) if isinstance(event.value.get("response"), dict)), None)
    response = last.at("response") if last is not None else None
    if last is not None and response is not None and last.value["type"] in _ENDS and list_at(response.value, "output"):
        return response
    pairs = {name: member.text for name, member in response.members.items()} if response is not None else {}
    pairs |= {"object": '"response"', "output": f"[{','.join(_items_of(events))}]"}
    error = next((event for event in events if event.value["type"] == "error"), None)
    if error is not None and pairs.get("error", "null") == "null":
        pairs |= {"error": error.text, "status": '"failed"'}
    return Document(to_object(list(pairs.items())), first.place, first.find)


def _items_of(events: list[Document]) -> list[str]:
    """Return the items by their places: as they were when they ended, or what had come of them."""
    done, begun = dict[int, str](), dict[int, dict[str, Any]]()
    for event in events:
        value, kind = event.value, event.value["type"]
        place = value.get("output_index")
        if not isinstance(place, int):
            continue
        item = event.at("item")
        if kind == "response.output_item.done" and item is not None:
            done[place] = item.text
        elif kind == "response.output_item.added" and item is not None:
            begun[place] = json.loads(item.text)
        else:
            _add(begun.setdefault(place, {"type": "message", "role": "assistant"}), kind, value)
    return [done[place] if place in done else json.dumps(begun[place]) for place in sorted({*begun, *done})]


def _add(item: dict[str, Any], kind: str, event: dict[str, Any]) -> None:
    """Add to an item what an event brings."""
    name, _, step = kind.rpartition(".")
    whole = next((event[key] for key in ("text", "refusal", "arguments", "input", "code") if key in event), "")
    if field := _TEXTS.get(name):
        item[field] = _grown(item.get(field), step, event, whole)
    elif name in _PIECES:
        holder, index, kind_of_part, field = _PIECES[name]
        parts = item.get(holder)
        if not isinstance(parts, list):
            parts = item[holder] = []
        position = event.get(index, 0)
        while isinstance(position, int) and len(parts) <= min(position, 1000):
            parts.append({"type": kind_of_part, field: ""})
        part = parts[min(position, 1000)]
        part[field] = _grown(part.get(field), step, event, whole)
    elif name == "response.output_text.annotation" and step == "added":
        parts = item.get("content")
        if isinstance(parts, list) and parts and isinstance(parts[-1], dict):
            parts[-1].setdefault("annotations", []).append(event.get("annotation"))


def _grown(text: Any, step: str, event: dict[str, Any], whole: Any) -> str:
    if step == "done":
        return str(whole)
    return str(text or "") + (str(event.get("delta") or "") if step == "delta" else "")
