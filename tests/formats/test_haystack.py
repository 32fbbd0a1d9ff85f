from __future__ import annotations

from tests.formats.files import completion_of, conversation_in, messages_of
from viewer.completions.outcomes import outcome_of
from viewer.completions.types import ImagePart, text_of


def test_messages_are_read_whole_and_what_is_missing_is_said() -> None:
    conversation = conversation_in("haystack.json")
    messages = messages_of(conversation)
    assert [message.role for message in messages] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant", "user",
        "assistant", "tool", "assistant", "user", "assistant",
    ]  # fmt: skip
    calls = [call for message in messages for call in message.tool_calls]
    assert [result.call_id for message in messages for result in message.results] == [call.id for call in calls]
    assert [outcome_of(m, result) for m in messages for result in m.results] == ["", "", "error"]
    assert [part.url[:22] for m in messages for part in m.parts if isinstance(part, ImagePart)] == [
        "data:image/png;base64,"
    ]
    assert [each.text for each in messages[7].reasoning] == ["The photo shows a torn box, so a replacement is due."]
    assert [note.code for note in messages[9].origin.notes] == ["lost-refusal"]
    assert completion_of(conversation).model == "gpt-4.1"


def test_messages_of_older_versions_are_read() -> None:
    call = {"tool_name": "find", "arguments": {"q": "A17"}, "id": "call_1"}
    with_underscores = [
        {"_role": "user", "_content": [{"text": "Where is it?"}], "_name": None, "_meta": {}},
        {"_role": "assistant", "_content": [{"tool_call": call}], "_name": None, "_meta": {}},
    ]
    with_texts = [
        {"role": "user", "content": "Where is it?", "name": None, "meta": {}},
        {"role": "assistant", "content": "On its way.", "name": None, "meta": {"model": "gpt-4.1"}},
    ]
    for source in (with_underscores, with_texts):
        conversation = conversation_in(source)
        assert conversation.family == "haystack"
        assert text_of(messages_of(conversation)[0]) == "Where is it?"


def test_a_call_that_haystack_dropped_is_missed() -> None:
    asked = {"role": "user", "content": [{"text": "Where is it?"}], "name": None, "meta": {}}
    dropped = {"role": "assistant", "content": [], "name": None, "meta": {"finish_reason": "tool_calls", "model": "m"}}
    (note,) = messages_of(conversation_in([asked, dropped]))[1].origin.notes
    assert note.code == "lost-calls"
