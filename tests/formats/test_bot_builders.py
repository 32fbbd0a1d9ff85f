"""Conversations of platforms on which support bots are built, in the shape of their source (docs/importing.md)."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import completion_of, conversation_in, conversations_in, found_in, messages_of, remarks_on
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.types import text_of
from viewer.formats.document import Refusal

THOUGHTS = [
    {"id": "t1", "position": 1, "thought": "Let me look.", "tool": "look_up;look_up;weather",
     "tool_input": '{"look_up": {"order": "A17"}, "weather": {}}',
     "observation": '{"look_up": "Error: no such order", "weather": "rain"}', "created_at": 1775589001},
    {"id": "t2", "position": 2, "thought": "There is no A17.", "tool": "", "tool_input": "", "observation": ""},
]  # fmt: skip
DIFY = {
    "id": "0b1f5a70-1111-4c1e-9a53-1b0d6c2f0001", "conversation_id": "c1", "inputs": {"customer": "Ada"},
    "query": "Where is A17?", "answer": "Let me look.\nThere is no A17.\n", "status": "normal", "error": None,
    "message_files": [
        {"type": "image", "url": "https://desk.example/a.png", "mime_type": "image/png", "belongs_to": "user"}
    ],
    "feedback": {"rating": "dislike"}, "created_at": 1775589000, "agent_thoughts": THOUGHTS,
    "retriever_resources": [
        {"position": n, "document_id": "d1", "document_name": "Shipping.pdf", "content": "Two days."} for n in (1, 2)
    ],
}  # fmt: skip
DIFY_FAILED = {
    "id": "0b1f5a70-1111-4c1e-9a53-1b0d6c2f0002", "conversation_id": "c1", "inputs": {}, "query": "And B2?",
    "answer": "", "status": "error", "error": "Rate limit reached", "agent_thoughts": [], "message_files": [],
    "retriever_resources": [], "feedback": None, "created_at": 1775589060,
}  # fmt: skip


def page_of(*messages: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"limit": 20, "has_more": has_more, "data": list(messages)}


def test_a_message_of_dify_is_a_question_an_answer_and_what_its_agent_did_between() -> None:
    """What the agent says before a call is in `answer` too, and was shown twice; by Dify 1.x, agent with functions."""
    conversation = conversation_in(page_of(DIFY, DIFY_FAILED))
    assert (conversation.family, conversation.id) == ("dify", "dify-c1")
    asked, called, found, weather, answer, again, failed = messages_of(conversation)
    assert [text_of(message) for message in (asked, called, answer)] == [
        "Where is A17?", "Let me look.", "There is no A17.",
    ]  # fmt: skip
    assert [(call.name, call.arguments) for call in called.tool_calls] == [
        ("look_up", '{"order": "A17"}'), ("weather", "{}"),
    ]  # fmt: skip
    assert [outcome_of(message, message.results[0]) for message in (found, weather)] == ["error", ""]
    assert [result_text(message, message.results[0]) for message in (found, weather)] == [
        "Error: no such order", "rain",
    ]  # fmt: skip
    assert [cited.title for cited in answer.citations] == ["Shipping.pdf"]
    assert answer.other["feedback"] == '{"rating": "dislike"}'
    assert (text_of(again), text_of(failed), failed.error) == ("And B2?", "", "Rate limit reached")
    assert len(asked.parts) == 2
    assert completion_of(conversation).metadata == {"customer": "Ada"}
    assert [message.created.timestamp() for message in (asked, failed) if message.created] == [1775589000, 1775589060]


def test_dify_keeps_one_of_two_calls_of_the_same_tool_and_the_message_says_so() -> None:
    _asked, called, *_others = messages_of(conversation_in(page_of(DIFY)))
    assert [(note.code, note.by) for note in called.origin.notes] == [("lost-calls", "Dify")]


def test_thoughts_of_dify_that_are_not_in_the_answer_are_reasoning() -> None:
    """Agents that reason in text (ReAct) do not tell the customer what they think."""
    thoughts = [THOUGHTS[0] | {"thought": "I need the order."}, THOUGHTS[1] | {"thought": "I know now."}]
    messages = messages_of(conversation_in(page_of(DIFY | {"answer": "No A17.", "agent_thoughts": thoughts})))
    assert [(text_of(messages[n]), messages[n].reasoning[0].text) for n in (1, -1)] == [
        ("", "I need the order."), ("No A17.", "I know now."),
    ]  # fmt: skip


def test_pages_of_dify_are_joined_and_a_missing_one_is_named() -> None:
    """`GET /messages` gives the newest page first, and says `has_more` where earlier ones are left."""
    newest, oldest = page_of(DIFY_FAILED, has_more=True), page_of(DIFY)
    alone, *_others = messages_of(conversation_in(newest))
    assert [(note.code, note.by) for note in alone.origin.notes] == [("earlier", "Dify")]
    joined = messages_of(conversation_in("\n".join(map(json.dumps, (newest, oldest))).encode()))
    assert [text_of(message) for message in joined if message.role == "user"] == ["Where is A17?", "And B2?"]
    assert not any(note.code == "earlier" for message in joined for note in message.origin.notes)


def test_what_programs_write_of_a_conversation_of_dify_is_read_with_its_name() -> None:
    """They put the pages together under `messages`, where OpenAI's messages were expected."""
    written = {"id": "c1", "name": "Order A17", "messages": [DIFY_FAILED, DIFY]}
    for record in (written, {"conversation": {"name": "Order A17"}, "messages": [DIFY, DIFY_FAILED]}):
        conversation = conversation_in({"conversations": [record]})
        asked = [text_of(message) for message in messages_of(conversation) if message.role == "user"]
        assert asked == ["Where is A17?", "And B2?"]
        assert completion_of(conversation).metadata == {"title": "Order A17", "customer": "Ada"}


def test_what_the_console_of_dify_adds_is_shown() -> None:
    """Each message has the prompts that were sent; a system prompt stands once until it changes."""
    prompts = [{"role": "system", "text": "Be kind.", "files": []}, {"role": "user", "text": "Where is A17?"}]
    said = {
        "message": prompts, "from_end_user_id": "u1", "provider_response_latency": 1.2,
        "feedbacks": [{"rating": "dislike", "content": "wrong", "from_source": "admin"}],
        "annotation": {"question": "Where is A17?", "content": "Ask the carrier."},
    }  # fmt: skip
    conversation = conversation_in(page_of(DIFY | said, DIFY_FAILED | said))
    roles = [message.role for message in messages_of(conversation)]
    assert roles == ["system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant"]
    answer = messages_of(conversation)[5]
    assert "wrong" in answer.other["feedback"]
    assert "Ask the carrier." in answer.other["annotation"]
    assert completion_of(conversation).metadata["user"] == "u1"


def test_the_export_of_dify_is_one_conversation_for_each_id() -> None:
    """`flask export-app-messages` writes JSON Lines without times: each line was a conversation of the same id."""
    line = {"conversation_id": "c1", "query": "Hello", "answer": "Hi", "inputs": {}, "retriever_resources": []}
    lines = [line | {"message_id": f"m{n}", "feedback": []} for n in (1, 2)]
    lines.insert(1, lines[0] | {"conversation_id": "c2"})
    found = conversations_in("\n".join(map(json.dumps, lines)).encode())
    assert {conversation.id: len(messages_of(conversation)) for conversation in found} == {"dify-c1": 4, "dify-c2": 2}


def test_rows_of_the_table_of_dify_have_json_in_their_cells() -> None:
    header = "id,app_id,model_id,conversation_id,inputs,query,message,answer,message_metadata,status,error,created_at\n"
    row = (
        'm1,a1,gpt-4.1,c1,"{""customer"": ""Ada""}",Hello,"[{""role"": ""system"", ""text"": ""Be kind.""}]",Hi,'
        '"{""retriever_resources"": [{""document_name"": ""Help.pdf""}]}",normal,,2026-04-07 19:10:00\n'
    )
    conversation = conversation_in((header + row).encode())
    assert [(message.role, text_of(message)) for message in messages_of(conversation)] == [
        ("system", "Be kind."), ("user", "Hello"), ("assistant", "Hi"),
    ]  # fmt: skip
    assert [cited.title for cited in messages_of(conversation)[-1].citations] == ["Help.pdf"]
    assert completion_of(conversation).model == "gpt-4.1"


def test_fields_that_are_filled_in_stand_for_a_question_and_a_list_of_conversations_is_named() -> None:
    """An app that completes text may have no `query`."""
    asked, _answer = messages_of(conversation_in(page_of(DIFY_FAILED | {"query": "", "inputs": {"order": "A17"}})))
    assert "A17" in getattr(asked.parts[0], "source", "")
    listed = {"id": "c1", "name": "Order", "inputs": {}, "status": "normal", "introduction": "Hi", "created_at": 1}
    run = {"id": "l1", "workflow_run": {"id": "r1", "status": "succeeded"}, "created_from": "web-app", "created_at": 1}
    for each in (listed, run):
        without = "This is a list of Dify's conversations or runs, without what was said."
        assert remarks_on(page_of(each)) == [without]


def test_runs_of_a_chat_of_dify_are_its_messages() -> None:
    """The question and its conversation are inputs of the flow, whose names begin with “sys.”."""
    inputs = {"sys.query": "Where is A17?", "sys.conversation_id": "c1", "sys.user_id": "u1", "customer": "Ada"}
    run = {"id": "r1", "graph": {}, "inputs": inputs, "outputs": {"answer": "It is late."}, "status": "succeeded",
           "error": None, "created_at": 1775589000}  # fmt: skip
    failed = run | {"id": "r2", "outputs": None, "status": "failed", "error": "timeout", "created_at": 1775589060}
    conversation = conversation_in([failed | {"inputs": json.dumps(inputs)}, run])
    messages = messages_of(conversation)
    assert (conversation.id, completion_of(conversation).metadata) == ("dify-c1", {"user": "u1", "customer": "Ada"})
    assert [text_of(message) for message in messages] == ["Where is A17?", "It is late.", "Where is A17?", ""]
    assert [message.error for message in messages] == ["", "", "", "timeout"]


def dify_step(index: int, node_type: str, outputs: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"n{index}", "index": index, "node_id": f"{index}", "node_type": node_type, "title": node_type.title(),
        "inputs": {}, "process_data": None, "outputs": outputs, "status": "succeeded", "error": None,
        "created_at": 1775589000 + index, **fields,
    }  # fmt: skip


def test_the_steps_of_a_run_of_dify_are_the_turn_that_it_was_for() -> None:
    """The console shows them with the newest first. A step alone, as its table has it, is no run."""
    inputs = {"sys.query": "Where is A17?", "sys.conversation_id": "c1", "customer": "Ada"}
    prompts = [{"role": "system", "text": "Be kind.", "files": []}, {"role": "user", "text": "Where?", "files": []}]
    source = {"metadata": {"document_id": "d1", "document_name": "Shipping"}, "title": "Shipping", "content": "…"}
    steps = [
        dify_step(1, "start", inputs, inputs=inputs),
        dify_step(2, "knowledge-retrieval", {"result": [source]}),
        dify_step(3, "tool", None, inputs={"order": "A17"}, title="Look; up", status="exception", error="timeout"),
        dify_step(4, "llm", {"text": "It is late."}, process_data={"prompts": prompts, "model_name": "gpt-4.1"}),
        dify_step(5, "answer", {"answer": "It is late.", "files": []}),
    ]
    conversation = conversation_in({"data": list(reversed(steps))})
    assert (conversation.id, completion_of(conversation).model) == ("dify-c1", "gpt-4.1")
    prompt, asked, called, result, answer = messages_of(conversation)
    assert [text_of(each) for each in (prompt, asked, answer)] == ["Be kind.", "Where is A17?", "It is late."]
    assert [(call.name, call.arguments) for call in called.tool_calls] == [("Look, up", '{"order": "A17"}')]
    assert outcome_of(result, result.results[0]) == "error"
    assert [cited.title for cited in answer.citations] == ["Shipping"]
    failed = [steps[0], dify_step(2, "llm", None, status="failed", error="quota exceeded")]
    assert messages_of(conversation_in({"data": failed}))[-1].error == "quota exceeded"
    assert remarks_on({"data": steps[1:]}) == ["An export of Dify in which nothing was said."]
    assert [type(each) for each in found_in(steps[0])] == [Refusal]


LOOKED_UP = {"tool": "look_up", "toolInput": {"order": "A17"}, "toolOutput": "", "error": "no such order"}
FOUND = [{"pageContent": "Two days.", "metadata": {"source": "https://desk.example/shipping", "loc": {"lines": {}}}}]
FLOWISE = [
    {"id": "m1", "role": "userMessage", "chatflowid": "f1", "chatId": "chat1", "chatType": "EXTERNAL",
     "sessionId": "chat1", "content": "Where is A17?", "createdDate": "2026-04-07T19:10:00.400Z",
     "fileUploads": [{"type": "stored-file", "name": "box.png", "mime": "image/png"}]},
    {"id": "m2", "role": "apiMessage", "chatflowid": "f1", "chatId": "chat1", "chatType": "EXTERNAL",
     "sessionId": "chat1", "content": "I can't find it.", "createdDate": "2026-04-07T19:10:00.000Z",
     "usedTools": [LOOKED_UP], "sourceDocuments": FOUND, "reasonContent": {"thinking": "I need it."},
     "feedback": {"rating": "THUMBS_DOWN", "content": "wrong"}},
]  # fmt: skip
FLOWISE_EXPORT = [
    {"id": "chat1", "source": "API/Embed", "sessionId": "chat1", "memoryType": None, "email": None, "messages": [
        {"content": "I can't find it.", "role": "bot", "time": "2026-04-07T19:10:00.000Z", "usedTools": [LOOKED_UP],
         "sourceDocuments": FOUND, "feedback": "wrong"},
        {"content": "Where is A17?", "role": "user", "time": "2026-04-07T19:10:00.400Z",
         "filePaths": ["/root/.flowise/storage/f1/chat1/box.png"]},
    ]},
]  # fmt: skip


def flowise_workspace() -> dict[str, Any]:
    """Write the file of Settings, Export, which has JSON in texts and feedback in a list of its own."""
    rows = [{name: each for name, each in row.items() if name != "feedback"} for row in FLOWISE]
    texts = [{n: each if isinstance(each, str) else json.dumps(each) for n, each in row.items()} for row in rows]
    given = [{"id": "x", "messageId": "m2", "chatId": "chat1", "rating": "THUMBS_DOWN", "content": "wrong"}]
    return {"AgentFlow": [], "ChatFlow": [], "ChatMessage": texts, "ChatMessageFeedback": given}


def database_of(folder: Path, tables: dict[str, list[dict[str, Any]]]) -> bytes:
    """Write tables with these rows into an SQLite database."""
    file = folder / "database.sqlite"
    with sqlite3.connect(file) as database:
        for table, rows in tables.items():
            columns = sorted({name for row in rows for name in row}) or ["id"]
            names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" for _ in columns)
            database.execute(f"CREATE TABLE {table} ({names})")
            database.executemany(
                f"INSERT INTO {table} VALUES ({marks})", [[row.get(n) for n in columns] for row in rows]
            )
    database.close()
    return gzip.compress(file.read_bytes())


@pytest.mark.parametrize("kind", ["API", "export", "workspace", "database"])
def test_chats_of_flowise_have_their_tools_and_the_question_comes_first(kind: str, tmp_path: Path) -> None:
    """Flowise 3.1.2 stores an answer with whole seconds in SQLite, so that its own export has it before the question."""
    given = {"API": FLOWISE, "export": FLOWISE_EXPORT, "workspace": flowise_workspace()}
    rows = {"chat_message": "ChatMessage", "chat_message_feedback": "ChatMessageFeedback", "chat_flow": "ChatFlow"}
    tables = {table: given["workspace"][name] for table, name in rows.items()}
    conversation = conversation_in(given.get(kind) or database_of(tmp_path, tables))
    assert (conversation.family, conversation.id) == ("flowise", "flowise-chat1")
    asked, called, result, answer = messages_of(conversation)
    assert [text_of(message) for message in (asked, answer)] == ["Where is A17?", "I can't find it."]
    assert [(call.name, call.arguments) for call in called.tool_calls] == [("look_up", '{"order": "A17"}')]
    assert outcome_of(result, result.results[0]) == "error"
    assert (result_text(result, result.results[0]), result.other) == ("no such order", {})
    assert [cited.url for cited in answer.citations] == ["https://desk.example/shipping"]
    assert "wrong" in answer.other["feedback"]
    assert [getattr(part, "filename", "") for part in asked.parts[1:]] == ["box.png"]
    assert asked.origin.notes[0].by == "Flowise"
    assert asked.created


def test_each_agent_of_flowise_is_named_with_what_it_thought_and_called() -> None:
    """Supervisors and workers stand under `agentReasoning`; the last one says what the customer reads."""
    agents = [
        {"agentName": "Supervisor", "messages": [], "next": "Carrier", "instructions": "Find A17"},
        {"agentName": "Carrier", "messages": ["It is late.", "Tomorrow."], "usedTools": [LOOKED_UP]},
    ]
    row = {name: each for name, each in FLOWISE[1].items() if name not in ("usedTools", "reasonContent")}
    action = {"id": "a", "elements": [{"type": "approve-button", "label": "Yes"}]}
    messages = messages_of(
        conversation_in([row | {"content": "Tomorrow.", "agentReasoning": agents, "action": action}])
    )
    called, _result, answer = messages
    assert called.reasoning[0].text == "Supervisor\n\nFind A17\n\nCarrier\n\nIt is late."
    assert called.tool_calls[0].name == "look_up"
    assert (text_of(answer), len(answer.parts)) == ("Tomorrow.", 2)


BUTTONS = {"buttons": [{"name": "Track it", "request": {"type": "path-1", "payload": {"label": "Track it"}}}]}
CARD = {"title": "A17", "description": {"text": "Late"}, "imageUrl": "https://desk.example/a.png", **BUTTONS}
STEPS = [
    ("action", {"type": "launch"}),
    ("trace", {"type": "block", "time": 1775589000100, "payload": {"blockID": "start"}}),
    ("trace", {"type": "text", "time": 1775589000200, "payload": {
        "message": "", "slate": {"content": [{"children": [{"text": "Hello "}, {"type": "link", "children": [
            {"text": "Ada"}]}]}]}}}),
    ("trace", {"type": "choice", "payload": BUTTONS}),
    ("action", {"type": "path-1", "payload": {"label": "Track it"}}),
    ("trace", {"type": "debug", "payload": {"type": "api", "message": "API call successfully triggered"}}),
    ("trace", {"type": "debug", "payload": {"type": "ifV2", "message": "condition matched"}}),
    ("trace", {"type": "cardV2", "payload": CARD}),
    ("action", {"type": "intent", "payload": {"query": "A person, please", "intent": {"name": "handoff"}}}),
    ("trace", {"type": "ext_form", "payload": {"fields": ["phone"]}}),
    ("trace", {"type": "live-agent-handoff", "payload": {}}),
]  # fmt: skip
VOICEFLOW_SAID = [
    ("event", "launch"), ("assistant", "Hello Ada\n[Track it]"), ("user", "Track it"),
    ("event", "API call successfully triggered"), ("assistant", "A17\nLate\n[Track it]"), ("user", "A person, please"),
    ("assistant", ""), ("event", "live-agent-handoff"),
]  # fmt: skip


def voiceflow_turns() -> list[dict[str, Any]]:
    """Write what API v2 gives: a list of turns, of which all of one answer have the same time."""
    return [
        {"turnID": "66c88708590bfb02bc973c2a", "type": "request" if kind == "action" else step["type"],
         "payload": step, "startTime": "2026-04-07T19:10:00.000Z", "format": "request" if kind == "action" else "trace"}
        for kind, step in STEPS
    ]  # fmt: skip


def voiceflow_logs() -> dict[str, Any]:
    """Write what the Analytics API gives."""
    logs = [{"type": kind, "data": step, "createdAt": "2026-04-07T19:10:00.000Z"} for kind, step in STEPS]
    properties = [{"name": "order", "type": "string", "value": "A17"}]
    evaluations = [{"name": "Solved", "type": "boolean", "value": False, "reason": "Was handed over"}]
    about = {"id": "6977ba97dccb326054abf4e9", "sessionID": "s1", "projectID": "p1", "properties": properties}
    return {"transcript": {**about, "createdAt": "2026-04-07T19:10:00.000Z", "evaluations": evaluations, "logs": logs}}


@pytest.mark.parametrize("record", [voiceflow_turns(), voiceflow_logs()], ids=["turns", "logs"])
def test_a_transcript_of_voiceflow_has_what_was_said_and_pressed_but_not_its_way_through_the_flow(record: Any) -> None:
    """A button that was pressed says what it stands for under `label`, and its type is the id of a path."""
    conversation = conversation_in(record)
    messages = messages_of(conversation)
    assert [(message.role, text_of(message)) for message in messages] == VOICEFLOW_SAID
    assert [len(message.parts) for message in messages if message.role == "assistant"] == [2, 3, 1]
    assert messages[1].created
    assert messages[1].created.timestamp() == 1775589000.2


def test_what_voiceflow_knows_of_a_session_is_metadata_and_a_list_of_sessions_is_named() -> None:
    metadata = completion_of(conversation_in(voiceflow_logs())).metadata
    assert metadata == {"session": "s1", "order": "A17", "Solved": "false"}
    listed = {"_id": "1", "sessionID": "s1", "projectID": "p1", "browser": "chrome", "createdAt": "2026-04-07"}
    for page in ([listed], {"transcripts": [listed]}):
        assert remarks_on(page) == ["This is a list of Voiceflow's transcripts, without what was said."]
    silent = {"sessionID": "s1", "projectID": "p1", "logs": [{"type": "action", "data": {"type": "launch"}}]}
    assert remarks_on({"transcript": silent}) == ["A transcript of Voiceflow in which nothing was said."]


STEPS_OF_LANGFLOW = [
    {"type": "text", "header": {"title": "Input"}, "text": "**Input**: Where is A17?"},
    {"type": "text", "text": "Let me look. "},
    {"type": "tool_use", "name": "look_up", "tool_input": {"order": "A17"}, "output": None, "error": "no such order"},
    {"type": "citation", "url": "https://desk.example/shipping", "title": "Shipping"},
    {"type": "text", "header": {"title": "Output"}, "text": "There is no A17."},
]  # fmt: skip
LANGFLOW = [
    {"id": "m1", "flow_id": "f1", "session_id": "s1", "sender": "User", "sender_name": "User", "edit": False,
     "timestamp": "2026-04-07 19:10:00.000000 UTC", "text": "Where is A17?", "files": '["f1/box.png"]',
     "category": "message", "properties": {"source": {"id": None}}, "content_blocks": []},
    {"id": "m2", "flow_id": "f1", "session_id": "s1", "sender": "Machine", "sender_name": "AI", "edit": False,
     "timestamp": "2026-04-07 19:10:04.000000 UTC", "text": "Let me look. There is no A17.", "files": "[]",
     "category": "message", "properties": {"source": {"source": "gpt-4.1"}, "positive_feedback": False},
     "content_blocks": [{"title": "Agent Steps", "contents": STEPS_OF_LANGFLOW}]},
    {"id": "m3", "flow_id": "f1", "session_id": "s1", "sender": "Machine", "sender_name": "Agent", "edit": False,
     "timestamp": "2026-04-07 19:11:00.000000 UTC", "text": "Rate limit reached", "files": "[]", "category": "error",
     "properties": {}, "content_blocks": [{"title": "Error", "contents": [{"type": "error", "reason": "Too many"}]}]},
]  # fmt: skip


@pytest.mark.parametrize("kind", ["API", "database"])
def test_messages_of_langflow_have_the_steps_of_their_agents(kind: str, tmp_path: Path) -> None:
    """Of API v1 only half was read, and nothing of the bot. lfx 1.13.0 writes “UTC” after a time, and files as text."""
    kept = [  # the database has steps without a group, and times that do not say their zone
        row | {"timestamp": row["timestamp"][:-4], "content_blocks": row["content_blocks"][0]["contents"]}
        if row["id"] == "m2" else row | {"timestamp": row["timestamp"][:-4], "flow_id": "f1" if row["id"] == "m1" else None}
        for row in LANGFLOW
    ]  # fmt: skip
    texts = [
        {n: each if isinstance(each, (str, type(None))) else json.dumps(each) for n, each in row.items()}
        for row in kept
    ]
    database = database_of(tmp_path, {"message": texts, "flow": [], "vertex_build": []})
    conversation = conversation_in(LANGFLOW if kind == "API" else database)
    assert (conversation.family, conversation.id) == ("langflow", "langflow-s1")
    asked, called, result, answer, failed = messages_of(conversation)
    assert [text_of(message) for message in (asked, called, answer)] == [
        "Where is A17?", "Let me look. ", "There is no A17.",
    ]  # fmt: skip
    assert [(call.name, call.arguments) for call in called.tool_calls] == [("look_up", '{"order": "A17"}')]
    assert outcome_of(result, result.results[0]) == "error"
    assert [cited.title for cited in answer.citations] == ["Shipping"]
    assert answer.other["feedback"] == '"negative"'
    assert (text_of(failed), failed.error, failed.name) == ("", "Too many", "Agent")
    assert [note.code for note in asked.origin.notes] == ["lost-image"]
    assert asked.created
    assert asked.created.timestamp() == 1775589000
    assert completion_of(conversation).model == "gpt-4.1"


def test_what_an_agent_of_langflow_thought_is_not_what_it_said() -> None:
    steps = [{"type": "reasoning", "text": "I need it."}, {"type": "text", "text": "Weather is bad."}]
    picture = {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"}
    (answer,) = messages_of(conversation_in([LANGFLOW[1] | {"text": "Wait.", "content_blocks": [*steps, picture]}]))
    assert (text_of(answer), answer.reasoning[0].text) == ("Wait.", "I need it.\n\nWeather is bad.")
    assert [getattr(part, "url", "") for part in answer.parts] == ["data:image/png;base64,iVBORw0KGgo=", ""]


def n8n_execution(number: int, runs: dict[str, dict[str, Any]], error: str = "") -> dict[str, Any]:
    """Write an execution as n8n's API gives it with `includeData`, its nodes run in this order."""
    nodes = {name: [{"startTime": 1775589000000 + n, **run}] for n, (name, run) in enumerate(runs.items())}
    result = {"runData": dict(reversed(nodes.items()))} | ({"error": {"message": error}} if error else {})
    agents = [{"name": "AI Agent", "type": "@n8n/n8n-nodes-langchain.agent"}]
    return {
        "id": f"{number}", "finished": not error, "mode": "webhook", "workflowId": "w1", "status": "success",
        "startedAt": f"2026-04-07T19:1{number}:00.000Z", "data": {"resultData": result},
        "workflowData": {"name": "Desk", "nodes": [*agents, {"name": "Edit", "type": "n8n-nodes-base.set"}]},
    }  # fmt: skip


def gave(kind: str, value: Any) -> dict[str, Any]:
    return {kind: [[{"json": value}]]}


def chat(text: str) -> dict[str, Any]:
    return {"data": gave("main", {"sessionId": "s1", "action": "sendMessage", "chatInput": text})}


def test_executions_of_one_session_of_n8n_are_one_conversation() -> None:
    """n8n 2.41: an execution has the runs of each node, and what a tool was given under `inputOverride`."""
    first = n8n_execution(1, {
        "When chat message received": chat("Where is A17?"),
        "Model": {"inputOverride": gave("ai_languageModel", {"messages": ["Human: …"], "options": {"model": "gpt-4.1"}}),
                  "data": gave("ai_languageModel", {"response": {"generations": [[{"text": "I look"}]]}})},
        "look_up": {"inputOverride": gave("ai_tool", {"query": "A17"}), "data": gave("ai_tool", {"response": "late"})},
        "AI Agent": {"data": gave("main", {"output": "It is late."})},
        "Edit": {"data": gave("main", {"output": "IT IS LATE"})},
    })  # fmt: skip
    weather = {"inputOverride": gave("ai_tool", {"query": "Berlin"}), "error": {"message": "timeout"}}
    second = n8n_execution(2, {"When chat message received": chat("Why?"), "weather": weather}, error="No answer")
    conversation = conversation_in({"data": [second, first], "nextCursor": None})
    assert (conversation.family, conversation.id) == ("n8n", "n8n-s1")
    messages = messages_of(conversation)
    assert [(message.role, text_of(message)) for message in messages] == [
        ("user", "Where is A17?"), ("assistant", ""), ("tool", ""), ("assistant", "It is late."), ("user", "Why?"),
        ("assistant", ""), ("tool", ""), ("assistant", ""),
    ]  # fmt: skip
    assert [(call.name, call.arguments) for call in messages[1].tool_calls] == [("look_up", '{"query": "A17"}')]
    assert result_text(messages[2], messages[2].results[0]) == "late"
    assert outcome_of(messages[6], messages[6].results[0]) == "error"
    assert result_text(messages[6], messages[6].results[0]) == "timeout"
    assert messages[7].error == "No answer"
    assert completion_of(conversation).model == "gpt-4.1"
    assert completion_of(conversation).metadata == {"workflow": "Desk", "workflow_id": "w1"}


def flatted(value: Any) -> str:
    """Write a value as flatted 3 does: each object, list and text once, and its number where it stands."""
    known: dict[str, int] = {}
    values = [value]

    def number_of(inner: Any) -> Any:
        if not isinstance(inner, dict | list | str):
            return inner
        text = json.dumps(inner)
        if text not in known:
            known[text] = len(values)
            values.append(inner)
        return f"{known[text]}"

    written = []
    for each in values:  # which grows
        if isinstance(each, dict):
            written.append({name: number_of(inner) for name, inner in each.items()})
        else:
            written.append([number_of(inner) for inner in each] if isinstance(each, list) else each)
    return json.dumps(written)


@pytest.mark.parametrize("kind", ["editor", "table", "CSV", "database"])
def test_executions_of_n8n_are_read_as_its_editor_and_its_database_have_them(kind: str, tmp_path: Path) -> None:
    """n8n 2.41 stores what the nodes did as a list in which an object or a text is the number of its place."""
    agent = {"data": gave("main", {"output": "Where is A17?", "same": [1, None, True]})}
    execution = n8n_execution(1, {"When chat message received": chat("Where is A17?"), "AI Agent": agent})
    data, workflow = flatted(execution["data"]), execution["workflowData"]
    row = {"executionId": "1", "workflowData": json.dumps(workflow), "data": data}
    entity = {name: each for name, each in execution.items() if name not in ("data", "workflowData")}
    deleted = {"id": "2", "deletedAt": "2026-04-07 20:00:00.000"}
    tables = {"execution_entity": [entity, entity | deleted], "execution_data": [row, row | {"executionId": "2"}]}
    lines = io.StringIO()
    csv.writer(lines).writerows([row.keys(), row.values()])
    given = {"editor": {"data": execution | {"data": data}}, "table": [row], "CSV": lines.getvalue().encode()}
    conversation = conversation_in(given.get(kind) or database_of(tmp_path, tables))
    assert (conversation.family, conversation.id) == ("n8n", "n8n-s1")
    assert [(message.role, text_of(message)) for message in messages_of(conversation)] == [
        ("user", "Where is A17?"), ("assistant", "Where is A17?"),
    ]  # fmt: skip
    begun = completion_of(conversation).created
    assert begun is not None
    assert begun.minute == (11 if kind in ("editor", "database") else 10)
    assert completion_of(conversation).metadata["workflow"] == "Desk"


@pytest.mark.parametrize(
    ("values", "remark"),
    [
        ([{"a": "7"}], "a shape that this version does not know"),
        ([{"a": ["1"]}, "x"], "a shape that this version does not know"),
        ([*([f"{n}"] * 8 for n in range(1, 12)), "x"], "longer than 64 MB"),
    ],
)
def test_an_execution_whose_data_cannot_be_put_together_is_refused(values: list[Any], remark: str) -> None:
    """Eleven lists that each name the next eight times would be eight milliards of texts."""
    row = {"executionId": "1", "workflowData": "{}", "data": json.dumps(values)}
    (refused,) = found_in([row])
    assert isinstance(refused, Refusal)
    assert remark in refused.reason


def test_of_several_agents_of_n8n_each_is_named_and_what_only_sorts_does_not_speak() -> None:
    """A chain has its answer under `response`; a classifier gives back a word of its own."""
    execution = n8n_execution(1, {
        "When chat message received": chat("Where is A17?"),
        "Sort": {"data": gave("main", {"output": {"about": "parcels"}})},
        "Chain": {"data": gave("main", {"response": {"text": "It is late."}})},
        "AI Agent": {"data": gave("main", {"output": "Sorry, it is late."})},
    })  # fmt: skip
    types = {"Chain": "chainLlm", "Sort": "informationExtractor"}
    execution["workflowData"]["nodes"] += [
        {"name": name, "type": f"@n8n/n8n-nodes-langchain.{kind}"} for name, kind in types.items()
    ]
    _asked, *answers = messages_of(conversation_in(execution))
    assert [(message.name, text_of(message)) for message in answers] == [
        ("Chain", "It is late."), ("AI Agent", "Sorry, it is late."),
    ]  # fmt: skip


def test_what_was_asked_elsewhere_than_in_the_chat_of_n8n_is_told_by_its_memory_or_its_prompt() -> None:
    saved = {"action": "saveContext", "input": {"input": "Where is A17?"}, "output": {"output": "It is late."}}
    answer = {"data": gave("main", {"output": {"text": "It is late."}})}
    runs = {"Telegram": {"data": gave("main", {"message": {}})}, "AI Agent": answer}
    asked, answered = messages_of(
        conversation_in(n8n_execution(1, runs | {"Memory": {"inputOverride": gave("ai_memory", saved)}}))
    )
    assert [text_of(asked), text_of(answered)] == ["Where is A17?", '{"text": "It is late."}']
    model = {"inputOverride": gave("ai_languageModel", {"messages": ["System: Be kind.\nHuman: Where?"]})}
    prompt, _answer = messages_of(conversation_in(n8n_execution(1, runs | {"Model": model})))
    assert prompt.role == "event"
    assert "Human: Where?" in getattr(prompt.parts[0], "source", "")


def test_executions_of_n8n_that_are_no_conversation_are_named() -> None:
    nobody = n8n_execution(1, {"Edit": {"data": gave("main", {"rows": 3})}})
    assert remarks_on(nobody) == ["Executions of n8n in which nothing was said."]
    del nobody["data"]
    without = "This is an execution of n8n without its data: ask for it with includeData=true."
    assert remarks_on({"data": [nobody], "nextCursor": None}) == [without]


def parlant_event(offset: int, source: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"e{offset}", "source": source, "kind": kind, "offset": offset, "trace_id": "t1", "deleted": offset == 5,
        "creation_utc": f"2026-04-07T19:1{offset}:00Z", "data": data,
    }  # fmt: skip


def said_by(name: str, text: str, **more: Any) -> dict[str, Any]:
    return {"message": text, "participant": {"display_name": name}, **more}


PARLANT = [
    parlant_event(0, "customer", "message", said_by("Ada", "Where is A17?", flagged=True)),
    parlant_event(1, "ai_agent", "status", {"status": "processing", "data": {}}),
    parlant_event(2, "ai_agent", "tool", {"tool_calls": [
        {"tool_id": "local:look_up", "arguments": {"order": "A17"}, "result": {"data": {"error": "no such order"}}}]}),
    parlant_event(3, "ai_agent", "message", said_by("Desk", "There is no A17.", draft="None.")),
    parlant_event(4, "ai_agent", "status", {"status": "error", "data": {"exception": "Rate limit"}}),
    parlant_event(5, "ai_agent", "message", said_by("Desk", "Wait.")),
    parlant_event(6, "human_agent", "message", said_by("Bea", "I take over.")),
]  # fmt: skip
PARLANT_SAID = [
    ("user", "Ada", "Where is A17?"), ("assistant", "", ""), ("tool", "local:look_up", ""),
    ("assistant", "Desk", "There is no A17."), ("event", "", "error: Rate limit"), ("assistant", "Desk", "Wait."),
    ("assistant", "Bea", "I take over."),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["API", "file"])
def test_events_of_parlant_are_joined_by_their_session(kind: str) -> None:
    """Events of parlant 3.3.2's API do not name their session; `sessions.json` has what was deleted, too."""
    session = {"id": "s1", "title": "A17", "customer_id": "cus_1", "creation_utc": "2026-04-07T19:09:00Z"}
    kept = {"sessions": [session], "events": [event | {"session_id": "s1"} for event in reversed(PARLANT)]}
    conversation = conversation_in(PARLANT if kind == "API" else kept)
    messages = messages_of(conversation)
    assert [(message.role, message.name, text_of(message)) for message in messages] == PARLANT_SAID
    assert outcome_of(messages[2], messages[2].results[0]) == "error"
    assert messages[0].other["flagged"] == "true"
    assert [note.code for note in messages[5].origin.notes] == ["hidden"]
    if kind == "file":
        assert conversation.id == "parlant-s1"
        assert completion_of(conversation).metadata == {"title": "A17", "customer_id": "cus_1"}


def test_the_table_that_parlant_exports_is_read_with_names() -> None:
    """It calls a colleague a customer, as everyone but the agent; their name says who it was."""
    table = (
        "Trace ID,Source,Participant,Timestamp,Message,Draft,Tags,Flag\n"
        "t1,Customer,Ada,2026-04-07T19:10:00Z,Where is A17?,,,\n"
        't1,AI Agent,Desk,2026-04-07T19:11:00Z,"There is no A17.",None.,,rude\n'
        "t2,Customer,Bea,2026-04-07T19:12:00Z,I take over.,,,\n"
    )
    messages = messages_of(conversation_in(table.encode()))
    assert [(message.role, message.name, text_of(message)) for message in messages] == [
        ("user", "Ada", "Where is A17?"), ("assistant", "Desk", "There is no A17."), ("user", "Bea", "I take over."),
    ]  # fmt: skip
    assert messages[1].other["flag"] == '"rude"'
    assert remarks_on(PARLANT[1:2]) == ["A session of Parlant in which nothing was said."]


ASKED = {"id": "u1", "role": "user", "content": [
    {"type": "text", "text": "Where is A17?"},
    {"type": "image", "source": {"type": "data", "value": "iVBORw0KGgo=", "mimeType": "image/png"}},
]}  # fmt: skip
AG_UI = [
    {"type": "REASONING_MESSAGE_CHUNK", "messageId": "q", "delta": "I need it."},
    {"type": "TEXT_MESSAGE_START", "messageId": "m1", "role": "assistant", "timestamp": 1775589000000},
    {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "Let me "},
    {"type": "TEXT_MESSAGE_CHUNK", "delta": "look."},
    {"type": "TOOL_CALL_START", "toolCallId": "c1", "toolCallName": "look_up", "parentMessageId": "m1"},
    {"type": "TOOL_CALL_ARGS", "toolCallId": "c1", "delta": '{"order": '},
    {"type": "TOOL_CALL_CHUNK", "delta": '"A17"}'},
    {"type": "TOOL_CALL_RESULT", "messageId": "m2", "toolCallId": "c1", "content": "Error: no such order"},
    {"type": "ACTIVITY_SNAPSHOT", "messageId": "m3", "activityType": "PLAN", "content": {"steps": []}},
    {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m4", "delta": "There is no A17."},
    {"type": "STATE_DELTA", "delta": []},
]  # fmt: skip
AG_UI_SAID = [("assistant", "Let me look."), ("tool", ""), ("event", ""), ("assistant", "There is no A17.")]


def ag_ui_run(*events: dict[str, Any], **started: Any) -> bytes:
    """Write a run as a recorded stream has it."""
    run = [{"type": "RUN_STARTED", "threadId": "t1", "runId": "r1", **started}, *events]
    return "\n\n".join(f"data: {json.dumps(event)}" for event in run).encode()


def test_events_of_ag_ui_are_put_together() -> None:
    """Of a stream only the results of tools were read, as a conversation of their own; ag-ui-protocol 1.0.0."""
    finished = {"type": "RUN_FINISHED", "threadId": "t1", "runId": "r1"}
    conversation = conversation_in(ag_ui_run(*AG_UI, finished, input={"messages": [ASKED]}))
    assert (conversation.family, conversation.id) == ("ag-ui", "ag-ui-t1")
    asked, called, result, *others = messages_of(conversation)
    assert [(message.role, text_of(message)) for message in (called, result, *others)] == AG_UI_SAID
    assert (text_of(asked), len(asked.parts)) == ("Where is A17?", 2)
    assert called.reasoning[0].text == "I need it."
    assert [(call.name, call.arguments) for call in called.tool_calls] == [("look_up", '{"order": "A17"}')]
    assert outcome_of(result, result.results[0]) == "error"
    assert called.created
    assert called.created.timestamp() == 1775589000
    assert not any(message.origin.notes for message in (asked, called))


def test_what_a_stream_of_ag_ui_lacks_is_said_and_how_its_run_ended() -> None:
    first, *_others = messages_of(conversation_in(ag_ui_run(*AG_UI)))
    assert [note.code for note in first.origin.notes] == ["lost-input", "cut-off"]
    failed = messages_of(conversation_in(ag_ui_run(*AG_UI, {"type": "RUN_ERROR", "message": "Rate limit"})))
    assert failed[-1].error == "Rate limit"
    interrupts = [{"id": "i1", "reason": "tool_call", "message": "May I refund?"}]
    asking = {"type": "RUN_FINISHED", "outcome": {"type": "interrupt", "interrupts": interrupts}}
    assert text_of(messages_of(conversation_in(ag_ui_run(*AG_UI, asking)))[-1]) == "interrupt: May I refund?"


def test_a_snapshot_of_ag_ui_replaces_what_came_before_and_older_thoughts_have_no_id() -> None:
    thoughts = [
        {"type": "THINKING_TEXT_MESSAGE_START"},
        {"type": "THINKING_TEXT_MESSAGE_CONTENT", "delta": "Hm"},
        {"type": "THINKING_TEXT_MESSAGE_CONTENT", "delta": "m."},
        {"type": "THINKING_TEXT_MESSAGE_END"},
    ]
    snapshot = {"type": "MESSAGES_SNAPSHOT", "messages": [ASKED, {"id": "m1", "role": "assistant", "content": "Late."}]}
    answer = {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m5", "delta": "Sorry."}
    messages = messages_of(conversation_in(ag_ui_run(*AG_UI, snapshot, *thoughts, answer)))
    assert [(message.role, text_of(message)) for message in messages] == [
        ("user", "Where is A17?"), ("assistant", "Late."), ("assistant", "Sorry."),
    ]  # fmt: skip
    assert messages[-1].reasoning[0].text == "Hmm."


def test_the_input_of_a_run_of_ag_ui_is_a_thread_with_its_pictures() -> None:
    """It was taken for a request to Anthropic, and its picture was lost."""
    older = {"type": "binary", "mimeType": "image/png", "url": "https://desk.example/a.png"}
    file = {"type": "document", "source": {"type": "file", "value": "file_1"}}
    asked = ASKED | {"content": [*ASKED["content"], older, file]}
    failed = {"id": "m2", "role": "tool", "toolCallId": "c1", "content": "", "error": "timeout"}
    call = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    called = {"id": "m1", "role": "assistant", "toolCalls": [call]}
    given = {"threadId": "t1", "runId": "r1", "messages": [asked, called, failed], "tools": [], "context": []}
    conversation = conversation_in(given)
    assert (conversation.family, conversation.id) == ("ag-ui", "ag-ui-t1")
    first, _called, result = messages_of(conversation)
    urls = [getattr(part, "url", "") for part in first.parts[1:]]
    assert urls == ["data:image/png;base64,iVBORw0KGgo=", "https://desk.example/a.png", ""]
    assert outcome_of(result, result.results[0]) == "error"
    plain = {"threadId": "t1", "runId": "r1", "messages": [{"id": "u1", "role": "user", "content": "Hello"}]}
    assert conversation_in(plain).id == "ag-ui-t1"
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    assert conversation_in(plain | {"messages": [{"role": "user", "content": [block]}]}).family == "anthropic"


def test_pictures_and_sound_of_a_transcript_of_typebot_are_shown() -> None:
    """They stand under the name of their kind, and were empty messages."""
    said = [
        {"role": "bot", "type": "text", "text": "What happened?"},
        {"role": "user", "type": "image", "image": "https://desk.example/a.png"},
        {"role": "user", "type": "audio", "audio": "https://desk.example/a.mp3"},
        {"role": "bot", "type": "video", "video": "https://desk.example/a.mp4"},
    ]
    conversation = conversation_in({"transcript": said})
    messages = messages_of(conversation)
    assert (conversation.family, [message.role for message in messages]) == (
        "typebot", ["assistant", "user", "user", "assistant"],
    )  # fmt: skip
    assert [type(part).__name__ for message in messages for part in message.parts] == [
        "TextPart", "ImagePart", "AudioPart", "FilePart",
    ]  # fmt: skip


def test_a_result_of_typebot_has_the_answers_of_a_visitor_alone_and_says_so() -> None:
    answers = [{"blockId": "b1", "content": "Ada"},
               {"blockId": "b2", "content": "It is torn", "attachedFileUrls": ["https://desk.example/a.png?s=1"]}]  # fmt: skip
    result = {
        "id": "r1", "createdAt": "2026-04-07T19:10:00.000Z", "typebotId": "t1", "isCompleted": False,
        "variables": [{"id": "v1", "name": "Name", "value": "Ada"}], "answers": answers,
    }  # fmt: skip
    conversation = conversation_in({"results": [result], "nextCursor": None})
    first, second = messages_of(conversation)
    assert (conversation.id, first.role, text_of(first), len(second.parts)) == ("typebot-r1", "user", "Ada", 2)
    assert [(note.code, note.by) for note in first.origin.notes] == [("lost-answer", "Typebot")]
    assert completion_of(conversation).metadata == {"typebotId": "t1", "isCompleted": "false", "Name": "Ada"}
    assert remarks_on({"result": result | {"answers": []}}) == ["A result of Typebot in which nothing was said."]


def test_what_flowise_and_langflow_answer_is_a_turn_with_its_question() -> None:
    """Apps that ask them write down the answers, of which each repeats what was asked."""
    first = {"text": "No A17.", "question": "Where is A17?", "chatId": "c1", "chatMessageId": "m1", "sessionId": "c1",
             "usedTools": [LOOKED_UP]}  # fmt: skip
    second = first | {"text": None, "json": {"order": None}, "question": "And B2?", "chatMessageId": "m2"}
    conversation = conversation_in("\n".join(map(json.dumps, (first, second))).encode())
    assert conversation.id == "flowise-c1"
    assert [(message.role, text_of(message)) for message in messages_of(conversation)] == [
        ("user", "Where is A17?"), ("assistant", ""), ("tool", ""), ("assistant", "No A17."), ("user", "And B2?"),
        ("assistant", ""), ("tool", ""), ("assistant", '{"order": null}'),
    ]  # fmt: skip
    given = {"input_value": "Where is A17?"}
    data = {name: each for name, each in LANGFLOW[1].items() if name != "flow_id"}
    run = {"session_id": "s1", "outputs": [{"inputs": given, "outputs": [{"results": {"message": {"data": data}}}]}]}
    asked, called, _result, answer = messages_of(conversation_in(run))
    assert [text_of(message) for message in (asked, called, answer)] == [
        "Where is A17?", "Let me look. ", "There is no A17.",
    ]  # fmt: skip
    older = {"results": {"result": "No A17."}, "artifacts": {"message": "No A17.", "sender": "Machine"}}
    asked, answer = messages_of(
        conversation_in({"session_id": "s1", "outputs": [{"inputs": given, "outputs": [older]}]})
    )
    assert (text_of(asked), text_of(answer)) == ("Where is A17?", "No A17.")


@pytest.mark.parametrize(
    "told",
    ["tool invoke error: timeout", "unknown error: x", "there is not a tool named look_up",
     "tool parameters validation error: order, please check your tool parameters"],
)  # fmt: skip
def test_a_tool_of_dify_that_failed_has_words_of_its_own_in_the_place_of_a_result(told: str) -> None:
    """By `ToolEngine.agent_invoke`; the steps of a run have the error beside what the tool would have given."""
    thought = {"thought": "", "tool": "look_up", "tool_input": "{}", "position": 1}
    for observation in (json.dumps({"look_up": told}), {"look_up": {"error": told}}):
        conversation = conversation_in(DIFY | {"agent_thoughts": [thought | {"observation": observation}]})
        (result,) = [message for message in messages_of(conversation) if message.results]
        assert result_text(result, result.results[0]) == told
        assert outcome_of(result, result.results[0]) == "error"


def test_rows_of_flowise_in_a_page_of_a_list_keep_their_tools() -> None:
    """They have a role and a text, as messages of no known tool have, but are records of Flowise."""
    tool = {"tool": "look_up", "toolInput": {"order": "A17"}, "toolOutput": "sent"}
    rows = [
        {"id": f"m{n}", "role": role, "content": role, "chatId": "c1", "chatflowid": "f1", "usedTools": tools,
         "createdDate": f"2025-01-01T10:00:0{n}.000Z"}
        for n, (role, tools) in enumerate((("userMessage", None), ("apiMessage", [tool])))
    ]  # fmt: skip
    conversation = conversation_in({"data": rows})
    assert conversation.family == "flowise"
    assert [message.role for message in messages_of(conversation)] == ["user", "assistant", "tool", "assistant"]
