from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import (
    FILES,
    completion_of,
    conversation_in,
    conversations_in,
    messages_of,
    refusals_in,
    remarks_on,
)
from viewer.completions.types import ImagePart, text_of

_ITEMS = [
    {"role": "user", "content": "Where is my order?"},
    {"type": "function_call", "id": "__fake_id__", "call_id": "call_1", "name": "order", "arguments": "{}",
     "provider_data": {"model": "gpt-4.1"}},
    {"type": "function_call_output", "call_id": "call_1", "output": "sent"},
    {"type": "message", "id": "__fake_id__", "role": "assistant",
     "content": [{"type": "output_text", "text": "It is on its way.", "annotations": []}]},
]  # fmt: skip


@pytest.fixture
def open_database(tmp_path: Path) -> Any:
    """A database as the SDK makes it, which is still open: what was written last is in a file beside it."""
    path = tmp_path / "live" / "sessions.db"
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
        "CREATE TABLE agent_sessions (session_id TEXT PRIMARY KEY, created_at TIMESTAMP, updated_at TIMESTAMP);"
        "CREATE TABLE agent_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL,"
        " message_data TEXT NOT NULL, created_at TIMESTAMP DEFAULT '2026-11-30 10:00:00');"
    )
    _add(database, "1", _ITEMS)
    database.commit()
    yield database, path
    database.close()


def test_a_session_is_read_with_what_sqlite_has_not_moved_into_the_database(open_database: Any, tmp_path: Path) -> None:
    database, path = open_database
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _add(database, "1", [{"role": "user", "content": "Refuse this"}])
    database.commit()
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", path.parent)
    for source in (path.parent, path, Path(packed)):
        conversation = conversation_in(source)
        assert conversation.id == "openai-agents-1"
        assert [text_of(message) for message in messages_of(conversation)] == [
            "Where is my order?", "", "", "It is on its way.", "Refuse this",
        ]  # fmt: skip
        assert [note.code for note in messages_of(conversation)[-1].origin.notes] == ["lost-refusal"]
    assert len(messages_of(conversation_in(path.read_bytes()))) == 4
    assert "“-wal”" in remarks_on(path.read_bytes())[0]
    assert not remarks_on(path.parent)


def test_a_database_whose_rows_are_all_elsewhere_is_refused(open_database: Any) -> None:
    (reason,) = refusals_in(open_database[1].read_bytes())
    assert "“-wal”" in reason


def test_ids_that_stand_for_none_are_no_ids_and_the_model_is_taken(open_database: Any) -> None:
    conversation = conversation_in(open_database[1])
    assert [message.id for message in messages_of(conversation)] == ["", "", "", ""]
    assert completion_of(conversation).model == "gpt-4.1"
    created = messages_of(conversation)[0].created
    assert created is not None
    assert created.isoformat() == "2026-11-30T10:00:00+00:00"


def test_each_branch_of_a_session_is_a_conversation(open_database: Any) -> None:
    database, path = open_database
    database.execute(
        "CREATE TABLE message_structure (session_id TEXT, message_id INTEGER, branch_id TEXT, sequence_number INTEGER)"
    )
    _add(database, "1", [{"role": "user", "content": "And the other?"}])
    rows = [(1, "main", 1), (2, "main", 2), (3, "main", 3), (4, "main", 4), (1, "retry", 5), (5, "retry", 6)]
    database.executemany("INSERT INTO message_structure VALUES ('1', ?, ?, ?)", rows)
    database.commit()
    main, retry = conversations_in(path)
    assert (main.id, len(messages_of(main))) == ("openai-agents-1", 4)
    assert (retry.id, [text_of(message) for message in messages_of(retry)]) == (
        "openai-agents-1-retry", ["Where is my order?", "And the other?"],
    )  # fmt: skip


def test_an_encrypted_session_is_refused() -> None:
    row = {"id": 1, "session_id": "1", "message_data": json.dumps({"__enc__": 1, "payload": "gAAA"})}
    assert refusals_in(row)[0].startswith("This session is encrypted")


def test_a_session_of_javascript_is_read_whole() -> None:
    source = json.loads((FILES / "openai_agents_js_session.json").read_text())
    messages = messages_of(conversation_in("openai_agents_js_session.json"))
    assert len(messages) == len(source) == 17
    calls = [call for message in messages for call in message.tool_calls]
    assert [call.name for call in calls] == [
        "order_status", "order_status", "image_generation", "web_search", "file_search", "code_interpreter", "level",
    ]  # fmt: skip
    assert [result.call_id for message in messages for result in message.results] == ["call_190", "call_191"]
    assert [call.output for call in calls[3:]][2:] == ["1", "3"]
    assert [cited.title for message in messages for cited in message.citations] == ["S", "t.pdf"]
    assert sum(isinstance(part, ImagePart) for message in messages for part in message.parts) == 2
    assert [thought.text for message in messages for thought in message.reasoning] == ["It is torn."]


def _add(database: sqlite3.Connection, session: str, items: list[Any]) -> None:
    rows = [(session, json.dumps(item)) for item in items]
    database.executemany("INSERT INTO agent_messages (session_id, message_data) VALUES (?, ?)", rows)


def test_tables_with_names_of_their_own_are_known_by_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE shop_messages (id, session_id, message_data, created_at)")
        item = json.dumps({"role": "user", "content": "Where is A17?"})
        database.execute("INSERT INTO shop_messages VALUES (1, 'ann', ?, '2026-01-02 03:04:05')", (item,))
        database.commit()
    conversation = conversation_in(path)
    assert conversation.id == "openai-agents-ann"
    assert [message.role for message in messages_of(conversation)] == ["user"]


def test_a_state_of_python_that_waits_for_an_approval_is_read_from_its_question_on() -> None:
    """A `RunState.to_json()` of openai-agents 0.24.0: one tool has answered, the other waits for a person."""
    said = {"id": "msg_2", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Let me refund it.", "annotations": []}]}  # fmt: skip
    refund, order = (
        {"id": f"fc_{name}", "type": "function_call", "name": name, "call_id": name, "arguments": '{"id": "A17"}'}
        for name in ("refund", "order")
    )
    items = [
        {"type": "message_output_item", "raw_item": said, "agent": {"name": "Shop"}},
        {"type": "tool_call_item", "raw_item": refund, "agent": {"name": "Shop"}, "tool_name": "refund"},
        {"type": "tool_call_item", "raw_item": order, "agent": {"name": "Shop"}, "tool_name": "order"},
        {"type": "tool_approval_item", "raw_item": refund, "agent": {"name": "Shop"}, "tool_name": "refund"},
        {"type": "tool_call_output_item", "output": "sent", "agent": {"name": "Shop"},
         "raw_item": {"type": "function_call_output", "call_id": "order", "output": "sent"}},
    ]  # fmt: skip
    state = {
        "$schemaVersion": "1.21", "current_turn": 1, "current_agent": {"name": "Shop"},
        "original_input": "Refund A17", "generated_items": items[1:], "session_items": items,
        "model_responses": [{"usage": {"requests": 1}, "output": [said, refund, order], "response_id": "resp_1"}],
        "current_step": {"type": "next_step_interruption", "data": {"interruptions": [items[3]]}},
    }  # fmt: skip
    conversation = conversation_in(state)
    messages = messages_of(conversation)
    assert [text_of(message) for message in messages[:2]] == ["Refund A17", "Let me refund it."]
    assert [call.name for message in messages for call in message.tool_calls] == ["refund", "order"]
    assert [result.call_id for message in messages for result in message.results] == ["order"]
    assert (conversation.id, completion_of(conversation).metadata) == ("resp_1", {"agent": "Shop"})
