"""Lines of logs and chats of no known tool, which look a little like those of one: no family may take them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.formats.files import conversation_in, found_in, messages_of, refusals_in
from viewer.completions.types import text_of

WHEN = "2025-01-01T10:00:00.000Z"


def on_lines(*lines: dict[str, Any]) -> bytes:
    return "\n".join(map(json.dumps, lines)).encode()


@pytest.mark.parametrize(
    "line",
    [
        {"type": "pageview", "uuid": "1", "session_id": "s", "url": "/"},
        {"type": "system", "uuid": "1", "session_id": "s", "content": "restarted"},
        {"type": "error", "id": "1", "timestamp": WHEN, "content": "Disk full"},
        {"type": "OrderPlaced", "id": "1", "timestamp": WHEN, "parentId": None, "data": {"total": 9}},
        {"type": "STEP_STARTED", "step": "build"},
        {"type": "RUN_STARTED", "run": 7},
    ],
)
def test_lines_of_logs_are_refused(line: dict[str, Any]) -> None:
    assert len(refusals_in(on_lines(line, line))) == len(found_in(on_lines(line, line))) == 2


def test_errors_alone_are_no_session_of_codex() -> None:
    assert not found_in(on_lines({"type": "error", "message": "Disk full"}))


def test_rows_of_a_chat_are_no_session_of_claude_code() -> None:
    """They have the marks of its lines, and a role and a text of their own."""
    rows = [{"type": "message", "uuid": str(n), "session_id": "s", "role": role, "content": text}
            for n, (role, text) in enumerate((("user", "Torn"), ("assistant", "Sorry")))]  # fmt: skip
    conversation = conversation_in(on_lines(*rows))
    assert [text_of(message) for message in messages_of(conversation)] == ["Torn", "Sorry"]


def test_an_export_of_a_chat_keeps_its_tool_calls_although_it_looks_like_lobe_chat() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "track", "arguments": "{}"}}
    messages = [{"role": "user", "content": "Torn"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    conversation = conversation_in({"version": "1.0", "exportedAt": WHEN, "messages": messages})
    assert conversation.family == "openai"
    assert messages_of(conversation)[1].tool_calls


def test_a_task_of_cline_in_which_nothing_was_said_is_no_conversation() -> None:
    assert not found_in([{"ts": 1, "type": "say", "say": "api_req_started", "text": ""}])
