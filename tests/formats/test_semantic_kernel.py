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


def test_a_chat_history_of_net_is_read_with_capitals_and_without() -> None:
    history = [
        {"AuthorName": "Ann", "Role": {"Label": "user"}, "Items": [
            {"$type": "TextContent", "Text": "Where?"}, {"$type": "ImageContent", "Uri": "https://shop.example/a.png"}]},
        {"role": {"label": "assistant"}, "modelId": "gpt-4o", "items": [
            {"$type": "FunctionCallContent", "id": "c1", "pluginName": "Shop", "functionName": "track",
             "arguments": {"order": "A17"}}], "metadata": {"Id": "chatcmpl-1", "CreatedAt": "2026-01-02T03:04:05Z"}},
        {"Role": {"Label": "tool"}, "Items": [{"$type": "TextContent", "Text": "On its way"},
            {"$type": "FunctionResultContent", "CallId": "c1", "FunctionName": "track", "Result": "On its way"}]},
        {"Role": {"Label": "assistant"}, "Content": "It is on its way."},
    ]  # fmt: skip
    conversation = conversation_in(history)
    messages = messages_of(conversation)
    assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant"]
    assert (messages[0].name, [type(part) for part in messages[0].parts][1:]) == ("Ann", [ImagePart])
    assert messages[1].tool_calls[0].name == "Shop-track"
    assert (messages[1].id, bool(messages[1].created)) == ("chatcmpl-1", True)
    assert messages[2].results[0].call_id == "c1"
    assert text_of(messages[3]) == "It is on its way."
    assert completion_of(conversation).model == "gpt-4o"


def test_early_versions_have_texts_without_a_kind() -> None:
    early = {"messages": [{"metadata": {}, "role": "user", "items": [{"metadata": {}, "text": "Hello"}]}]}
    assert [text_of(message) for message in messages_of(conversation_in(early))] == ["Hello"]
