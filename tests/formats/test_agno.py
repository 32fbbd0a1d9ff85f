from __future__ import annotations

from tests.formats.files import completion_of, conversation_in, messages_of
from viewer.completions.outcomes import outcome_of
from viewer.completions.types import ImagePart


def test_a_session_of_the_database_has_its_system_prompt_once_and_the_sources_of_its_runs() -> None:
    conversation = conversation_in("agno.db.gz")
    messages = messages_of(conversation)
    assert [message.role for message in messages] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant", "user",
        "assistant", "tool", "assistant", "user", "assistant",
    ]  # fmt: skip
    calls = [call for message in messages for call in message.tool_calls]
    assert [call.arguments for call in calls] == ['{"order_id": "A17"}', '{"order_id": "A18"}', '{"order_id": "FAIL"}']
    assert [result.call_id for message in messages for result in message.results] == [call.id for call in calls]
    assert [outcome_of(m, result) for m in messages for result in m.results][-1] == "error"
    assert [(cited.title, cited.start, cited.end) for cited in messages[5].citations] == [("Stock list", 54, 116)]
    assert [part.url[:22] for m in messages for part in m.parts if isinstance(part, ImagePart)] == [
        "data:image/png;base64,"
    ]
    assert len([thought for message in messages for thought in message.reasoning]) == 2
    assert [note.code for note in messages[9].origin.notes] == ["lost-refusal"]
    completion = completion_of(conversation)
    assert (conversation.id, completion.model, completion.metadata["user_id"]) == ("agno-case-1", "gpt-4.1", "ann")


def test_runs_are_joined_without_the_history_that_they_repeat_and_calls_with_two_ids_find_their_results() -> None:
    messages = messages_of(conversation_in("agno_runs.json"))
    assert [message.role for message in messages] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant",
    ]  # fmt: skip
    calls = [call.id for message in messages for call in message.tool_calls]
    assert [result.call_id for message in messages for result in message.results] == calls
