from __future__ import annotations

from tests.formats.files import completion_of, conversation_in, messages_of
from viewer.completions.types import ImagePart, text_of


def test_a_chat_history_is_read_whole() -> None:
    conversation = conversation_in("semantic_kernel.json")
    messages = messages_of(conversation)
    assert [message.role for message in messages] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant",
    ]  # fmt: skip
    assert completion_of(conversation).model == "gpt-4.1"
    asked = messages[2]
    assert text_of(asked) == "Let me look at both orders."  # the calls stand before it in the file
    assert [(call.id, call.name, call.arguments) for call in asked.tool_calls] == [
        ("call_00410", "Shop-order_status", '{"order_id": "A17"}'),
        ("call_00411", "Shop-order_status", '{"order_id": "A18"}'),
    ]
    assert [result.call_id for message in messages for result in message.results] == ["call_00410", "call_00411"]
    (image,) = (part for part in messages[6].parts if isinstance(part, ImagePart))
    assert image.url.startswith("data:image/png;base64,iVBOR")


def test_a_message_in_which_nothing_is_left_is_empty_and_not_an_unknown_list() -> None:
    """AutoGen, Haystack and OpenTelemetry write `[]` where the model refused to answer."""
    refused = {"content_type": "message", "role": "assistant", "items": []}
    (message,) = messages_of(conversation_in({"messages": [refused]}))
    assert message.parts == ()
