from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import (
    FILES,
    choices_of,
    completion_of,
    conversation_in,
    conversations_in,
    found_in,
    messages_of,
    refusals_in,
)
from viewer.completions.types import text_of
from viewer.formats.document import Conversation

ASKED: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is A17?"}]
ANSWER: dict[str, Any] = {"role": "assistant", "content": "On its way.", "refusal": None, "annotations": []}
COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-7", "object": "chat.completion", "created": 1795863032, "model": "gpt-4.1",
    "choices": [{"index": 0, "message": ANSWER, "finish_reason": "stop", "logprobs": None}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5},
}  # fmt: skip
REQUEST: dict[str, Any] = {"model": "gpt-4.1", "messages": ASKED, "metadata": {"ticket": "4711"}, "temperature": 0}


def says(conversation: Conversation) -> list[tuple[str, str]]:
    return [(message.role, text_of(message)) for message in messages_of(conversation)]


TALK = [("system", "Be brief."), ("user", "Where is A17?"), ("assistant", "On its way.")]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_completion_alone_is_taken_and_says_that_its_input_is_missing(indent: int | None) -> None:
    conversation = conversation_in(json.dumps(COMPLETION, indent=indent).encode())
    completion = completion_of(conversation)
    assert (conversation.id, says(conversation)) == ("chatcmpl-7", [("assistant", "On its way.")])
    assert [note.code for note in messages_of(conversation)[0].origin.notes] == ["lost-input"]
    assert completion.usage is not None


def test_a_page_of_a_list_has_many_completions() -> None:
    page = {"object": "list", "data": [COMPLETION, COMPLETION | {"id": "chatcmpl-8"}], "has_more": False}
    assert [each.id for each in conversations_in(page)] == ["chatcmpl-7", "chatcmpl-8"]


@pytest.mark.parametrize(
    "record",
    [
        {"request": REQUEST, "response": COMPLETION},
        {"request": {"method": "POST", "body": REQUEST}, "response": {"status": 200, "body": COMPLETION}},
        {"request_body": json.dumps(REQUEST), "response_body": json.dumps(COMPLETION)},
        {"requestBody": REQUEST, "responseBody": COMPLETION},
        REQUEST | {"response": COMPLETION},
        {"body": REQUEST, "response": {"body": COMPLETION}},
        {"inputs": REQUEST, "outputs": COMPLETION},
        {"input": REQUEST, "output": COMPLETION},
        {"input": ASKED, "output": ANSWER, "metadata": {"ticket": "4711"}},
        {"input": ASKED, "output": [ANSWER], "metadata": {"ticket": "4711"}},
        {"input": ASKED, "output": [*ASKED, ANSWER], "metadata": {"ticket": "4711"}},
        {"messages": ASKED, "response": "On its way.", "metadata": {"ticket": "4711"}},
        {"messages": ASKED, "ideal": "On its way.", "metadata": {"ticket": "4711"}},
        {"messages": ASKED, "response": {"message": ANSWER, "done": True}, "metadata": {"ticket": "4711"}},
        {"item": REQUEST, "sample": COMPLETION | {"output_text": "On its way."}},
        COMPLETION | {"input_messages": ASKED, "metadata": {"ticket": "4711"}},
        {"status": 200, "body": COMPLETION | {"input_messages": ASKED, "metadata": {"ticket": "4711"}}},
    ],
)
def test_a_request_and_its_response_are_one_conversation_whatever_their_names(record: dict[str, Any]) -> None:
    conversation = conversation_in(record)
    assert says(conversation) == TALK
    assert completion_of(conversation).metadata["ticket"] == "4711"


def test_what_stands_beside_a_pair_is_kept() -> None:
    conversation = conversation_in({"request": REQUEST | {"odd": 1}, "response": COMPLETION, "region": "eu"})
    source = json.loads(dict(conversation.fields)["lectern"].source)["source"]
    assert source == {"request": {"odd": 1}, "region": "eu"}
    assert completion_of(conversation).parameters["temperature"] == "0"


def test_a_batch_is_joined_by_custom_id_across_its_files() -> None:
    found = found_in(FILES / "openai_batch")
    conversations = {each.id: each for each in found if isinstance(each, Conversation)}
    answered, failed = conversations.pop("chatcmpl-stub000001"), *conversations.values()
    assert len(found) == 3
    assert [len(message.tool_calls) for message in messages_of(answered)] == [0, 0, 2]
    assert completion_of(answered).metadata == {"custom_id": "case-1"}
    assert says(failed) == [("user", "And order A19?")]
    assert "does not exist" in completion_of(failed).error
    assert refusals_in(FILES / "openai_batch") == ["This batch asks “/v1/embeddings”, where nobody speaks."]


def test_two_batches_with_the_same_custom_ids_are_told_apart_by_their_names(tmp_path: Path) -> None:
    for name, question in (("a", "First?"), ("b", "Second?")):
        body = {"model": "m", "messages": [{"role": "user", "content": question}]}
        line = {"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "body": body}
        (tmp_path / f"{name}_input.jsonl").write_text(json.dumps(line))
        answer = COMPLETION | {"id": f"chatcmpl-{name}"}
        output = {"custom_id": "r-1", "response": {"status_code": 200, "body": answer}, "error": None}
        (tmp_path / f"{name}_output.jsonl").write_text(json.dumps(output))
    talks = {each.id: says(each)[0][1] for each in conversations_in(tmp_path)}
    assert talks == {"chatcmpl-a": "First?", "chatcmpl-b": "Second?"}


def test_two_answers_of_a_preference_are_two_choices_and_say_which_was_preferred() -> None:
    worse = [{"role": "assistant", "content": "No idea."}]
    records = [
        {"input": {"messages": ASKED}, "preferred_output": [ANSWER], "non_preferred_output": worse},
        {"prompt": ASKED, "chosen": [ANSWER], "rejected": worse},
        {"chosen": [*ASKED, ANSWER], "rejected": [*ASKED, *worse]},
        {"messages": ASKED, "chosen": ANSWER, "rejected": "No idea."},
    ]
    for conversation in conversations_in(records):
        assert says(conversation) == [*TALK, ("assistant", "No idea.")]
        notes = [choice.message.origin.notes[0].code for choice in choices_of(conversation)]  # type: ignore[union-attr]
        assert notes == ["preferred", "not-preferred"]


def test_a_stream_is_put_together_from_its_chunks() -> None:
    events = (FILES / "openai_stream.sse").read_text()
    lines = "\n".join(line[6:] for line in events.splitlines() if line.startswith("data: {"))
    for source in (events, lines, json.dumps({"request": REQUEST, "response": events})):
        *_, message = messages_of(conversation_in(source.encode()))
        assert text_of(message) == "See ([example.org](https://example.org/a))."
        assert [(call.id, call.arguments) for call in message.tool_calls] == [
            ("call_11", '{"order_id": 1}'),
            ("call_12", '{"order_id": 2}'),
        ]
        assert [thought.text for thought in message.reasoning] == ["I think about it."]
        assert [citation.url for citation in message.citations] == ["https://example.org/a"]


def test_messages_on_lines_and_rows_are_joined_by_the_id_of_their_conversation() -> None:
    lines = "\n".join(json.dumps(message) for message in [*ASKED, ANSWER])
    assert says(conversation_in(lines.encode())) == TALK
    rows = b"session_id,role,content,created_at\n7,user,Hello,2026-11-01\n8,user,Help,\n7,assistant,Hi,\n8,bot,Yes,\n"
    first, second = conversations_in(rows)
    assert (first.id, says(first)) == ("message-rows-7", [("user", "Hello"), ("assistant", "Hi")])
    assert says(second) == [("user", "Help"), ("assistant", "Yes")]


def test_messages_of_several_conversations_in_one_list_are_told_apart() -> None:
    """A table is exported as JSON as often as on lines; what it says of conversations may stand beside it."""
    rows: list[dict[str, Any]] = [
        {"id": 1, "conversation_id": 7, "role": "user", "content": "Hello", "created_at": "2026-11-01T09:00:00Z"},
        {"id": 2, "conversation_id": 8, "role": "user", "content": "Help", "created_at": "2026-11-01T09:00:01Z"},
        {"id": 3, "conversation_id": 7, "role": "assistant", "content": "Hi", "created_at": "2026-11-01T09:00:02Z"},
    ]
    called = {"type": "tool_use", "id": "t1", "name": "find", "input": {}}
    for talk in (rows, [*rows, rows[1] | {"role": "assistant", "content": [called]}]):
        about = [{"id": 8, "title": "Order", "user_id": "ann"}, {"id": 7, "title": "Greeting"}]
        for source in (talk, {"messages": talk}, {"conversations": about, "messages": talk}, {"data": talk}):
            first, second = conversations_in(source)
            assert (first.id, says(first)) == ("messages-7", [("user", "Hello"), ("assistant", "Hi")])
            assert says(second)[0] == ("user", "Help")
            assert [message.created is None for message in messages_of(first)] == [False, False]
            if isinstance(source, dict) and "conversations" in source:
                assert '"Order"' in dict(second.fields)["metadata"].source
    assert len(conversations_in([rows[0], {"role": "assistant", "content": "Hi"}])) == 1  # not all name theirs


@pytest.mark.parametrize("wrap", [lambda talk: talk, lambda talk: {"history": talk}, lambda talk: {"data": talk}])
def test_a_bare_list_of_messages_is_one_conversation(wrap: Any) -> None:
    assert says(conversation_in(wrap([*ASKED, ANSWER]))) == TALK


def test_sharegpt_says_who_speaks_in_its_own_words() -> None:
    talk = [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "There."}]
    conversation = conversation_in({"id": "s1", "conversations": talk})
    assert (conversation.id, says(conversation)) == ("sharegpt-s1", [("user", "Where?"), ("assistant", "There.")])


@pytest.mark.parametrize(
    "record",
    [
        {"llm_call": {"sent": REQUEST, "got": COMPLETION}, "level": "info"},
        {"payload": json.dumps(REQUEST), "answer_of_model": json.dumps(COMPLETION)},
        REQUEST | {"result_object": COMPLETION},
        REQUEST | {"chunks": [{"id": "chatcmpl-7", "choices": [{"index": 0, "delta": {"content": "On its way."}}]}]},
        REQUEST | {"message": {"role": "assistant", "content": "On its way."}, "done": True},
        [REQUEST, COMPLETION],
        {"record": {"0": REQUEST}, "outcome": {"0": COMPLETION}},  # as pandas writes a table
        {"columns": ["call", "result of it"], "index": [0], "data": [[REQUEST, COMPLETION]]},
        {"event": "call", "extra": {"request": REQUEST, "response": COMPLETION}},
    ],
)
def test_a_request_and_its_response_are_found_by_their_shapes(record: Any) -> None:
    conversation = conversation_in([record] if isinstance(record, list) else record)
    assert says(conversation) == TALK
    assert completion_of(conversation).metadata["ticket"] == "4711"


@pytest.mark.parametrize("time", ["2026-01-02T03:04:05+00:00", 1767323045, 1767323045000, "2026-01-02 03:04:05"])
def test_the_time_beside_messages_is_that_of_the_conversation(time: Any) -> None:
    created = completion_of(conversation_in({"id": "a", "messages": [*ASKED, ANSWER], "created_at": time})).created
    assert created is not None
    assert created.isoformat() == "2026-01-02T03:04:05+00:00"


def test_conversations_under_their_names_have_them_as_ids() -> None:
    found = conversations_in({"anna": [*ASKED, ANSWER], "ben": [*ASKED, ANSWER]})
    assert [(each.id, says(each)) for each in found] == [("messages-anna", TALK), ("messages-ben", TALK)]


def test_objects_of_python_in_a_table_are_read() -> None:
    rows = io.StringIO()
    csv.writer(rows).writerows([["request", "response"], [str(REQUEST), str(COMPLETION)]])
    assert says(conversation_in(rows.getvalue().encode())) == TALK


@pytest.mark.parametrize(
    "record",
    [
        {"question": "Where is A17?", "answer": "On its way.", "system_prompt": "Be brief."},
        {"user": "Where is A17?", "assistant": "On its way.", "system": "Be brief."},
        {"messages": ASKED, "bot_response": "On its way."},
    ],
)
def test_texts_are_a_conversation_if_their_names_say_who_speaks(record: dict[str, Any]) -> None:
    assert says(conversation_in(record)) == TALK


def test_a_choice_of_the_older_completions_is_said_once() -> None:
    choice = {"text": "On its way.", "index": 0, "logprobs": None, "finish_reason": "stop"}
    record = {"prompt": ["One", "Two"], "response": {"object": "text_completion", "choices": [choice]}}
    conversation = conversation_in(record)
    assert says(conversation) == [("user", "One"), ("user", "Two"), ("assistant", "On its way.")]
    assert choices_of(conversation)[0].other == {}


@pytest.mark.parametrize("record", [{"messages": []}, {"id": 7, "messages": [], "created_at": "2025-01-01"}])
def test_a_conversation_in_which_nothing_was_said_is_refused(record: dict[str, Any]) -> None:
    assert refusals_in(record) == ["This conversation is empty: nothing was said in it."]


def test_a_rejected_answer_beside_the_messages_is_the_second_choice() -> None:
    conversation = conversation_in({"messages": [*ASKED, ANSWER], "rejected_message": ANSWER | {"content": "Lost."}})
    assert says(conversation) == [*TALK, ("assistant", "Lost.")]
    assert len(choices_of(conversation)) == 2


def test_all_lists_of_records_in_an_object_are_read() -> None:
    pair = {"request": REQUEST, "response": COMPLETION}
    other = {"request": REQUEST, "response": COMPLETION | {"id": "chatcmpl-8"}}
    assert len(conversations_in({"monday": [pair], "tuesday": [other]})) == 2


def test_an_answer_of_ollama_is_put_together_from_its_pieces() -> None:
    pieces = [
        {"model": "llama", "created_at": "2026-01-02T03:04:05Z", "message": {"role": "assistant", "content": text},
         "done": text == "way."}
        for text in ("On ", "its ", "way.")
    ]  # fmt: skip
    conversation = conversation_in(pieces)
    assert (says(conversation), completion_of(conversation).model) == ([("assistant", "On its way.")], "llama")
    assert says(conversation_in(REQUEST | pieces[-1])) == [*TALK[:2], ("assistant", "way.")]


def test_a_stream_of_the_older_completions_is_put_together() -> None:
    pieces = [
        {"id": "cmpl-1", "object": "text_completion", "choices": [{"text": text, "index": 0, "finish_reason": end}]}
        for text, end in (("On its ", None), ("way.", "stop"))
    ]
    conversation = conversation_in("\n".join(map(json.dumps, pieces)).encode())
    assert (conversation.id, says(conversation)) == ("cmpl-1", [("assistant", "On its way.")])


def test_lines_on_which_python_printed_answers_are_read() -> None:
    message = "ChatCompletionMessage(content='On its way.', refusal=None, role='assistant')"
    line = f"ChatCompletion(id='chatcmpl-7', choices=[Choice(finish_reason='stop', index=0, message={message})])\n"
    assert says(conversation_in(line.encode())) == [("assistant", "On its way.")]


def test_turns_that_name_their_conversation_are_one_conversation() -> None:
    """Tables of bots often have a turn in each row: all but the first were left out, as they had the same id."""
    table = (
        "id,conversation_id,created_at,question,answer,rating,model\n"
        "2,c1,2026-04-07T19:11:00Z,Thanks,You're welcome,,gpt-4.1\n"
        "1,c1,2026-04-07T19:10:00Z,Where is A17?,On its way.,bad,gpt-4.1\n"
        "3,c2,2026-04-07T19:12:00Z,Hello,Hi,,gpt-4.1\n"
    )
    first, second = conversations_in(table.encode())
    assert [first.id, second.id] == ["pair-c1", "pair-c2"]
    messages = messages_of(first)
    assert [(message.role, text_of(message)) for message in messages] == [
        ("user", "Where is A17?"), ("assistant", "On its way."), ("user", "Thanks"), ("assistant", "You're welcome"),
    ]  # fmt: skip
    assert (messages[1].id, messages[1].other["rating"], messages[3].other) == ("1", '"bad"', {})
    assert messages[2].created
    assert completion_of(first).model == "gpt-4.1"


def test_turns_with_the_same_prompt_have_it_once_and_a_log_of_requests_is_not_joined() -> None:
    """A request has what was said before it: its messages are the conversation."""
    asked = [{"system": "Be kind.", "prompt": text, "response": "Hi", "session_id": "s1"} for text in ("Hello", "Hi?")]
    roles = [message.role for message in messages_of(conversation_in(asked))]
    assert roles == ["system", "user", "assistant", "user", "assistant"]
    request = {"messages": [{"role": "user", "content": "Hello"}]}
    logged = [{"request": request, "response": "Hi", "session_id": "s1"}] * 2
    assert len(conversations_in(logged)) == 2
