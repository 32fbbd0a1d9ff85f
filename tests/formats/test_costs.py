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


def events_of_one_run(count: int) -> Iterator[Any]:
    """Give messages and calls as AG-UI streams them."""
    yield {"type": "RUN_STARTED", "threadId": "t", "runId": "r"}
    for n in range(count):
        yield {"type": "TEXT_MESSAGE_START", "messageId": f"m{n}", "role": "assistant"}
        yield {"type": "TEXT_MESSAGE_CONTENT", "messageId": f"m{n}", "delta": "x"}
        yield {"type": "TOOL_CALL_START", "toolCallId": f"c{n}", "toolCallName": "x"}


def input_of_one_run(count: int) -> Iterator[Any]:
    """Give the messages of a thread of AG-UI."""
    messages = [{"id": f"m{n}", "role": "user", "content": "x"} for n in range(count)]
    yield {"threadId": "t", "runId": "r", "messages": messages}


def lines_of_one_session(count: int) -> Iterator[Any]:
    """Give what Qwen Code keeps."""
    for n in range(count):
        parent = f"u{n - 1}" if n else None
        message = {"role": "user", "parts": [{"text": "x"}]}
        yield {"sessionId": "s", "uuid": f"u{n}", "parentUuid": parent, "type": "user", "message": message}


def warnings_between_lines(count: int) -> Iterator[Any]:
    """Give what Claude Code keeps of a session that is not on the way to its end, but beside it."""
    for n in range(count):
        parent = f"u{n - 1}" if n else None
        message = {"role": "user", "content": "x"}
        yield {"sessionId": "s", "uuid": f"u{n}", "parentUuid": parent, "type": "user", "message": message}
        yield {"sessionId": "s", "uuid": f"w{n}", "parentUuid": f"u{n}", "type": "system", "content": "x"}


def tools_of_one_request(count: int) -> Iterator[Any]:
    """Give a request of VS Code with many calls, whose arguments and results stand apart from them."""
    calls = [{"id": f"c{n}", "name": "t", "arguments": "{}"} for n in range(count)]
    metadata = {"toolCallRounds": [{"toolCalls": calls}], "toolCallResults": {call["id"]: {} for call in calls}}
    response = [{"kind": "toolInvocationSerialized", "toolCallId": call["id"]} for call in calls]
    request = {"message": {"text": "x"}, "response": response, "result": {"metadata": metadata}}
    yield {"responderUsername": "x", "requests": [request]}


def topics_of_one_export(count: int) -> Iterator[Any]:
    """Give an export of LobeChat in which every topic has an assistant of its own."""
    state = {
        "sessions": [{"id": f"s{n}"} for n in range(count)],
        "topics": [{"id": f"t{n}", "sessionId": f"s{n}"} for n in range(count)],
        "messages": [{"id": f"m{n}", "topicId": f"t{n}", "role": "user", "content": "x"} for n in range(count)],
    }
    yield {"exportType": "all", "state": state}


FEW = (steps_of_one_trace, spans_of_one_conversation, blocks_that_are_never_closed)
MANY = (
    events_of_one_run, input_of_one_run, lines_of_one_session, warnings_between_lines, tools_of_one_request,
    topics_of_one_export,
)  # fmt: skip


@pytest.mark.parametrize(("given", "size"), [*((each, 600) for each in FEW), *((each, 5000) for each in MANY)])
def test_many_small_things_take_time_in_line_with_their_number(given: Any, size: int) -> None:
    def read(count: int) -> None:
        assert found_in("\n".join(map(json.dumps, given(count))).encode())

    assert_linear(read, size)
