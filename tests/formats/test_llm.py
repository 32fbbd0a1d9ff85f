from __future__ import annotations

import pytest

from tests.formats.files import completion_of, conversation_in, conversations_in, messages_of
from viewer.completions.outcomes import outcome_of
from viewer.completions.types import FilePart, ImagePart, text_of

REFUSAL = "I can't share another customer's address."


@pytest.mark.parametrize("name", ["llm_logs.json", "llm_turns.db.gz"])
def test_rows_and_the_tables_that_they_come_from_say_the_same(name: str) -> None:
    conversation = conversation_in(name)
    messages = messages_of(conversation)
    assert [message.role for message in messages] == [
        "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant", "user", "assistant",
    ]  # fmt: skip
    calls = [call for message in messages for call in message.tool_calls]
    assert [call.arguments for call in calls] == ['{"order_id": "A17"}', '{"order_id": "A18"}']
    assert [result.call_id for message in messages for result in message.results] == [call.id for call in calls]
    assert [(cited.title, cited.start, cited.end) for cited in messages[4].citations] == [("Stock list", 54, 116)]
    assert [thought.text for thought in messages[6].reasoning] == [
        "The photo shows a torn box, so a replacement is due."
    ]
    assert [message.refusal for message in messages if message.refusal] == [REFUSAL, REFUSAL]
    assert conversation.id == "01m8mznvn8rgpna3w08yh7ehsv"
    assert completion_of(conversation).model == "gpt-5-mini"


def test_a_refused_question_that_the_log_repeats_before_the_next_one_stands_once() -> None:
    messages = messages_of(conversation_in("llm_logs.json"))
    assert [text_of(message) for message in messages if message.role == "user"][2:] == [
        "Refuse this",
        "Refuse this too",
    ]


def test_a_picture_that_was_given_by_its_path_is_named_and_said_to_be_lost() -> None:
    asked = messages_of(conversation_in("llm_logs.json"))[5]
    assert [part.filename for part in asked.parts if isinstance(part, FilePart)] == ["torn.png"]
    assert [note.code for note in asked.origin.notes] == ["lost-image"]


def test_the_tables_of_older_versions_have_failed_tools_and_bytes_of_pictures() -> None:
    said, failed = map(messages_of, conversations_in("llm_responses.db.gz"))
    assert [message.role for message in said] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant", "user",
        "assistant",
    ]  # fmt: skip
    assert [part.url[:22] for m in said for part in m.parts if isinstance(part, ImagePart)] == [
        "data:image/png;base64,"
    ]
    assert [message.refusal for message in said if message.refusal] == [REFUSAL]
    assert [outcome_of(message, result) for message in failed for result in message.results] == ["error"]
