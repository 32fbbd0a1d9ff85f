"""Files of platforms that record the calls of models: what was asked, what was answered, and how calls belong together."""

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
from viewer.completions.types import text_of
from viewer.formats.document import Conversation

ASKED = {"role": "user", "content": "Where is A17?"}
ANSWER = {"role": "assistant", "content": "On its way."}


def roles(conversation: Conversation) -> list[str]:
    return [message.role for message in messages_of(conversation)]


def last(conversation: Conversation) -> str:
    return text_of(messages_of(conversation)[-1])


def notes(conversation: Conversation) -> list[str]:
    return [note.code for message in messages_of(conversation) for note in message.origin.notes]


def test_calls_of_a_langsmith_trace_that_go_on_from_one_another_are_one_conversation() -> None:
    talk, failed, two = conversations_in("langsmith.jsonl")
    assert roles(talk) == ["user", "assistant", "tool", "tool", "assistant"]
    assert last(talk) == "Done: sent"
    assert [call.id for message in messages_of(talk) for call in message.tool_calls] == ["call_111", "call_112"]
    metadata = completion_of(talk).metadata
    assert (metadata["session_id"], metadata["user_id"], metadata["tags"]) == ("thread-1", "u7", '["a"]')
    assert "does not like this" in completion_of(failed).error
    assert [text_of(choice.message) for choice in choices_of(two)] == ["Done: n2"] * 2  # type: ignore[arg-type]


def test_a_langfuse_trace_is_one_conversation_in_each_of_its_exports() -> None:
    trace = json.loads((FILES / "langfuse_trace.json").read_bytes())
    download = {
        "trace": {name: value for name, value in trace.items() if name != "observations"},
        "observations": trace["observations"],
    }
    for source in (trace, download, {"data": [trace], "meta": {"page": 1}}):
        conversation = conversation_in(source)
        assert conversation.id == trace["id"]
        assert roles(conversation) == ["system", "user", "assistant", "tool", "tool", "assistant"]
        metadata = completion_of(conversation).metadata
        assert (metadata["sessionId"], metadata["userId"], metadata["ticket"]) == ("sess-1", "u7", "4711")
    rows = "\n".join(json.dumps(observation) for observation in trace["observations"])
    assert len(messages_of(conversation_in(rows.encode()))) == 6


def test_a_table_of_langfuse_traces_has_what_was_asked_and_answered_and_names_what_is_lost() -> None:
    rows = conversations_in("langfuse_traces.csv")
    assert len(rows) == 8
    assert [text_of(messages_of(row)[0]) for row in rows[:3]] == ["TOOL where?", "REFUSE", "CITE REASON"]
    assert [notes(row) for row in rows] == [[], ["lost-refusal"], [], [], ["lost-audio"], [], ["lost-image"], []]
    assert len(choices_of(rows[3])) == 2


def test_traces_of_a_session_are_one_talk() -> None:
    def trace(number: int, question: str, answer: str) -> dict[str, Any]:
        named = {"id": f"trace-{number:032}", "timestamp": f"2026-11-01T10:0{number}:00Z", "sessionId": "s"}
        return named | {"environment": "default", "input": {"question": question}, "output": {"answer": answer}}

    conversation = conversation_in([trace(2, "And A18?", "Waits."), trace(1, "Where is A17?", "Sent.")])
    assert [text_of(message) for message in messages_of(conversation)] == [
        "Where is A17?",
        "Sent.",
        "And A18?",
        "Waits.",
    ]
    assert conversation.id == f"trace-{1:032}"


def test_an_mlflow_trace_has_the_tool_calls_of_a_stream_and_names_the_picture_that_is_elsewhere() -> None:
    picture, stream, talk = conversations_in("mlflow_traces.jsonl")
    assert notes(picture) == ["lost-image"]
    assert [call.arguments for call in messages_of(stream)[-1].tool_calls] == ['{"order_id": 1}', '{"order_id": 2}']
    assert roles(talk) == ["system", "user", "assistant", "tool", "tool", "assistant"]
    metadata = completion_of(talk).metadata
    assert (metadata["session"], metadata["user"], metadata["team"]) == ("sess-1", "u7", "billing")


def test_an_mlflow_trace_of_the_rest_api_is_a_tree_of_keys_and_values() -> None:
    def tree(value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return {"kvlist_value": {"values": [{"key": name, "value": tree(each)} for name, each in value.items()]}}
        if isinstance(value, list):
            return {"array_value": {"values": [tree(each) for each in value]}}
        return {"string_value": value}

    attributes = {
        "mlflow.spanType": "CHAT_MODEL",
        "mlflow.spanInputs": {"messages": [ASKED]},
        "mlflow.spanOutputs": {"choices": [{"message": ANSWER}]},
    }
    pairs = [{"key": name, "value": tree(value)} for name, value in attributes.items()]
    span = {"span_id": "x", "start_time_unix_nano": "1795863841000000000", "attributes": pairs}
    answer = {"trace": {"trace_info": {"trace_id": "tr-1", "tags": []}, "spans": [span]}}
    conversation = conversation_in(answer)
    assert [text_of(message) for message in messages_of(conversation)] == ["Where is A17?", "On its way."]


def test_an_opik_export_is_one_conversation_with_its_thread() -> None:
    conversation = conversation_in("opik_trace.json")
    assert roles(conversation) == ["system", "user", "assistant", "tool", "tool", "assistant"]
    assert len([call for message in messages_of(conversation) for call in message.tool_calls]) == 2
    metadata = completion_of(conversation).metadata
    assert (metadata["thread_id"], metadata["ticket"]) == ("thread-1", "4711")


def test_braintrust_spans_of_a_trace_are_one_conversation() -> None:
    talk, refused, spoken = conversations_in("braintrust.jsonl")
    assert roles(talk) == ["system", "user", "assistant", "tool", "tool", "assistant"]
    assert messages_of(refused)[-1].refusal == "I cannot help with that."
    assert notes(spoken) == ["lost-audio"]


def test_helicone_s_table_doubles_its_quotes_twice_and_has_no_answers() -> None:
    record = {
        "request_id": "a" * 36, "request_created_at": "2026-11-01T10:00:00Z", "response_status": 200,
        "request_body": {"model": "gpt-4.1", "messages": [ASKED]}, "request_user_id": "u7",
        "response_body": {"choices": [{"message": ANSWER}]}, "request_properties": {"ticket": "4711"},
    }  # fmt: skip
    conversation = conversation_in(record)
    assert [text_of(message) for message in messages_of(conversation)] == ["Where is A17?", "On its way."]
    assert completion_of(conversation).metadata == {"ticket": "4711", "user": "u7"}
    cell = json.dumps(record["request_body"]).replace('"', '""').replace('"', '""')
    table = f'response_id,response_status,request_created_at,request_body,cost\n"r-1","200","2026-11-01","{cell}","0"\n'
    row = conversation_in(table.encode())
    assert (roles(row), notes(row)) == (["user"], ["lost-answer"])


def test_a_result_of_promptfoo_is_its_prompt_as_it_was_sent_and_what_was_answered() -> None:
    called, refused, failed = conversations_in("promptfoo.jsonl")
    system, user, answer = messages_of(called)
    assert [part.text for message in (system, user) for part in message.parts] == ["You help.", "Where are my orders?"]
    assert [call.arguments for call in answer.tool_calls] == ['{"order_id": "A17"}', '{"order_id": "A18"}']
    assert messages_of(refused)[-1].refusal == "I can't share another customer's address."
    assert "400" in str(completion_of(failed).error)
    (reason,) = refusals_in([{"q": "Hi", "Status": "PASS", "Named Scores": "", "Grader Reason": ""}])
    assert "as JSON" in reason


def test_a_table_of_spans_of_opik_is_joined_as_its_traces_are() -> None:
    times = {"start_time": "2026-11-30T00:53:20Z", "trace_id": "t1"}
    call = {"id": "s2", "type": "llm", "parent_span_id": "s1", "input": {"messages": [ASKED]}}
    rows = [call | times | {"output": {"choices": [{"message": ANSWER}]}}]
    rows.append({"id": "s1", "type": "general", "parent_span_id": "", "input": {"q": "Hi"}, "output": {}} | times)
    assert roles(conversation_in(rows)) == ["user", "assistant"]
