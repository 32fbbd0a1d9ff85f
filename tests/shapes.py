"""Messages in the shapes of many servers, with a word of its own in every place that holds text."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from tests.conftest import say
from tests.images import make_png

PNG = base64.b64encode(make_png(4, 4)).decode()
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


def function(name: str, arguments: str, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments, **more}}


def hides(kind: str, role: str, content: Any = None, **fields: Any) -> tuple[str, dict[str, Any]]:
    """A message, and the word by which its hidden part is named."""
    return kind, say(role, content, **fields)


# Every place that a customer does not see, as the servers write it; X stands for the secret.
UNSEEN = [
    hides("system prompt", "system", "X"), hides("developer prompt", "developer", "X"), hides("system prompt", "System", "X"),
    hides("tool result", "tool", "X"), hides("tool result", "Tool", "X", name="X"), hides("function result", "function", "X", name="X"),
    *(hides(f"Role “{role}”", role, "X") for role in ("ipython", "observation", "critic", "reasoning", "tool_response", "User's aide")),
    hides("private note", "note", "X"), hides("event", "event", "X"), hides("No role", "", "X"), hides("Role “7”", 7, "X"),
    # calls
    hides("tool call", "assistant", tool_calls=[function("X", '{"a": "X"}')]),
    hides("tool call", "assistant", tool_calls=[function("f", "{}", output="X")]),
    hides("tool call", "assistant", tool_calls=[{"id": "X", "type": "custom", "custom": {"name": "f", "input": "X"}}]),
    hides("tool call", "assistant", tool_calls=[{"id": "m", "type": "mcp", "name": "f", "arguments": "X", "error": "X"}]),
    hides("tool call", "assistant", tool_calls=[{"id": "m", "type": "X", "X": "X"}]),
    hides("tool call", "assistant", function_call={"name": "X", "arguments": "X"}),
    hides("tool call", "assistant", [{"type": "tool_use", "id": "c2", "name": "X", "input": {"a": "X"}}]),
    hides("tool call", "ai", [{"type": "server_tool_use", "id": "c2", "name": "X", "input": {"a": "X"}}]),
    hides("tool call", "model", [{"functionCall": {"name": "X", "args": {"a": "X"}}}]),
    hides("tool call", "assistant", [{"toolUse": {"toolUseId": "c3", "name": "X", "input": {"a": "X"}}}]),
    hides("tool call", "assistant", [{"type": "tool-call", "toolCallId": "c4", "toolName": "X", "args": {"a": "X"}}]),
    hides("tool call", "assistant", [{"type": "tool-call", "toolCallId": "c4", "toolName": "X", "input": {"a": "X"}}]),
    # results in a message of the customer or the assistant
    hides("tool result", "user", [{"type": "tool_result", "tool_use_id": "c2", "content": "X"}]),
    hides("tool result", "human", [{"type": "tool_result", "tool_use_id": "c2", "is_error": True, "content": [{"type": "text", "text": "X"}, {"type": "image", "data": PNG, "mimeType": "image/png", "caption": "X"}]}]),
    hides("tool result", "user", [{"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "X", "X": "X"}]}]),
    hides("tool result", "user", [{"functionResponse": {"name": "X", "response": {"a": "X"}}}]),
    hides("tool result", "user", [{"toolResult": {"toolUseId": "c3", "status": "error", "content": [{"text": "X"}, {"json": {"a": "X"}}]}}]),
    hides("tool result", "user", [{"type": "tool-result", "toolCallId": "c4", "toolName": "X", "output": {"type": "json", "value": {"a": "X"}}}]),
    hides("tool result", "user", [{"type": "function_call_output", "call_id": "c4", "output": "X"}]),
    hides("tool result", "assistant", [{"type": "web_search_tool_result", "tool_use_id": "c2", "content": [{"type": "web_search_result", "title": "X", "url": "https://a.example/X"}]}]),
    # reasoning
    hides("reasoning", "assistant", reasoning_content="X"), hides("reasoning", "assistant", "[THINK]X[/THINK]"), hides("reasoning", "assistant", "<|channel|>commentary to=f <|constrain|>json<|message|>X<|call|>"), hides("reasoning", "assistant", "◁think▷X◁/think▷"),
    hides("reasoning", "model", parts=[{"text": "X", "thought": True}]), hides("other fields", "assistant", tool_plan="X"),
    hides("reasoning", "assistant", reasoning="X"),
    hides("reasoning", "assistant", reasoning_details=[{"type": "reasoning.text", "text": "X", "signature": "X"}]),
    hides("reasoning", "assistant", thinking="X"), hides("reasoning", "assistant", thinking_blocks=[{"type": "thinking", "thinking": "X", "signature": "X"}]),
    hides("reasoning", "assistant", reasoning={"summary": [{"text": "X"}], "encrypted": "X"}),
    hides("reasoning", "assistant", "<think>X</think>"), hides("reasoning", "ai", "<Thinking>X"),
    hides("reasoning", "assistant", [{"type": "thinking", "thinking": "X", "signature": "X"}]),
    hides("reasoning", "assistant", [{"type": "thinking", "thinking": [{"type": "text", "text": "X"}]}]),
    hides("reasoning", "assistant", [{"type": "redacted_thinking", "data": "X"}]),
    hides("reasoning", "assistant", [{"type": "reasoning", "text": "X"}]), hides("reasoning", "assistant", [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "X"}]}]),
    hides("reasoning", "model", [{"text": "X", "thought": True}]),
    hides("reasoning", "assistant", [{"reasoningContent": {"reasoningText": {"text": "X", "signature": "X"}}}]),
    # parts, fields and errors
    hides("content of type “hologram”", "user", [{"type": "hologram", "text": "X"}]), hides("content of type “a list”", "user", [["X"]]),
    hides("content of type “an object”", "user", {"a": "X"}), hides("content of type “text”", "user", [{"type": "text", "text": {"a": "X"}}]),
    hides("other fields", "assistant", verdict="X"), hides("error", "assistant", error={"message": "X"}),
]  # fmt: skip


# What the customer saw, with secrets beside it; S stands for what was seen.
SEEN = [
    say("user", "S", name="dora"), say("Human", "S"), say("assistant", "S"), say("ai", "S", tool_calls=[function("X", "X")]), say("model", "S", mood="X"),
    say("user", None, content_parts=[{"type": "text", "text": "S", "cache_control": {"a": "X"}}, PICTURE | {"X": "X"}]),
    say("user", [{"type": "input_text", "text": "S"}, {"type": "tool_result", "tool_use_id": "c2", "content": "X"}, {"type": "hologram", "x": "X"}]),
    say("user", [{"text": "S"}, {"functionResponse": {"name": "X", "response": {"a": "X"}}}]),
    say("assistant", "<think>X</think>S"), say("assistant", "X</think>S", reasoning="X", reasoning_details=[{"text": "X"}]),
    say("assistant", [{"type": "thinking", "thinking": "X"}, {"type": "output_text", "text": "S"}, {"type": "tool_use", "id": "t", "name": "X", "input": {"a": "X"}}]),
    say("model", [{"text": "X", "thought": True}, {"text": "S"}]),
    say("assistant", None, refusal="S", error={"message": "X"}), say("assistant", [{"type": "refusal", "refusal": "S"}]),
    say("assistant", None, audio={"id": "a", "data": "UklGRg==", "transcript": "S"}, thinking="X"),
    say("user", "S", images=[PICTURE]), say("user", [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}, "caption": "S"}]),
    say("user", [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "alt": "S", "x": "X"}}]),
    say("user", [{"type": "file", "file": {"filename": "S.pdf", "file_data": "JVBERi0="}}]), say("assistant", f"Here: ![S](data:image/png;base64,{PNG})"),
]  # fmt: skip
CHOICES = [
    {"index": 0, "finish_reason": "stop", "message": {"content": "S", "reasoning_content": "X", "tool_calls": [function("X", "X")]}, "verdict": "X", "error": {"message": "X"}},
    {"index": 1, "finish_reason": "stop", "delta": {"content": "S", "thinking": "X"}},
    {"index": 2, "finish_reason": "stop", "text": "<think>X</think>S"},
    {"index": 3, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "reasoning": "X", "tool_calls": [function("X", "X")]}},
    {"index": 4, "finish_reason": "stop", "nothing": "X"},
]  # fmt: skip


def numbered(value: Any, numbers: Iterator[int]) -> Any:
    """Write SECRET-n for X and SEEN-n for S, each with a number of its own."""
    if isinstance(value, str):
        return re.sub(r"\b[XS]\b", lambda found: f"{'SECRET' if found[0] == 'X' else 'SEEN'}-{next(numbers)}z", value)
    if isinstance(value, list):
        return [numbered(one, numbers) for one in value]
    if isinstance(value, dict):
        return {numbered(name, numbers): numbered(one, numbers) for name, one in value.items()}
    return value
