from __future__ import annotations

from tests.formats.files import completion_of, conversations_in, messages_of
from viewer.completions.types import AudioPart, FilePart, text_of


def test_a_call_has_its_answer_its_time_and_no_empty_metadata() -> None:
    with_results, _choices, _refused, _failed = conversations_in("litellm.jsonl")
    completion = completion_of(with_results)
    assert with_results.id == completion.id == "chatcmpl-00000000000000000000000000003"
    assert completion.created is not None
    assert completion.metadata == {
        "trace_id": "sess-2",
        "custom_llm_provider": "openai",
        "user_api_key_alias": "support-bot",
    }
    assert text_of(messages_of(with_results)[-1]) == "Done: sent"


def test_an_earlier_answer_that_is_the_text_of_an_object_is_read_again() -> None:
    messages = messages_of(conversations_in("litellm.jsonl")[0])
    assert [message.role for message in messages] == ["system", "user", "assistant", "tool", "tool", "assistant"]
    assert text_of(messages[2]) == "Let me look."
    assert [(call.id, call.arguments) for call in messages[2].tool_calls] == [
        ("call_21", '{"order_id": 1}'),
        ("call_22", '{"order_id": 2}'),
    ]
    assert [result.call_id for message in messages for result in message.results] == ["call_21", "call_22"]


def test_a_picture_that_the_log_left_out_is_named_and_the_rest_kept() -> None:
    conversation = conversations_in("litellm.jsonl")[1]
    asked = messages_of(conversation)[6]
    assert [(note.code, note.by) for note in asked.origin.notes] == [("lost-image", "LiteLLM")]
    assert [type(part) for part in asked.parts[2:]] == [AudioPart, FilePart]
    answers = messages_of(conversation)[7:]
    assert [answer.reasoning[0].text for answer in answers] == ["I think about it."] * 2


def test_a_refusal_that_was_streamed_is_lost_and_an_error_is_told() -> None:
    *_, refused, failed = conversations_in("litellm.jsonl")
    assert [note.code for note in messages_of(refused)[-1].origin.notes] == ["lost-refusal"]
    assert "does not like this" in completion_of(failed).error
    assert [message.role for message in messages_of(failed)] == ["user"]
