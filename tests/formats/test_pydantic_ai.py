from __future__ import annotations

import json

from tests.formats.files import FILES, completion_of, conversation_in, messages_of
from viewer.completions.outcomes import outcome_of
from viewer.completions.types import ImagePart, text_of


def test_a_history_is_read_whole() -> None:
    conversation = conversation_in("pydantic_ai.json")
    messages = messages_of(conversation)
    assert [message.role for message in messages] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant", "tool",
    ]  # fmt: skip
    calls = [call for message in messages for call in message.tool_calls]
    assert [call.arguments for call in calls] == ['{"order_id": "A17"}', '{"order_id": "A18"}', '{"order_id": "FAIL"}']
    assert [result.call_id for message in messages for result in message.results] == [call.id for call in calls]
    assert [outcome_of(m, result) for m in messages for result in m.results] == ["", "", "error"]
    assert [(cited.title, cited.start, cited.end) for cited in messages[5].citations] == [("Stock list", 54, 116)]
    images = [part.url[:22] for part in messages[6].parts if isinstance(part, ImagePart)]
    assert images == ["data:image/png;base64,", "https://shop.example/a"]
    assert [each.text for each in messages[7].reasoning] == ["The photo shows a torn box, so a replacement is due."]
    assert all(message.created for message in messages)
    assert completion_of(conversation).model == "gpt-4.1"


def test_an_answer_without_parts_may_have_been_a_refusal_and_a_retry_is_a_failed_tool() -> None:
    messages = messages_of(conversation_in("pydantic_ai_1.json"))
    assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant", "user", "assistant"]
    assert [outcome_of(m, result) for m in messages for result in m.results] == ["error"]
    assert [note.code for note in messages[-1].origin.notes] == ["lost-refusal"]


def test_runs_of_one_conversation_are_joined_and_what_they_repeat_stands_once() -> None:
    said = json.loads((FILES / "pydantic_ai.json").read_text())
    runs = [said[4:], said[:4], said[:6]]
    conversation = conversation_in("\n".join(map(json.dumps, runs)).encode())
    assert conversation.id == said[0]["conversation_id"]
    assert len(messages_of(conversation)) == len(messages_of(conversation_in("pydantic_ai.json")))


def test_runs_in_the_rows_of_a_session_are_joined() -> None:
    runs = [[{"kind": "request", "parts": [{"part_kind": "user-prompt", "content": text}]},
             {"kind": "response", "parts": [{"part_kind": "text", "content": "Yes"}]}] for text in ("One?", "Two?")]  # fmt: skip
    rows = [{"id": n, "session_id": "s1", "message_list": run} for n, run in enumerate(runs)]
    conversation = conversation_in("\n".join(map(json.dumps, rows)).encode())
    assert conversation.id == "pydantic-ai-s1"
    assert len(messages_of(conversation)) == 4


def test_summaries_changed_instructions_and_an_answer_that_was_cut_are_seen() -> None:
    """Messages of pydantic-ai-slim 2.68.0: instructions that are appended, a compaction, a stream that broke off."""
    asked = {"kind": "request", "instructions": "It is Monday.", "state": "complete"}
    day = {"content": "It is Monday.", "dynamic": True, "on_change": "append", "name": "day", "id": "agent:day",
           "part_kind": "instruction"}  # fmt: skip
    messages = messages_of(conversation_in([
        {**asked, "parts": [{"part_kind": "user-prompt", "content": "Where is it?"},
                            {"part_kind": "instruction-baseline", "instructions": [day]}]},
        {"kind": "response", "state": "complete", "parts": [
            {"part_kind": "compaction", "content": "The customer asked for A17.", "provider_name": "anthropic"},
            {"part_kind": "text", "content": "On its way."}]},
        {**asked, "parts": [{"part_kind": "user-prompt", "content": "And now?"},
                            {"part_kind": "instruction-delta", "id": "agent:day", "content": "It is Tuesday."}]},
        {"kind": "response", "state": "interrupted", "parts": [{"part_kind": "text", "content": "It is on"}]},
    ]))  # fmt: skip
    assert [(message.role, text_of(message)) for message in messages] == [
        ("system", "It is Monday."), ("user", "Where is it?"), ("system", "The customer asked for A17."),
        ("assistant", "On its way."), ("user", "And now?"), ("system", "It is Tuesday."), ("assistant", "It is on"),
    ]  # fmt: skip
    assert [note.code for message in messages for note in message.origin.notes] == ["interrupted"]
    assert messages[-1].origin.notes
