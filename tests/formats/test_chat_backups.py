"""What chat applications write when all chats are exported: each has the shape that its source has."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

from tests.formats.files import completion_of, conversation_in, conversations_in, found_in, messages_of, remarks_on
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.types import FilePart, ImagePart, Message, TextPart, text_of
from viewer.formats.document import Conversation
from viewer.formats.reading import Reading


def said(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.role, text_of(message)) for message in messages]


def calls(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [(call.id, call.name, call.arguments) for message in messages for call in message.tool_calls]


def results(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [
        (result.call_id, result_text(message, result), outcome_of(message, result))
        for message in messages
        for result in message.results
    ]


def notes(messages: list[Message]) -> list[str]:
    return [note.code for message in messages for note in message.origin.notes]


def metadata_of(conversation: Conversation) -> dict[str, str]:
    return dict(completion_of(conversation).metadata)


# --- LobeChat -------------------------------------------------------------------------------------------------------

LOBE_TOOL = {"id": "call_1", "apiName": "search", "identifier": "web", "arguments": '{"q":1}', "type": "builtin"}
LOBE_MESSAGES: list[dict[str, Any]] = [
    {"id": "m4", "role": "assistant", "content": "Here.", "model": "gpt-4o", "topicId": "t1", "sessionId": "s1",
     "createdAt": "2026-01-01T00:00:05.000Z", "reasoning": {"content": "hm", "duration": 3},
     "search": {"citations": [{"url": "https://shop.example/a17", "title": "A17"}]}},
    {"id": "m1", "role": "user", "content": "Where is A17?", "topicId": "t1", "sessionId": "s1",
     "createdAt": "2026-01-01T00:00:00.000Z"},
    {"id": "m2", "role": "assistant", "content": "", "tools": [LOBE_TOOL], "topicId": "t1", "sessionId": "s1",
     "createdAt": "2026-01-01T00:00:01.000Z"},
    {"id": "m3", "role": "tool", "content": "nothing", "topicId": "t1", "sessionId": "s1",
     "createdAt": "2026-01-01T00:00:02.000Z"},
    {"id": "m9", "role": "user", "content": "Another thing", "topicId": None, "sessionId": "s1",
     "createdAt": "2026-01-01T00:00:03.000Z"},
]  # fmt: skip


def test_each_topic_of_lobe_chat_is_a_conversation_in_the_order_of_time() -> None:
    """All messages stand in one list, which was read as one conversation; the calls of tools stand beside it."""
    export = {
        "mode": "postgres", "schemaHash": "x",
        "data": {
            "messages": LOBE_MESSAGES,
            "messagePlugins": [{"id": "m3", "toolCallId": "call_1", "apiName": "search", "identifier": "web",
                                "error": {"message": "no network"}}],
            "topics": [{"id": "t1", "title": "Order", "sessionId": "s1"}],
            "sessions": [{"id": "s1", "title": "Desk"}],
            "agents": [{"id": "a1", "systemRole": "Be brief"}],
            "agentsToSessions": [{"agentId": "a1", "sessionId": "s1"}],
            "aiProviders": [{"keyVaults": "sk-secret"}],
        },
    }  # fmt: skip
    topic, rest = conversations_in(export)
    messages = messages_of(topic)
    assert said(messages) == [
        ("system", "Be brief"), ("user", "Where is A17?"), ("assistant", ""), ("tool", ""), ("assistant", "Here."),
    ]  # fmt: skip
    assert calls(messages) == [("call_1", "web.search", '{"q":1}')]
    assert results(messages) == [("call_1", "nothing", "error")]
    assert [thought.text for thought in messages[4].reasoning] == ["hm"]
    assert "https://shop.example/a17" in dict(topic.fields)["choices"].source
    assert completion_of(topic).model == "gpt-4o"
    assert (topic.id, metadata_of(topic)) == ("lobe-chat-t1", {"title": "Order", "assistant": "Desk"})
    assert said(messages_of(rest)) == [("system", "Be brief"), ("user", "Another thing")]
    assert "sk-secret" not in repr((topic, rest))


def test_lobe_chat_is_read_from_exports_before_2025_and_of_single_topics() -> None:
    old = [message | {"createdAt": 1767225600000 + n, "topicId": "t1"} for n, message in enumerate(LOBE_MESSAGES[1:3])]
    old[0]["extra"] = {"fromModel": "gpt-4o"}
    session = {"id": "s1", "config": {"systemRole": "Be brief", "model": "gpt-4"}, "meta": {"title": "Desk"}}
    topics = [{"id": "t1", "title": "Order", "sessionId": "s1"}]
    state = {"messages": old, "sessions": [session], "topics": topics}
    conversation = conversation_in({"exportType": "sessions", "state": state, "version": 7})
    assert [role for role, _ in said(messages_of(conversation))] == ["system", "user", "assistant"]
    assert (completion_of(conversation).model, metadata_of(conversation)["title"]) == ("gpt-4o", "Order")

    whole = {"version": "2.0", "title": "Order", "messages": [*old[:1], LOBE_MESSAGES[2]], "exportedAt": "2026-01-02"}
    assert calls(messages_of(conversation_in(whole))) == [("call_1", "web.search", '{"q":1}')]
    plain = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "", "tools": [LOBE_TOOL]},
             {"role": "tool", "content": "found", "tool_call_id": "call_1"}]  # fmt: skip
    assert results(messages_of(conversation_in(plain))) == [("call_1", "found", "")]
    settings = {"exportType": "settings", "state": {"settings": {}}, "version": 7}
    assert remarks_on(settings) == ["A LobeChat export in which nothing was said."]


# --- NextChat -------------------------------------------------------------------------------------------------------


def test_a_backup_of_next_chat_has_prompts_tools_and_times_as_they_were_written() -> None:
    tool = {"id": "c1", "function": {"name": "look", "arguments": "{}"}, "content": "nothing", "isError": True}
    session = {
        "id": "abcDEF", "topic": "Order", "memoryPrompt": "", "lastUpdate": 1767225600000,
        "messages": [
            {"id": "m1", "date": "1.1.2026, 01:00:00", "role": "user", "content": "Where is A17?"},
            {"id": "m2", "date": "1.1.2026, 01:00:04", "role": "assistant", "content": "Gone.", "model": "gpt-4o",
             "tools": [tool]},
        ],
        "mask": {"name": "Desk", "createdAt": 1767225500000, "modelConfig": {"model": "gpt-4"},
                 "context": [{"role": "system", "content": "Be brief"}]},
    }  # fmt: skip
    backup = {"chat-next-web-store": {"sessions": [session]}, "access-control": {"openaiApiKey": "sk-secret"}}
    conversation = conversation_in(backup)
    messages = messages_of(conversation)
    assert said(messages) == [
        ("system", "Be brief"), ("user", "Where is A17?"), ("assistant", ""), ("tool", ""), ("assistant", "Gone."),
    ]  # fmt: skip
    assert results(messages) == [("c1", "nothing", "error")]
    assert "1.1.2026, 01:00:04" in dict(conversation.fields)["choices"].source
    completion = completion_of(conversation)
    assert (completion.model, completion.metadata["title"]) == ("gpt-4o", "Order")
    assert "sk-secret" not in repr(conversation)
    empty = {"chat-next-web-store": {"sessions": [session | {"messages": []}]}}
    assert remarks_on(empty) == ["A NextChat backup in which nothing was said."]


# --- Cherry Studio --------------------------------------------------------------------------------------------------


def cherry(*blocks: dict[str, Any]) -> dict[str, Any]:
    """Build a backup with a question and an answer, which has these blocks."""
    answer = [{"id": f"b{n}", "messageId": "m2", "status": "success"} | block for n, block in enumerate(blocks)]
    asked = {"id": "q", "messageId": "m1", "type": "main_text", "content": "Where is A17?"}
    topic = {"id": "t1", "messages": [
        {"id": "m1", "role": "user", "topicId": "t1", "createdAt": "2026-01-01T00:00:00.000Z", "blocks": ["q"]},
        {"id": "m2", "role": "assistant", "topicId": "t1", "createdAt": "2026-01-01T00:00:05.000Z", "askId": "m1",
         "model": {"id": "gpt-4o", "provider": "openai"}, "blocks": [block["id"] for block in answer]},
    ]}  # fmt: skip
    assistants = {"assistants": [{"name": "Desk", "prompt": "Be brief", "topics": [{"id": "t1", "name": "Order"}]}]}
    state = {"assistants": json.dumps(assistants), "llm": json.dumps({"apiKey": "sk-secret"})}
    return {"time": 1, "version": 5, "localStorage": {"persist:cherry-studio": json.dumps(state)},
            "indexedDB": {"topics": [topic], "message_blocks": [asked, *answer]}}  # fmt: skip


def test_a_backup_of_cherry_studio_is_put_together_from_its_blocks() -> None:
    """Its messages have no text: it was refused."""
    raw = {"id": "c1", "tool": {"name": "look"}, "arguments": {"o": 1}, "status": "done",
           "response": {"isError": True, "content": [{"type": "text", "text": "nothing"}]}}  # fmt: skip
    conversation = conversation_in(
        cherry(
            {"type": "thinking", "content": "hm"},
            {"type": "tool", "toolId": "x", "metadata": {"rawMcpToolResponse": raw}},
            {"type": "main_text", "content": "Here."},
            {"type": "citation", "response": {"source": "websearch", "results": {
                "query": "A17", "results": [{"title": "A17", "url": "https://shop.example/a17"}]}}},
        )
    )  # fmt: skip
    messages = messages_of(conversation)
    assert said(messages) == [
        ("system", "Be brief"), ("user", "Where is A17?"), ("assistant", ""), ("tool", ""), ("assistant", "Here."),
    ]  # fmt: skip
    assert [thought.text for thought in messages[2].reasoning] == ["hm"]
    assert calls(messages) == [("c1", "look", '{"o": 1}')]
    assert results(messages) == [("c1", "nothing", "error")]
    assert "https://shop.example/a17" in dict(conversation.fields)["choices"].source
    assert (completion_of(conversation).model, conversation.id) == ("gpt-4o", "cherry-studio-t1")
    assert metadata_of(conversation) == {"title": "Order", "assistant": "Desk"}
    assert "sk-secret" not in repr(conversation)


def test_files_of_cherry_studio_come_from_its_zip_and_what_is_missing_is_said() -> None:
    backup = cherry(
        {"type": "image", "file": {"id": "f1", "origin_name": "a.png"}},
        {"type": "file", "file": {"id": "f2", "origin_name": "b.pdf"}},
        {"type": "error", "error": {"message": "429 Too many requests"}},
    )
    backup["indexedDB"]["topics"][0]["messages"][1]["blocks"].append("gone")
    packed, reading = io.BytesIO(), Reading()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("data.json", json.dumps(backup))
        archive.writestr("Data/Files/f1.png", b"\x89PNG")
    packed.seek(0)
    (conversation,) = reading.file("backup.zip", packed)
    assert isinstance(conversation, Conversation)
    messages = messages_of(conversation)
    assert [type(part) for part in messages[-1].parts] == [ImagePart, FilePart]
    assert notes(messages) == ["lost-file", "lost-content"]
    assert "429 Too many requests" in dict(conversation.fields)["choices"].source


def test_backups_of_cherry_studio_before_there_were_blocks_are_read() -> None:
    backup = cherry()
    backup["indexedDB"]["topics"][0]["messages"][1] |= {"content": "Here.", "reasoning_content": "hm"}
    last = messages_of(conversation_in(backup))[-1]
    assert (text_of(last), [thought.text for thought in last.reasoning]) == ("Here.", ["hm"])
    backup["indexedDB"]["topics"] = []
    assert remarks_on(backup) == ["A Cherry Studio backup in which nothing was said."]


# --- AnythingLLM ----------------------------------------------------------------------------------------------------


def anything_llm(path: Path) -> Path:
    """Write a database with two threads, and a visitor of a web page."""
    with sqlite3.connect(path) as database:
        database.executescript("""
            CREATE TABLE users (id INTEGER, username TEXT, password TEXT);
            CREATE TABLE workspaces (id INTEGER, name TEXT, openAiPrompt TEXT);
            CREATE TABLE workspace_threads (id INTEGER, name TEXT);
            CREATE TABLE workspace_chats (id INTEGER, workspaceId INTEGER, prompt TEXT, response TEXT, include BOOLEAN,
                user_id INTEGER, thread_id INTEGER, api_session_id TEXT, createdAt DATETIME, feedbackScore BOOLEAN);
            CREATE TABLE embed_configs (id INTEGER, workspace_id INTEGER);
            CREATE TABLE embed_chats (id INTEGER, prompt TEXT, response TEXT, session_id TEXT, include BOOLEAN,
                embed_id INTEGER, createdAt DATETIME);
            INSERT INTO users VALUES (7, 'ann', 'hash');
            INSERT INTO workspaces VALUES (1, 'Desk', 'Be brief');
            INSERT INTO workspace_threads VALUES (3, 'Order');
            INSERT INTO embed_configs VALUES (5, 1);
        """)
        answer = {"text": "Here.", "sources": [{"title": "a17.pdf", "url": "https://shop.example/a17", "text": "…"}],
                  "attachments": [{"name": "a.png", "mime": "image/png", "contentString": "aGk="}],
                  "metrics": {"model": "gpt-4o"}}  # fmt: skip
        rows = [
            (1, 1, "Where is A17?", json.dumps(answer), 1, 7, 3, None, 1767225600000, 1),
            (2, 1, "Something else", '{"text":"Yes"}', 1, 7, None, None, 1767225601000, None),
            (3, 1, "And B2?", '{"text":"There."}', 1, 7, 3, None, 1767225602000, 0),
        ]
        database.executemany("INSERT INTO workspace_chats VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        visitor = (1, "Do you ship?", '{"text":"We do."}', "v-1", 1, 5, 1767225603000)
        database.execute("INSERT INTO embed_chats VALUES (?, ?, ?, ?, ?, ?, ?)", visitor)
    database.close()
    return path


def test_the_database_of_anything_llm_has_its_threads_and_the_visitors_of_web_pages(tmp_path: Path) -> None:
    found = found_in(anything_llm(tmp_path / "anythingllm.db"))
    thread, alone, visitor = [each for each in found if isinstance(each, Conversation)]
    messages = messages_of(thread)
    assert said(messages) == [
        ("system", "Be brief"), ("user", "Where is A17?"), ("assistant", "Here."), ("user", "And B2?"),
        ("assistant", "There."),
    ]  # fmt: skip
    assert any(isinstance(part, ImagePart) for part in messages[1].parts)
    assert "https://shop.example/a17" in thread.messages[2]
    assert '"feedback":"positive"' in thread.messages[2]
    assert metadata_of(thread) == {"workspace": "Desk", "title": "Order", "user": "ann"}
    assert [text for _, text in said(messages_of(alone))] == ["Be brief", "Something else", "Yes"]
    assert [text for _, text in said(messages_of(visitor))] == ["Be brief", "Do you ship?", "We do."]
    assert metadata_of(visitor)["session"] == "v-1"
    assert "hash" not in repr(found)


def test_an_export_of_anything_llm_has_each_question_alone_with_who_asked_and_when() -> None:
    """It names no thread. Times, pictures and the rating were left in the JSON."""
    row = {"id": 1, "prompt": "Where is A17?", "response": "Here.", "sent_at": "2026-01-01T00:00:00.000Z",
           "attachments": [{"type": "image", "image": "data:image/png;base64,aGk="}], "workspace": "Desk",
           "username": "ann", "rating": "BAD"}  # fmt: skip
    table = (
        b"id,workspace,prompt,response,sent_at,username,rating\n"
        b'"1","Desk","Where is A17?","Here.","Thu Jan 01 2026 01:00:00 GMT+0100 (CET)","ann","BAD"\n'
    )
    for source in ([row, row | {"id": 2}], table):
        first = conversations_in(source)[0]
        messages = messages_of(first)
        assert said(messages) == [("user", "Where is A17?"), ("assistant", "Here.")]
        assert completion_of(first).created.isoformat() == "2026-01-01T00:00:00+00:00"
        assert '"feedback":"negative"' in dict(first.fields)["choices"].source
        assert metadata_of(first) == {"workspace": "Desk", "user": "ann"}
    assert any(isinstance(part, ImagePart) for part in messages_of(conversations_in([row, row])[0])[0].parts)


def test_a_history_of_the_api_of_anything_llm_has_sources_and_times() -> None:
    said_at = {"sentAt": 1767225600, "chatId": 1}
    history = [
        {"role": "user", "content": "Where is A17?", "attachments": [], **said_at},
        {"role": "assistant", "type": "chat", "content": "Here.", "sources": [{"title": "a17.pdf", "text": "…"}],
         "feedbackScore": None, **said_at},
    ]  # fmt: skip
    conversation = conversation_in({"history": history})
    assert conversation.family == "anything-llm"
    assert said(messages_of(conversation)) == [("user", "Where is A17?"), ("assistant", "Here.")]
    assert "a17.pdf" in dict(conversation.fields)["choices"].source


# --- Chatbox --------------------------------------------------------------------------------------------------------


def chatbox_message(own: str, role: str, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": own, "role": role, "contentParts": list(parts), "timestamp": 1767225600000} | more


def test_each_thread_of_chatbox_is_a_conversation_with_its_tools_and_forks() -> None:
    """Its sessions stand under keys of their own and its texts in parts: it was refused."""
    text = {"type": "text", "text": "Where is A17?"}
    call = {"type": "tool-call", "state": "error", "toolCallId": "c1", "toolName": "look", "args": {"o": 1},
            "result": "nothing"}  # fmt: skip
    session = {
        "id": "s1", "name": "Order", "threadName": "Now",
        "messages": [
            chatbox_message("m1", "user", text, {"type": "image", "storageKey": "picture:x"},
                            files=[{"id": "f", "name": "a.pdf", "fileType": "pdf"}]),
            chatbox_message("m2", "assistant", {"type": "reasoning", "text": "hm"}, call,
                            {"type": "text", "text": "Gone."}, model="GPT-4o"),
            chatbox_message("m3", "assistant", error="429 Too many requests"),
        ],
        "threads": [{"id": "t0", "name": "Before", "createdAt": 1767225500000,
                     "messages": [chatbox_message("q1", "user", text)]}],
        "messageForksHash": {"m1": {"position": 0, "lists": [{"messages": []}, {"messages": []}]}},
    }  # fmt: skip
    export = {"__exported_items": ["conversations"], "chat-sessions-list": [{"id": "s1"}], "session:s1": session,
              "settings": {"providers": {"openai": {"apiKey": "sk-secret"}}}}  # fmt: skip
    before, now = conversations_in(export)
    assert said(messages_of(before)) == [("user", "Where is A17?")]
    messages = messages_of(now)
    assert said(messages) == [
        ("user", "Where is A17?"), ("assistant", ""), ("tool", ""), ("assistant", "Gone."), ("assistant", ""),
    ]  # fmt: skip
    assert notes(messages) == ["lost-image", "lost-file", "other-branches"]
    assert results(messages) == [("c1", "nothing", "error")]
    assert "429 Too many requests" in dict(now.fields)["choices"].source
    assert metadata_of(now) == {"title": "Now", "session": "Order"}
    assert completion_of(now).model == "GPT-4o"
    assert "sk-secret" not in repr((before, now))


def test_chatbox_is_read_from_the_list_of_sessions_that_it_had_before() -> None:
    message = {"id": "m1", "role": "user", "content": "Hi"}
    assert said(messages_of(conversation_in({"chat-sessions": [{"id": "s1", "name": "A", "messages": [message]}]})))
    nothing = {"__exported_items": ["setting"], "settings": {}}
    assert remarks_on(nothing) == ["A Chatbox export in which nothing was said."]


# --- big-AGI ---------------------------------------------------------------------------------------------------------


def big_agi_fragment(kind: str, **part: Any) -> dict[str, Any]:
    return {"ft": "content", "fId": "f", "part": {"pt": kind} | part}


def big_agi_chat() -> dict[str, Any]:
    picture = {"pt": "reference", "rt": "zync", "zType": "asset", "zUuid": "u", "assetType": "image",
               "zRefSummary": {"pt": "text", "text": "A ship"}}  # fmt: skip
    ran = {"type": "code_execution", "language": "python", "code": "1/0", "author": "gemini_auto_inline"}
    return {
        "id": "chat-1", "systemPurposeId": "Generic", "userTitle": "Order", "created": 1764522000000, "updated": None,
        "messages": [
            {"id": "m1", "role": "user", "created": 1764522000000, "fragments": [
                big_agi_fragment("text", text="Where is it?"),
                big_agi_fragment("doc", vdt="text/plain", l1Title="a.txt", data={"idt": "text", "text": "# A"}),
                {"ft": "attachment", "fId": "g", "title": "ship.png", "part": picture},
            ]},
            {"id": "m2", "role": "assistant", "created": 1764522004000,
             "generator": {"mgt": "aix", "name": "gpt-4o", "tokenStopReason": "client-abort"},
             "fragments": [
                 big_agi_fragment("ma", aType="reasoning", aText="hm"),
                 big_agi_fragment("tool_invocation", id="t1", invocation=ran),
                 big_agi_fragment("tool_response", id="t1", error="ZeroDivisionError", response={"result": ""}),
                 big_agi_fragment("text", text="Here."),
                 big_agi_fragment("error", error="Connection lost"),
             ]},
        ],
    }  # fmt: skip


def test_an_export_of_big_agi_has_messages_of_fragments() -> None:
    export = {"conversations": [big_agi_chat()], "folders": {"folders": []},
              "models": {"sources": [{"setup": {"oaiKey": "sk-secret"}}]}}  # fmt: skip
    for source in (big_agi_chat(), export):
        conversation = conversation_in(source)
        messages = messages_of(conversation)
        assert (conversation.family, conversation.id) == ("big-agi", "big-agi-chat-1")
        assert said(messages) == [("user", "Where is it?"), ("assistant", ""), ("tool", ""), ("assistant", "Here.")]
        assert [type(part).__name__ for part in messages[0].parts] == ["TextPart", "FilePart", "ImagePart"]
        assert calls(messages) == [("t1", "code_execution", "1/0")]
        assert results(messages) == [("t1", "ZeroDivisionError", "error")]
        assert notes(messages) == ["lost-image", "interrupted"]
        assert metadata_of(conversation) == {"title": "Order", "persona": "Generic"}
        assert completion_of(conversation).model == "gpt-4o"
        assert "Connection lost" in dict(conversation.fields)["choices"].source
        assert "sk-secret" not in str(conversation.fields)


def test_a_chat_of_big_agi_before_there_were_fragments_has_its_model() -> None:
    message = {"id": "m1", "role": "assistant", "sender": "Bot", "text": "Here.", "originLLM": "gpt-4-0613"}
    chat = big_agi_chat() | {"messages": [message | {"role": "user"}, message]}
    conversation = conversation_in(chat)
    assert (conversation.family, completion_of(conversation).model) == ("big-agi", "gpt-4-0613")
    assert said(messages_of(conversation)) == [("user", "Here."), ("assistant", "Here.")]


# --- Jan -------------------------------------------------------------------------------------------------------------


def jan_message(own: str, role: str, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": own, "object": "thread.message", "thread_id": "01J", "role": role, "status": "ready",
            "content": list(parts), "created_at": 1764522000000, "metadata": {}} | more  # fmt: skip


def jan_text(text: str, kind: str = "text") -> dict[str, Any]:
    return {"type": kind, "text": {"value": text, "annotations": []}}


def jan_thread() -> dict[str, Any]:
    assistant = {"id": "jan", "name": "Jan", "instructions": "You help", "model": {"id": "qwen3", "engine": "llamacpp"}}
    return {"id": "01J", "object": "thread", "title": "Order", "assistants": [assistant], "created": 1764522000}


def jan_files(folder: Path, *messages: dict[str, Any]) -> Path:
    (folder / "thread.json").write_text(json.dumps(jan_thread(), indent=2))
    (folder / "messages.jsonl").write_text("\n".join(map(json.dumps, messages)))
    return folder


def test_a_thread_of_jan_is_like_those_of_openai_but_has_calls_with_outputs_for_parts(tmp_path: Path) -> None:
    found = {"content": [{"type": "text", "text": "At sea"}], "error": ""}
    failed = {"content": [{"type": "text", "text": "no net"}], "isError": True}
    call = {"type": "tool_call", "tool_call_id": "c1", "tool_name": "search", "input": {"q": "A17"}, "output": found}
    before = [{"tool": {"id": "c2", "type": "function", "function": {"name": "fetch", "arguments": "{}"}},
               "state": "ready", "response": failed}]  # fmt: skip
    folder = jan_files(
        tmp_path,
        jan_message(
            "a", "user", jan_text("Where?"), metadata={"inline_file_contents": [{"name": "a", "content": "A"}]}
        ),
        jan_message("b", "assistant", jan_text("hm", "reasoning"), call, jan_text("At sea.")),
        jan_message("c", "user", jan_text("Really?")),
        jan_message(
            "d", "assistant", jan_text("<think>so</think>Yes"), metadata={"tool_calls": before}, status="stopped"
        ),
    )
    conversation = conversation_in(folder)
    messages = messages_of(conversation)
    assert (conversation.family, completion_of(conversation).model) == ("jan", "qwen3")
    assert said(messages) == [
        ("system", "You help"), ("user", "Where?"), ("assistant", ""), ("tool", ""), ("assistant", "At sea."),
        ("user", "Really?"), ("assistant", ""), ("tool", ""), ("assistant", "Yes"),
    ]  # fmt: skip
    assert calls(messages) == [("c1", "search", '{"q": "A17"}'), ("c2", "fetch", "{}")]
    assert results(messages) == [("c1", "At sea", ""), ("c2", "no net", "error")]
    assert [each.text for message in messages for each in message.reasoning] == ["hm", "so"]
    assert isinstance(messages[1].parts[1], FilePart)
    assert notes(messages) == ["interrupted"]
    assert metadata_of(conversation) == {"title": "Order", "assistant": "Jan"}


def test_a_thread_of_jan_shows_the_branch_that_was_chosen_and_answers_that_lost_their_question(tmp_path: Path) -> None:
    """An answer without a `parentId` is one that some versions of 2026 lost: the next question skips it."""
    messages = [
        jan_message("q1", "user", jan_text("One"), metadata={"parentId": None, "activeChildId": "a1"}),
        jan_message("a1", "assistant", jan_text("Shown"), metadata={"parentId": "q1"}),
        jan_message("a2", "assistant", jan_text("Left"), metadata={"parentId": "q1"}),
        jan_message("q2", "user", jan_text("Two"), metadata={"parentId": "a1"}),
        jan_message("lost", "assistant", jan_text("Lost"), metadata={}),
        jan_message("q3", "user", jan_text("Three"), metadata={"parentId": "q2"}),
    ]
    conversation = conversation_in(jan_files(tmp_path, *messages))
    assert [text for _, text in said(messages_of(conversation))] == ["You help", "One", "Shown", "Two", "Lost", "Three"]
    assert notes(messages_of(conversation)) == ["other-branches"]
    assert "Left" in completion_of(conversation).source


def test_an_export_of_jan_has_its_title_and_a_thread_alone_says_what_is_missing() -> None:
    kept = ("id", "role", "content", "created_at", "metadata")
    message = jan_message("a", "assistant", jan_text("hm", "reasoning"), jan_text("Hello"))
    export = {"title": "Order", "exported_at": "2026-01-01T00:00:00Z",
              "messages": [{name: message[name] for name in kept}]}  # fmt: skip
    conversation = conversation_in(export)
    assert (conversation.family, metadata_of(conversation)["title"]) == ("jan", "Order")
    assert said(messages_of(conversation)) == [("assistant", "Hello")]
    (refused,) = found_in(jan_thread())
    assert refused.reason == "This is a thread of Jan without its messages: add messages.jsonl."


# --- HuggingChat ------------------------------------------------------------------------------------------------------


def hugging_chat() -> dict[str, Any]:
    updates = [
        {"type": "status", "status": "started"},
        {"type": "tool", "subtype": "call", "uuid": "u1", "call": {"name": "draw", "parameters": {"what": "ship"}}},
        {"type": "tool", "subtype": "result", "uuid": "u1", "result": {"status": "success", "outputs": [
            {"content": [{"type": "text", "text": "Drawn"}, {"type": "image", "mimeType": "image/png", "sha": "s1"}]}]}},
        {"type": "tool", "subtype": "error", "uuid": "u2", "message": "no net"},
    ]  # fmt: skip
    return {
        "id": "chat-1", "title": "A ship", "model": "meta-llama/Llama", "preprompt": "You draw", "rootMessageId": "m0",
        "createdAt": "2026-05-01T10:00:00.000Z",
        "messages": [
            {"id": "m0", "from": "system", "content": "", "ancestors": [], "children": ["m1"]},
            {"id": "m1", "from": "user", "content": "Draw", "ancestors": ["m0"], "children": ["m2", "m3"],
             "createdAt": "2026-05-01T10:00:00.000Z", "files": [{"type": "hash", "name": "a.png", "value": "h"}]},
            {"id": "m2", "from": "assistant", "content": "Left", "ancestors": ["m0", "m1"], "children": []},
            {"id": "m3", "from": "assistant", "content": "Here.", "reasoning": "hm", "ancestors": ["m0", "m1"],
             "updates": updates, "interrupted": True, "createdAt": "2026-05-01T10:00:04.000Z"},
        ],
    }  # fmt: skip


def test_a_chat_of_hugging_chat_has_tools_in_its_updates_and_names_those_before_each_message() -> None:
    image = {"sha": "s1", "mimeType": "image/png", "data": "iVBORw0KGgo="}
    trace = {
        "format": "chat-ui-conversation-trace",
        "version": 1,
        "conversation": hugging_chat(),
        "toolImages": [image],
    }
    for source in (trace, hugging_chat(), [hugging_chat()]):
        conversation = conversation_in(source)
        messages = messages_of(conversation)
        assert (conversation.family, conversation.id) == ("hugging-chat", "hugging-chat-chat-1")
        assert said(messages) == [
            ("system", "You draw"), ("user", "Draw"), ("assistant", ""), ("tool", ""), ("tool", ""), ("assistant", "Here."),
        ]  # fmt: skip
        assert calls(messages) == [("u1", "draw", '{"what": "ship"}')]
        assert [outcome for _, _, outcome in results(messages)] == ["", "error"]
        assert notes(messages) == ["lost-file", "other-branches", "interrupted"]
        assert "Left" in completion_of(conversation).source
    assert "iVBORw0KGgo=" in str(conversation_in(trace).messages)


# --- TypingMind ------------------------------------------------------------------------------------------------------


def typing_mind_message(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, "createdAt": "2025-12-01T09:00:00.000Z", "uuid": role} | more


def typing_mind_chat(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "x1Ab", "chatID": "x1Ab", "chatTitle": "Order", "model": "gpt-4o", "modelInfo": {"id": "gpt-4o"},
        "preview": "Where is it?", "chatParams": {"temperature": None, "systemMessage": "You help."},
        "character": {"title": "Parcels"}, "tags": [{"id": "t", "name": "urgent"}], "syncedAt": None,
        "createdAt": "2025-12-01T09:00:00.000Z", "updatedAt": "2025-12-01T09:05:00.000Z", "messages": list(messages),
    } | more  # fmt: skip


def test_a_chat_of_typing_mind_keeps_what_parts_of_its_own_hold() -> None:
    url = "https://shop.example/order"
    asked = [
        {"type": "text", "text": "Where is it?"},
        {"type": "tm_image_file", "metadata": {"name": "ship.png", "base64": "data:image/png;base64,aGk="}},
        {"type": "tm_text_file", "metadata": {"name": "a.txt"}},
    ]
    mark = {"type": "tm_web_search_source", "startIndex": 0, "endIndex": 4, "sources": [{"url": url, "title": "Order"}]}
    answered = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "tm_provider_tool_call", "id": "c1", "toolName": "web_search", "input": {"q": "order"}},
        {"type": "tm_provider_tool_call_result", "id": "c1", "content": "sent"},
        {"type": "text", "text": "Here.", "textAnnotations": [mark]},
    ]
    chat = typing_mind_chat(typing_mind_message("user", asked), typing_mind_message("assistant", answered))
    export = {"data": {"chats": [chat], "folders": [], "customSearchAPIKey": "sk-secret"}}
    conversation = conversation_in(export)
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("typing-mind", "typing-mind-x1Ab")
    assert said(messages) == [
        ("system", "You help."), ("user", "Where is it?"), ("assistant", ""), ("tool", ""), ("assistant", "Here."),
    ]  # fmt: skip
    assert [type(part).__name__ for part in messages[1].parts] == ["TextPart", "ImagePart", "FilePart"]
    assert calls(messages) == [("c1", "web_search", '{"q": "order"}')]
    assert results(messages) == [("c1", "sent", "")]
    assert ([each.text for each in messages[2].reasoning], notes(messages)) == (["hm"], ["lost-file"])
    assert [(each.url, each.start, each.end) for each in messages[-1].citations] == [(url, 0, 4)]
    assert metadata_of(conversation) == {"title": "Order", "assistant": "Parcels", "tags": "urgent"}
    assert completion_of(conversation).model == "gpt-4o"
    assert "sk-secret" not in str(conversation.fields)


def test_messages_of_typing_mind_that_stand_for_something_else_are_no_words_of_the_customer() -> None:
    """Examples of an agent have the roles of a conversation that nobody had."""
    answers = [
        {"model": name, "messages": [typing_mind_message("assistant", text)]}
        for name, text in (("gpt-4o", "On its way."), ("sonnet", "Sent."))
    ]
    chat = typing_mind_chat(
        typing_mind_message("user", "Hello?", type="training-message"),
        typing_mind_message("assistant", "Good day.", type="training-message"),
        typing_mind_message("user", "", type="attachment", metadata={"name": "bill.pdf"}),
        typing_mind_message("user", "Where is it?"),
        {"type": "tm_multi_responses", "responses": answers},
        {"type": "clear-context"},
        {"type": "tm_context_summary", "contextSummary": {"content": "It was sent."}},
        typing_mind_message("assistant", None, tool_calls=[{"id": "c", "function": {"name": "f", "arguments": "{}"}}]),
        typing_mind_message("tool", None, tool_call_id="c", name="f", pluginResponse={"type": "html", "data": "<b>"}),
        typing_mind_message("assistant", "Yes.", reasoning_content="hm", webSearch={"calls": [{"toolName": "find"}]}),
    )
    messages = messages_of(conversation_in(chat))
    assert [(message.role, message.name, text_of(message)) for message in messages[1:8]] == [
        ("system", "example_user", "Hello?"), ("system", "example_assistant", "Good day."), ("user", "", ""),
        ("user", "", "Where is it?"), ("assistant", "gpt-4o", "On its way."), ("assistant", "sonnet", "Sent."),
        ("system", "summary", "It was sent."),
    ]  # fmt: skip
    assert notes(messages) == ["hidden", "hidden", "lost-file"]
    assert results(messages) == [("c", "<b>", "")]
    assert calls(messages)[-1][1:] == ("find", "")


def test_an_export_of_typing_mind_in_chunks_needs_them() -> None:
    chunk = "chunks/chats_part_1.json"
    index = {"data": {"chats": {"chunks": [chunk]}, "folders": []}}
    (refused,) = found_in(index)
    assert refused.reason == "This is an export of TypingMind without its chats: add the ZIP with chunks."
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("data.json", json.dumps(index))
        archive.writestr("metadata.json", json.dumps({"data.json": {"type": "text/plain", "lastModified": 1}}))
        chat = typing_mind_chat(typing_mind_message("user", "Hi"))
        archive.writestr(chunk, json.dumps([chat, chat | {"chatID": "x2"}]))
    packed.seek(0)
    read = Reading().file("export.zip", packed)
    assert [getattr(each, "id", each) for each in read] == ["typing-mind-x1Ab", "typing-mind-x2"]


# --- Perplexity ------------------------------------------------------------------------------------------------------


def perplexity_entry(**more: Any) -> dict[str, Any]:
    shop = {"name": "Shop", "url": "https://shop.example/a", "snippet": "By ship"}
    steps = [
        {"uuid": "s0", "step_type": "INITIAL_QUERY", "initial_query_content": {"query": "Where is it?"}},
        {
            "uuid": "s1",
            "step_type": "SEARCH_WEB",
            "search_web_content": {"goal_id": "0", "queries": [{"query": "ship"}]},
        },
        {"uuid": "s2", "step_type": "SEARCH_RESULTS", "web_results_content": {"goal_id": "0", "web_results": [shop]}},
    ]
    plan = {"progress": "DONE", "goals": [{"id": "0", "description": "Look for the ship"}], "steps": steps}
    rows = [{"web_result": {"name": "Other", "url": "https://b.example"}, "citation": 2},
            {"web_result": shop, "citation": 1}, {"web_result": shop, "citation": None}]  # fmt: skip
    return {
        "backend_uuid": "e1", "context_uuid": "c1", "status": "COMPLETED", "thread_title": "Order", "mode": "copilot",
        "display_model": "pplx_pro", "query_str": "Where is it?", "updated_datetime": "2025-12-01T09:00:09",
        "read_write_token": "secret", "author_username": "ann", "related_queries": ["And then?"],
        "collection_info": {"title": "Parcels"},
        "blocks": [
            {"intended_usage": "plan", "plan_block": plan},
            {"intended_usage": "pro_search_steps", "plan_block": plan},
            {"intended_usage": "ask_text", "markdown_block": {"chunks": ["At ", "sea"], "answer": "At sea[1], sent[2]."}},
            {"intended_usage": "sources_answer_mode", "sources_mode_block": {"rows": rows}},
        ],
    } | more  # fmt: skip


def test_a_thread_of_perplexity_has_its_searches_once_and_its_sources_where_their_numbers_are() -> None:
    """The same steps stand in several blocks, and rows are not in the order of the numbers."""
    conversation = conversation_in({"status": "success", "entries": [perplexity_entry()], "has_next_page": True})
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("perplexity", "perplexity-c1")
    assert said(messages) == [
        ("user", "Where is it?"), ("assistant", ""), ("tool", ""), ("assistant", "At sea[1], sent[2]."),
    ]  # fmt: skip
    assert calls(messages) == [("s1", "search_web", '{"queries": ["ship"]}')]
    assert [(call, "By ship" in text) for call, text, _outcome in results(messages)] == [("s1", True)]
    assert [each.text for each in messages[1].reasoning] == ["Look for the ship"]
    assert [(each.url, each.start, each.end) for each in messages[-1].citations] == [
        ("https://shop.example/a", 6, 9), ("https://b.example", 15, 18),
    ]  # fmt: skip
    assert notes(messages) == ["cut-off"]
    assert metadata_of(conversation) == {"title": "Order", "collection": "Parcels", "user": "ann"}
    assert completion_of(conversation).model == "pplx_pro"
    assert "secret" not in str(conversation.fields)


def test_an_answer_of_perplexity_may_be_json_in_a_text_or_missing() -> None:
    old = json.dumps({"answer": "At sea[1].", "web_results": [{"name": "Shop", "url": "https://shop.example"}]})
    steps = json.dumps(
        [{"step_type": "INITIAL_QUERY", "content": {}}, {"step_type": "FINAL", "content": {"answer": old}}]
    )
    for text in (old, steps):
        messages = messages_of(conversation_in({"entries": [perplexity_entry(blocks=[], text=text)]}))
        assert said(messages) == [("user", "Where is it?"), ("assistant", "At sea[1].")]
        assert [each.url for each in messages[-1].citations] == ["https://shop.example"]
    for status, noted in (("PENDING", ["lost-answer"]), ("FAILED", [])):
        messages = messages_of(conversation_in({"entries": [perplexity_entry(blocks=[], status=status)]}))
        assert (said(messages)[1], notes(messages)) == (("assistant", ""), noted)


def test_the_data_that_perplexity_sends_on_request_has_questions_with_answers() -> None:
    entry = {"query": "Where is it?\n\nIt is late.", "answer": "At sea[1].", "mode": "COPILOT",
             "created_at": "2026-01-31T14:25:58Z", "query_status": "COMPLETED"}  # fmt: skip
    failed = entry | {"query": "And now?", "answer": "", "query_status": "FAILED"}
    chat = {"context_title": "Order", "created_at": "2026-01-31T14:25:58Z", "collection_uuid": None, "mode": "COPILOT"}
    conversation = conversation_in({"conversations": [chat | {"entries": [entry, failed]}]})
    messages = messages_of(conversation)
    assert (conversation.family, metadata_of(conversation)) == ("perplexity", {"title": "Order"})
    assert said(messages) == [
        ("user", "Where is it?\n\nIt is late."), ("assistant", "At sea[1]."), ("user", "And now?"), ("assistant", ""),
    ]  # fmt: skip
    assert "FAILED" in dict(conversation.fields)["choices"].source


# --- T3 Chat ---------------------------------------------------------------------------------------------------------


def t3_message(own: str, thread: str, role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"id": own, "threadId": thread, "role": role, "content": content, "status": "done", "model": "gpt-4o",
            "created_at": f"2025-05-01T09:00:0{own[-1]}.000Z"} | more  # fmt: skip


def test_an_export_of_t3_chat_has_the_messages_of_all_threads_in_one_list() -> None:
    """They are not in the order in which they were said, and those that were deleted are there."""
    threads = [
        {"id": own, "title": title, "user_edited_title": False, "status": "done", "model": "gpt-4o",
         "created_at": "2025-05-01T09:00:00.000Z", "last_message_at": "2025-05-01T09:00:00.000Z"}
        for own, title in (("t1", "Order"), ("t2", "Bill"))
    ]  # fmt: skip
    image = {"mimeType": "image/png", "attachmentUrl": "https://files.example/a.png", "fileName": "a.png"}
    sent = [
        t3_message("m2", "t1", "assistant", "Here.", reasoning="hm"),
        t3_message("m3", "t2", "user", "Where is my bill?", attachments=[image]),
        t3_message("m1", "t1", "user", "Where is it?", status="deleted"),
        t3_message("m4", "t2", "assistant", "", status="error"),
    ]
    order, bill = conversations_in({"threads": threads, "messages": sent})
    assert (order.id, order.family, bill.id) == ("t3-chat-t1", "t3-chat", "t3-chat-t2")
    assert said(messages_of(order)) == [("user", "Where is it?"), ("assistant", "Here.")]
    assert notes(messages_of(order)) == ["taken-out"]
    assert [type(part) for part in messages_of(bill)[0].parts] == [TextPart, ImagePart]
    assert metadata_of(bill) == {"title": "Bill"}
    assert completion_of(bill).model == "gpt-4o"
    assert remarks_on({"threads": threads, "messages": []}) == ["A T3 Chat export in which nothing was said."]
