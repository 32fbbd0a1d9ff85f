"""Makes the marks of messages and completions: words of the index that no text has, one for every operator."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from viewer.completions.calls import base_id
from viewer.completions.folding import fold
from viewer.completions.types import Message, ToolResult, Unreadable, effective_role

from .words import BREAK, MAX_WORD, words_of

_DATE_OF_MODEL = re.compile(r"-\d{4}-\d{2}-\d{2}$", re.ASCII)


EVERYTHING = "ƻ"  # a mark of every document


@lru_cache(10_000)
def mark(operator: str, value: str) -> str:
    """Return the index word for `operator:value`, of letters and digits alone. It starts with one that no text uses.

    The mark of the beginning of a value is the beginning of its mark, unless the value is long.
    """
    text = " ".join(f"{operator}:{fold(value).strip()}".replace('"', "").split())
    if len(text) > MAX_WORD:
        return "ƻƻ" + blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return "ƻ" + BREAK.sub(lambda match: f"ƻ{ord(match[0]):02x}", unicodedata.normalize("NFC", text))


def model_without_date(model: str) -> str:
    """Return the name by which a model is found whatever its date: "gpt-4.1" of "gpt-4.1-2025-04-14"."""
    return _DATE_OF_MODEL.sub("", model)


def marks_of(item: Message | Unreadable, held: Counter[str], tools: dict[str, str]) -> Iterator[str]:
    """Yield the marks for `role:`, `tool:` and `has:`. `tools` keeps the names of calls for their results."""
    if isinstance(item, Unreadable):
        return
    yield from (mark("role", role) for role in {effective_role(item), *(["tool"] if item.results else [])})
    present = {"error": item.error, "reasoning": item.reasoning, "tool": item.results}
    yield from (mark("has", kind) for kind in {*held, *(kind for kind, is_present in present.items() if is_present)})
    for call in item.tool_calls:
        if call.id:
            tools[call.id] = tools[base_id(call.id)] = call.name
    names = {*(call.name for call in item.tool_calls), *(_tool_of(result, tools) for result in item.results)}
    # The words of a name as well: `tool:shipment` finds get_shipment_events.
    yield from (mark("tool", part) for name in names if name for part in (name, *words_of(name).split()))


def _tool_of(result: ToolResult, tools: dict[str, str]) -> str:
    """Name the tool of a result: by its call, if that came before, else by its own name."""
    return tools.get(result.call_id) or tools.get(base_id(result.call_id)) or result.name
