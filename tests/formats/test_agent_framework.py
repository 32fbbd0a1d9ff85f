from __future__ import annotations

from typing import Any

from tests.formats.files import completion_of, conversation_in, messages_of, refusals_in
from viewer.completions.types import ImagePart, text_of


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
