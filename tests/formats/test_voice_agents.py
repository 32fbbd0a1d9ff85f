"""Calls of voice agents: each has the shape that the models of its client have (docs/importing.md names the versions)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.formats.files import completion_of, conversation_in, messages_of, remarks_on
from viewer.completions.outcomes import outcome_of
from viewer.completions.types import text_of

ELEVENLABS = {
    "agent_id": "agent_1", "agent_name": "Desk", "conversation_id": "conv_1", "status": "done", "user_id": "cus_1",
    "metadata": {"start_time_unix_secs": 1775589000, "call_duration_secs": 20, "termination_reason": "Call ended"},
    "transcript": [
        {"role": "agent", "message": "Hello, how can I", "interrupted": True, "time_in_call_secs": 0},
        {"role": "user", "message": "Where is A17?", "time_in_call_secs": 4},
        {"role": "agent", "message": None, "time_in_call_secs": 5, "producing_llm": "gemini-2.5-flash",
         "tool_calls": [{"request_id": "r1", "tool_name": "look_up", "params_as_json": '{"order": "A17"}',
                         "tool_has_been_called": True}], "tool_results": []},
        {"role": "agent", "message": None, "time_in_call_secs": 6, "tool_calls": [],
         "tool_results": [{"request_id": "r1", "tool_name": "look_up", "result_value": "No such order",
                           "is_error": True, "tool_has_been_called": True}]},
        {"role": "agent", "message": "I can't find it.", "time_in_call_secs": 9},
    ],
}  # fmt: skip
RETELL = {
    "call_id": "conv_1", "agent_name": "Desk", "start_timestamp": 1775589000000, "from_number": "+4930123456",
    "transcript": "Agent: Hello…",
    "transcript_with_tool_calls": [
        {"role": "agent", "content": "Hello, how can I", "words": [{"word": "Hello", "start": 0.0, "end": 0.4}]},
        {"role": "user", "content": "Where is A17?", "words": [{"word": "Where", "start": 4.0, "end": 4.2}]},
        {"role": "tool_call_invocation", "tool_call_id": "r1", "name": "look_up", "arguments": '{"order": "A17"}'},
        {"role": "tool_call_result", "tool_call_id": "r1", "content": "No such order", "successful": False},
        {"role": "agent", "content": "I can't find it.", "words": []},
    ],
}  # fmt: skip
VAPI = {
    "id": "conv_1", "type": "webCall", "startedAt": "2026-04-07T19:10:00.000Z", "endedReason": "customer-ended-call",
    "customer": {"number": "+4930123456"}, "assistant": {"name": "Desk", "model": {"model": "gpt-4.1"}},
    "artifact": {
        "transcript": "AI: Hello…",
        "messages": [
            {"role": "bot", "message": "Hello, how can I", "time": 1775589000000, "endTime": 1775589001000,
             "secondsFromStart": 0},
            {"role": "user", "message": "Where is A17?", "time": 1775589004000, "secondsFromStart": 4},
            {"role": "tool_calls", "message": "", "time": 1775589005000, "secondsFromStart": 5,
             "toolCalls": [{"id": "r1", "type": "function",
                            "function": {"name": "look_up", "arguments": '{"order": "A17"}'}}]},
            {"role": "tool_call_result", "name": "look_up", "toolCallId": "r1", "result": "Error: no such order",
             "time": 1775589006000, "secondsFromStart": 6},
            {"role": "bot", "message": "I can't find it.", "time": 1775589009000, "secondsFromStart": 9},
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("call", "webhook", "family"),
    [
        (ELEVENLABS, {"type": "post_call_transcription", "data": ELEVENLABS}, "elevenlabs"),
        (RETELL, {"event": "call_ended", "call": RETELL}, "retell"),
        (VAPI, {"message": {"type": "end-of-call-report", **VAPI, "call": {"id": "conv_1"}}}, "vapi"),
    ],
    ids=["elevenlabs", "retell", "vapi"],
)
def test_a_call_has_what_was_said_with_its_tools_also_as_its_webhook_sends_it(
    call: dict[str, Any], webhook: dict[str, Any], family: str
) -> None:
    for record in (call, webhook):
        conversation = conversation_in(record)
        assert (conversation.family, conversation.id) == (family, f"{family}-conv_1")
        messages = messages_of(conversation)
        assert [message.role for message in messages] == ["assistant", "user", "assistant", "tool", "assistant"]
        assert [text_of(messages[n]) for n in (0, 1, 4)] == ["Hello, how can I", "Where is A17?", "I can't find it."]
        assert [(each.name, each.arguments) for each in messages[2].tool_calls] == [("look_up", '{"order": "A17"}')]
        (result,) = messages[3].results
        assert (result.call_id, outcome_of(messages[3], result)) == ("r1", "error")
        assert messages[1].created
        assert messages[1].created.timestamp() == 1775589004
        assert "Desk" in completion_of(conversation).metadata.values()


def test_what_a_customer_did_beside_speaking_and_where_a_call_went_is_shown() -> None:
    """Retell AI keeps what came before and after the session in lists of their own."""
    before = [{"role": "sms", "content": "Hi", "time_sec": 0, "multimedia": [{"url": "https://desk.example/a.png"}]}]
    during = [
        {"role": "agent", "content": "Press 1", "words": []},
        {"role": "dtmf", "digit": "1"},
        {"role": "node_transition", "former_node_name": "menu", "new_node_name": "billing"},
        {"role": "injected", "content": "VIP", "time_sec": 3},
    ]
    call = {"call_id": "1", "pre_session_transcript_with_tool_calls": before, "transcript_with_tool_calls": during}
    messages = messages_of(conversation_in(call))
    assert [(message.role, message.name, text_of(message)) for message in messages] == [
        ("user", "sms", "Hi"), ("assistant", "", "Press 1"), ("user", "dtmf", "1"),
        ("event", "", "node_transition: menu → billing"), ("system", "", "VIP"),
    ]  # fmt: skip
    assert len(messages[0].parts) == 2


def test_where_elevenlabs_was_interrupted_is_said_and_a_call_without_words_is_named() -> None:
    interrupted, *others = messages_of(conversation_in(ELEVENLABS))
    assert [note.code for note in interrupted.origin.notes] == ["interrupted"]
    assert not any(message.origin.notes for message in others)
    nothing = "A conversation of ElevenLabs Agents in which nothing was said."
    assert remarks_on(ELEVENLABS | {"transcript": []}) == [nothing]
