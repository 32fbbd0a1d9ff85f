from __future__ import annotations

import json
import sqlite3
from pathlib import Path

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


def test_up_to_1_3_a_run_stands_beside_its_question_in_the_memory_of_a_table_with_any_name(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Where?", "stop_after_tool_call": False},
            {"role": "assistant", "content": "On its way.", "stop_after_tool_call": False}]  # fmt: skip
    runs = [{"message": said[0], "response": {"run_id": "r1", "model": "gpt-4o", "messages": said}}]
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("CREATE TABLE my_sessions (session_id, user_id, memory, created_at)")
        row = ("s1", "ann", json.dumps({"runs": runs, "messages": said}), 1796009238)
        database.execute("INSERT INTO my_sessions VALUES (?, ?, ?, ?)", row)
    conversation = conversation_in(tmp_path / "x.db")
    assert (conversation.family, conversation.id) == ("agno", "agno-s1")
    assert [message.role for message in messages_of(conversation)] == ["user", "assistant"]
    assert completion_of(conversation).metadata == {"user_id": "ann"}
