from __future__ import annotations

from typing import Any

from tests.formats.files import completion_of, conversation_in, messages_of, refusals_in
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.types import ImagePart, RefusalPart, text_of


def test_a_history_of_python_and_the_session_that_has_it_are_read_whole() -> None:
    conversation = conversation_in("agent_framework.jsonl")
    messages = messages_of(conversation)
    assert conversation.family == "agent-framework"
    assert [message.role for message in messages] == [
        "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant",
    ]  # fmt: skip
    assert [call.arguments for call in messages[1].tool_calls] == ['{"order":"A17"}', '{"order": "A18"}']
    calls = [call.id for call in messages[1].tool_calls]
    assert calls == [result.call_id for message in messages for result in message.results]
    assert [text_of(message) for message in messages[2:4]] == ["", ""]  # a result is no text of the message
    assert [cited.url for cited in messages[4].citations] == ["https://shop.example/a17"]
    assert [type(part) for part in messages[5].parts][1:] == [ImagePart]
    assert messages[6].reasoning[0].text == "Looking at the picture."
    session = conversation_in("agent_framework_session.json")
    assert session.id == "467eb2c4-82e0-463a-aa05-e29f12e2989e"
    assert [note.code for note in messages_of(session)[-1].origin.notes] == []


def of_net(role: str, *contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": role, "contents": list(contents), **more}


def test_net_names_the_same_in_its_own_words() -> None:
    thread = {"storeState": {"messages": [
        of_net("user", {"$type": "text", "text": "Where?"}, {"$type": "data", "uri": "data:image/png;base64,iVBORw0KGgo="}),
        of_net("assistant", {"$type": "reasoning", "text": "Look."},
               {"$type": "functionCall", "callId": "c1", "name": "track", "arguments": {"order": "A17"}},
               authorName="helper", messageId="m-2", createdAt="2026-01-02T03:04:05Z"),
        of_net("tool", {"$type": "functionResult", "callId": "c1", "result": "On its way"}),
        of_net("assistant"),
    ]}}  # fmt: skip
    messages = messages_of(conversation_in(thread))
    assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant"]
    assert (messages[1].name, messages[1].id, messages[1].reasoning[0].text) == ("helper", "m-2", "Look.")
    assert messages[1].created is not None
    assert messages[2].results[0].call_id == messages[1].tool_calls[0].id == "c1"
    assert [note.code for note in messages[3].origin.notes] == ["lost-refusal"]


def test_an_answer_alone_and_a_session_that_is_elsewhere_say_what_is_missing() -> None:
    answer = conversation_in({"type": "agent_response", "response_id": "resp_0001", "messages": [
        {"type": "message", "role": "assistant", "contents": [{"type": "text", "text": "Hi"}]}]})  # fmt: skip
    assert answer.id == "resp_0001"
    assert [note.code for note in messages_of(answer)[0].origin.notes] == ["lost-input"]
    (reason,) = refusals_in({"type": "session", "session_id": "s", "service_session_id": "resp_9", "state": {}})
    assert "resp_9" in reason
    assert completion_of(answer).model == ""


def of_python(role: str, *contents: dict[str, Any]) -> dict[str, Any]:
    given = [{**content, "additional_properties": content.get("additional_properties", {})} for content in contents]
    return {"type": "message", "role": role, "contents": given, "author_name": "Shop", "additional_properties": {}}


def test_tools_that_the_provider_runs_stand_in_their_order_before_the_answer() -> None:
    """A history of agent-framework-core 1.23.0 with the Responses of agent-framework-openai 1.17.0."""
    found = {"type": "text", "text": "seven"}
    picture = {"type": "data", "uri": "data:image/png;base64,iVBORw0KGgo=", "media_type": "image/png"}
    messages = messages_of(conversation_in([
        of_python("user", {"type": "text", "text": "Draw it"}),
        of_python("assistant", {"type": "text_reasoning", "text": "", "protected_data": "gBBB", "id": "rs_2"},
                  {"type": "search_tool_call", "call_id": "ws_1", "tool_name": "web_search",
                   "arguments": {"type": "search", "query": "shop"}, "status": "completed"},
                  {"type": "search_tool_result", "call_id": "ws_1", "tool_name": "web_search", "status": "completed",
                   "result": {"action": {"type": "search", "query": "shop"}}},
                  {"type": "mcp_server_tool_call", "call_id": "m_1", "arguments": "{}", "tool_name": "q", "server_name": "s"},
                  {"type": "mcp_server_tool_result", "call_id": "m_1", "output": [found]},
                  {"type": "code_interpreter_tool_call", "call_id": "ci_1", "inputs": [{"type": "text", "text": "1+1"}]},
                  {"type": "code_interpreter_tool_result", "call_id": "ci_1", "outputs": [{"type": "text", "text": "2"}]},
                  {"type": "shell_tool_call", "call_id": "sh_1", "commands": ["ls /x"]},
                  {"type": "shell_tool_result", "call_id": "sh_1",
                   "outputs": [{"type": "shell_command_output", "stdout": "", "stderr": "no /x", "exit_code": 2}]},
                  {"type": "image_generation_tool_call", "image_id": "ig_1"},
                  {"type": "image_generation_tool_result", "image_id": "ig_1", "outputs": picture},
                  {"type": "text", "text": "Here it is."}),
    ]))  # fmt: skip
    assert [message.role for message in messages] == ["user", *["assistant", "tool"] * 5, "assistant"]
    calls = [(call.id, call.name, call.arguments) for message in messages for call in message.tool_calls]
    assert calls == [
        ("ws_1", "web_search", '{"type": "search", "query": "shop"}'), ("m_1", "q", "{}"),
        ("ci_1", "code_interpreter", "1+1"), ("sh_1", "shell", '["ls /x"]'), ("ig_1", "image_generation", ""),
    ]  # fmt: skip
    results = [(message, result) for message in messages for result in message.results]
    assert [result.call_id for _, result in results] == [call[0] for call in calls]
    assert [result_text(*each) for each in results[1:]] == ["seven", "2", "no /x", ""]
    assert [outcome_of(*each) for each in results] == ["", "", "", "error", ""]
    assert [type(part) for part in results[-1][0].parts] == [ImagePart]
    assert text_of(messages[-1]) == "Here it is."


def test_an_approval_repeats_no_call_and_a_refusal_and_an_error_are_seen() -> None:
    """A history of agent-framework-core 1.23.0 in which a person approved a call, and the model then refused."""
    call = {"type": "function_call", "call_id": "c5", "name": "refund", "arguments": '{"id": "A17"}'}
    marks = {"core": {"model_output_kind": "refusal"}, "model_output_kind": "refusal"}
    messages = messages_of(conversation_in([
        of_python("user", {"type": "text", "text": "Refund A17"}),
        of_python("assistant", {"type": "text", "text": "Let me."}, call,
                  {"type": "function_approval_request", "function_call": call, "user_input_request": True, "id": "a5"}),
        of_python("user", {"type": "function_approval_response", "function_call": call, "approved": True, "id": "a5"}),
        of_python("tool", {"type": "function_result", "call_id": "c5", "result": "refunded"}),
        of_python("assistant", {"type": "text", "text": "I cannot.", "additional_properties": marks}),
        of_python("assistant", {"type": "error", "message": "Too many", "error_code": "rate_limit_exceeded"}),
        of_python("assistant", {"type": "text_reasoning", "protected_data": "gBBB"}),
    ]))  # fmt: skip
    assert [message.role for message in messages] == ["user", "assistant", "tool", "tool", *["assistant"] * 3]
    assert [len(message.tool_calls) for message in messages] == [0, 1, 0, 0, 0, 0, 0]
    assert result_text(messages[2], messages[2].results[0]).endswith('"approved": true}')
    assert [part.text for part in messages[4].parts if isinstance(part, RefusalPart)] == ["I cannot."]
    assert [[note.code for note in message.origin.notes] for message in messages[4:]] == [[], [], ["lost-reasoning"]]
