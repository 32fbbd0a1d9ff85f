"""The customer's view fails closed: what the customer did not see is nowhere in it, and what they saw is all there."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from tests.conftest import make_completion, say
from tests.conversations.pages import visible
from tests.conversations.test_media import make_png

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/"
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
    *(hides(f"Role “{role}”", role, "X") for role in ("ipython", "observation", "critic", "reasoning", "tool_response", "note", "User's aide")),
    hides("No role", "", "X"), hides("Role “7”", 7, "X"),
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
    hides("reasoning", "assistant", reasoning_content="X"), hides("reasoning", "assistant", reasoning="X"),
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
    hides("content of the type “hologram”", "user", [{"type": "hologram", "text": "X"}]), hides("content of the type “a list”", "user", [["X"]]),
    hides("content of the type “an object”", "user", {"a": "X"}), hides("content of the type “text”", "user", [{"type": "text", "text": {"a": "X"}}]),
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


def everything() -> dict[str, Any]:
    numbers = iter(range(1000, 9999))
    messages = [message for _, message in UNSEEN] + SEEN
    return make_completion(
        "chatcmpl-one", *(numbered(message, numbers) for message in messages), choices=numbered(CHOICES, numbers),
        provider="SECRET-provider",
    )  # fmt: skip


def seen_in(given: Any) -> set[str]:
    return set(re.findall(r"SEEN-\d+z", str(given)))


@pytest.fixture
def leaky(reader: Client, stored: Store) -> dict[str, Any]:
    reader.cookies["audience"] = "customer"
    completion = everything()
    assert [outcome.became for outcome in stored(completion)] == ["imported"]
    return completion


def body(reader: Client, address: str, **asked: str) -> str:
    answer = reader.get(address, asked, headers={"HX-Request": "true"} if "fragment" in asked else {})
    assert answer.status_code == 200
    return b"".join(answer).decode()


@pytest.mark.parametrize("how", ["page", "fragment"])
def test_no_secret_is_on_a_page_and_all_that_was_seen_is(reader: Client, leaky: dict[str, Any], how: str) -> None:
    asked = {"fragment": "1"} if how == "fragment" else {}
    pages = [body(reader, ONE, **asked)]
    while following := re.search(r'data-more="later".*?href="[^"]*after=([^"&]+)', pages[-1], re.DOTALL):
        pages.append(body(reader, ONE, after=following[1], **asked))
    assert len(pages) > 2
    text = "".join(pages)
    assert re.findall(r"SECRET[^\s<]*", text) == []
    assert set(re.findall(r"SEEN-\d+z", text)) == seen_in(leaky)


@pytest.mark.parametrize(
    "address",
    ["print/?include=customer", "transcript/?include=customer&format=text", "transcript/?include=customer&format=markdown",
     "transcript/?format=text", "transcript/?bare&format=text", "transcript/?bare&format=markdown", "print/"],
)  # fmt: skip
def test_no_secret_is_taken_along_and_all_that_was_seen_is(reader: Client, leaky: dict[str, Any], address: str) -> None:
    text = body(reader, f"{ONE}{address}")
    assert re.findall(r"SECRET[^\s<]*", text) == []
    assert set(re.findall(r"SEEN-\d+z", text.replace("\\-", "-"))) == seen_in(leaky)


def test_finding_lists_no_secret_and_counts_it_apart(reader: Client, leaky: dict[str, Any]) -> None:
    assert "hits in what the customer did not see" not in visible(body(reader, f"{ONE}find/", q="SEEN"))
    page = body(reader, f"{ONE}find/", q="SECRET")
    assert re.findall(r'<a class="hit"', page) == []
    assert re.search(r"0 hits in \d+ messages; \d+ more in what the customer did not see|Nothing found", visible(page))
    assert "SECRET-" not in page
    found = body(reader, f"{ONE}find/", q="SEEN")
    assert len(re.findall(r'<a class="hit"', found)) == len(seen_in(leaky))
    assert "SECRET" not in found


@pytest.mark.parametrize(("kind", "message"), UNSEEN)
def test_what_is_hidden_is_counted_and_named(reader: Client, stored: Store, kind: str, message: dict[str, Any]) -> None:
    reader.cookies["audience"] = "customer"
    hidden = numbered(message, iter(range(1000, 9999)))
    stored(make_completion("chatcmpl-one", say("user", "Hello"), hidden, say("user", "Still there?"), choices=[]))
    page = body(reader, ONE)
    assert "SECRET" not in page
    assert re.findall(r'data-hidden="(\d+)"', page) == ["1"]
    assert f"1 message not seen by the customer: {kind}" in visible(page)
    said = body(reader, f"{ONE}transcript/", format="text", include="customer")
    assert "SECRET" not in said
    assert f"(1 not seen by the customer: {kind}" in said


def test_a_row_and_a_title_say_what_the_customer_saw(reader: Client, stored: Store) -> None:
    numbers = iter(range(1000, 9999))
    hidden = [numbered(message, numbers) for _, message in UNSEEN]
    stored(
        *(
            make_completion(f"c-{n}", message, choices=[{"message": message}] if message["role"] else [])
            for n, message in enumerate(hidden)
        ),
        make_completion("c-seen", say("tool", "SECRET-1z"), say("human", "SEEN-1z"), choices=[{"text": "SEEN-2z"}]),
    )
    reader.cookies["audience"] = "customer"
    listed = [body(reader, "/completions/")]
    while following := re.search(r'data-more="later".*?href="[^"]*after=([^"&]+)', listed[-1], re.DOTALL):
        listed.append(body(reader, f"/completions/?after={following[1]}"))
    rows = re.sub(r"<b>Tool call</b>[^<]*", "", "".join(listed))  # which names the tool as one
    assert rows.count("data-completion-id") == len(UNSEEN) + 1
    assert re.findall(r"SECRET[^\s<]*", rows) == []
    assert {"SEEN-1z", "SEEN-2z"} <= set(re.findall(r"SEEN-\d+z", rows))
    for n in range(len(UNSEEN)):
        title = re.search(r"<title>.*?</title>", body(reader, f"/completions/c-{n}/print/"), re.DOTALL)
        assert title
        assert "SECRET" not in title[0]


def test_why_there_is_no_answer_is_told_to_staff(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Hello"), choices=[], error={"message": "SECRET"}))
    addresses = [ONE, f"{ONE}print/", f"{ONE}transcript/?format=text"]
    assert all("SECRET" in body(reader, address) for address in addresses)
    reader.cookies["audience"] = "customer"
    for address in addresses:
        page = body(reader, address)
        assert "No answer is stored." in page
        assert "SECRET" not in page
