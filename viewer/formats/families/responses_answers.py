"""What logs keep of an answer of the Responses API when it is not the response: its items, its events, or its text."""

from __future__ import annotations

import json
from typing import Any

from viewer.formats.document import Document
from viewer.formats.family import first_object
from viewer.formats.pairs import opened

from .responses import is_item
from .responses_streams import is_event, responses_in


def is_response(value: Any) -> bool:
    """Whether a value is a response, finished or not."""
    if not isinstance(value, dict) or not isinstance(value.get("output"), list):
        return False
    return str(value.get("object")).startswith("response") or str(value.get("id")).startswith("resp_")


def is_answer(value: Any) -> bool:
    """Whether a value is a response, or a recorded stream of one: a list of events, or the text as it came."""
    if isinstance(value, str):
        return value.lstrip().startswith(("event: response.", 'data: {"type":"response.'))
    return is_response(value) or is_event(first_object(value))


def is_something(value: Any) -> bool:
    """Whether there is a value that may be an answer, also one in words."""
    return value not in (None, "", [], {}) and isinstance(value, (str, list, dict))


def as_response(answer: Document) -> Document | None:
    """Return an answer as a response; None if it cannot be one."""
    found = opened(answer)
    value = found.value
    if is_response(value):
        return found
    if isinstance(value, str):
        return _of_items(json.dumps([{"type": "message", "role": "assistant", "content": value}]), answer)
    if isinstance(value, dict):
        return _of_items(f"[{found.text}]", answer) if is_item(value) else None
    events = [event for event in found.items() if is_event(event.value)]
    if events:
        return next(responses_in(events))[0]
    return _of_items(found.text, answer) if isinstance(value, list) and any(map(is_item, value)) else None


def _of_items(items: str, beside: Document) -> Document:
    return Document(f'{{"object":"response","output":{items}}}', beside.place, beside.find)
