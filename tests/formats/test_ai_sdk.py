from __future__ import annotations

import json
from typing import Any

import pytest

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


_EVENTS: list[dict[str, Any]] = [
    {"type": "start", "messageId": "m1"},
    {"type": "start-step"},
    {"type": "reasoning-start", "id": "r"},
    {"type": "reasoning-delta", "id": "r", "delta": "Hm."},
    {"type": "text-start", "id": "t"},
    {"type": "text-delta", "id": "t", "delta": "I "},
    {"type": "text-delta", "id": "t", "delta": "look."},
    {"type": "tool-input-available", "toolCallId": "c1", "toolName": "find", "input": {"order": "A17"}},
    {"type": "tool-output-available", "toolCallId": "c1", "output": "Found."},
    {"type": "finish-step"},
    {"type": "start-step"},
    {"type": "text-delta", "id": "t2", "delta": "Here."},
    {"type": "source-url", "sourceId": "s", "url": "https://shop.example/a17"},
    {"type": "finish"},
]
_CODED = """f:{"messageId":"m1"}
g:"Hm."
0:"I "
0:"look."
9:{"toolCallId":"c1","toolName":"find","args":{"order":"A17"}}
a:{"toolCallId":"c1","result":"Found."}
e:{"finishReason":"tool-calls"}
f:{"messageId":"m2"}
0:"Here."
h:{"sourceType":"url","id":"s","url":"https://shop.example/a17"}
d:{"finishReason":"stop"}
"""


@pytest.mark.parametrize(
    "given",
    [
        _EVENTS,
        "".join(f"data: {json.dumps(event)}\n\n" for event in _EVENTS).encode() + b"data: [DONE]\n\n",
        _CODED.encode(),
    ],
)
def test_a_recorded_stream_is_put_together(given: Any) -> None:
    messages = messages_of(conversation_in(given))
    assert [(message.role, text_of(message)) for message in messages] == [
        ("assistant", "I look."), ("tool", ""), ("assistant", "Here."),
    ]  # fmt: skip
    assert [(call.id, call.arguments) for call in messages[0].tool_calls] == [("c1", '{"order": "A17"}')]
    assert [result.call_id for result in messages[1].results] == ["c1"]
    assert [thought.text for thought in messages[0].reasoning] == ["Hm."]
    assert [citation.url for citation in messages[2].citations] == ["https://shop.example/a17"]
    assert [note.code for note in messages[0].origin.notes] == ["lost-input"]


def test_a_result_has_its_steps_and_what_was_asked() -> None:
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Where is A17?"}]}
    call = {"type": "tool-call", "toolCallId": "c1", "toolName": "find", "input": {"order": "A17"}}
    result = {"type": "tool-result", "toolCallId": "c1", "toolName": "find", "output": "Found."}
    old_call = {"toolCallId": "c1", "toolName": "find", "args": {"order": "A17"}}
    end = {"finishReason": "stop", "response": {"id": "chatcmpl-1", "modelId": "gpt-4.1"}}
    refusal = {"role": "assistant", "content": None, "refusal": "I cannot say."}
    end_without_words = {"response": end["response"] | {"body": {"choices": [{"index": 0, "message": refusal}]}}}
    new = [
        {"content": [call, result], "finishReason": "tool-calls", "request": {"body": body}},
        end | {"content": [{"type": "text", "text": "Here."}]},
        end | {"content": []} | end_without_words,
    ]
    old = [
        {"text": "", "toolCalls": [old_call], "toolResults": [old_call | {"result": "Found."}],
         "finishReason": "tool-calls", "request": {"body": json.dumps(body)}},
        end | {"text": "Here.", "toolCalls": [], "toolResults": []},
        end | {"text": "", "toolCalls": [], "toolResults": []} | end_without_words,
    ]  # fmt: skip
    for steps in (new, old):
        conversation = conversation_in({"text": "Here.", "steps": steps})
        messages = messages_of(conversation)
        assert conversation.id == "chatcmpl-1"
        assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant", "assistant"]
        assert [call.arguments for call in messages[1].tool_calls] == ['{"order": "A17"}']
        assert (text_of(messages[3]), messages[4].refusal) == ("Here.", "I cannot say.")


def test_citations_among_the_options_of_a_text_are_kept() -> None:
    cited = {"type": "url_citation", "url": "https://shop.example", "title": "Shop", "start_index": 0, "end_index": 4}
    part = {"type": "text", "text": "Here.", "providerOptions": {"openai": {"annotations": [cited]}}}
    call = {"type": "tool-call", "toolCallId": "c1", "toolName": "find", "input": {}}
    messages = messages_of(conversation_in([{"role": "assistant", "content": [part, call]}]))
    assert [citation.url for citation in messages[0].citations] == ["https://shop.example"]
