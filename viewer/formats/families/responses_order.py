"""Puts a page of items into the order in which they were said: by default the API lists the newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from viewer.formats.document import Document
from viewer.formats.family import object_at
from viewer.formats.message_lists import first_of

_CALL_IDS = ("call_id", "callId")
# An id of OpenAI has the Unix time of the item in it, as hexadecimal digits: msg_67ccd2bf…, later msg_0…0067ccd2bf….
_TIMED_ID = re.compile(r"[a-z]+_(?:0[0-9a-f]{15}00)?(6[0-9a-f]{7})[0-9a-f]{20,}")


def in_order(items: Iterable[Document]) -> list[Document]:
    """Return items with the oldest first."""
    found = list(items)
    return found[::-1] if _is_newest_first([object_at(item.value) for item in found]) else found


def _is_newest_first(items: list[dict[str, Any]]) -> bool:
    calls = dict[str, int]()
    for position, item in enumerate(items):
        call_id = first_of(item, _CALL_IDS)
        if not isinstance(call_id, str):
            continue
        is_result = str(item.get("type")).endswith(("_output", "_result"))
        if call_id in calls:
            return not is_result  # a call after its result
        calls[call_id] = position
        if is_result and any(first_of(other, _CALL_IDS) == call_id for other in items[position + 1 :]):
            return True
    times = [int(match[1], 16) for item in items if (match := _TIMED_ID.fullmatch(str(item.get("id"))))]
    if len(times) > 1 and times[0] != times[-1]:
        return times[0] > times[-1]
    roles = [str(item.get("role") or "assistant") for item in items]
    return len(roles) > 1 and roles[0] == "assistant" and roles[-1] in ("user", "system", "developer")
