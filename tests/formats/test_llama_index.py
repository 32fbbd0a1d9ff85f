from __future__ import annotations

from tests.formats.files import conversation_in, conversations_in, messages_of, refusals_in
from viewer.completions.types import ImagePart, text_of


def test_each_key_of_a_chat_store_is_a_conversation() -> None:
    found = conversations_in("llama_index.json")
    assert [each.id for each in found] == ["llamaindex-case-1", "llamaindex-ann"]
    messages = messages_of(found[0])
    assert [message.role for message in messages] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant", "user",
        "assistant", "tool", "assistant",
    ]  # fmt: skip
    calls = [call for message in messages for call in message.tool_calls]
    assert [call.arguments for call in calls] == ['{"order_id": "A17"}', '{"order_id": "A18"}', '{"order_id": "FAIL"}']
    assert [result.call_id for message in messages for result in message.results] == [call.id for call in calls]
    assert [part.url[:22] for m in messages for part in m.parts if isinstance(part, ImagePart)] == [
        "data:image/png;base64,"
    ]
    assert [each.text for each in messages[7].reasoning] == ["The photo shows a torn box, so a replacement is due."]
    assert [note.code for note in messages[9].origin.notes] == ["lost-refusal"]


def test_messages_without_blocks_and_with_the_key_that_all_memories_have_are_read() -> None:
    calls = [{"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}]
    said = [
        {"role": "user", "content": "Where is it?", "additional_kwargs": {}},
        {"role": "assistant", "content": "", "additional_kwargs": {"tool_calls": calls}},
    ]
    memory = {"chat_store": {"store": {"chat_history": said}}, "chat_store_key": "chat_history"}
    for source in (memory, said, {"messages": said}):
        conversation = conversation_in(source)
        messages = messages_of(conversation)
        assert (text_of(messages[0]), len(messages[1].tool_calls)) == ("Where is it?", 1)
        assert conversation.id.startswith("chatcmpl-")


def test_a_store_without_messages_is_named() -> None:
    assert refusals_in({"store": {}, "class_name": "SimpleChatStore"})
