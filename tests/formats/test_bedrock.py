from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import FILES, choices_of, completion_of, conversation_in, messages_of, refusals_in
from viewer.completions.types import FilePart, ImagePart, Message, text_of

_STORED = json.loads((FILES / "strands_messages.json").read_text())  # the files of a session, in their order
_REQUEST = {
    "modelId": "anthropic.claude-3-haiku",
    "system": [{"text": "Be kind."}],
    "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
    "inferenceConfig": {"temperature": 0.2},
}
_RESPONSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
}


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A folder of sessions as Strands writes it."""
    folder = tmp_path / "sessions" / "session_case-1"
    messages = folder / "agents" / "agent_default" / "messages"
    messages.mkdir(parents=True)
    for number, stored in enumerate(_STORED):
        (messages / f"message_{number}.json").write_text(json.dumps(stored, indent=2))
    (folder / "session.json").write_text('{"session_id": "case-1", "session_type": "AGENT"}')
    (messages.parent / "agent.json").write_text('{"agent_id": "default", "conversation_manager_state": {}}')
    return tmp_path / "sessions"


def test_the_files_of_a_session_are_one_conversation_in_the_order_of_their_numbers(session: Path) -> None:
    packed = shutil.make_archive(str(session), "zip", session)
    for source in (session, Path(packed)):
        conversation = conversation_in(source)
        assert (conversation.id, completion_of(conversation).metadata) == ("strands-case-1", {"session": "case-1"})
        messages = messages_of(conversation)
        own = [message for message in messages if message.role != "tool"]
        assert [message.id for message in own] == [
            stored["message"]["tracking_id"] for n, stored in enumerate(_STORED) if n != 2
        ]  # fmt: skip
        _check(messages)


def _check(messages: list[Message]) -> None:
    assert len(messages) == len(_STORED) + 1 == 17  # the two results of message 2 become two messages
    assert [call.id for message in messages for call in message.tool_calls] == ["t0", "t1"]
    assert [(result.call_id, result.outcome) for message in messages for result in message.results] == [
        ("t0", ""), ("t1", "error"),
    ]  # fmt: skip
    assert messages[1].reasoning[0].text == "Look."
    parts = [part for message in messages for part in message.parts]
    assert [part.url[:30] for part in parts if isinstance(part, ImagePart)] == ["data:image/png;base64,iVBORw0K"] * 2
    assert [part for part in parts if isinstance(part, FilePart)] == [
        FilePart("receipt", "", "data:application/pdf;base64,JVBERi0=")
    ]
    assert [cited.title for message in messages for cited in message.citations] == ["Terms"]
    assert [note.code for note in messages[-1].origin.notes] == ["lost-refusal"]
    assert all(message.created for message in messages)


def test_a_request_of_converse_and_its_response_are_one_conversation() -> None:
    for record in ({"request": _REQUEST, "response": _RESPONSE}, {**_REQUEST, "response": _RESPONSE}):
        conversation = conversation_in(record)
        assert [text_of(message) for message in messages_of(conversation)] == ["Be kind.", "Hello", "Hi."]
        completion = completion_of(conversation)
        assert (completion.model, completion.usage and completion.usage.total) == ("anthropic.claude-3-haiku", 5)
        assert choices_of(conversation)[0].finish_reason == "end_turn"
    (alone,) = messages_of(conversation_in(_RESPONSE))
    assert [note.code for note in alone.origin.notes] == ["lost-input"]


def test_records_of_model_invocations_are_read_in_both_spellings() -> None:
    claude = {"system": "Be kind.", "messages": [{"role": "user", "content": "Hello"}]}
    answer = {"id": "msg_1", "type": "message", "role": "assistant", "stop_reason": "end_turn",
              "content": [{"type": "text", "text": "Hi."}]}  # fmt: skip
    for asked, answered in ((_REQUEST, _RESPONSE), (claude, answer)):
        conversation = conversation_in(_logged({"inputBodyJson": asked}, {"outputBodyJson": answered}))
        assert [text_of(message) for message in messages_of(conversation)] == ["Be kind.", "Hello", "Hi."]
        completion = completion_of(conversation)
        assert (completion.id, completion.model) == ("3f2b7c1e-0000-4000-8000-000000000001", "anthropic.claude-3-haiku")
        assert completion.metadata["region"] == "eu-central-1"


def test_a_record_whose_request_is_elsewhere_is_refused() -> None:
    record = _logged({"inputBodyS3Path": "s3://logs/1_input.json.gz"}, {"outputBodyJson": _RESPONSE})
    assert "s3://logs/1_input.json.gz" in refusals_in(record)[0]


def _logged(asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
    return {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": "2026-11-30T10:00:00Z",
        "requestId": "3f2b7c1e-0000-4000-8000-000000000001", "region": "eu-central-1", "operation": "Converse",
        "modelId": "anthropic.claude-3-haiku", "input": asked, "output": answered,
    }  # fmt: skip


_ANSWER = {"role": "assistant", "content": [{"text": "Hi."}]}


@pytest.mark.parametrize(
    "answer",
    [
        {"output": {"message": _ANSWER}, "stopReason": "end_turn"},
        _ANSWER,
        "Hi.",
        [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "H"}}},
            {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "i."}}},
            {"messageStop": {"stopReason": "end_turn"}},
        ],
    ],
)
def test_the_answer_to_a_request_is_read_however_it_was_kept(answer: Any) -> None:
    request = {"modelId": "nova", "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
    messages = messages_of(conversation_in({"request": request, "response": answer}))
    assert [text_of(message) for message in messages] == ["Hello", "Hi."]
