from __future__ import annotations

import json
from typing import Any

import pytest

from tests.formats.files import FILES, choices_of, completion_of, conversation_in, conversations_in, messages_of
from viewer.completions.types import FilePart, ImagePart, Message, text_of

_FILE = "openai_responses_items.json"
_ITEMS = json.loads((FILES / _FILE).read_text())["data"]
_ASKED = {"role": "user", "content": "Hello"}
_ANSWER = {
    "type": "message", "id": "msg_2", "role": "assistant", "status": "completed",
    "content": [{"type": "output_text", "text": "Hi.", "annotations": []}],
}  # fmt: skip


def response(*output: Any, **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "model": "gpt-4.1", "created_at": 1_795_864_674.0,
            "status": "completed", "output": list(output)} | more  # fmt: skip


def test_each_item_becomes_one_message_with_its_id() -> None:
    messages = messages_of(conversation_in(_FILE))
    assert [message.id for message in messages] == [item["id"] for item in _ITEMS]
    assert len({item["type"] for item in _ITEMS}) == 29


def test_every_call_has_its_result() -> None:
    messages = messages_of(conversation_in(_FILE))
    calls = {call.id: call for message in messages for call in message.tool_calls}
    results = {result.call_id for message in messages for result in message.results}
    assert (
        len(calls) == sum(item["type"].endswith(("_call", "_request", "mcp_list_tools")) for item in _ITEMS) + 1
    )  # program
    assert results == {call.id for call in calls.values() if call.output is None}
    assert "Lamps have two years." in (calls["fs_04"].output or "")
    assert calls["ci_07"].arguments == "print(2 * 365)\nplot()"
    failed = [call.id for call in calls.values() if call.outcome == "error"]
    failed += [result.call_id for message in messages for result in message.results if result.outcome == "error"]
    assert failed == ["ws_06", "mcp_23", "call_f", "call_g"]


def test_pictures_files_reasoning_citations_and_refusals_are_kept() -> None:
    messages = {message.id: message for message in messages_of(conversation_in(_FILE))}
    pictures = [(message.id, part) for message in messages.values() for part in message.parts]
    assert [each for each, part in pictures if isinstance(part, ImagePart)] == [
        "msg_02", "ci_07", "ig_08", "fo_12", "cuo_16",
    ]  # fmt: skip
    assert [part for part in messages["msg_02"].parts if isinstance(part, FilePart)] == [
        FilePart("receipt.pdf", "file-receipt", "")
    ]
    assert messages["rs_03"].reasoning[0].text == "Look at the terms.\n\nThen at the receipt."
    answer = messages["msg_34"]
    assert [(cited.url, cited.title) for cited in answer.citations] == [
        ("https://shop.example/terms", "Terms"), ("file-terms", "terms.pdf"), ("cfile_1", "plot.csv"),
    ]  # fmt: skip
    assert text_of(answer).endswith("I cannot promise more.")


def test_a_page_with_the_newest_first_is_turned_round() -> None:
    page = {"object": "list", "data": _ITEMS[::-1], "has_more": True}
    conversation = conversation_in(page)
    assert [message.id for message in messages_of(conversation)] == [item["id"] for item in _ITEMS]
    assert _notes(messages_of(conversation)[0]) == ["cut-off"]


def test_a_response_alone_says_that_it_is_not_known_what_was_asked() -> None:
    conversation = conversation_in(response(_ANSWER, instructions="Be kind.", usage={"input_tokens": 3}))
    assert [(message.role, text_of(message)) for message in messages_of(conversation)] == [
        ("system", "Be kind."), ("assistant", "Hi."),
    ]  # fmt: skip
    completion = completion_of(conversation)
    assert (completion.id, completion.model, completion.usage and completion.usage.prompt) == ("resp_1", "gpt-4.1", 3)
    assert choices_of(conversation)[0].finish_reason == "stop"
    assert _notes(messages_of(conversation)[0]) == ["lost-input"]


def test_what_moderation_flagged_stands_where_a_chat_completion_has_it() -> None:
    """As openai 3.57.0 has it in types/responses/response.py."""
    flagged = {
        "input": {"type": "moderation_result", "flagged": True, "categories": {"violence": True}},
        "output": None,
    }
    completion = completion_of(conversation_in(response(_ANSWER, moderation=flagged)))
    assert json.loads(completion.other["moderation"]) == flagged


def test_a_request_and_its_response_are_one_conversation() -> None:
    request = {"model": "gpt-4.1", "input": [_ASKED], "instructions": "Be kind.", "seed": 7}
    refused = response({**_ANSWER, "content": [{"type": "refusal", "refusal": "No."}]})
    cut = response(_ANSWER, status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    for pair in (
        {"request": request, "response": refused},
        {"request_body": request, "response_body": refused},
        {"input": [_ASKED], "instructions": "Be kind.", "response": refused},
        {**refused, "input": [_ASKED], "instructions": "Be kind."},  # as OGX lists it
    ):
        messages = messages_of(conversation_in(pair))
        assert [(message.role, text_of(message)) for message in messages] == [
            ("system", "Be kind."), ("user", "Hello"), ("assistant", "No."),
        ]  # fmt: skip
        assert messages[-1].refusal == "No."
        assert not _notes(messages[0])
    assert choices_of(conversation_in({"request": request, "response": cut}))[0].finish_reason == "max_output_tokens"


def test_a_request_with_a_text_alone_is_what_was_asked() -> None:
    pair = {"request": {"model": "m", "input": "Hello"}, "response": response(_ANSWER), "timestamp": "2026-11-30"}
    assert [text_of(message) for message in messages_of(conversation_in(pair))] == ["Hello", "Hi."]


def test_a_batch_joins_requests_and_answers_by_their_ids() -> None:
    lines = [
        {"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {"model": "m", "input": "Hello"}},
        {"custom_id": "b", "method": "POST", "url": "/v1/responses", "body": {"model": "m", "input": "Again"}},
        {"custom_id": "a", "response": {"status_code": 200, "body": response(_ANSWER)}, "error": None},
    ]
    failed = {"custom_id": "b", "response": {"status_code": 400, "body": {"error": {"message": "No such model"}}}}
    answered, refused = conversations_in("\n".join(map(json.dumps, [*lines, failed])).encode())
    assert completion_of(refused).error == "No such model"
    answered, waiting = conversations_in("\n".join(map(json.dumps, lines)).encode())
    assert [text_of(message) for message in messages_of(answered)] == ["Hello", "Hi."]
    assert completion_of(answered).metadata["custom_id"] == "a"
    assert (choices_of(waiting), [text_of(message) for message in messages_of(waiting)]) == ((), ["Again"])


def test_a_recorded_stream_is_put_together_also_where_it_breaks_off() -> None:
    begun = {**_ANSWER, "content": []}
    events = [
        {"type": "response.created", "response": response(status="in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "H"},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "i."},
        {"type": "response.completed", "response": response(_ANSWER)},
    ]
    recorded = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    whole, cut = conversation_in(recorded.encode()), conversation_in(events[:-1])
    assert [text_of(message) for message in messages_of(whole)] == ["Hi."]
    assert [text_of(message) for message in messages_of(cut)] == ["Hi."]
    assert "cut-off" in _notes(messages_of(cut)[0])


def _notes(message: Message) -> list[str]:
    return [each.code for each in message.origin.notes]


_EVENTS = [
    {"type": "response.created", "sequence_number": 0, "response": response() | {"status": "in_progress"}},
    {"type": "response.output_item.done", "sequence_number": 1, "output_index": 0, "item": _ANSWER},
    {"type": "response.completed", "sequence_number": 2, "response": response(_ANSWER)},
]


@pytest.mark.parametrize(
    "answer",
    [
        response(_ANSWER),
        json.dumps(response(_ANSWER)),
        [_ANSWER],
        "Hi.",
        _EVENTS,
        "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in _EVENTS),
        "Response(id='resp_1', object='response', output=[ResponseOutputMessage(id='msg_2', type='message', "
        "role='assistant', content=[ResponseOutputText(text='Hi.', type='output_text', annotations=[])])])",
    ],
)
@pytest.mark.parametrize("names", [("request", "response"), ("input", "output"), ("sent", "got")])
def test_the_answer_to_a_request_is_read_however_it_was_kept(answer: Any, names: tuple[str, str]) -> None:
    if names == ("sent", "got") and answer in ("Hi.", [_ANSWER]):
        return  # names and a shape of which nobody knows that they are an answer
    request = {"model": "gpt-4.1", "instructions": "Be kind.", "input": [_ASKED]}
    messages = messages_of(conversation_in(dict(zip(names, (request, answer), strict=True))))
    assert [text_of(message) for message in messages] == ["Be kind.", "Hello", "Hi."]
