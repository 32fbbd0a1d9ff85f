from __future__ import annotations

import json
from typing import Any

import pytest

from tests.formats.files import FILES, choices_of, completion_of, conversation_in, conversations_in, messages_of
from viewer.completions.types import FilePart, ImagePart, Message, text_of

_FILE = "anthropic_pair.json"
_PAIR = json.loads((FILES / _FILE).read_text())
_TEXT = {"type": "text", "text": "Hi."}


def response(*content: Any, **more: Any) -> dict[str, Any]:
    return {"id": "msg_9", "type": "message", "role": "assistant", "model": "claude-opus-4-1",
            "content": list(content), "stop_reason": "end_turn"} | more  # fmt: skip


def test_the_results_of_tools_are_not_in_the_messages_of_the_user() -> None:
    messages = messages_of(conversation_in(_FILE))
    assert [message.role for message in messages] == [
        "system", "user", "assistant", "tool", "tool", "user", "assistant",
    ]  # fmt: skip
    assert [call.id for call in messages[2].tool_calls] == ["toolu_1", "toolu_2"]
    assert [(result.call_id, result.outcome) for message in messages for result in message.results] == [
        ("toolu_1", ""), ("toolu_2", "error"),
    ]  # fmt: skip
    assert text_of(messages[5]) == "And is my lamp recalled?"
    assert [thought.name for thought in messages[2].reasoning] == ["reasoning_content", "redacted_thinking"]


def test_a_log_may_have_other_names_for_the_two_and_their_json_as_texts() -> None:
    texts = {"req_payload": json.dumps(_PAIR["request"]), "resp_payload": json.dumps(_PAIR["response"])}
    as_text, as_object = conversation_in({"timestamp": _PAIR["timestamp"], **texts}), conversation_in(_FILE)
    assert (as_text.id, messages_of(as_text)) == (as_object.id, messages_of(as_object))


def test_pictures_and_documents_are_kept() -> None:
    messages = messages_of(conversation_in(_FILE))
    parts = [part for message in messages for part in message.parts]
    assert [part.url[:40] for part in parts if isinstance(part, ImagePart)] == [
        "data:image/png;base64,iVBORw0KGgoAAAANSU", "https://shop.example/none.png",
    ]  # fmt: skip
    assert [part for part in parts if isinstance(part, FilePart)] == [
        FilePart("Terms", "", "data:text/plain,two%20years")
    ]


def test_the_answer_has_one_text_with_its_citations_and_the_calls_of_anthropics_own_tools() -> None:
    conversation = conversation_in(_FILE)
    answer = choices_of(conversation)[0].message
    assert isinstance(answer, Message)
    text = "A17 was sent. No lamp is recalled, and the terms say two years."
    assert text_of(answer) == text
    assert [(cited.url, cited.title, text[cited.start : cited.end]) for cited in answer.citations] == [
        ("https://shop.example/recalls", "Recalls", "No lamp is recalled"),
        ("document 0", "Terms", ", and the terms say two years"),
    ]  # fmt: skip
    searched, failed = answer.tool_calls
    assert "https://shop.example/recalls" in (searched.output or "")
    assert (failed.outcome, failed.id) == ("error", "srvtoolu_2")
    completion = completion_of(conversation)
    assert (completion.id, completion.metadata, completion.usage and completion.usage.completion) == (
        "msg_02", {"user": "customer-7"}, 9,
    )  # fmt: skip
    assert completion.created is not None
    assert completion.created.isoformat() == "2026-11-30T10:00:00+00:00"


def test_a_request_with_texts_alone_keeps_its_system_prompt() -> None:
    request = {"model": "claude-opus-4-1", "system": "Be kind.", "messages": [{"role": "user", "content": "Hello"}]}
    for record in (
        request,
        {**request, "response": response(_TEXT)},
        {"request": request, "response": response(_TEXT)},
    ):
        messages = messages_of(conversation_in(record))
        assert [text_of(message) for message in messages] == ["Be kind.", "Hello", "Hi."][: 2 + ("response" in record)]


def test_a_refusal_says_why() -> None:
    details = {"type": "refusal", "explanation": "This may help an attack."}
    (choice,) = choices_of(conversation_in(response(stop_reason="refusal", stop_details=details)))
    assert isinstance(choice.message, Message)
    assert (choice.finish_reason, choice.message.refusal) == ("refusal", "This may help an attack.")


def test_a_batch_joins_requests_and_results_by_their_ids() -> None:
    params = {"model": "claude-opus-4-1", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    lines = [
        {"custom_id": "a", "params": params},
        {"custom_id": "b", "params": params},
        {"custom_id": "b", "result": {"type": "errored", "error": {"error": {"message": "Overloaded"}}}},
        {"custom_id": "a", "result": {"type": "succeeded", "message": response(_TEXT)}},
    ]
    answered, failed = conversations_in("\n".join(map(json.dumps, lines)).encode())
    assert [text_of(message) for message in messages_of(answered)] == ["Hello", "Hi."]
    assert (choices_of(failed), completion_of(failed).error) == ((), "Overloaded")


def test_a_recorded_stream_is_put_together() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "order", "input": {}}
    events = [
        {"type": "message_start", "message": response(stop_reason=None)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "."}},
        {"type": "content_block_start", "index": 1, "content_block": use},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"id"'}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ": 1}"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    recorded = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    (choice,) = choices_of(conversation_in(recorded.encode()))
    assert isinstance(choice.message, Message)
    assert (text_of(choice.message), choice.finish_reason) == ("Hi.", "tool_use")
    assert [call.arguments for call in choice.message.tool_calls] == ['{"id": 1}']
    cut = messages_of(conversation_in(events[:3]))
    assert [(text_of(message), message.origin.notes[-1].code) for message in cut] == [("Hi", "cut-off")]


_EVENTS = [
    {"type": "message_start", "message": response() | {"stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi."}},
    {"type": "message_stop"},
]


@pytest.mark.parametrize(
    "answer",
    [
        response(_TEXT),
        [_TEXT],
        "Hi.",
        _EVENTS,
        "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in _EVENTS),
        "Message(id='msg_9', type='message', role='assistant', content=[TextBlock(type='text', text='Hi.')])",
    ],
)
@pytest.mark.parametrize("system", [{"system": "Be kind."}, {}])
def test_the_answer_to_a_request_is_read_however_it_was_kept(answer: Any, system: dict[str, str]) -> None:
    request = system | {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    if not system and answer == [_TEXT]:
        return  # a request that may be of any API
    for record in ({"request": request, "response": answer}, request | {"response": answer}):
        messages = messages_of(conversation_in(record))
        assert [text_of(message) for message in messages] == [*system.values(), "Hello", "Hi."]


def test_messages_of_openai_stay_such_where_they_have_marks_for_a_cache_or_thoughts_of_mistral() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    talk = [
        {"role": "user", "content": [{"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [thought, _TEXT], "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Found."},
        {"role": "assistant", "content": "Here."},
    ]
    messages = messages_of(conversation_in({"messages": talk}))
    assert [text_of(message) for message in messages] == ["Hello", "Hi.", "", "Here."]
    assert [call.id for message in messages for call in message.tool_calls] == ["c1"]
    assert [result.call_id for message in messages for result in message.results] == ["c1"]
    assert "Found." in messages[2].source
    assert [thought.text for message in messages for thought in message.reasoning] == ["Hm."]
