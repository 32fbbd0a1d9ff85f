"""Formats of servers that resemble OpenAI's: they are read like OpenAI's, and unknown fields are kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import make_completion
from tests.costs import assert_linear
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.reading import read_completion, read_message, read_time
from viewer.completions.reasoning import split_thoughts
from viewer.completions.types import (
    AudioPart,
    Citation,
    Completion,
    FilePart,
    ImagePart,
    Message,
    Reasoning,
    TextPart,
    ToolResult,
    UnknownPart,
)

PNG = "iVBORw0KGgo="


def read(role: str = "user", **fields: Any) -> Message:
    message = read_message(json.dumps({"id": "m-0", "role": role, **fields}))
    assert isinstance(message, Message)
    return message


def completion(**fields: Any) -> Completion:
    given = make_completion("c", **fields)
    del given["messages"]
    read_as = read_completion(json.dumps(given))
    assert isinstance(read_as, Completion)
    return read_as


@pytest.mark.parametrize(
    ("part", "read_as"),
    [
        ({"type": "input_text", "text": "a"}, TextPart("a")),
        ({"type": "output_text", "text": "a", "annotations": []}, TextPart("a")),
        ({"type": "text", "text": {"value": "a", "annotations": []}}, TextPart("a")),  # OpenAI's Assistants
        ({"type": "input_image", "image_url": "https://a.example/x.png", "detail": "low"}, ImagePart("https://a.example/x.png", "low")),
        ({"type": "input_image", "file_id": "file-1"}, ImagePart("", "", "file-1")),
        ({"type": "image_url", "url": "https://a.example/x.png"}, ImagePart("https://a.example/x.png")),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, ImagePart(f"data:image/png;base64,{PNG}")),
        ({"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}}, ImagePart("https://a.example/x.png")),
        ({"type": "image", "data": PNG, "mimeType": "image/png"}, ImagePart(f"data:image/png;base64,{PNG}")),  # MCP
        ({"inlineData": {"mimeType": "image/png", "data": PNG}}, ImagePart(f"data:image/png;base64,{PNG}")),  # Google
        ({"type": "image_url", "image_url": {"url": "u", "alt": "A cat"}}, ImagePart("u", caption="A cat")),
        ({"type": "input_audio", "input_audio": {"url": "https://a.example/x.m4a"}}, AudioPart("https://a.example/x.m4a", "")),
        ({"type": "audio", "data": "UklG", "mimeType": "audio/wav"}, AudioPart("UklG", "wav")),
        ({"type": "input_file", "filename": "a.pdf", "file_url": "https://a.example/a.pdf"}, FilePart("a.pdf", "", "https://a.example/a.pdf")),
        ({"type": "file_url", "file_url": {"url": "https://a.example/a.pdf"}}, FilePart("", "", "https://a.example/a.pdf")),
        ({"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "two words"}}, FilePart("T", "", "data:text/plain,two%20words")),
        ({"type": "document", "source": {"type": "file", "file_id": "file-1"}}, FilePart("", "file-1", "")),
        ({"image": {"source": {"bytes": PNG}}}, ImagePart(f"data:image;base64,{PNG}")),  # Bedrock
        ({"document": {"name": "a", "source": {"bytes": "JVBERi0="}}}, FilePart("a", "", "JVBERi0=")),
        ({"image": {"source": {"s3Location": {"uri": "s3://b/a.png"}}}}, ImagePart("s3://b/a.png")),
        ({"document": {"name": "a", "source": {"s3Location": {"uri": "s3://b/a.pdf"}}}}, FilePart("a", "", "s3://b/a.pdf")),
        ({"text": "a", "thought": False}, TextPart("a")),  # Google
        ({"fileData": {"fileUri": "gs://b/a.pdf", "mimeType": "application/pdf"}}, FilePart("", "", "gs://b/a.pdf")),
    ],
)  # fmt: skip
def test_the_parts_of_other_servers_are_these_parts(part: dict[str, Any], read_as: Any) -> None:
    message = read(content=[part])
    assert message.parts == (read_as,)
    assert message.other == {}


@pytest.mark.parametrize("part", [{"type": "image"}, {"type": "audio"}, {"type": "document"}, {"type": "input_text"}])
def test_a_known_type_of_another_shape_is_kept_as_json(part: dict[str, Any]) -> None:
    assert read(content=[part]).parts == (UnknownPart(part["type"], json.dumps(part)),)


def test_unknown_fields_of_parts_are_kept_under_their_path() -> None:
    message = read(
        content=[
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}, "x": None},
            {"type": "image_url", "image_url": {"url": "u", "format": "png"}, "crop": 1},
        ],
        tool_calls=[{"id": "c", "type": "function", "index": 0, "caller": "x", "function": {"name": "f", "arguments": "{}", "strict": True}}],
        annotations=[{"type": "url_citation", "url_citation": {"url": "u", "content": "snippet"}}],
        images=[{"type": "image_url", "image_url": {"url": "v"}, "index": 0, "seen": False}],
    )  # fmt: skip
    assert message.other == {
        "content[0].cache_control": '{"type": "ephemeral"}',
        "content[1].crop": "1",
        "content[1].image_url.format": '"png"',
        "tool_calls[0].caller": '"x"',
        "tool_calls[0].strict": "true",
        "annotations[0].content": '"snippet"',
        "images[0].seen": "false",
    }
    assert message.parts[-1] == ImagePart("v")


def test_unknown_fields_of_a_completion_are_kept_except_null() -> None:
    found = completion(provider="X", request_id="r", moderation=None, usage={"total_tokens": 1, "cost": 0.10})
    assert found.other == {"provider": '"X"', "usage.cost": "0.1"}
    assert read(content="a", parsed=None, provider_specific_fields=None, annotations=[]).other == {}


# Tools


def test_a_tool_use_is_a_call_and_a_tool_result_is_not_the_customers_text() -> None:
    use = read("assistant", content=[{"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}}])
    (call,) = use.tool_calls
    assert (call.id, call.kind, call.name, call.arguments) == ("t1", "function", "look", '{"a": 1}')
    said = read(
        content=[
            {"type": "text", "text": "mine"},
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "its"}, {"type": "image", "data": PNG, "mimeType": "image/png"}]},
            {"type": "text", "text": "mine too"},
        ]
    )  # fmt: skip
    assert said.results == (ToolResult("t1", "", 1, 3),)
    assert [getattr(part, "text", "picture") for part in said.parts] == ["mine", "its", "picture", "mine too"]


def test_googles_calls_and_responses_have_no_type_and_are_read() -> None:
    asked = read("model", content=[{"text": "hidden", "thought": True}, {"functionCall": {"name": "f", "args": {}}}])
    assert (asked.role, asked.parts, asked.reasoning) == ("assistant", (), (Reasoning("thought", "hidden"),))
    assert [(call.name, call.arguments) for call in asked.tool_calls] == [("f", "{}")]
    said = read(content=[{"functionResponse": {"name": "f", "response": {"ok": False}}}])
    assert [(result.name, result.start, result.end) for result in said.results] == [("f", 0, 1)]
    assert said.parts == (TextPart('{"ok": false}'),)
    stored = read(
        "model", content_parts=[{"type": None, "text": None, "image_url": None, "functionCall": {"name": "f"}}]
    )
    assert [call.name for call in stored.tool_calls] == ["f"]  # the archive writes null for missing fields


def test_calls_and_results_are_read_in_the_spelling_of_javascript() -> None:
    """ag-ui-protocol 1.0.0 for Python writes it too: a message went through without its call, as an unknown field."""
    call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    asked = read("assistant", toolCalls=[call])
    assert [(each.id, each.name, each.arguments) for each in asked.tool_calls] == [("call_1", "look_up", "{}")]
    said = read("tool", content="No such order", toolCallId="call_1", error="not found")
    assert said.results == (ToolResult("call_1", "", 0, 1, "error"),)


def test_mcps_content_with_a_picture_is_parts_also_as_json_in_a_text() -> None:
    blocks = [{"type": "text", "text": "done"}, {"type": "image", "data": PNG, "mimeType": "image/png"}]
    for content in (blocks, json.dumps(blocks), json.dumps({"content": blocks, "isError": False})):
        message = read("tool", content=content, tool_call_id="c")
        assert message.parts == (TextPart("done"), ImagePart(f"data:image/png;base64,{PNG}"))
        assert message.results[0].end == 2


def test_a_call_that_carries_its_output_and_one_of_another_type_keep_name_arguments_and_output() -> None:
    calls = read(
        "assistant",
        tool_calls=[
            {"id": "m", "type": "mcp", "name": "find", "arguments": "{}", "output": "[1]", "error": None},
            {"id": "f", "type": "function", "function": {"name": "look", "arguments": "{}", "output": {"a": 1}}},
            {"id": "w", "type": "web_search", "function": {"name": "search", "arguments": '{"q":1}'}},
            {"id": "e", "type": "mcp", "name": "find", "arguments": "{}", "error": "gone"},
        ],
    ).tool_calls
    assert [(call.kind, call.name, call.arguments, call.output, call.outcome) for call in calls] == [
        ("mcp", "find", "{}", "[1]", ""), ("function", "look", "{}", '{"a": 1}', ""),
        ("web_search", "search", '{"q":1}', None, ""), ("mcp", "find", "{}", None, "error"),
    ]  # fmt: skip


# Roles, answers, errors


@pytest.mark.parametrize(
    ("role", "known"),
    [("User", "user"), ("HUMAN", "user"), ("ai", "assistant"), ("model", "assistant"), (" Assistant ", "assistant"),
     ("System", "system"), ("CHATBOT", "assistant"), ("note", "note"), ("Humane", "Humane")],
)  # fmt: skip
def test_a_known_role_has_one_spelling(role: str, known: str) -> None:
    assert read(role).role == known


@pytest.mark.parametrize(
    "choice",
    [{"message": {"content": "Hi"}}, {"message": {"role": None, "content": "Hi"}}, {"delta": {"content": "Hi"}}, {"text": "Hi"}],
)  # fmt: skip
def test_a_choice_is_the_assistants_message(choice: dict[str, Any]) -> None:
    (answer,) = completion(choices=[choice]).choices
    assert isinstance(answer.message, Message)
    assert (answer.message.role, answer.message.parts, answer.finish_reason) == ("assistant", (TextPart("Hi"),), "")


@pytest.mark.parametrize(
    ("error", "words"),
    [("gone", "gone"), ({"code": 429, "message": "quota"}, "429: quota"), ({"message": "x", "code": None}, "x"), ({"type": "t"}, "t"), (None, ""), ([1], "")],
)  # fmt: skip
def test_errors_of_a_message_an_answer_and_a_completion_are_read(error: Any, words: str) -> None:
    found = completion(error=error, choices=[{"message": {"content": "a", "error": error}, "error": error}])
    (answer,) = found.choices
    assert isinstance(answer.message, Message)
    assert (found.error, answer.error, answer.message.error) == (words, words, words)


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        (1_795_600_000, datetime(2026, 11, 25, 9, 46, 40, tzinfo=UTC)),
        (1_795_600_000_123, datetime(2026, 11, 25, 9, 46, 40, 123000, tzinfo=UTC)),
        ("1795600000", datetime(2026, 11, 25, 9, 46, 40, tzinfo=UTC)),
        ("2026-11-25T10:00:00Z", datetime(2026, 11, 25, 10, tzinfo=UTC)),
        ("2026-11-25T10:00:00+02:00", datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("2026-11-25 10:00:00.5", datetime(2026, 11, 25, 10, 0, 0, 500000, tzinfo=UTC)),
        ("soon", None), (True, None), (None, None), ("", None), (1e300, None), ("0001-01-01T00:00:00+14:00", None),
    ],
)  # fmt: skip
def test_a_time_is_read_as_seconds_milliseconds_or_iso_8601(given: Any, read_as: datetime | None) -> None:
    assert read_time(given) == read_as


# Reasoning


def test_reasoning_of_any_format_is_separated_from_the_answer() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "one"}]}, {"type": "reasoning", "reasoning": "two"},
        {"type": "redacted_thinking", "data": "AAA"}, {"type": "text", "text": "<think>three</think>\n\nSaid."},
    ]  # fmt: skip
    message = read("assistant", content=parts, reasoning_content="four", thinking="five")
    assert message.parts == (TextPart("Said."),)
    assert [(found.name, found.text) for found in message.reasoning] == [
        ("reasoning_content", "four"), ("thinking", "five"), ("thinking", "one"), ("reasoning", "two"),
        ("redacted_thinking", ""), ("think", "three"),
    ]  # fmt: skip


def test_repeated_reasoning_is_merged_under_all_its_names() -> None:
    details = [{"type": "reasoning.text", "text": "Why\nnot", "signature": "s"}]
    (thought,) = read(
        "assistant", reasoning="Why not", reasoning_content="Why not", reasoning_details=details
    ).reasoning
    assert (thought.name, thought.text) == ("reasoning_content, reasoning, reasoning_details", "Why not")
    assert json.loads(thought.source) == details


@pytest.mark.parametrize(
    ("text", "said", "thoughts"),
    [
        ("<think>a</think>b", "b", ["a"]),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>", "b", ["a"]),
        ("The token `<|channel|>` parts them", "The token `<|channel|>` parts them", []),
        ("◁think▷a◁/think▷b", "b", ["a"]),
        ("[THINK]a[/THINK]b", "b", ["a"]),
        ("<seed:think>a</seed:think>b", "b", ["a"]),
        ("I [think] so", "I [think] so", []),
        ("a</think>\n\nb", "b", ["a"]),  # the opening tag is in the prompt
        ("<think>cut off", "", ["cut off"]),
        ("b <THINKING>a</THINKING> c", "b  c", ["a"]),
        ("<think></think>b", "b", []),
        ("Write `<think>` first", "Write `<think>` first", []),
        ("```\n<think>a</think>\n```", "```\n<think>a</think>\n```", []),
        ("a < b and </b>", "a < b and </b>", []),
    ],
)
def test_thoughts_between_tags_are_not_part_of_the_answer(text: str, said: str, thoughts: list[str]) -> None:
    assert split_thoughts(text) == (said, thoughts)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "<think>",
        "</think>",
        "<think>a</think>",
        "```\n<think>",
        "`<think>`",
        "<",
        "<|channel|>",
        "<|channel|>a<|message|>",
    ],
)
def test_finding_thoughts_takes_linear_time(piece: str) -> None:
    assert_linear(lambda size: split_thoughts(piece * size), 100_000)


def test_tags_of_a_user_are_text() -> None:
    assert read(content="<think>a</think>b").parts == (TextPart("<think>a</think>b"),)


# Images and sources


def test_a_picture_in_the_markdown_of_an_answer_is_a_picture() -> None:
    url = "data:image/png;base64," + "A" * 30_000
    message = read("assistant", content=f"Before\n\n![A plan]({url})\n\nAfter")
    assert message.parts == (TextPart("Before"), ImagePart(url, caption="A plan"), TextPart("After"))


def test_plain_base64_images_are_images() -> None:
    assert read(content="Look", images=[PNG]).parts == (TextPart("Look"), ImagePart(PNG))


def test_parts_of_another_name_are_the_content_where_there_is_no_other() -> None:
    assert read("model", parts=[{"text": "a"}]).parts == (TextPart("a"),)
    assert read(content="a", parts=[{"text": "b"}]).parts == (TextPart("a"),)


def test_citations_have_many_formats() -> None:
    flat = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1}
    cited = Citation("https://a.example", "A", 0, 1)
    assert read(content="x", annotations=[flat]).citations == (cited,)
    inside = read(
        "assistant", content=[{"type": "text", "text": "x", "annotations": [flat]}, {"type": "text", "text": "y"}]
    )
    assert (inside.citations, inside.parts) == ((cited,), (TextPart("x", (cited,)), TextPart("y")))
    azure = read("assistant", content="x [doc1]", context={"citations": [{"title": "T", "filepath": "f", "url": None}]})
    assert azure.citations == (Citation("", "T"),)
    assert azure.parts == (TextPart("x [doc1]", (Citation("", "T", 3, 7),)),)
    assert "context" in azure.other


def test_sources_next_to_the_choices_belong_to_the_answer() -> None:
    found = completion(
        citations=["https://a.example", "https://b.example"],
        search_results=[{"title": "B", "url": "https://b.example", "date": "2026-01-01"}],
        related_questions=["c?"],
    )
    (answer,) = found.choices
    assert isinstance(answer.message, Message)
    assert answer.message.citations == (Citation("https://a.example", ""), Citation("https://b.example", "B"))
    assert list(found.other) == ["search_results", "related_questions"]


def test_a_result_inside_a_result_keeps_its_id_and_its_text() -> None:
    inner = {"type": "tool_result", "tool_use_id": "b", "content": "second"}
    outer = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "first"}, inner]}
    message = read(content=[{"type": "text", "text": "x"}, outer])
    assert [(one.call_id, result_text(message, one)) for one in message.results] == [
        ("b", "second"),
        ("a", "first\nsecond"),
    ]


@pytest.mark.parametrize("kind", ["image", "document", "audio"])
def test_other_fields_of_bedrocks_source_are_kept(kind: str) -> None:
    message = read(content=[{kind: {"name": "a", "source": {"bytes": PNG, "s3Location": {"bucketOwner": "dora"}}}}])
    assert "dora" in str(message.other)
    assert PNG in str(message.parts)


def test_a_part_that_names_two_results_is_read_all_the_same() -> None:
    message = read(content=[{"toolResult": "a", "functionResponse": {"name": "f", "response": {"b": 1}}}])
    assert [result.name for result in message.results] == ["f"]
    assert message.other == {"content[0].toolResult": '"a"'}


@pytest.mark.parametrize(
    ("beside", "outcome"), [({"success": False}, "error"), ({"ok": True}, "good"), ({"statusCode": 503}, "error")]
)
def test_messages_parts_and_calls_have_the_same_flags(beside: dict[str, Any], outcome: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "output": "-"}
    part = {"type": "tool_result", "tool_use_id": "c", "content": "-"}
    assert read("tool", content="-", **beside).results[0].outcome == outcome
    assert read("user", content=[part | beside]).results[0].outcome == outcome
    assert read("assistant", tool_calls=[call | beside]).tool_calls[0].outcome == outcome


@pytest.mark.parametrize(
    "text",
    ["<think >a</think >b", '<thinking kind="x">a</thinking>b', "<reflection>a</reflection>b", "<scratchpad>a</scratchpad>b",
     "<inner_monologue>a</inner_monologue>b", "<|begin_of_thought|>a<|end_of_thought|>b"],
)  # fmt: skip
def test_thoughts_between_other_tags(text: str) -> None:
    assert split_thoughts(text) == ("b", ["a"])


@pytest.mark.parametrize(
    ("message", "other"),
    [
        (read("tool", content="-", is_error=True), {}),
        (read("tool", content="-", is_error="a"), {"is_error": '"a"'}),
        (read("assistant", content=None, error="Gone."), {}),
        (read("assistant", content=None, error={"message": "Gone.", "hint": 1}), {"error"}),
        (read("assistant", content=None, error="Gone. " * 500), {"error"}),
    ],
)  # fmt: skip
def test_what_a_page_says_of_a_failure_does_not_stand_there_twice(message: Message, other: dict[str, str]) -> None:
    assert message.other.keys() == set(other)


@pytest.mark.parametrize("beside", [{"status": "success"}, {"isError": False}])
def test_an_error_is_never_a_success_whatever_the_other_flags(beside: dict[str, Any]) -> None:
    message = read("tool", content="Error: timeout", **beside)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "output": "Error: timeout"}
    assert outcome_of(message, message.results[0]) == "error"
    assert read("assistant", tool_calls=[call | beside]).tool_calls[0].outcome == "error"


def test_other_content_of_reasoning_is_kept() -> None:
    picture = {"type": "image", "url": "https://a.example/x.png"}
    [thought] = read(
        "assistant", content=[{"type": "reasoning", "summary": [{"type": "text", "text": "a"}, picture]}]
    ).reasoning
    assert (thought.text, "https://a.example/x.png" in thought.source) == ("a", True)
    [thought] = read("assistant", content=[{"type": "reasoning", "summary": [{"type": "text", "text": "a"}]}]).reasoning
    assert thought.source == ""


@pytest.mark.parametrize("error", ["boom", ["boom"], {"detail": "boom"}, [{"message": "boom"}], {"type": "boom"}])
def test_an_error_is_found_in_any_format(error: Any) -> None:
    assert read("assistant", content=None, error=error).error == "boom"
