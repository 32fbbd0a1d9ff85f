"""Many small things in one conversation take time in line with their number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.costs import assert_linear
from tests.formats.files import found_in


def steps_of_one_trace(count: int) -> Iterator[Any]:
    """Give calls of a model that have nothing of one another."""
    for n in range(count):
        yield {
            "id": f"o{n}", "traceId": "t", "type": "GENERATION", "name": "x", "startTime": "2026-01-01T00:00:00Z",
            "model": "m", "input": [{"role": "user", "content": f"q{n}"}],
            "output": {"role": "assistant", "content": f"a{n}"},
        }  # fmt: skip


def spans_of_one_conversation(count: int) -> Iterator[Any]:
    """Give calls of which each asks something else in a trace of its own."""
    for n in range(count):
        values = {
            "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.conversation.id": "c",
            "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"q{n}"}]}]),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "a"}]}]),
        }  # fmt: skip
        attributes = [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
        span = {"traceId": f"{n:032x}", "spanId": f"{n:016x}", "name": "chat", "attributes": attributes}
        span |= {"startTimeUnixNano": str(10**18 + n), "endTimeUnixNano": str(10**18 + n)}
        yield {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "x"}, "spans": [span]}]}]}


def blocks_that_are_never_closed(count: int) -> Iterator[Any]:
    """Give a chat of Open WebUI with the steps in its text."""
    text = '<details type="reasoning"><summary>' * count * 10
    messages = {"a": {"id": "a", "parentId": None, "childrenIds": [], "role": "user", "content": "x"}}
    messages["b"] = {"id": "b", "parentId": "a", "childrenIds": [], "role": "assistant", "content": text}
    yield {"id": "c", "title": "t", "chat": {"models": ["m"], "history": {"currentId": "b", "messages": messages}}}


@pytest.mark.parametrize("given", [steps_of_one_trace, spans_of_one_conversation, blocks_that_are_never_closed])
def test_many_small_things_take_time_in_line_with_their_number(given: Any) -> None:
    def read(count: int) -> None:
        assert found_in("\n".join(map(json.dumps, given(count))).encode())

    assert_linear(read, 600)
