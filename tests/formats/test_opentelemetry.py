"""Traces of OpenTelemetry: files that the instrumentations wrote, and spans in the shapes of others."""

from __future__ import annotations

import json
from typing import Any

from tests.formats.files import (
    FILES,
    choices_of,
    completion_of,
    conversation_in,
    conversations_in,
    messages_of,
    refusals_in,
)
from viewer.completions.types import FilePart, ImagePart, Message
from viewer.formats.spans.conversations import join, key_of
from viewer.formats.spans.span import span_of

SHOP = ["system", "user", "assistant", "tool", "tool", "assistant"]


def notes_of(message: Message) -> list[tuple[str, str]]:
    return [(note.code, note.by) for note in message.origin.notes]


def roles_of(messages: list[Message]) -> list[str]:
    return [message.role for message in messages]


def genai(role: str, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)} | more


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def span(n: int, attributes: dict[str, Any], parent: int = 0, **more: Any) -> dict[str, Any]:
    """Build a span that begins in second `n` and lasts half a second."""
    return {
        "name": "chat", "traceId": f"{1:032x}", "spanId": f"{n:016x}", "parentSpanId": f"{parent:016x}" if parent else "",
        "startTimeUnixNano": str(n * 10**9 + 1796 * 10**15), "endTimeUnixNano": str(n * 10**9 + 1796 * 10**15 + 5 * 10**8),
        "attributes": attributes,
    } | more  # fmt: skip


def call(n: int, given: list[Any], answer: list[Any], parent: int = 0, **attributes: Any) -> dict[str, Any]:
    named = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps(given),
        "gen_ai.output.messages": json.dumps(answer),
    }
    return span(n, named | {name.replace("__", "."): value for name, value in attributes.items()}, parent)


def draft_of(*spans: dict[str, Any]) -> Any:
    return join([span_of(each) for each in spans])


def said_in(*spans: dict[str, Any]) -> list[str]:
    draft = draft_of(*spans)
    messages = [*draft.messages, *(message for message, _ in draft.choices)]
    parts = [part if isinstance(part := message.content, str) else part or "" for message in messages]
    return [part if isinstance(part, str) else " ".join(str(each.get("text")) for each in part) for part in parts]


def test_calls_in_traces_of_their_own_are_one_conversation_by_their_history() -> None:
    shop, failed = conversations_in("otel_console.json")
    messages = messages_of(shop)
    assert roles_of(messages) == [*SHOP, "user", "assistant", "user", "assistant"]
    assert [(call.id, call.arguments) for call in messages[2].tool_calls] == [
        ("call_110a", '{"order_id": "A17"}'),
        ("call_110b", '{"order_id": "A18"}'),
    ]
    assert [result.call_id for message in messages for result in message.results] == ["call_110a", "call_110b"]
    assert notes_of(messages[6]) == [("lost-content", "OpenTelemetry")]  # a picture with its text
    assert notes_of(messages[9]) == [("lost-refusal", "OpenTelemetry")]
    assert json.loads(messages[2].of_call["usage"])["total_tokens"] == 30
    assert (messages[2].of_call["model"], messages[2].of_call["finish_reason"]) == ('"gpt-4.1-2025"', '"tool_calls"')
    assert not any(message.other for message in messages)  # it does not stand below each bubble
    completion = completion_of(shop)
    assert (completion.model, completion.usage and completion.usage.total, choices_of(shop)[0].finish_reason) == (
        "gpt-4.1-2025", 30, "stop",
    )  # fmt: skip
    assert [message.error for message in messages_of(failed)] == ["", "", "Error code: 400 - The model is overloaded"]


def test_messages_in_log_records_complete_the_spans_of_other_files() -> None:
    messages = messages_of(conversation_in(FILES / "otel_events"))
    assert roles_of(messages) == [*SHOP, "user", "assistant"]
    (alone,) = conversations_in("otel_events/logs.jsonl")
    assert len(messages_of(alone)) == len(messages)
    (reason,) = set(refusals_in("otel_events/spans.jsonl"))
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in reason


def test_openinference_is_read_from_the_request_and_the_response() -> None:
    messages = messages_of(conversation_in("openinference.jsonl"))
    assert roles_of(messages) == [*SHOP, "user", "assistant", "user", "assistant"]
    assert [citation.url for citation in messages[5].citations] == ["https://shop.example/stock"]
    assert [isinstance(part, ImagePart) for part in messages[6].parts] == [False, True]
    assert messages[9].refusal == "I can't share another customer's address."


def test_openllmetry_loses_what_was_asked_from_the_first_picture_on() -> None:
    conversation = conversation_in("openllmetry.json")
    messages = messages_of(conversation)
    assert roles_of(messages) == [*SHOP, "assistant"]
    assert (notes_of(messages[-1]), messages[-1].reasoning[0].text) == (
        [("lost-input", "")], "Let me think it over.",
    )  # fmt: skip
    assert conversation.id == "opentelemetry-s-1"
    assert completion_of(conversation).metadata["user"] == "ann"


def test_the_agent_around_its_calls_says_nothing_twice_and_its_tools_are_tied() -> None:
    conversation = conversation_in("pydantic_ai_spans.jsonl")
    assert conversation.id == "01a229f2-1375-724d-b9e0-04f180f9bace"
    messages = messages_of(conversation)
    assert roles_of(messages) == SHOP
    assert [(result.call_id, message.parts[0].text) for message in messages for result in message.results] == [
        ("call_104a", "sent A17"),
        ("call_104b", "sent A18"),
    ]


def test_a_streamed_answer_that_logfire_records_apart_answers_its_call() -> None:
    asked, answer = messages_of(conversation_in("logfire_streamed.jsonl"))
    assert (asked.parts[0].text, answer.parts[0].text) == ("Thanks", "Answer to: Thanks")


def test_a_response_goes_on_from_the_one_that_it_names_whatever_its_trace() -> None:
    def response(n: int, asked: str, **more: str) -> dict[str, Any]:
        given, answer = [genai("user", text(asked))], [genai("assistant", text(f"{n}"))]
        return call(n, given, answer, gen_ai__response__id=f"resp_{n}", **more) | {"traceId": f"{n:032x}"}

    previous = {"llm.invocation_parameters": '{"previous_response_id": "resp_1"}'}
    first, second = response(1, "A"), response(2, "B")
    second["attributes"] |= previous
    assert len(messages_of(conversation_in([second, first]))) == 4
    assert len(conversations_in([first, response(2, "B")])) == 2


def test_the_same_spans_in_another_order_are_known() -> None:
    spans = [call(n, [genai("user", text(f"{n}"))], [genai("assistant", text("Yes"))]) for n in (1, 2)]
    assert conversation_in(spans).digest == conversation_in([*spans[::-1], spans[0]]).digest


def test_a_span_of_a_time_that_no_clock_has_loses_its_time_alone() -> None:
    spans = [call(1, [genai("user", text("A17?"))], [genai("assistant", text("Yes"))]) | {"endTimeUnixNano": "9" * 30}]
    assert [message.parts[0].text for message in messages_of(conversation_in(spans))] == ["A17?", "Yes"]


def test_half_a_character_in_a_cell_of_a_table_of_spans_is_replaced() -> None:
    """JSON can say it, and UTF-8 cannot; a table of pandas is one value, of which each row is written anew."""
    told = call(1, [genai("user", text("A17?"))], [genai("assistant", text("Yes"))])["attributes"]
    row = {"context.trace_id": f"{1:032x}", "context.span_id": "1", "start_time": "2026-11-30T00:53:20Z"}
    row |= {f"attributes.{name}": value for name, value in told.items()} | {"attributes.user.id": "\ud800"}
    conversation = conversation_in({name: {"1": value} for name, value in row.items()})
    assert completion_of(conversation).metadata["user"] == "\ufffd"


def test_spans_come_in_any_order_late_and_repeated() -> None:
    asked, looked = genai("user", text("A17?")), genai("assistant", {"type": "tool_call", "id": "c1", "name": "look"})
    result = genai("tool", {"type": "tool_call_response", "id": "c1", "response": "sent"})
    first, second = call(1, [asked], [looked]), call(2, [asked, looked, result], [genai("assistant", text("Sent."))])
    expected = ["A17?", "", "sent", "Sent."]
    assert said_in(first, second) == said_in(second, first, second, first) == expected
    assert said_in(second) == expected  # the first never came
    assert draft_of(second, first).id == f"{1:032x}"


def test_a_conversation_is_named_by_its_id_or_its_session_or_else_by_its_trace() -> None:
    def key(**attributes: str) -> str:
        return key_of(span_of(span(1, {name.replace("__", "."): value for name, value in attributes.items()})))

    assert key(gen_ai__conversation__id="c1", session__id="s1") == "conversation c1"
    assert key(session__id="s1") == key(langfuse__session__id="s1") == "conversation s1"
    assert key(traceloop__association__properties__session_id="s1") == "conversation s1"
    assert key(http__method="GET") == f"trace {1:032x}"


def test_a_trace_belongs_to_the_session_that_its_outermost_span_names() -> None:
    inner = call(2, [genai("user", text("A"))], [genai("assistant", text("1"))], 1, session__id="inner")
    other = call(3, [genai("user", text("B"))], [genai("assistant", text("2"))], 1)
    root = span(1, {"session.id": "outer"})
    (conversation,) = conversations_in([inner, other, root])
    assert (conversation.id, len(messages_of(conversation))) == ("opentelemetry-outer", 4)


def test_an_agent_adds_what_none_of_its_calls_says() -> None:
    given, answer = [genai("user", text("Where?"))], [genai("assistant", text("There."), finish_reason="stop")]
    agent = call(1, given, answer, gen_ai__operation__name="invoke_agent")
    agent["endTimeUnixNano"] = str(10**10 + 1796 * 10**15)
    wrapped = [genai("user", text("Current task: Where?"))]
    assert said_in(agent, call(2, wrapped, answer, 1)) == ["Current task: Where?", "There."]
    thought = call(2, wrapped, [genai("assistant", text("I think."))], 1)
    assert said_in(agent, thought) == ["Current task: Where?", "I think.", "There."]


def test_a_tool_gives_its_result_where_no_message_has_it_and_tells_that_it_failed() -> None:
    calls = [{"type": "tool_call", "id": f"c{n}", "name": "look", "arguments": {}} for n in (1, 2)]
    asked = call(1, [genai("user", text("A"))], [genai("assistant", *calls)])
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look"}
    good = span(2, tool | {"gen_ai.tool.call.id": "c1", "gen_ai.tool.call.result": "sent"})
    bad = span(3, tool | {"gen_ai.tool.call.id": "c2"}, status={"code": 2, "message": "timed out"})
    draft = draft_of(asked, bad, good)
    results = [(message.tool_call_id, message.content, message.more) for message in draft.messages[2:]]
    assert results == [("c1", "sent", {}), ("c2", "timed out", {"status": "error"})]


def test_the_items_of_a_response_are_one_answer_that_ended_as_the_response_did() -> None:
    # opentelemetry-instrumentation-genai-openai 1.3b0, which makes of each item an answer that ended
    code = {
        "code": "6*7",
        "outputs": [{"logs": "42", "type": "logs"}],
        "status": "completed",
        "type": "code_interpreter",
    }
    sky = {"arguments": "{}", "server_label": "sky", "error": "offline", "status": "failed", "type": "mcp"}
    parts = [
        {"content": "I compute.", "type": "reasoning"},
        {"name": "code_interpreter", "server_tool_call": code, "id": "ci_1", "type": "server_tool_call"},
        {"name": "weather", "server_tool_call": sky, "id": "mcp_1", "type": "server_tool_call"},
        text("Half of a sent"),
    ]
    items = [genai("assistant", part, finish_reason="stop", name=None) for part in parts]
    more = {"openai.api.type": "responses", "gen_ai.response.finish_reasons": ["length"]}
    conversation = conversation_in([call(1, [genai("user", text("6*7?"))], items, **more)])
    _, thought, said = messages_of(conversation)
    assert [choice.finish_reason for choice in choices_of(conversation)] == ["length"]
    assert [each.text for each in thought.reasoning] == ["I compute."]
    assert [(each.name, each.arguments, each.output, each.outcome) for each in thought.tool_calls] == [
        ("code_interpreter", "6*7", "42", ""),
        ("weather", "{}", "offline", "error"),
    ]
    assert [part.text for part in said.parts] == ["Half of a sent"]


def test_what_a_server_ran_is_a_call_with_its_output() -> None:
    # opentelemetry-instrumentation-genai-anthropic 1.3b0 and -google-genai 1.3b0; logfire 5.4.0 leaves Anthropic's blocks
    asked, found = {"input": {"query": "weather"}}, [{"title": "W", "type": "web_search_result"}]
    conventional = [
        {
            "name": "web_search",
            "server_tool_call": asked | {"type": "web_search"},
            "id": "s1",
            "type": "server_tool_call",
        },
        {"server_tool_call_response": {"content": found}, "id": "s1", "type": "server_tool_call_response"},
    ]
    blocks = [
        {"id": "s1", "caller": None, "name": "web_search", "type": "server_tool_use"} | asked,
        {"caller": None, "content": found, "tool_use_id": "s1", "type": "web_search_tool_result"},
    ]
    python = {"code": "6*7", "language": "PYTHON"}
    ran = [
        {"name": "code_execution", "server_tool_call": python, "id": None, "type": "server_tool_call"},
        {"server_tool_call_response": {"output": "42"}, "id": None, "type": "server_tool_call_response"},
    ]
    searched = ("web_search", json.dumps(asked["input"]), json.dumps(found))
    for parts, expected in ((conventional, searched), (blocks, searched), (ran, (*_named(python), "42"))):
        answer = [genai("assistant", text("I look."), *parts, text("Sunny."))]
        message = messages_of(conversation_in([call(1, [genai("user", text("Weather?"))], answer)]))[-1]
        assert [part.text for part in message.parts] == ["I look.", "Sunny."]
        assert [(each.name, each.arguments, each.output) for each in message.tool_calls] == [expected]


def _named(arguments: dict[str, str]) -> tuple[str, str]:
    return "code_execution", json.dumps(arguments)


def test_the_text_blocks_of_a_result_are_its_text() -> None:
    # of opentelemetry-instrumentation-genai-anthropic 1.3b0, and of logfire 5.4.0
    for block in ({"type": "text", "text": "sunny"}, {"type": "text", "content": "sunny"}):
        result = {"response": [block], "id": "toolu_a", "type": "tool_call_response"}
        assert said_in(call(1, [genai("user", result)], [genai("assistant", text("Good."))])) == ["sunny", "Good."]


def test_the_blocks_that_logfire_writes_as_python_does_repeat_the_answer() -> None:
    # logfire 5.4.0, with a history of the objects that Anthropic's client returned
    asked, use = genai("user", text("Weather?")), {"type": "tool_call", "id": "toolu_a", "name": "weather"}
    answer = genai("assistant", text("I look."), use | {"arguments": {"city": "Rome"}})
    shown = [
        text("ParsedTextBlock(citations=None, text='I look.', type='text', parsed_output=None)"),
        text("ToolUseBlock(id='toolu_a', caller=None, input={'city': 'Rome'}, name='weather', type='tool_use')"),
    ]
    result = genai("user", {"type": "tool_call_response", "id": "toolu_a", "response": "offline"})
    again = call(2, [asked, genai("assistant", *shown), result], [genai("assistant", text("Sorry."))])
    assert said_in(call(1, [asked], [answer]), again) == ["Weather?", "I look.", "offline", "Sorry."]


def test_blocks_and_files_in_their_client_s_shape_are_read_among_parts() -> None:
    # logfire 5.4.0
    thought = {"signature": "c2ln", "thinking": "A greeting.", "type": "thinking"}
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}
    given, answer = [genai("user", text("Read"), file)], [genai("assistant", thought, text("Hello"))]
    asked, said = messages_of(conversation_in([call(1, given, answer)]))
    assert isinstance(asked.parts[1], FilePart)
    assert (asked.parts[1].filename, asked.parts[1].data) == ("a.pdf", file["file"]["file_data"])  # type: ignore[index]
    assert [each.text for each in said.reasoning] == ["A greeting."]


def test_an_answer_that_broke_off_says_why() -> None:
    # opentelemetry-instrumentation-genai-openai 1.3b0, whose stream ended early
    status = {"code": "STATUS_CODE_ERROR", "message": "Connection error."}
    cut = call(1, [genai("user", text("Hi"))], [genai("assistant", text("Hello fr"), finish_reason="error")])
    answer = messages_of(conversation_in([cut | {"status": status}]))[-1]
    assert (answer.parts[0].text, answer.error) == ("Hello fr", "Connection error.")


def test_a_failure_that_the_client_records_beside_its_instrumentation_is_told_once() -> None:
    # opentelemetry-instrumentation-anthropic 0.62.4, whose span is not around that of anthropic 2.14.0
    failed = call(1, [genai("user", text("Hi"))], [], error__type="BadRequestError")
    del failed["attributes"]["gen_ai.output.messages"]
    own = span(1, {"gen_ai.operation.name": "chat", "error.type": "invalid_request_error"}, spanId=f"{9:016x}")
    told = messages_of(conversation_in([each | {"status": {"code": 2}} for each in (failed, own)]))
    assert [message.error for message in told] == ["", "BadRequestError"]


def test_openinference_has_the_tools_that_google_s_client_ran_in_the_answer() -> None:
    # openinference-instrumentation-google-genai 1.4.14
    use = {"function_call": {"id": "fc_a", "args": {"city": "Rome"}, "name": "weather"}}
    result = {"function_response": {"parts": None, "name": "weather", "response": {"error": "offline"}}}
    steps = [
        {"parts": [{"text": "Weather?"}]},
        {"parts": [{"text": "I look."}, use], "role": "model"},
        {"parts": [result], "role": "user"},
    ]
    said = {"content": {"parts": [{"text": "Sorry."}], "role": "model"}, "finish_reason": "STOP", "index": 0}
    attributes = {
        "openinference.span.kind": "LLM",
        "input.value": json.dumps({"contents": [{"parts": [{"text": "Weather?"}], "role": "user"}]}),
        "output.value": json.dumps({"candidates": [said], "automatic_function_calling_history": steps}),
    }
    messages = messages_of(conversation_in([span(1, attributes)]))
    assert roles_of(messages) == ["user", "assistant", "tool", "assistant"]
    assert [each.name for each in messages[1].tool_calls] == ["weather"]


def test_the_older_conventions_are_read() -> None:
    flat = {
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "A17?",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "tool_calls",
        "gen_ai.completion.0.tool_calls.0.id": "c1", "gen_ai.completion.0.tool_calls.0.name": "look",
        "gen_ai.completion.0.tool_calls.0.arguments": '{"id": 1}', "llm.usage.total_tokens": 3,
    }  # fmt: skip
    draft = draft_of(span(1, flat))
    ((answer, reason),) = draft.choices
    assert (draft.messages[0].content, answer.tool_calls[0]["function"], reason) == (
        "A17?", {"name": "look", "arguments": '{"id": 1}'}, "tool_calls",
    )  # fmt: skip
    events = [
        {"name": "gen_ai.user.message", "attributes": {"content": "A17?"}},
        {"name": "gen_ai.choice", "attributes": {"gen_ai.event.content": '{"message": {"content": "Sent."}, "index": 0}'}},
    ]  # fmt: skip
    assert said_in(span(1, {"gen_ai.system": "openai"}, events=events)) == ["A17?", "Sent."]
    prompt, answered = '[{"role": "user", "content": "A17?"}]', '[{"role": "assistant", "content": "Sent."}]'
    events = [
        {"name": "gen_ai.content.prompt", "attributes": {"gen_ai.prompt": prompt}},
        {"name": "gen_ai.content.completion", "attributes": {"gen_ai.completion": answered}},
    ]
    assert said_in(span(1, {}, events=events)) == ["A17?", "Sent."]


def test_blocks_of_bedrock_in_events_are_calls_and_results() -> None:
    call = {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"id": 1}}}
    result = {"toolResult": {"toolUseId": "c1", "status": "error", "content": [{"text": "gone"}]}}
    events = [
        {"name": "gen_ai.user.message", "attributes": {"content": json.dumps([{"text": "A17?"}])}},
        {"name": "gen_ai.assistant.message", "attributes": {"content": json.dumps([{"text": "I look."}, call])}},
        {"name": "gen_ai.tool.message", "attributes": {"content": json.dumps([result])}},
        {"name": "gen_ai.choice", "attributes": {"message": '[{"text": "Gone."}]', "finish_reason": "end_turn"}},
    ]
    draft = draft_of(span(1, {"gen_ai.operation.name": "chat"}, events=events))
    _, asked, failed = draft.messages
    assert asked.tool_calls[0]["function"] == {"name": "look", "arguments": '{"id": 1}'}
    assert (failed.content, failed.tool_call_id) == ([{"type": "text", "text": "gone"}], "c1")
    assert (failed.more, draft.choices[0][1]) == ({"status": "error"}, "end_turn")


def test_openinference_keeps_what_a_request_has_beside_its_messages_and_how_the_answer_ended() -> None:
    request = {"messages": [{"role": "user", "content": "A17?"}]}
    answer = {
        "role": "assistant",
        "content": [{"type": "text", "text": "Sent."}],
        "type": "message",
        "stop_reason": "end_turn",
    }
    system = {"llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "You help."}
    held = {"contents": [{"role": "user", "parts": [{"text": "A18?"}]}]}
    candidate = {"content": {"parts": [{"text": "Hm.", "thought": True}, {"text": "Too."}]}, "finish_reason": "STOP"}
    spans = [
        span(n, system | {"openinference.span.kind": "LLM", "input.value": json.dumps(asked), "output.value": json.dumps(answered)})
        for n, (asked, answered) in enumerate(((request, answer), (held, {"candidates": [candidate]})), start=1)
    ]  # fmt: skip
    messages = messages_of(conversation_in(spans))
    assert roles_of(messages) == ["system", "user", "assistant", "user", "assistant"]
    assert (messages[2].other["finish_reason"], messages[4].reasoning[0].text) == ('"end_turn"', "Hm.")


def test_a_message_as_the_client_wrote_it_keeps_its_source_beside_what_its_span_says() -> None:
    def call(n: int, asked: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        values = {
            "input.value": json.dumps({"messages": asked}),
            "output.value": json.dumps({"choices": [{"message": answer}]}),
        }
        return span(n, values | {"openinference.span.kind": "LLM", "llm.model_name": f"m{n}"})

    user, said = {"role": "user", "content": "A17?"}, {"role": "assistant", "content": "Sent."}
    first = draft_of(call(1, [user], said), call(2, [user, said, user], said)).messages[1].to_json()
    assert json.loads(first)["model"] == "m1"
    assert json.loads(first)["lectern"]["source"] == said


def test_a_span_of_the_same_response_that_tells_no_words_is_of_its_conversation() -> None:
    told = call(1, [genai("user", text("A17?"))], [genai("assistant", text("Sent."))], gen_ai__response__id="msg_1")
    own = span(2, {"gen_ai.operation.name": "chat", "gen_ai.response.id": "msg_1"}, traceId=f"{2:032x}")
    assert len(messages_of(conversation_in([told, own]))) == 2
    assert refusals_in([own])
    failed = span(3, {"gen_ai.operation.name": "chat"}, 4, status={"code": 2})
    outer = call(4, [genai("user", text("A"))], []) | {"status": {"code": 2, "message": "gone"}}
    errors = [
        message.more["error"]["message"] for message in draft_of(failed, outer).messages if "error" in message.more
    ]
    assert errors == ["gone"]


def test_a_tool_without_the_id_of_its_call_is_of_the_call_with_its_arguments() -> None:
    calls = [{"type": "tool_call", "id": f"c{n}", "name": "look", "arguments": {"id": n}} for n in (1, 2)]
    asked = call(1, [genai("user", text("A"))], [genai("assistant", *calls)])
    tools = [
        span(n, {"openinference.span.kind": "TOOL", "tool.name": "look", "input.value": value, "output.value": f"{n}"})
        for n, value in ((2, '{"id": 2}'), (3, '{"kwargs": {"id": 1}}'))
    ]
    results = draft_of(asked, *tools).messages[2:]
    assert [(message.tool_call_id, message.content) for message in results] == [("c2", "2"), ("c1", "3")]


def test_events_may_stand_in_an_attribute_with_texts_media_and_thoughts_in_one_list() -> None:
    picture = {"kind": "binary", "media_type": "image/png", "binary_content": "iVBORw0KGgo="}
    thought = {"kind": "thinking", "text": "Hm."}
    events = [
        {"event.name": "gen_ai.user.message", "role": "user", "content": ["Torn?", picture]},
        {"event.name": "gen_ai.choice", "message": {"role": "assistant", "content": [thought, {"kind": "text", "text": "Yes."}]}},
    ]  # fmt: skip
    draft = draft_of(span(1, {"gen_ai.operation.name": "chat", "events": json.dumps(events)}))
    asked, (answer, _) = draft.messages[0], draft.choices[0]
    assert [part["type"] for part in asked.content] == ["text", "image_url"]
    assert (answer.reasoning, answer.content) == ("Hm.", [{"type": "text", "text": "Yes."}])


def test_ai_sdk_telemetry_is_read_once_though_two_spans_tell_of_each_call() -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "A17?"}]}]
    calls = [{"type": "tool-call", "toolCallId": "c1", "toolName": "look", "input": {"id": 1}}]
    answer = {
        "ai.response.text": "I look.",
        "ai.response.toolCalls": json.dumps(calls),
        "ai.response.finishReason": "stop",
    }
    outer = span(1, {"ai.prompt": json.dumps({"messages": messages}), "ai.operationId": "ai.generateText"} | answer)
    inner = span(2, {"ai.prompt.messages": json.dumps(messages), "ai.model.id": "gpt-4.1"} | answer, 1)
    tool = span(3, {"ai.operationId": "ai.toolCall", "ai.toolCall.id": "c1", "ai.toolCall.result": '"sent"'}, 1)
    draft = draft_of(outer, inner, tool)
    assert [message.role for message in draft.messages] == ["user", "assistant", "tool"]
    assert draft.messages[1].tool_calls[0]["function"] == {"name": "look", "arguments": '{"id": 1}'}


def test_spans_are_read_as_the_systems_that_store_them_write_them() -> None:
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps([genai("user", text("A17?"))]),
        "gen_ai.output.messages": json.dumps([genai("assistant", text("Sent."))]),
    }
    trace, start = f"{1:032x}", 1796 * 10**12
    tags = [{"key": name, "type": "string", "value": value} for name, value in told.items()]
    jaeger = {"traceID": trace, "spanID": "1", "operationName": "chat", "startTime": start, "duration": 5, "tags": tags}
    zipkin = {"traceId": trace, "id": "1", "timestamp": start, "duration": 5, "tags": told, "localEndpoint": {}}
    azure = {
        "timestamp": "2026-11-30T00:53:20Z",
        "id": "1",
        "operation_Id": trace,
        "duration": 5,
        "customDimensions": told,
    }
    row = {"context.trace_id": trace, "context.span_id": "1", "start_time": "2026-11-30T00:53:20Z"}
    row |= {f"attributes.{name}": value for name, value in told.items()}
    for stored in (
        {"data": [{"traceID": trace, "spans": [jaeger], "processes": {}}]},
        [[zipkin]],
        [azure | {"customDimensions": json.dumps(told)}],
        {"tables": [{"columns": [{"name": name} for name in azure], "rows": [list(azure.values())]}]},
        [row],
        {name: {"1": value} for name, value in row.items()},
        {"trace": {"resourceSpans": [{"scopeSpans": [{"spans": [span(0, told)]}]}]}},
    ):
        conversation = conversation_in(stored)
        assert roles_of(messages_of(conversation)) == ["user", "assistant"]
        created = completion_of(conversation).created
        assert (conversation.id, created and created.timestamp()) == (trace, 1796000000)


def test_spans_of_other_work_are_left_out_without_a_word() -> None:
    assert conversations_in([span(1, {"http.method": "GET"})]) == []


def test_text_that_an_exporter_cut_off_is_kept_and_says_so() -> None:
    cut = span(1, {"gen_ai.operation.name": "chat", "gen_ai.input.messages": '[{"role": "user", "parts": [{"ty'})
    (message,) = draft_of(cut).messages
    assert (message.content, message.notes[0]["code"]) == ('[{"role": "user", "parts": [{"ty', "cut-off")
