"""Histories of LiveKit Agents: `livekit.json` is the report of a session of livekit-agents 1.8.9 with a model that
answers what it is told to."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import Any

import pytest

from tests.formats.files import FILES, completion_of, conversation_in, messages_of
from viewer.completions.types import AudioPart, ImagePart, text_of

# As `ChatContext.toJSON` of @livekit/agents 1.9.0 writes them.
_JAVASCRIPT = [
    {"id": "item_1", "type": "message", "role": "user", "content": ["Where is A17?"], "interrupted": False,
     "createdAt": 1796047801501},
    {"id": "item_2", "type": "function_call", "callId": "call_1", "name": "look_up", "args": '{"order":"A17"}'},
    {"id": "item_3", "type": "function_call_output", "name": "look_up", "callId": "call_1", "output": "No such order",
     "isError": True},
    {"id": "item_4", "type": "agent_handoff", "oldAgentId": "desk", "newAgentId": "billing"},
    {"id": "item_5", "type": "message", "role": "assistant", "content": ["It was"], "interrupted": True},
]  # fmt: skip


def test_a_report_has_instructions_calls_failures_and_changes_of_the_agent_in_their_order() -> None:
    conversation = conversation_in("livekit.json")
    messages = messages_of(conversation)
    assert [message.role for message in messages] == [
        "event", "system", "user", "assistant", "tool", "assistant", "user", "assistant", "tool", "assistant", "event",
        "system",
    ]  # fmt: skip
    assert text_of(messages[0]) == "agent_handoff: desk"
    assert text_of(messages[10]) == "agent_handoff: desk → billing"
    assert text_of(messages[1]) == "You answer about orders."
    assert messages[3].tool_calls[0].arguments == '{"order": "A17"}'
    (result,) = messages[4].results
    assert (result.call_id, result.name, result.outcome) == ("call_1", "look_up", "error")
    completion = completion_of(conversation)
    assert (completion.model, completion.metadata["room"]) == ("gpt-4.1", "call-17")
    report = json.loads((FILES / "livekit.json").read_text())
    assert completion.created.timestamp() == int(report["chat_history"]["items"][0]["created_at"])


def test_javascript_names_the_same_members_differently() -> None:
    """Its calls look like those of OpenAI's Agents SDK, which has `arguments` where it has `args`."""
    conversation = conversation_in({"items": _JAVASCRIPT})
    assert conversation.family == "livekit"
    _, call, result, handoff, answer = messages_of(conversation)
    assert call.tool_calls[0].arguments == '{"order":"A17"}'
    assert [(each.call_id, each.outcome) for each in result.results] == [("call_1", "error")]
    assert text_of(handoff) == "agent_handoff: desk → billing"
    assert [note.code for note in answer.origin.notes] == ["interrupted"]
    assert completion_of(conversation).created.timestamp() == 1796047801


@pytest.mark.parametrize("content", [[], ""])
def test_a_message_that_was_a_picture_or_sound_alone_is_said_to_be_lost(content: Any) -> None:
    """`to_dict()` leaves out pictures, and sound with its words, unless it is told to keep them."""
    (message,) = messages_of(
        conversation_in([{"type": "message", "role": "user", "content": content, "interrupted": False}])
    )
    assert [(note.code, note.by) for note in message.origin.notes] == [("lost-content", "LiveKit Agents")]


def test_pictures_and_sound_with_its_words_are_shown_where_they_were_kept() -> None:
    frame = {"data": base64.b64encode(b"\1\0" * 16).decode(), "sample_rate": 16000, "num_channels": 1}
    picture = {"type": "image_content", "image": "data:image/png;base64,iVBORw0KGgo=", "inference_detail": "auto"}
    sound = {"type": "audio_content", "frame": [frame, frame], "transcript": "Where is it?"}
    content = [sound, picture, {"type": "cache_breakpoint"}]
    (message,) = messages_of(
        conversation_in([{"type": "message", "role": "user", "content": content, "interrupted": False}])
    )
    _, audio, image = message.parts
    assert text_of(message) == "Where is it?"
    assert isinstance(image, ImagePart)
    assert isinstance(audio, AudioPart)
    with wave.open(io.BytesIO(base64.b64decode(audio.data))) as file:
        assert (file.getframerate(), file.readframes(99)) == (16000, b"\1\0" * 32)
