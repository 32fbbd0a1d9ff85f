from __future__ import annotations

from typing import Any

from tests.formats.files import completion_of, conversation_in, messages_of
from viewer.completions.types import FilePart, ImagePart, text_of

_THREAD = "thread_abcdefghijklmnopqrstuvwx"
_CITED = {
    "type": "file_citation", "text": "【4】", "start_index": 12, "end_index": 15, "file_citation": {"file_id": "file-1"},
}  # fmt: skip


def said(role: str, time: int, *content: Any, **more: Any) -> dict[str, Any]:
    return {"id": f"msg_{time}", "object": "thread.message", "created_at": time, "thread_id": _THREAD, "role": role,
            "content": list(content)} | more  # fmt: skip


def text(value: str, *annotations: Any) -> dict[str, Any]:
    return {"type": "text", "text": {"value": value, "annotations": list(annotations)}}


_PICTURE = {"type": "image_file", "image_file": {"file_id": "file-2"}}
_MESSAGES = [
    said("user", 10, text("Where is A17?"), _PICTURE, attachments=[{"file_id": "file-3"}]),
    said("assistant", 14, text("On its way. 【4】", _CITED)),
    said("user", 20, text("Whose is A18?")),
    said("assistant", 21, {"type": "refusal", "refusal": "I cannot say."}),
]
_RUN = {"id": "run_1", "object": "thread.run", "thread_id": _THREAD, "created_at": 11, "model": "gpt-4o",
        "instructions": "Be brief."}  # fmt: skip
_CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}", "output": "Found."}}
_STEP = {"id": "step_1", "object": "thread.run.step", "thread_id": _THREAD, "created_at": 12,
         "step_details": {"type": "tool_calls", "tool_calls": [_CALL]}}  # fmt: skip
_ABOUT = {"id": _THREAD, "object": "thread", "created_at": 9, "metadata": {"customer": "ann"}}


def test_a_thread_has_its_messages_in_their_order_though_the_api_lists_the_newest_first() -> None:
    conversation = conversation_in({"object": "list", "data": _MESSAGES[::-1], "has_more": False})
    messages = messages_of(conversation)
    assert conversation.id == _THREAD
    assert [text_of(message) for message in messages] == [
        "Where is A17?",
        "On its way. 【4】",
        "Whose is A18?",
        "I cannot say.",
    ]
    assert [part.file_id for part in messages[0].parts if isinstance(part, ImagePart | FilePart)] == [
        "file-2", "file-3",
    ]  # fmt: skip
    assert [citation.url for citation in messages[1].citations] == ["file-1"]


def test_runs_and_steps_bring_the_instructions_and_the_calls_of_tools() -> None:
    for given in (
        {"thread": _ABOUT, "messages": _MESSAGES, "runs": [_RUN], "steps": [_STEP]},
        [*_MESSAGES, _RUN, _STEP, _ABOUT],
    ):
        conversation = conversation_in(given)
        messages, completion = messages_of(conversation), completion_of(conversation)
        assert [message.role for message in messages] == [
            "system", "user", "assistant", "tool", "assistant", "user", "assistant",
        ]  # fmt: skip
        assert [call.id for call in messages[2].tool_calls] == ["call_1"]
        assert [result.call_id for result in messages[3].results] == ["call_1"]
        assert (completion.model, completion.metadata) == ("gpt-4o", {"customer": "ann"})


def test_a_realtime_session_is_put_together_from_its_events() -> None:
    asked = {
        "id": "item_1",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    call = {"id": "item_2", "type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"}
    result = {"id": "item_3", "type": "function_call_output", "call_id": "call_1", "output": "Found."}
    answer = {"id": "item_4", "type": "message", "role": "assistant"}
    spoken = answer | {"content": [{"type": "output_audio", "transcript": "On its way."}]}
    heard = {"item_id": "item_1", "content_index": 0, "transcript": "Where is A17?"}
    events = [
        {"type": "session.created", "session": {"id": "sess_abcdefghijklmnop", "instructions": "Be brief."}},
        {"type": "conversation.item.added", "previous_item_id": None, "item": asked},
        {"type": "conversation.item.added", "previous_item_id": "item_1", "item": call},
        {"type": "conversation.item.created", "previous_item_id": "item_2", "item": result},
        {"type": "conversation.item.input_audio_transcription.completed"} | heard,
        {"type": "conversation.item.added", "previous_item_id": "item_3", "item": answer},
        {"type": "response.done", "response": {"id": "resp_1", "output": [spoken]}},
    ]
    conversation = conversation_in([event | {"event_id": f"event_{n}"} for n, event in enumerate(events)])
    messages = messages_of(conversation)
    assert conversation.id == "sess_abcdefghijklmnop"
    assert [message.role for message in messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert [text_of(message) for message in messages if message.role in ("user", "assistant")] == [
        "Where is A17?", "", "On its way.",
    ]  # fmt: skip
