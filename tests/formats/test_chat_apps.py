from __future__ import annotations

import io
import json
import sqlite3
import zipfile
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
from viewer.completions.outcomes import result_text
from viewer.completions.types import FilePart, ImagePart, Message, text_of
from viewer.formats.reading import Reading


def roles(messages: list[Message]) -> str:
    return " ".join(message.role[0] for message in messages)


def notes(messages: list[Message]) -> list[str]:
    return [note.code for message in messages for note in message.origin.notes]


def calls(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [(call.id, call.name, call.arguments) for message in messages for call in message.tool_calls]


def results(messages: list[Message]) -> list[tuple[str, str]]:
    return [(result.call_id, result_text(message, result)) for message in messages for result in message.results]


def read_zip(folder: str) -> tuple[list[Any], Reading]:
    packed, reading = io.BytesIO(), Reading()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (FILES / folder).iterdir():
            archive.write(path, f"export/{path.name}")
        archive.writestr("export/chat.html", "<html></html>")
    packed.seek(0)
    return list(reading.file("export.zip", packed)), reading


# --- Open WebUI -----------------------------------------------------------------------------------------------------


def open_webui(*messages: dict[str, Any], **chat: Any) -> dict[str, Any]:
    """Build a chat whose messages follow one another."""
    ids = [f"m{n}" for n in range(len(messages))]
    linked = {name: {"id": name, "parentId": before, **message}
              for name, before, message in zip(ids, [None, *ids], messages, strict=False)}  # fmt: skip
    return {"id": "c" * 36, "title": "T", "chat": {"history": {"messages": linked, "currentId": ids[-1]}, **chat}}


def test_open_webui_is_read_from_its_current_message() -> None:
    conversation = conversation_in("open_webui.jsonl")
    messages = messages_of(conversation)
    assert roles(messages) == "u a t a u a u a"
    assert calls(messages) == [("call_1", "get_order", '{"order_id":12}')]
    assert results(messages) == [("call_1", "order 12 is in transit")]
    assert [thought.text for thought in messages[5].reasoning] == ["thinking aloud"]
    assert notes(messages) == ["other-branches"]  # the second question was answered twice
    assert "1b71ac2f-4e8a-403a-a8e8-d100ba7017e3" in completion_of(conversation).source
    assert text_of(messages[-1]) == "See ([example.org](https://example.org/a))."


def test_open_webui_answers_of_several_models_are_choices() -> None:
    chat = open_webui({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "A", "model": "one"})
    chat["chat"]["models"] = ["one", "two"]
    nodes = chat["chat"]["history"]["messages"]
    nodes["m2"] = {"id": "m2", "parentId": "m0", "role": "assistant", "content": "B", "model": "two"}
    nodes["m0"]["merged"] = {"status": True, "content": "A and B"}
    conversation = conversation_in(chat)
    answers = [choice.message for choice in choices_of(conversation)]
    assert [text_of(answer) for answer in answers] == ["A", "B", "A and B"]
    assert roles(messages_of(conversation)) == "u a a a"


def test_open_webui_steps_that_older_versions_wrote_into_the_text() -> None:
    text = (
        '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n'
        "> Look\n> twice.\n</details>\n"
        '<details type="tool_calls" done="true" id="call_1" name="order" arguments="&quot;{\\&quot;id\\&quot;: 1}&quot;"'
        ' result="&quot;lost&quot;" files="">\n<summary>Tool Executed</summary>\n</details>\nIt is lost.'
    )
    messages = messages_of(
        conversation_in(open_webui({"role": "user", "content": "?"}, {"role": "assistant", "content": text}))
    )
    assert roles(messages) == "u a t a"
    assert messages[1].reasoning[0].text == "Look\ntwice."
    assert calls(messages) == [("call_1", "order", '{"id": 1}')]
    assert results(messages) == [("call_1", "lost")]
    assert text_of(messages[3]) == "It is lost."


def test_open_webui_sources_are_citations_and_uploads_are_named() -> None:
    sources = [
        {"source": {"name": "terms.pdf", "id": "f1"}, "document": ["30 days"], "metadata": [{"source": "f1", "name": "terms.pdf"}]},
        {"source": {"name": "web"}, "document": ["x"], "metadata": [{"source": "https://shop.example/"}]},
    ]  # fmt: skip
    picture = {"type": "file", "content_type": "image/png", "id": "f2", "name": "torn.png", "url": "f2"}
    asked, answered = messages_of(
        conversation_in(
            open_webui(
                {"role": "user", "content": "?", "files": [picture]},
                {"role": "assistant", "content": "Thirty days [1].", "sources": sources, "error": {"content": "cut"}},
            )
        )
    )
    assert [part.file_id for part in asked.parts if isinstance(part, ImagePart)] == ["f2"]
    assert notes([asked]) == ["lost-image"]
    assert [(cited.url, cited.title, cited.start) for cited in answered.citations] == [
        ("", "terms.pdf", 12), ("https://shop.example/", "web", None),
    ]  # fmt: skip
    assert answered.error == "cut"


# --- ChatGPT --------------------------------------------------------------------------------------------------------


def test_chatgpt_zip_is_read_with_its_pictures() -> None:
    found, reading = read_zip("chatgpt")
    (conversation,) = found  # neither the account nor the page is refused
    assert reading.remarks() == ["This is the account of a ChatGPT export, not a conversation."]
    messages = messages_of(conversation)
    assert roles(messages) == "s u a t a u a a"
    assert text_of(messages[0]) == "I sell cups.\nBe short."
    assert isinstance(messages[1].parts[0], ImagePart)
    assert messages[1].parts[0].url.startswith("data:image/png;base64,")
    assert [part.filename for part in messages[1].parts if isinstance(part, FilePart)] == ["terms.pdf"]
    assert notes(messages) == ["hidden", "missing-file", "other-branches", "lost-citations"]
    assert calls(messages) == [("c1", "web.run", '{"search_query":[{"q":"returns"}]}')]
    assert results(messages) == [("c1", "Returns: 30 days")]
    assert [message.reasoning[0].text for message in messages if message.reasoning] == [
        "Looking\nA torn box.", "Thought for 12 seconds",
    ]  # fmt: skip
    assert completion_of(conversation).model == "gpt-5"


def test_chatgpt_marks_become_citations_and_other_answers_choices() -> None:
    conversation = conversations_in(FILES / "chatgpt" / "conversations-000.json")[0]
    messages = messages_of(conversation)
    cited = messages[4]
    assert "\ue200" not in text_of(cited)
    first, second = cited.citations
    assert text_of(cited)[first.start : first.end].startswith("([shop.example](https://shop.example/returns")
    assert (second.url, second.start) == ("https://shop.example/faq", None)
    choices = choices_of(conversation)
    assert [(text_of(choice.message), choice.finish_reason) for choice in choices] == [
        ("The same: 30 days.", "stop"), ("Also 30 days.", ""),
    ]  # fmt: skip
    assert "An earlier wording" in completion_of(conversation).source


def test_chatgpt_conversation_without_messages_is_refused_by_name() -> None:
    assert refusals_in([{"title": "Gone", "conversation_id": "x", "default_model_slug": "auto"}]) == [
        "ChatGPT has exported this conversation without its messages."
    ]


def test_chatgpt_marks_of_2023() -> None:
    text = "Thirty days【3†source】."
    cited = {"start_ix": 11, "end_ix": 21, "metadata": {"title": "Returns", "url": "https://shop.example/r"}}
    nodes = {
        "r": {"id": "r", "message": None, "parent": None, "children": ["q"]},
        "q": {"id": "q", "parent": "r", "children": ["a"], "message": {"id": "q", "author": {"role": "user"},
              "content": {"content_type": "text", "parts": ["?"]}}},
        "a": {"id": "a", "parent": "q", "children": [], "message": {"id": "a", "author": {"role": "assistant"},
              "content": {"content_type": "text", "parts": [text]}, "metadata": {"citations": [cited]}}},
    }  # fmt: skip
    answer = messages_of(conversation_in({"id": "x", "title": "T", "mapping": nodes}))[-1]
    assert text_of(answer) == "Thirty days([shop.example](<https://shop.example/r>))."
    assert [(one.title, one.start) for one in answer.citations] == [("Returns", 11)]


# --- Claude ---------------------------------------------------------------------------------------------------------


def test_claude_export_is_read_with_blocks_and_branches() -> None:
    found, reading = read_zip("claude_ai")
    (conversation,) = found
    assert sorted(reading.remarks()) == [
        "This is a project of a Claude export, not a conversation.",
        "This is a user of a Claude export, not a conversation.",
    ]
    messages = messages_of(conversation)
    assert roles(messages) == "u a t a t a u a a"
    asked, looked = messages[0], messages[1]
    assert [part.filename for part in asked.parts if isinstance(part, FilePart)] == ["terms.txt"]
    assert [part.file_id for part in asked.parts if isinstance(part, ImagePart)] == ["f-1"]
    assert notes(messages) == ["lost-image"]
    assert (looked.reasoning[0].text, text_of(looked)) == ("Read the terms.", "Let me check.")
    assert [name for _id, name, _arguments in calls(messages)] == ["web_search", "orders"]
    assert [text for _id, text in results(messages)] == ["30 days", "no such order"]
    assert [one for one, _name, _arguments in calls(messages)] == [one for one, _text in results(messages)]
    assert messages[4].results[0].outcome == "error"
    assert [(one.url, one.title) for one in messages[5].citations] == [("https://shop.example/returns", "Returns")]
    assert [text_of(choice.message) for choice in choices_of(conversation)] == ["The same.", "Also."]


def test_claude_messages_of_older_exports_have_only_text() -> None:
    messages = messages_of(
        conversation_in([{"uuid": "u", "chat_messages": [{"sender": "human", "text": "?"}, {"sender": "assistant", "text": "!"}]}])
    )  # fmt: skip
    assert [(message.role, text_of(message)) for message in messages] == [("user", "?"), ("assistant", "!")]


# --- LibreChat ------------------------------------------------------------------------------------------------------


def test_librechat_tree() -> None:
    conversation = conversation_in("librechat.json")
    messages = messages_of(conversation)
    assert roles(messages) == "s u a t a u a a"
    assert calls(messages) == [("call_1", "order", '{"id": "A17"}')]
    assert results(messages) == [("call_1", "on its way")]
    assert messages[2].reasoning[0].text == "Look it up."
    assert notes(messages) == ["lost-image"]
    assert [text_of(choice.message) for choice in choices_of(conversation)] == ["Tomorrow.", "Today."]
    assert completion_of(conversation).metadata == {"title": "Torn box", "endpoint": "openAI"}


@pytest.mark.parametrize("form", ["flat", "lines", "csv"])
def test_librechat_messages_alone_are_one_conversation(form: str) -> None:
    ids = ["00000000-0000-0000-0000-000000000000", "m1", "m2"]
    rows = [{"sender": "User", "text": text, "isCreatedByUser": n == 0, "messageId": ids[n + 1], "parentMessageId": ids[n]}
            for n, text in enumerate(["Where?", "There."])]  # fmt: skip
    if form == "flat":
        source: Any = {"conversationId": "lc-1", "messages": rows}
    elif form == "lines":
        source = "\n".join(json.dumps(row) for row in rows).encode()
    else:
        source = "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]).encode()
    messages = messages_of(conversation_in(source))
    assert [(message.role, text_of(message)) for message in messages] == [("user", "Where?"), ("assistant", "There.")]


def test_a_chat_in_which_nothing_was_written_is_no_conversation_and_no_error() -> None:
    empty = {
        "id": "c" * 36,
        "title": "New Chat",
        "chat": {"history": {"messages": {}, "currentId": None}, "models": []},
    }
    assert found_in([empty]) == []


def test_the_database_of_an_open_webui_server(tmp_path: Path) -> None:
    chat = json.loads((FILES / "open_webui.jsonl").read_text())
    with sqlite3.connect(tmp_path / "webui.db") as database:
        database.execute("CREATE TABLE chat (id, user_id, title, chat, created_at, meta)")
        database.execute("CREATE TABLE auth (id)")
        database.execute("CREATE TABLE prompt (id)")
        values = (chat["id"], chat["user_id"], chat["title"], json.dumps(chat["chat"]), chat["created_at"], "{}")
        database.execute("INSERT INTO chat VALUES (?, ?, ?, ?, ?, ?)", values)
    conversation = conversation_in(tmp_path / "webui.db")
    assert roles(messages_of(conversation)) == "u a t a u a u a"
    assert completion_of(conversation).metadata["title"] == "TOOL Where is order 12?"
