from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.formats.files import FILES, completion_of, conversation_in, conversations_in, messages_of
from viewer.completions.outcomes import result_text
from viewer.completions.types import ImagePart, Message, text_of

THREAD: dict[str, Any] = json.loads((FILES / "chainlit.json").read_text())


def roles(messages: list[Message]) -> str:
    return " ".join(message.role[0] for message in messages)


def test_a_chainlit_thread() -> None:
    conversation = conversation_in("chainlit.json")
    messages = messages_of(conversation)
    assert roles(messages) == "u a t a t a"  # the step of the model repeats the answer
    assert text_of(messages[0]) == "Where is A17?"
    assert [(call.name, json.loads(call.arguments or "{}")) for one in messages for call in one.tool_calls] == [
        ("order_status", {"order_id": "A17"}), ("weather", {}),
    ]  # fmt: skip
    assert [json.loads(result_text(one, result) or "{}") for one in messages for result in one.results] == [
        {"order": "A17", "left": True}, {},
    ]  # fmt: skip
    assert text_of(messages[-1]) == "Order A17 left Basel."
    assert json.loads(messages[-1].other["feedback"])["comment"] == "good"
    assert completion_of(conversation).metadata == {"user": "ann@example.org"}


def test_a_chainlit_thread_with_files_errors_and_the_model() -> None:
    asked, tool, answer = (dict(THREAD["steps"][n]) for n in (0, 1, -1))
    tool |= {"isError": True, "output": "no such order"}
    answer |= {"isError": True, "generation": {"model": "gpt-4.1"}}
    elements = [
        {
            "id": "e1",
            "forId": asked["id"],
            "type": "image",
            "name": "torn.png",
            "url": "https://files.example/torn.png",
        },
        {"id": "e2", "forId": asked["id"], "type": "image", "name": "b.png", "mime": "image/png", "chainlitKey": "k"},
    ]
    conversation = conversation_in(THREAD | {"steps": [asked, tool, answer], "elements": elements})
    messages = messages_of(conversation)
    assert [part.url for part in messages[0].parts if isinstance(part, ImagePart)] == ["https://files.example/torn.png"]
    assert [note.code for note in messages[0].origin.notes] == ["lost-image"]
    assert messages[2].results[0].outcome == "error"
    assert messages[3].error == "Order A17 left Basel."
    assert completion_of(conversation).model == "gpt-4.1"


def test_the_database_of_chainlit(tmp_path: Path) -> None:
    path = tmp_path / "chainlit.sqlite"
    columns = [name for name in THREAD["steps"][0] if name != "feedback"]
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE threads (id, createdAt, name, userId, userIdentifier, tags, metadata)")
        quoted = ", ".join(f'"{name}"' for name in columns)
        database.execute(f"CREATE TABLE steps ({quoted})")
        database.execute("CREATE TABLE elements (id, threadId, forId)")
        database.execute("CREATE TABLE feedbacks (id, forId, threadId, value, comment)")
        thread = [THREAD["id"], THREAD["createdAt"], "Orders", "u", "ann@example.org", '["torn"]', "{}"]
        database.execute("INSERT INTO threads VALUES (?, ?, ?, ?, ?, ?, ?)", thread)
        for step in THREAD["steps"]:
            values = [step[name] for name in columns]
            database.execute(f"INSERT INTO steps VALUES ({', '.join('?' * len(columns))})", values)
        database.execute(
            "INSERT INTO feedbacks VALUES ('f', ?, ?, 1, 'good')", [THREAD["steps"][-1]["id"], THREAD["id"]]
        )
    conversation = conversation_in(path)
    assert roles(messages_of(conversation)) == "u a t a t a"
    assert completion_of(conversation).metadata == {"title": "Orders", "user": "ann@example.org", "tags": '["torn"]'}


def test_a_gradio_history_with_the_next_question() -> None:
    messages = messages_of(conversation_in("gradio.json"))
    assert roles(messages) == "u a a u a a u"
    assert text_of(messages[-1]) == "thanks"
    assert [part.caption for part in messages[3].parts if isinstance(part, ImagePart)] == ["torn.png"]
    assert [note.code for note in messages[3].origin.notes] == ["lost-image"]
    assert messages[1].other == {"metadata": '{"title": "order_status A17"}'}


def test_the_log_of_reactions_that_gradio_writes() -> None:
    conversations = conversations_in("gradio_log.csv")
    assert [completion_of(one).metadata["reaction"] for one in conversations] == ["Like", "Spam"]
    completion = completion_of(conversations[0])
    assert completion.created is not None
    assert completion.created.year == 2026  # it stands in the column before
    assert roles(messages_of(conversations[0])) == "u a a"


def test_pairs_of_older_gradio_histories() -> None:
    messages = messages_of(conversation_in({"message": "And?", "history": [["Hi", "Hello"], ["Where?", None]]}))
    assert [(message.role, text_of(message)) for message in messages] == [
        ("user", "Hi"), ("assistant", "Hello"), ("user", "Where?"), ("user", "And?"),
    ]  # fmt: skip
