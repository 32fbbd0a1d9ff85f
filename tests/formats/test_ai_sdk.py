from __future__ import annotations

import json
from typing import Any

from tests.formats.files import FILES, completion_of, conversation_in, conversations_in, messages_of
from viewer.completions.types import FilePart, ImagePart, Message, UnknownPart, text_of


def _seen(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.role, text_of(message)) for message in messages]


def test_the_steps_of_a_message_of_the_user_interface_stand_in_their_order() -> None:
    conversation = conversation_in("ai_sdk_ui.json")
    messages = messages_of(conversation)
    assert [message.id for message in messages] == ["u1", "a1", "", "", "", ""]
    assert _seen(messages) == [
        ("user", "Where are A17 and A18?"), ("assistant", "I look at both."),
        ("tool", ""), ("tool", ""), ("tool", ""), ("assistant", "A17 is on its way."),
    ]  # fmt: skip
    asked, answer = messages[1], messages[-1]
    assert [thought.text for thought in asked.reasoning] == ["Look both up."]
    assert [(call.id, call.name, call.arguments) for call in asked.tool_calls] == [
        ("c1", "order_status", '{"order_id": "A17"}'), ("c2", "order_status", '{"order_id": "A18"}'),
        ("c3", "stock", '{"sku": 7}'),
    ]  # fmt: skip
    assert [(result.call_id, result.outcome) for message in messages for result in message.results] == [
        ("c1", ""), ("c2", "error"), ("c3", ""),
    ]  # fmt: skip
    assert [call.name for call in answer.tool_calls] == ["ask_staff"]  # which nobody has answered yet
    assert [(cited.url, cited.title) for cited in answer.citations] == [
        ("https://shop.example/a17", "A17"), ("terms.pdf", "Terms"),
    ]  # fmt: skip
    kinds = [type(part) for message in messages for part in message.parts if not text_of(message) or part]
    assert (kinds.count(ImagePart), kinds.count(FilePart), kinds.count(UnknownPart)) == (2, 1, 1)
    assert (conversation.id, completion_of(conversation).model) == ("ai-sdk-chat-1", "gpt-4.1")


def test_messages_for_models_have_results_and_bytes_of_their_own() -> None:
    messages = messages_of(conversation_in("ai_sdk_model.json"))
    assert [message.role for message in messages] == ["user", "assistant", "tool", "tool", "tool", "assistant"]
    assert [result.outcome for message in messages for result in message.results] == ["", "error", ""]
    assert [part.url[:36] for part in messages[0].parts if isinstance(part, ImagePart)] == [
        "data:image/png;base64,iVBORw0KGgoAAA", "data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,iVBORw==",
        "https://shop.example/box.png",
    ]  # fmt: skip


def test_version_4_has_its_texts_calls_and_attachments_once() -> None:
    messages = messages_of(conversation_in("ai_sdk_v4.json"))
    assert _seen(messages) == [
        ("user", "Where is A17?"), ("assistant", "I look."), ("tool", ""), ("assistant", "It was sent."),
    ]  # fmt: skip
    assert [call.id for message in messages for call in message.tool_calls] == ["c1"]
    assert [part for part in messages[0].parts if isinstance(part, ImagePart)]
    assert messages[0].created is not None
    older = {"role": "assistant", "content": "Done.", "toolInvocations": [
        {"state": "call", "toolCallId": "c1", "toolName": "order", "args": {}}]}  # fmt: skip
    (message,) = messages_of(conversation_in([older]))
    assert (text_of(message), [call.name for call in message.tool_calls]) == ("Done.", ["order"])


def test_rows_of_a_table_of_messages_are_joined_by_their_chat() -> None:
    messages: list[Any] = json.loads((FILES / "ai_sdk_ui.json").read_text())["messages"]
    rows = [message | {"chatId": chat, "createdAt": f"2026-11-30T10:00:0{n}Z", "attachments": []}
            for chat in ("c-1", "c-2") for n, message in reversed(list(enumerate(messages)))]  # fmt: skip
    conversations = conversations_in(rows)
    assert [(each.id, len(messages_of(each))) for each in conversations] == [("ai-sdk-c-1", 6), ("ai-sdk-c-2", 6)]


def test_citations_in_a_text_are_not_repeated_as_sources() -> None:
    url = "https://shop.example/a17"
    parts = [
        {"type": "text", "text": "See A17.", "citations": [{"source": {"url": url}, "startIndex": 4, "endIndex": 7}]},
        {"type": "source-url", "sourceId": "1", "url": url, "title": "A17"},
    ]
    (message,) = messages_of(conversation_in([{"id": "1", "role": "assistant", "parts": parts}]))
    assert [(cited.url, cited.start, cited.end) for cited in message.citations] == [(url, 4, 7)]
