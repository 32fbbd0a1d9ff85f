from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_choice, make_completion, say
from viewer.completions import reading
from viewer.completions.errors import ApiError, read_error, to_body
from viewer.completions.reading import (
    read_completion,
    read_completion_page,
    read_message,
    read_message_page,
    source_of_choice,
)
from viewer.completions.types import (
    AudioAnswer,
    AudioPart,
    Choice,
    Citation,
    Completion,
    FilePart,
    ImagePart,
    Message,
    Reasoning,
    RefusalPart,
    TextPart,
    UnknownPart,
    Unreadable,
    Usage,
)

FIELDS = [
    "id",
    "role",
    "name",
    "content",
    "content_parts",
    "refusal",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "annotations",
    "audio",
    "reasoning",
    "type",
    "text",
    "image_url",
    "url",
    "detail",
    "input_audio",
    "data",
    "format",
    "file",
    "function",
    "custom",
    "arguments",
    "input",
    "url_citation",
    "start_index",
    "expires_at",
    "choices",
    "message",
    "index",
    "usage",
    "metadata",
    "created",
    "has_more",
    "x",
]
any_text = st.text(st.characters(exclude_categories=()), max_size=4)
words = st.sampled_from(["text", "image_url", "input_audio", "file", "function", "custom", "refusal", "user", ""])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text | words
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | any_text, inner, max_size=5),
    max_leaves=15,
)
objects = st.dictionaries(st.sampled_from(FIELDS), values, max_size=8)


def read(**fields: Any) -> Message:
    message = read_message(json.dumps({"id": "m-0", "role": "user", **fields}))
    assert isinstance(message, Message)
    return message


def page_of(*data: Any, **envelope: Any) -> str:
    return json.dumps({"object": "list", "data": list(data), **envelope})


def assert_can_be_shown(item: Any) -> None:
    """Check that everything a page would print can be encoded."""
    repr(item).encode()
    item.source.encode()


# Content and parts


def test_plain_text_is_one_part() -> None:
    assert read(content="Hello\n world ").parts == (TextPart("Hello\n world "),)


@pytest.mark.parametrize("fields", [{}, {"content": None}, {"content": ""}, {"content_parts": []}])
def test_no_content_is_no_part(fields: dict[str, Any]) -> None:
    assert read(**fields).parts == ()


def test_a_text_in_both_parts_and_content_is_read_once() -> None:
    padding = {"image_url": None, "input_audio": None, "file": None}
    image = {
        "type": "image_url",
        "text": None,
        **padding,
        "image_url": {"url": "data:image/png;base64,AA", "detail": None},
    }
    message = read(content="Whose logo?  ", content_parts=[{"type": "text", "text": "Whose logo? ", **padding}, image])
    assert message.parts == (TextPart("Whose logo? "), ImagePart("data:image/png;base64,AA", ""))
    assert message.other == {}


def test_parts_win_over_a_list_as_content() -> None:
    assert read(content=["the same"], content_parts=["richer"]).parts == (TextPart("richer"),)


def test_a_list_as_content_is_read_like_parts() -> None:
    assert read(content=["bare", {"type": "text", "text": "typed"}]).parts == (TextPart("bare"), TextPart("typed"))


@pytest.mark.parametrize(
    ("content", "kind"), [(5, "a number"), (True, "true or false"), ({"a": 1}, "an object"), ([], "a list")]
)
def test_content_of_an_odd_type_is_kept_as_json(content: Any, kind: str) -> None:
    assert read(content=content).parts == (UnknownPart(kind, json.dumps(content)),)


@pytest.mark.parametrize(
    ("part", "read_as"),
    [
        ({"type": "text", "text": ""}, TextPart("")),
        ({"text": "no type"}, TextPart("no type")),
        (
            {"type": "image_url", "image_url": {"url": "https://a.example/x.png", "detail": "high"}},
            ImagePart("https://a.example/x.png", "high"),
        ),
        ({"type": "image_url", "image_url": "https://a.example/x.png"}, ImagePart("https://a.example/x.png", "")),
        ({"type": "image_url", "image_url": None}, ImagePart("", "")),
        ({"type": "image_url", "image_url": {"url": 7}}, ImagePart("", "")),
        ({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}, AudioPart("UklG", "wav")),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_id": None, "file_data": "JVBE"}},
            FilePart("a.pdf", "", "JVBE"),
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, FilePart("", "file-1", "")),
        ({"type": "refusal", "refusal": "No."}, RefusalPart("No.")),
    ],
)
def test_every_known_part_is_read(part: dict[str, Any], read_as: Any) -> None:
    assert read(content_parts=[part]).parts == (read_as,)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "video", "video": 1}, "video"),
        ({"type": "text", "text": None}, "text"),
        ({"type": "text"}, "text"),
        ({"type": "input_audio", "input_audio": "x"}, "input_audio"),
        ({"type": "file", "file": None}, "file"),
        ({"type": "refusal", "refusal": []}, "refusal"),
        ({"type": 5}, "an object"),
        ({}, "an object"),
        (None, "null"),
        (3, "a number"),
        ([], "a list"),
        (False, "true or false"),
    ],
)
def test_a_part_of_unknown_shape_is_kept_whole_with_its_neighbours(part: Any, kind: str) -> None:
    assert read(content_parts=["before", part, "after"]).parts == (
        TextPart("before"),
        UnknownPart(kind, json.dumps(part)),
        TextPart("after"),
    )


def test_an_unknown_part_keeps_its_digits() -> None:
    message = read_message('{"content_parts":[{"type":"score","value":1.10,"value":1e400}]}')
    assert isinstance(message, Message)
    assert message.parts == (UnknownPart("score", '{"type":"score","value":1.10,"value":1e400}'),)


# Roles, names, ids


@pytest.mark.parametrize(
    ("role", "shown"),
    [("critic", "critic"), ("<b>", "<b>"), (None, ""), (7, "7"), ("", ""), (["a"], '["a"]'), ("USER", "user")],
)
def test_unknown_roles_are_unchanged_and_known_ones_have_one_spelling(role: Any, shown: str) -> None:
    assert read(role=role).role == shown


def test_a_message_without_a_role_is_a_message() -> None:
    message = read_message('{"content":"x"}')
    assert isinstance(message, Message)
    assert (message.role, message.id, message.parts) == ("", "", (TextPart("x"),))


def test_a_number_as_id_is_no_id_and_not_lost() -> None:
    message = read(id=5)
    assert (message.id, message.other) == ("", {"id": "5"})


@pytest.mark.parametrize("text", ["null", "[]", '"words"', "7", "true", "", "{", "{}", " { } ", "[" * 100_000])
def test_an_item_that_is_no_message_is_unreadable_and_shown(text: str) -> None:
    item = read_message(text)
    assert isinstance(item, Unreadable)
    assert item.reason
    assert item.source == text


# Tools


def test_a_function_call_keeps_its_arguments_as_written() -> None:
    arguments = '{"n": 12345678901234567890, "a":1.10,"a":2}'
    (call,) = read(
        tool_calls=[{"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}]
    ).tool_calls
    assert (call.id, call.kind, call.name, call.arguments) == ("c1", "function", "f", arguments)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ("", ""),
        ("{not json", "{not json"),
        (None, ""),
        ({"a": 1}, '{"a": 1}'),
        (5, "5"),
        ([1], "[1]"),
        ("null", "null"),
    ],
)
def test_arguments_of_any_shape_are_shown(arguments: Any, shown: str) -> None:
    (call,) = read(
        tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]
    ).tool_calls
    assert call.arguments == shown


def test_a_custom_call_is_free_text() -> None:
    (call,) = read(
        tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT\n<1>"}}]
    ).tool_calls
    assert (call.kind, call.name, call.arguments) == ("custom", "sql", "SELECT\n<1>")


def test_a_call_without_a_type_but_with_a_function_is_one() -> None:
    (call,) = read(tool_calls=[{"function": {"name": "f", "arguments": "{}"}}]).tool_calls
    assert (call.id, call.kind, call.name) == ("", "function", "f")


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ({"type": "mcp", "name": "n"}, "mcp"),
        ({"type": "function"}, "function"),
        ({}, "unknown"),
        ({"type": "function", "function": None}, "function"),
        ({"type": "custom", "custom": []}, "custom"),
        ({"type": ["x"]}, "unknown"),
        (None, "null"),
        ("f()", "a string"),
        (3, "a number"),
        ([], "a list"),
    ],
)
def test_a_call_of_unknown_shape_is_kept_whole(call: Any, kind: str) -> None:
    (found,) = read(tool_calls=[call]).tool_calls
    assert (found.kind, found.source) == (kind, json.dumps(call))


def test_the_old_function_call_is_a_call_too() -> None:
    (call,) = read(function_call={"name": "f", "arguments": "{}"}).tool_calls
    assert (call.kind, call.name, call.arguments) == ("function_call", "f", "{}")


@pytest.mark.parametrize("fields", [{"tool_calls": None}, {"tool_calls": []}, {"function_call": None}, {}])
def test_no_calls_are_no_calls(fields: dict[str, Any]) -> None:
    message = read(**fields)
    assert (message.tool_calls, message.other) == ((), {})


@pytest.mark.parametrize(
    "name", ["tool_calls", "function_call", "annotations", "audio", "content_parts", "refusal", "name"]
)
def test_a_known_field_of_an_unknown_shape_is_not_lost(name: str) -> None:
    assert read(**{name: 1.5}).other == {name: "1.5"}


def test_unknown_fields_are_kept_as_written() -> None:
    message = read_message('{"id":"a","total":1.10,"content_filter_results":{"b":1,"b":2}}')
    assert isinstance(message, Message)
    assert message.other == {"total": "1.10", "content_filter_results": '{"b":1,"b":2}'}


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content", "reasoning_details"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["a", {"type": "reasoning.text", "text": "b", "index": 0}], "a\n\nb"),
        ({"summary": [{"type": "summary_text", "text": "c"}], "encrypted_content": "gAAA"}, "c"),
        ([{"type": "reasoning.encrypted", "data": "gAAA"}], ""),
        ([[[{"text": None, "summary": "d"}]], 7, None], "d"),
        (0, ""),
    ],
)
def test_reasoning_of_any_shape_gives_its_texts_and_keeps_its_json(name: str, value: Any, text: str) -> None:
    message = read(**{name: value})
    assert [(found.name, found.text, json.loads(found.source)) for found in message.reasoning] == [(name, text, value)]
    assert message.other == {}


def test_every_field_of_reasoning_is_read_and_an_empty_one_is_none() -> None:
    message = read(reasoning_details=[], reasoning="same", reasoning_content="because")
    assert message.reasoning == (Reasoning("reasoning_content", "because"), Reasoning("reasoning", "same"))
    assert read(reasoning="", reasoning_content=None, reasoning_details={}).reasoning == ()


# Citations and audio


def test_citations_are_read_and_bad_indices_left_out() -> None:
    cited = [
        {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 3},
        {"url": None, "start_index": "0"},
    ]
    message = read(annotations=[{"type": "url_citation", "url_citation": cite} for cite in cited])
    assert message.citations == (Citation("https://a.example", "A", 0, 3), Citation("", "", None, None))
    assert message.other == {"annotations[1].start_index": '"0"'}


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("x", "a string"),
        (1, "a number"),
        ({}, "an object"),
        ({"type": "file_citation"}, "file_citation"),
        ({"url_citation": None}, "an object"),
    ],
)
def test_an_unknown_annotation_is_kept_by_its_type_beside_the_known(note: Any, kind: str) -> None:
    known = {"type": "url_citation", "url_citation": {"url": "https://a.example"}}
    message = read(annotations=[known, None, note])
    assert [cite.url for cite in message.citations] == ["https://a.example"]
    assert message.other == {f"annotations[2]: {kind}": json.dumps(note)}


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("one  two ", False),
        ("", False),
        (None, False),
        ("one and two", True),
        (["one", "two"], True),
        ([{"type": "text", "text": "one "}, {"type": "text", "text": "two"}], False),
    ],
)
def test_content_that_differs_from_the_parts_is_kept(content: Any, kept: bool) -> None:
    message = read(content=content, content_parts=[{"type": "text", "text": "one "}, {"type": "text", "text": "two"}])
    assert message.parts == (TextPart("one "), TextPart("two"))
    assert message.other == ({"content": json.dumps(content)} if kept else {})


def test_audio_is_read_with_its_end() -> None:
    audio = read(audio={"id": "a1", "data": "UklG", "transcript": "hi", "expires_at": 1_729_000_000}).audio
    assert audio == AudioAnswer("a1", "UklG", "hi", datetime.fromtimestamp(1_729_000_000, UTC))


@pytest.mark.parametrize("moment", [None, "soon", True, 10**30, -(10**30), 1e400, [1]])
def test_a_time_outside_the_calendar_is_none(moment: Any) -> None:
    message = read_message('{"audio":{"id":"a1","expires_at":%s}}' % json.dumps(moment))  # noqa: UP031
    assert isinstance(message, Message)
    assert message.audio == AudioAnswer("a1", "", "", None)


# Hostile text


def test_control_bidi_and_nul_come_through_and_surrogates_are_replaced() -> None:
    message = read_message('{"id":"a","content":"\\u0000\\u001b\\u202e\\ud83d!","\\udc00":"\\ud800"}')
    assert isinstance(message, Message)
    assert message.parts == (TextPart("\x00\x1b\u202e\ufffd!"),)
    assert message.other == {"\ufffd": '"\\ud800"'}
    assert_can_be_shown(message)


@pytest.mark.slow
@given(objects | values)
def test_reading_a_message_never_raises(value: Any) -> None:
    text = json.dumps(value)
    item = read_message(text)
    assert isinstance(item, Message) == (isinstance(value, dict) and bool(value))
    assert_can_be_shown(item)


@pytest.mark.slow
@given(objects | values)
def test_reading_a_completion_never_raises(value: Any) -> None:
    item = read_completion(json.dumps(value))
    assert isinstance(item, Completion) == isinstance(value, dict)
    assert_can_be_shown(item)


@given(st.text(max_size=30) | any_text)
def test_reading_no_json_never_raises(text: str) -> None:
    assert_can_be_shown(read_message(text))
    assert_can_be_shown(read_completion(text))


@pytest.mark.slow
@given(objects)
def test_every_field_of_a_message_is_shown_somewhere(value: dict[str, Any]) -> None:
    message = read_message(json.dumps({"id": "a", **value}))
    assert isinstance(message, Message)
    shown = {*message.other, *message.of_call, *(["error"] if message.error else [])}
    assert shown >= {name for name, given in value.items() if given is not None} - {
        "id",
        "role",
        "name",
        "content",
        "content_parts",
        "refusal",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "annotations",
        "audio",
        "reasoning",
    }


@pytest.mark.slow
def test_nesting_near_the_limit_of_the_stack_never_raises() -> None:
    for depth in range(850, 1000):
        deep = "[" * depth + "]" * depth
        call = f'{{"type":"function","function":{{"name":"f","arguments":{deep}}}}}'
        for text in (
            f'{{"content":{deep}}}',
            f'{{"tool_calls":[{call}]}}',
            f'{{"annotations":{deep}}}',
            f'{{"x":{deep}}}',
        ):
            assert read_message(text).source == text
        assert read_completion(
            f'{{"choices":[{{"message":{{"tool_calls":[{call}]}}}}],"metadata":{{"a":{deep}}}}}'
        ).source


def test_a_message_that_is_nested_too_deeply_does_not_affect_its_neighbours() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    page = read_message_page(f'{{"data":[{{"id":"a"}},{{"id":"b","x":{deep}}},{{"id":"c"}}],"has_more":false}}')
    assert [item.id for item in page.items] == ["a", "b", "c"]
    message = page.items[1]
    assert isinstance(message, Message)
    assert message.other == {"x": deep}


# Completions


def test_a_completion_is_read_with_its_exact_numbers() -> None:
    text = (
        '{"id":"c","model":"gpt-4.1","created":1762000000,"seed":9007199254740993123,"temperature":1.10,"top_p":null,'
        '"usage":{"prompt_tokens":2,"completion_tokens":null,"total_tokens":5},"metadata":{"a":"b","n":1.10},'
        '"choices":[{"index":1,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
    )
    completion = read_completion(text)
    assert isinstance(completion, Completion)
    assert completion.parameters == {"seed": "9007199254740993123", "temperature": "1.10"}
    assert completion.usage == Usage(2, None, 5)
    assert completion.metadata == {"a": "b", "n": "1.10"}
    assert completion.created == datetime.fromtimestamp(1_762_000_000, UTC)
    assert [(choice.index, choice.finish_reason) for choice in completion.choices] == [(1, "stop")]
    assert completion.source == text


@pytest.mark.parametrize("choices", [None, {}, "x", 5, []])
def test_a_completion_without_a_list_of_choices_has_none(choices: Any) -> None:
    completion = read_completion(json.dumps(make_completion(choices=choices)))
    assert isinstance(completion, Completion)
    assert completion.choices == ()


def test_an_invalid_choice_does_not_affect_its_neighbours() -> None:
    good = make_choice("yes")
    completion = read_completion(json.dumps({"id": "c", "choices": [None, {"index": 5}, {"message": 7}, good]}))
    assert isinstance(completion, Completion)
    assert [(choice.index, type(choice.message)) for choice in completion.choices] == [
        (0, Unreadable),
        (5, Unreadable),
        (2, Unreadable),
        (0, Message),
    ]


def test_a_choice_keeps_what_is_unknown_and_says_whether_it_has_log_probabilities() -> None:
    plain = make_choice("a")
    given = {
        **make_choice("b", 1),
        "logprobs": {"content": [{"token": "b"}]},
        "content_filter_results": {"hate": 1},
        "x": None,
    }
    completion = read_completion(json.dumps(make_completion(choices=[plain, given])))
    assert isinstance(completion, Completion)
    assert [(one.has_logprobs, one.other) for one in completion.choices] == [
        (False, {}), (True, {"content_filter_results": '{"hate": 1}'}),
    ]  # fmt: skip
    assert [json.loads(source_of_choice(completion, n)) for n in range(2)] == [plain, given]


def test_two_choices_are_two_choices() -> None:
    completion = read_completion(json.dumps(make_completion(choices=[make_choice("a"), make_choice("b", 1)])))
    assert isinstance(completion, Completion)
    assert [_text_of(choice) for choice in completion.choices] == ["a", "b"]


@pytest.mark.parametrize("usage", [None, 5, [], "x"])
def test_odd_usage_is_no_usage(usage: Any) -> None:
    completion = read_completion(json.dumps(make_completion(usage=usage)))
    assert isinstance(completion, Completion)
    assert completion.usage is None


# Pages


def test_the_cursor_is_the_last_item_whatever_last_id_is() -> None:
    page = read_message_page(page_of({"id": "a"}, {"id": "b"}, first_id="z", last_id="lie", has_more=True))
    assert ([item.id for item in page.items], page.has_more, page.cursor) == (["a", "b"], True, "b")


@pytest.mark.parametrize("ids", [{"first_id": "", "last_id": ""}, {"first_id": None, "last_id": None}, {}])
def test_an_empty_page_has_no_cursor(ids: dict[str, Any]) -> None:
    assert read_message_page(page_of(has_more=False, **ids)).cursor == ""


@pytest.mark.parametrize("envelope", [{}, *({"has_more": given} for given in ("true", "false", 1, 0, None, []))])
def test_only_true_and_false_count_as_has_more(envelope: dict[str, Any]) -> None:
    page = read_message_page(page_of({"id": "a"}, **envelope))
    assert (page.has_more, page.is_certain) == (True, False)


@pytest.mark.parametrize(
    ("envelope", "has_more"), [({}, False), ({"has_more": "true"}, False), ({"has_more": True}, True)]
)
def test_an_empty_page_is_the_end_unless_has_more_is_true(envelope: dict[str, Any], has_more: bool) -> None:
    page = read_message_page(page_of(**envelope))
    assert (page.items, page.has_more, page.is_certain, page.cursor) == ((), has_more, True, "")


@pytest.mark.parametrize("last", [None, "words", {"role": "user"}, {"id": None}, {"id": 7, "role": "user"}])
def test_a_page_whose_last_item_has_no_id_has_no_cursor(last: Any) -> None:
    page = read_message_page(page_of({"id": "a"}, last, has_more=True, last_id="elsewhere"))
    assert len(page.items) == 2
    assert page.cursor == ""


def test_an_invalid_item_does_not_affect_its_neighbours() -> None:
    page = read_message_page(page_of(None, {"id": "a", "content": "x"}, "junk", [], {}, {"id": "b"}))
    assert [type(item) for item in page.items] == [Unreadable, Message, Unreadable, Unreadable, Unreadable, Message]


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"data":null}', '{"data":{}}', "<html>", '{"data":[}', "{" * 9]
)
def test_a_response_that_is_not_a_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_message_page(text)
    with pytest.raises(ValueError, match=r"."):
        read_completion_page(text)


def test_the_cursor_of_a_page_of_completions_is_its_last() -> None:
    page = read_completion_page(page_of(make_completion("one"), make_completion("two"), has_more=True))
    assert (page.cursor, page.has_more) == ("two", True)


def test_a_hundred_messages_stay_in_order() -> None:
    page = read_message_page(page_of(*({"id": f"m-{n}", **say("user", f"{n}")} for n in range(100))))
    assert [item.id for item in page.items] == [f"m-{n}" for n in range(100)]


@given(values)
def test_a_page_is_read_or_refused_and_never_breaks(value: Any) -> None:
    text = json.dumps({"data": value, "has_more": True})
    if isinstance(value, list):
        assert len(read_message_page(text).items) == len(read_completion_page(text).items) == len(value)
    else:
        with pytest.raises(ValueError, match="no list"):
            read_message_page(text)


# Errors


def test_an_error_is_serialized_and_read_again() -> None:
    error = ApiError("Completion x not found", "completion_id", "not_found")
    assert json.loads(to_body(error)) == {
        "error": {
            "message": "Completion x not found",
            "type": "invalid_request_error",
            "param": "completion_id",
            "code": "not_found",
        }
    }
    assert read_error(to_body(error).decode()) == error


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"detail":"Method Not Allowed"}', "Method Not Allowed"),
        ('{"error":"no"}', "no"),
        ("<html>502</html>", ""),
        ("", ""),
        ("[]", ""),
        ('{"error":null}', ""),
        ('{"error":{"message":null,"code":429}}', ""),
        ('{"error":{"message":"\\ud800"}}', "\ufffd"),
        ("[" * 100_000, ""),
    ],
)
def test_error_responses_of_any_shape_are_read(body: str, message: str) -> None:
    assert read_error(body).message == message


@given(values)
def test_reading_an_error_never_raises(value: Any) -> None:
    read_error(json.dumps({"error": value})).message.encode()
    read_error(json.dumps(value)).message.encode()


def _text_of(choice: Choice) -> str:
    assert isinstance(choice.message, Message)
    return "".join(part.text for part in choice.message.parts if isinstance(part, TextPart))


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "c-1", "content": "Hi"},
        {"id": None, "content": "", "name": "Ada"},
        {"id": 0, "content": "Hi"},
        {"id": "c-1", "content": "Hi", "name": []},
        {"id": "c-\ud800", "content": "a\ud800"},
        {"content": "<think>Hm</think>Hi", "role": "assistant"},
        {"content": "Hi", "role": "Human"},
        {"content": "Hi", "role": "tool"},
        {"content": "Hi", "refusal": None, "annotations": []},
    ],
    ids=str,
)
def test_a_message_that_is_only_a_text_is_read_as_any_other(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"role": "user", **fields}
    text = json.dumps(values)
    with monkeypatch.context() as patch:
        patch.setattr(reading, "role_of_plain_text", lambda _: "")
        as_any_other = read_message(text, values=values)
    assert read_message(text, values=values) == as_any_other
