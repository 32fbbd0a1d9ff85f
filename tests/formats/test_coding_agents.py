"""Sessions of agents that write code: each as the tool of the named version keeps it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import (
    completion_of,
    conversation_in,
    conversations_in,
    found_in,
    messages_of,
    refusals_in,
    remarks_on,
)
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.types import ImagePart, Message, text_of
from viewer.completions.zstandard import zstd
from viewer.formats.document import Conversation, Refusal

SESSION = "3f0f8a52-6d1c-4f0e-9b1a-2f0c1d5e7a90"


def on_lines(*values: dict[str, Any]) -> bytes:
    return "\n".join(map(json.dumps, values)).encode()


def said(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.role, text_of(message)) for message in messages]


def notes(messages: list[Message]) -> list[tuple[str, int]]:
    return [(note.code, note.count) for message in messages for note in message.origin.notes]


def calls(messages: list[Message]) -> list[tuple[str, str]]:
    return [(call.id, call.name) for message in messages for call in message.tool_calls]


def results(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [
        (result.call_id, result_text(message, result), outcome_of(message, result))
        for message in messages
        for result in message.results
    ]


# --- Claude Code ----------------------------------------------------------------------------------------------------


def claude_line(own: str, before: str | None, kind: str, **more: Any) -> dict[str, Any]:
    beside = {"isSidechain": False, "sessionId": SESSION, "version": "2.1.173", "cwd": "/work/app",
              "timestamp": f"2026-06-15T10:00:{int(own[1:]):02}.000Z"}  # fmt: skip
    return {"type": kind, "uuid": own, "parentUuid": before} | beside | more


def typed(own: str, before: str | None, content: Any, **more: Any) -> dict[str, Any]:
    return claude_line(own, before, "user", message={"role": "user", "content": content}, **more)


def answered(own: str, before: str, answer: str, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    message = {"id": answer, "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "stop_reason": None}
    return claude_line(own, before, "assistant", message=message | {"content": list(blocks)}, **more)


def block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def use(call_id: str, name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": {"path": "a"}}


def result(call_id: str, content: str, **more: Any) -> list[dict[str, Any]]:
    return [{"type": "tool_result", "tool_use_id": call_id, "content": content, **more}]


def test_a_session_of_claude_code_is_one_conversation_although_each_block_of_an_answer_has_a_line() -> None:
    """Until they were read together, each line with an answer was a conversation of its own."""
    (conversation,) = conversations_in(
        on_lines(
            {"type": "summary", "summary": "Of another session", "leafUuid": "elsewhere"},
            {"type": "file-history-snapshot", "messageId": "u1", "snapshot": {}},
            typed("u1", None, "Fix the bug"),
            answered("a2", "u1", "msg_1", {"type": "thinking", "thinking": "Where is it?", "signature": "x"}),
            answered("a3", "a2", "msg_1", block("Let me look.")),
            answered("a4", "a3", "msg_1", use("t1", "Bash")),
            typed("u5", "a4", result("t1", "No such file", is_error=True), toolUseResult="Error: No such file"),
            answered("a6", "u5", "msg_2", block("It is not there.")),
            claude_line("s7", "a6", "attachment", attachment={"type": "todo_reminder", "content": []}),
            {"type": "ai-title", "aiTitle": "A bug", "sessionId": SESSION},
        )
    )
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("claude-code", SESSION)
    assert said(messages) == [
        ("user", "Fix the bug"), ("assistant", "Let me look."), ("tool", ""), ("assistant", "It is not there."),
    ]  # fmt: skip
    assert [thought.text for thought in messages[1].reasoning] == ["Where is it?"]
    assert calls(messages) == [("t1", "Bash")]
    assert results(messages) == [("t1", "No such file", "error")]
    completion = completion_of(conversation)
    assert (completion.model, completion.metadata["title"]) == ("claude-haiku-4-5", "A bug")
    assert messages[0].created
    assert messages[0].created.isoformat() == "2026-06-15T10:00:01+00:00"


def test_calls_that_ran_at_the_same_time_fork_a_session_of_claude_code_but_are_no_branches() -> None:
    """Each result names the line of its call as the one before it, so that a way through the lines leaves one out."""
    messages = messages_of(
        conversation_in(
            on_lines(
                typed("u1", None, "Read both"),
                answered("a2", "u1", "msg_1", use("t1", "Read")),
                answered("a3", "a2", "msg_1", use("t2", "Grep")),
                typed("u4", "a2", result("t1", "one")),
                typed("u5", "a3", result("t2", "two")),
                answered("a6", "u5", "msg_2", block("Done")),
            )
        )
    )
    assert [message.role for message in messages] == ["user", "assistant", "tool", "tool", "assistant"]
    assert calls(messages) == [("t1", "Read"), ("t2", "Grep")]
    assert [(call_id, text) for call_id, text, _ in results(messages)] == [("t1", "one"), ("t2", "two")]
    assert notes(messages) == []


def test_a_prompt_of_claude_code_that_was_edited_leaves_a_branch_behind() -> None:
    conversation = conversation_in(
        on_lines(
            typed("u1", None, "Start"),
            answered("a2", "u1", "msg_1", block("Ready")),
            typed("u3", "a2", "First attempt"),
            answered("a4", "u3", "msg_2", block("First answer")),
            typed("u5", "a2", "Second attempt"),
            answered("a6", "u5", "msg_3", block("Second answer")),
        )
    )
    messages = messages_of(conversation)
    assert [text for _, text in said(messages)] == ["Start", "Ready", "Second attempt", "Second answer"]
    assert [note.code for note in messages[2].origin.notes] == ["other-branches"]
    assert "First answer" in completion_of(conversation).source


def test_a_session_of_claude_code_goes_on_after_its_history_was_summarised() -> None:
    """A `compact_boundary` has no line before it; what it names as that may be written after it."""
    messages = messages_of(
        conversation_in(
            on_lines(
                typed("u1", None, "Start"),
                answered("a2", "u1", "msg_1", block("Ready")),
                claude_line("s3", None, "system", subtype="compact_boundary", content="Conversation compacted",
                            logicalParentUuid="a5"),
                typed("u4", "s3", "This session is being continued: …", isCompactSummary=True),
                answered("a5", "u4", "msg_2", block("Kept going")),
                typed("u6", "a5", "Go on"),
                answered("a7", "u6", "msg_3", block("Done")),
            )
        )
    )  # fmt: skip
    assert said(messages) == [
        ("user", "Start"), ("assistant", "Ready"), ("event", "Conversation compacted"),
        ("system", "This session is being continued: …"), ("assistant", "Kept going"), ("user", "Go on"),
        ("assistant", "Done"),
    ]  # fmt: skip


def test_what_claude_code_puts_in_the_place_of_the_user_is_not_the_customers() -> None:
    command = "<command-name>/review</command-name>\n<command-args>all</command-args>"
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    messages = messages_of(
        conversation_in(
            on_lines(
                typed("u1", None, "Caveat: …", isMeta=True),
                typed("u2", "u1", command),
                typed("u3", "u2", "<local-command-stdout>Set to \x1b[1mopus\x1b[22m</local-command-stdout>"),
                typed("u4", "u3", "<bash-input> make</bash-input>"),
                typed("u5", "u4", [block("<ide_opened_file>a.py</ide_opened_file>"), block("See this"), picture]),
                typed("u6", "u5", [block("[Request interrupted by user]")]),
                typed("u7", "u6", "<task-notification>done</task-notification>", origin={"kind": "task-notification"}),
                answered("a8", "u7", "msg_1", block("Seen")),
            )
        )
    )
    assert said(messages) == [
        ("system", "Caveat: …"), ("user", "/review all"), ("event", "Set to opus"), ("user", "! make"),
        ("event", "a.py"), ("user", "See this"), ("event", "[Request interrupted by user]"), ("event", "done"),
        ("assistant", "Seen"),
    ]  # fmt: skip
    assert [part for part in messages[5].parts if isinstance(part, ImagePart)]


def test_what_was_typed_while_claude_code_worked_is_shown_once() -> None:
    """2.1.207 writes it as an attachment too; before, the operation of the queue was all that there is of it."""
    taken = {"type": "queue-operation", "operation": "remove", "content": "and hurry", "sessionId": SESSION}
    first, last = typed("u1", None, "Start"), answered("a4", "u1", "msg_1", block("Done"))
    attached = claude_line("s2", "u1", "attachment", attachment={"type": "queued_command", "prompt": "and hurry"})
    for lines in ([first, taken, last], [first, attached, taken, last]):
        messages = messages_of(conversation_in(on_lines(*lines)))
        assert said(messages) == [("user", "Start"), ("user", "and hurry"), ("assistant", "Done")]


def test_errors_of_claude_code_are_shown_as_errors() -> None:
    last = answered("a3", "s2", "syn", block("API Error: 529 overloaded"), isApiErrorMessage=True)
    last["message"]["model"] = "<synthetic>"
    conversation = conversation_in(
        on_lines(
            typed("u1", None, "Start"),
            claude_line("s2", "u1", "system", subtype="api_error", error={"status": 529}),
            claude_line("s4", "u1", "system", subtype="turn_duration", durationMs=5),
            last,
        )
    )
    messages = messages_of(conversation)
    assert said(messages) == [("user", "Start"), ("event", '{"status": 529}'), ("assistant", "")]
    assert "API Error: 529 overloaded" in dict(conversation.fields)["choices"].source
    assert completion_of(conversation).model != "<synthetic>"


def test_a_subagent_of_claude_code_is_a_conversation_of_its_own() -> None:
    """It is in a file of its own since 2.0; before, its lines stand between those of the session, without its id."""
    main = [typed("u1", None, "Start"), answered("a2", "u1", "msg_1", use("t1", "Task"))]
    ends = [typed("u7", "a2", result("t1", "Found")), answered("a8", "u7", "msg_2", block("Done"))]
    for agent, name in (({"agentId": "ab12"}, "ab12"), ({}, "u3")):
        aside = {"isSidechain": True, **agent}
        sub = [typed("u3", None, "Look", **aside), answered("a4", "u3", "msg_s", block("Found"), **aside)]
        whole, part = conversations_in(on_lines(*main, *sub, *ends))
        assert [role for role, _ in said(messages_of(whole))] == ["user", "assistant", "tool", "assistant"]
        assert said(messages_of(part)) == [("user", "Look"), ("assistant", "Found")]
        assert (part.id, completion_of(part).metadata["session"]) == (f"{SESSION}-{name}", SESSION)


def test_what_claude_code_streams_is_read_also_as_a_list_and_says_that_the_prompt_is_missing() -> None:
    """`--output-format stream-json`, and the list that its action for GitHub keeps."""
    beside = {"parent_tool_use_id": None, "session_id": SESSION}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "stop_reason": None}
    lines = [
        {"type": "system", "subtype": "init", "session_id": SESSION, "uuid": "i", "tools": ["Bash"]},
        {"type": "assistant", "message": message | {"content": [use("t1", "Bash")]}, **beside},
        {"type": "user", "message": {"role": "user", "content": result("t1", "ok")}, **beside},
        {"type": "assistant", "message": message | {"id": "msg_2", "content": [block("Done")]}, **beside},
        {"type": "result", "subtype": "error_max_turns", "is_error": True, "session_id": SESSION, "errors": []},
    ]
    for source in (on_lines(*lines), lines):
        messages = messages_of(conversation_in(source))
        assert [role for role, _ in said(messages)] == ["assistant", "tool", "assistant", "event"]
        assert notes(messages) == [("lost-input", 0)]
        assert text_of(messages[-1]) == "error_max_turns"


def test_a_session_of_claude_code_without_words_is_named() -> None:
    empty = {"type": "summary", "summary": "T", "leafUuid": "x"}
    assert remarks_on(on_lines(empty)) == ["A session of Claude Code in which nothing was said."]


# --- Codex ----------------------------------------------------------------------------------------------------------


def codex_line(kind: str, second: int = 1, **payload: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-01-02T03:04:{second:02}.000Z", "type": kind, "payload": payload}


def codex_item(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return codex_line("response_item", type="message", role=role, content=[{"type": kind, "text": text}])


def codex_event(kind: str, **more: Any) -> dict[str, Any]:
    return codex_line("event_msg", type=kind, **more)


CODEX_META = codex_line("session_meta", id=SESSION, timestamp="2026-01-02T03:04:05.000Z", cwd="/work/app",
                        cli_version="0.144.1", base_instructions={"text": "Be brief."},
                        git={"branch": "main"})  # fmt: skip


def test_a_session_of_codex_is_read_once_although_most_of_it_stands_there_twice() -> None:
    """Items are for the model, events for the person; Codex itself adds messages in the place of the user."""
    conversation = conversation_in(
        on_lines(
            CODEX_META,
            codex_line("response_item", type="message", role="developer",
                       content=[{"type": "input_text", "text": "<permissions instructions>"}]),
            codex_item("user", "<environment_context>x</environment_context>"),
            codex_item("user", "List the files."),
            codex_event("user_message", message="List the files.", images=[]),
            codex_line("turn_context", model="gpt-5-codex", cwd="/work/app"),
            codex_event("agent_reasoning", text="I look."),
            codex_line("response_item", type="reasoning", summary=[{"type": "summary_text", "text": "I look."}],
                       encrypted_content="x"),
            codex_line("response_item", 9, type="function_call", name="exec_command", arguments='{"cmd":"ls"}',
                       call_id="c1"),
            codex_line("response_item", type="function_call_output", call_id="c1", output="a.txt"),
            codex_line("response_item", type="custom_tool_call", name="apply_patch", input="*** Begin", call_id="c2"),
            codex_line("response_item", type="custom_tool_call_output", call_id="c2", output="Done"),
            codex_event("token_count", info={}),
            codex_event("agent_message", message="There is a.txt."),
            codex_item("assistant", "There is a.txt."),
            codex_event("task_complete", last_agent_message="There is a.txt."),
        )
    )  # fmt: skip
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("codex", SESSION)
    assert said(messages) == [
        ("system", "Be brief."), ("developer", "<permissions instructions>"),
        ("system", "<environment_context>x</environment_context>"), ("user", "List the files."), ("assistant", ""),
        ("assistant", ""), ("tool", ""), ("assistant", ""), ("tool", ""), ("assistant", "There is a.txt."),
    ]  # fmt: skip
    assert [thought.text for thought in messages[4].reasoning] == ["I look."]
    assert calls(messages) == [("c1", "exec_command"), ("c2", "apply_patch")]
    assert [(call_id, text) for call_id, text, _ in results(messages)] == [("c1", "a.txt"), ("c2", "Done")]
    assert messages[5].created
    assert messages[5].created.second == 9
    completion = completion_of(conversation)
    assert (completion.model, completion.metadata["branch"]) == ("gpt-5-codex", "main")
    assert "token_count" in completion.source


def test_what_codex_has_only_as_an_event_is_shown_too() -> None:
    messages = messages_of(
        conversation_in(
            on_lines(
                CODEX_META,
                codex_event("user_message", message="Start"),
                codex_event("agent_reasoning", text="I look."),
                codex_event("agent_message", message="Starting"),
                codex_event("turn_aborted", reason="interrupted"),
                codex_line("compacted", message="They wanted a start.", replacement_history=[]),
                codex_event("error", message="Rate limit"),
            )
        )
    )[1:]
    assert [(message.role, message.name, text_of(message)) for message in messages] == [
        ("user", "", "Start"), ("assistant", "", ""), ("assistant", "", "Starting"),
        ("event", "turn_aborted", "interrupted"), ("system", "compacted", "They wanted a start."),
        ("event", "error", "Rate limit"),
    ]  # fmt: skip


def test_turns_of_codex_that_were_taken_back_are_a_branch_that_is_left() -> None:
    conversation = conversation_in(
        on_lines(
            CODEX_META,
            codex_event("user_message", message="First"),
            codex_event("agent_message", message="One"),
            codex_event("user_message", message="Wrong"),
            codex_event("agent_message", message="Bad"),
            codex_event("thread_rolled_back", num_turns=1),
            codex_event("user_message", message="Right"),
            codex_event("agent_message", message="Good"),
        )
    )
    messages = messages_of(conversation)[1:]
    assert [text for _, text in said(messages)] == ["First", "One", "Right", "Good"]
    assert [note.code for note in messages[2].origin.notes] == ["other-branches"]
    assert "Bad" in completion_of(conversation).source


def test_the_exit_code_of_a_command_of_codex_says_whether_it_failed() -> None:
    outputs = {
        '{"output":"no","metadata":{"exit_code":1,"duration_seconds":0.1}}': "error",
        '{"output":"Exit code: 1","metadata":{"exit_code":0}}': "",
        "Exit code: 2\nWall time: 0 seconds\nOutput:\nno": "error",
        "Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\nyes": "",
        "yes": "",
    }
    for output, outcome in outputs.items():
        lines = [
            codex_item("user", "Go"),
            codex_line("response_item", type="function_call", name="shell", arguments="{}", call_id="c1"),
            codex_line("response_item", type="function_call_output", call_id="c1", output=output),
        ]
        assert [each for _, _, each in results(messages_of(conversation_in(on_lines(*lines))))] == [outcome], output


def test_what_codex_exec_writes_says_that_the_prompt_is_missing() -> None:
    run = {
        "id": "item_1",
        "type": "command_execution",
        "command": "ls",
        "aggregated_output": "",
        "status": "in_progress",
    }
    conversation = conversation_in(
        on_lines(
            {"type": "thread.started", "thread_id": SESSION},
            {"type": "turn.started"},
            {"type": "item.completed", "item": {"id": "item_0", "type": "reasoning", "text": "I look."}},
            {"type": "item.started", "item": run},
            {"type": "item.completed",
             "item": run | {"aggregated_output": "no", "exit_code": 1, "status": "failed"}},
            {"type": "item.completed", "item": {"id": "item_2", "type": "agent_message", "text": "Nothing"}},
            {"type": "turn.completed", "usage": {"input_tokens": 1}},
        )
    )  # fmt: skip
    messages = messages_of(conversation)
    assert conversation.id == SESSION
    assert said(messages) == [("assistant", ""), ("tool", ""), ("assistant", "Nothing")]
    assert results(messages) == [("item_1", "no", "error")]
    assert notes(messages) == [("lost-input", 0)]


def test_a_session_of_codex_without_words_is_named() -> None:
    assert remarks_on(on_lines(codex_line("turn_context", model="x"))) == [
        "A session of Codex in which nothing was said."
    ]


# --- Gemini CLI -----------------------------------------------------------------------------------------------------


def gemini_message(own: str, kind: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"id": gemini_id(own), "timestamp": "2026-01-02T03:04:05.000Z", "type": kind, "content": content, **more}


def gemini_id(own: str) -> str:
    """Return an id as Gemini CLI gives them, by which its lines are told from those of logs."""
    return f"3f0f8a52-6d1c-4f0e-9b1a-{ord(own[0]):06x}{own[1:]:0>6}"


GEMINI_ABOUT = {"sessionId": SESSION, "projectHash": "x", "startTime": "2026-01-02T03:04:00.000Z"}
GEMINI_CALL = {
    "id": "c1", "name": "list_directory", "args": {"path": "."}, "status": "error",
    "result": [{"functionResponse": {"id": "c1", "name": "list_directory", "response": {"error": "denied"}}}],
}  # fmt: skip
GEMINI_ANSWER = gemini_message(
    "m2", "gemini", "I look.", model="gemini-2.5-pro", tokens=None, toolCalls=[GEMINI_CALL],
    thoughts=[{"subject": "Files", "description": "I list them", "timestamp": "2026-01-02T03:04:05.000Z"}],
)  # fmt: skip


def test_a_session_of_gemini_cli_is_read_as_json_and_on_lines() -> None:
    asked = gemini_message("m1", "user", [{"text": "List the files."}])
    whole = GEMINI_ABOUT | {"messages": [asked, GEMINI_ANSWER, gemini_message("m3", "error", "Quota")]}
    growing = {name: value for name, value in GEMINI_ANSWER.items() if name != "toolCalls"}
    lines = [GEMINI_ABOUT, asked, {"$set": {"lastUpdated": "x"}}, growing, GEMINI_ANSWER, whole["messages"][-1],
             {"$set": {"summary": "Files"}}]  # fmt: skip
    for source in (whole, on_lines(*lines)):
        conversation = conversation_in(source)
        messages = messages_of(conversation)
        assert (conversation.family, conversation.id) == ("gemini-cli", SESSION)
        assert [(message.role, message.name, text_of(message)) for message in messages] == [
            ("user", "", "List the files."), ("assistant", "", "I look."), ("tool", "list_directory", ""),
            ("event", "error", "Quota"),
        ]  # fmt: skip
        assert [thought.text for thought in messages[1].reasoning] == ["Files\nI list them"]
        assert results(messages) == [("c1", "denied", "error")]
        assert completion_of(conversation).model == "gemini-2.5-pro"
    assert completion_of(conversation).metadata["title"] == "Files"


def test_what_gemini_cli_took_back_is_a_branch_and_a_compressed_history_loses_nothing() -> None:
    """A `$set` with messages takes the place of all that came before: masked results, and a summary that is new."""
    masked = {"functionResponse": {"id": "c1", "name": "list_directory", "response": {"output": "[masked]"}}}
    left = [gemini_message("m1", "user", [{"text": "[cut]"}]), gemini_message("r", "user", [masked]),
            gemini_message("s", "user", [{"text": "A summary"}])]  # fmt: skip
    conversation = conversation_in(
        on_lines(
            GEMINI_ABOUT,
            gemini_message("m1", "user", [{"text": "List the files."}]),
            GEMINI_ANSWER,
            gemini_message("m3", "user", [{"text": "Wrong"}]),
            {"$rewindTo": gemini_id("m3")},
            gemini_message("m4", "user", [{"text": "Right"}]),
            {"$set": {"messages": left}},
        )
    )
    messages = messages_of(conversation)
    assert [text for _, text in said(messages)] == ["List the files.", "I look.", "", "Right", "A summary"]
    assert notes(messages) == [("other-branches", 1)]
    assert "Wrong" in completion_of(conversation).source
    assert remarks_on(on_lines(GEMINI_ABOUT)) == ["A session of Gemini CLI in which nothing was said."]


# --- Cline and Roo Code ---------------------------------------------------------------------------------------------


def shown(kind: str, text: str = "", **more: Any) -> dict[str, Any]:
    is_asked = kind in ("followup", "tool", "command", "use_mcp_server", "api_req_failed")
    return {"ts": 1767225600000, "type": "ask" if is_asked else "say", "ask" if is_asked else "say": kind,
            "text": text} | more  # fmt: skip


def test_what_a_person_saw_of_a_task_of_cline_is_a_conversation() -> None:
    """`ui_messages.json` was refused item by item."""
    info = {"modelInfo": {"providerId": "anthropic", "modelId": "claude-sonnet-4-5"}}
    conversation = conversation_in(
        [
            shown("text", "Fix it", images=["data:image/png;base64,aGk="]),
            shown("api_req_started", '{"request":"…","tokensIn":1}', **info),
            shown("reasoning", "hm"),
            shown("tool", '{"tool":"readFile","path":"a.py"}'),
            shown("command", "make"),
            shown("command_output", "Error: no rule"),
            shown("use_mcp_server", '{"serverName":"s","type":"use_mcp_tool","toolName":"look","arguments":"{}"}'),
            shown("mcp_server_response", "found"),
            shown("followup", '{"question":"Which one?","options":["a","b"]}'),
            shown("user_feedback", "The first"),
            shown("api_req_started", '{"request":"…","cancelReason":"streaming_failed"}'),
            shown("checkpoint_created"),
            shown("completion_result", "Done"),
        ]
    )
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("cline", "cline-1767225600000")
    assert said(messages) == [
        ("user", "Fix it"), ("assistant", ""), ("assistant", ""), ("assistant", ""), ("tool", ""), ("assistant", ""),
        ("tool", ""), ("assistant", "Which one?\n- a\n- b"), ("user", "The first"), ("event", "streaming_failed"),
        ("assistant", "Done"),
    ]  # fmt: skip
    assert [name for _, name in calls(messages)] == ["readFile", "command", "look"]
    assert results(messages) == [("command-2", "Error: no rule", "error"), ("use_mcp_server-3", "found", "")]
    assert isinstance(messages[0].parts[1], ImagePart)
    assert completion_of(conversation).model == "claude-sonnet-4-5"
    assert "checkpoint_created" in completion_of(conversation).source


def test_what_the_model_got_of_a_task_of_cline_is_not_all_the_customers() -> None:
    """Results and the state of the editor stand in texts of the user, in `api_conversation_history.json`."""
    state = "<environment_details>\n# VSCode Visible Files\n</environment_details>"
    messages = messages_of(
        conversation_in(
            [
                {"role": "user", "content": [block("<task>\nFix it\n</task>"), block(state)], "ts": 1767225600000},
                {"role": "assistant", "content": [block("<read_file>\n<path>a.py</path>\n</read_file>")]},
                {"role": "user", "content": [block("[read_file for 'a.py'] Result:"), block("print(1)"), block(state)]},
                {"role": "assistant", "content": [use("t1", "execute_command")]},
                {"role": "user", "content": [
                    *result("t1", "The tool denied"),
                    block("[run for 'x'] Result:\n\nThe tool execution failed with the following error:\nno"),
                    block("<feedback>\nStop\n</feedback>")]},
                {"role": "user", "content": f"<task>\nAgain\n</task>\n\n{state}"},
            ]
        )
    )  # fmt: skip
    assert [(message.role, message.name, text_of(message)) for message in messages] == [
        ("user", "", "Fix it"), ("system", "", state), ("assistant", "", "<read_file>\n<path>a.py</path>\n</read_file>"),
        ("tool", "read_file", ""), ("system", "", state), ("assistant", "", ""), ("tool", "", ""), ("tool", "run", ""),
        ("user", "", "Stop"), ("user", "", "Again"), ("system", "", state),
    ]  # fmt: skip
    assert [(text, outcome) for _, text, outcome in results(messages)][:2] == [
        ("print(1)", ""),
        ("The tool denied", ""),
    ]
    assert results(messages)[2][2] == "error"
    assert messages[0].created


def test_a_session_of_cline_since_4_has_its_prompt_and_times() -> None:
    conversation = conversation_in(
        {
            "version": 1, "agent": "lead", "sessionId": SESSION, "system_prompt": "Be brief",
            "messages": [
                {"id": "u1", "role": "user", "content": [block("Fix it")], "ts": 1767225600000},
                {"id": "a1", "role": "assistant", "ts": 1767225601000, "modelInfo": {"id": "claude-sonnet-4-5"},
                 "content": [{"type": "thinking", "thinking": "hm"}, use("t1", "read_file")]},
                {"id": "u2", "role": "user", "content": result("t1", "print(1)")},
            ],
        }
    )  # fmt: skip
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("cline", SESSION)
    assert [role for role, _ in said(messages)] == ["system", "user", "assistant", "tool"]
    assert completion_of(conversation).model == "claude-sonnet-4-5"
    assert messages[1].created


# --- opencode -------------------------------------------------------------------------------------------------------

OPENCODE_INFO = {"id": "ses_1", "title": "A bug", "directory": "/work/app", "version": "1.2.5",
                 "time": {"created": 1767225600000, "updated": 1767225700000}}  # fmt: skip
OPENCODE_ASKED = [
    {"id": "p1", "type": "text", "text": "Fix it"},
    {"id": "p2", "type": "text", "text": "Called the Read tool", "synthetic": True},
    {"id": "p3", "type": "file", "mime": "image/png", "filename": "a.png", "url": "data:image/png;base64,aGk="},
]
OPENCODE_ANSWER: list[dict[str, Any]] = [
    {"id": "p4", "type": "step-start"},
    {"id": "p5", "type": "reasoning", "text": "hm"},
    {"id": "p6", "type": "text", "text": "Let me look"},
    {"id": "p7", "type": "tool", "callID": "c1", "tool": "bash",
     "state": {"status": "completed", "input": {"command": "ls"}, "output": "a.py", "title": "ls"}},
    {"id": "p8", "type": "tool", "callID": "c2", "tool": "read",
     "state": {"status": "error", "input": {}, "error": "No such file"}},
    {"id": "p9", "type": "step-finish", "reason": "stop"},
]  # fmt: skip


def opencode_message(own: str, role: str, parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"info": {"id": own, "role": role, "time": {"created": 1767225601000}} | more, "parts": parts}


def test_an_exported_session_of_opencode_has_its_tools_and_not_as_the_customers_what_was_put_in() -> None:
    """Its messages have their role beside their parts: it was refused."""
    failed = {"name": "APIError", "data": {"message": "Overloaded", "isRetryable": True}}
    conversation = conversation_in(
        {
            "info": OPENCODE_INFO | {"revert": {"messageID": "msg_3"}},
            "messages": [
                opencode_message("msg_1", "user", OPENCODE_ASKED),
                opencode_message("msg_2", "assistant", OPENCODE_ANSWER, modelID="claude-sonnet-4-5"),
                opencode_message("msg_3", "user", [{"type": "text", "text": "Undo"}]),
                opencode_message("msg_4", "assistant", [], error=failed),
            ],
        }
    )
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("opencode", "opencode-ses_1")
    assert said(messages) == [
        ("user", "Fix it"), ("system", "Called the Read tool"), ("assistant", "Let me look"), ("tool", ""),
        ("assistant", ""), ("tool", ""), ("user", "Undo"), ("assistant", ""),
    ]  # fmt: skip
    assert results(messages) == [("c1", "a.py", ""), ("c2", "No such file", "error")]
    assert [note for note, _ in notes(messages)] == ["taken-out", "taken-out"]
    assert "Overloaded" in dict(conversation.fields)["choices"].source
    completion = completion_of(conversation)
    assert (completion.model, completion.metadata["title"]) == ("claude-sonnet-4-5", "A bug")


def test_the_database_of_opencode_is_read_as_its_exports(tmp_path: Path) -> None:
    path = tmp_path / "opencode.db"
    with sqlite3.connect(path) as database:
        database.executescript("""
            CREATE TABLE session (id text, parent_id text, title text, directory text, version text,
                time_created integer, time_updated integer);
            CREATE TABLE message (id text, session_id text, time_created integer, data text);
            CREATE TABLE part (id text, message_id text, session_id text, data text);
            INSERT INTO session VALUES ('ses_1', NULL, 'A bug', '/work/app', '1.2.5', 1767225600000, 1767225700000);
        """)
        for own, role, parts in (("msg_1", "user", OPENCODE_ASKED), ("msg_2", "assistant", OPENCODE_ANSWER)):
            data = json.dumps({"role": role, "time": {"created": 1767225601000}})
            database.execute("INSERT INTO message VALUES (?, 'ses_1', 1, ?)", (own, data))
            for part in parts:
                row = (part["id"], own, json.dumps({name: part[name] for name in part if name != "id"}))
                database.execute("INSERT INTO part VALUES (?, ?, 'ses_1', ?)", row)
    database.close()
    (conversation,) = found_in(path)
    assert isinstance(conversation, Conversation)
    messages = messages_of(conversation)
    assert [role for role, _ in said(messages)] == ["user", "system", "assistant", "tool", "assistant", "tool"]
    assert (conversation.id, messages[0].id) == ("opencode-ses_1", "msg_1")
    assert remarks_on({"info": OPENCODE_INFO, "messages": []}) == ["A session of opencode in which nothing was said."]


# --- Goose ----------------------------------------------------------------------------------------------------------

GOOSE_CALL = {"status": "success", "value": {"name": "developer__shell", "arguments": {"command": "ls"}}}
GOOSE_MESSAGES: list[tuple[str, list[dict[str, Any]]]] = [
    ("user", [{"type": "text", "text": "Look"}]),
    ("assistant", [{"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "text", "text": "Looking"},
                   {"type": "toolRequest", "id": "c1", "toolCall": GOOSE_CALL},
                   {"type": "toolRequest", "id": "c2", "toolCall": {"status": "error", "error": "no such tool"}}]),
    ("user", [{"type": "toolResponse", "id": "c1", "toolResult": {"status": "success", "value": {
        "isError": True, "content": [{"type": "text", "text": "denied"}]}}}]),
    ("assistant", [{"type": "text", "text": "I may not."}]),
]  # fmt: skip


def test_a_session_of_goose_is_read_from_exports_lines_and_its_database(tmp_path: Path) -> None:
    """Its tools are parts with names of its own, whose calls and results were shown as JSON without a verdict."""
    said_at = [{"role": role, "created": 1767225600, "content": parts} for role, parts in GOOSE_MESSAGES]
    export = {"id": "20260101_1", "name": "A look", "working_dir": "/work/app", "conversation": said_at,
              "created_at": "2026-01-01T00:00:00Z", "model_config": {"model_name": "gpt-5"}}  # fmt: skip
    head = {"working_dir": "/work/app", "description": "A look", "message_count": 4}
    path = tmp_path / "sessions.db"
    with sqlite3.connect(path) as database:
        database.executescript("""
            CREATE TABLE sessions (id TEXT, name TEXT, description TEXT, working_dir TEXT, created_at TIMESTAMP,
                model_config_json TEXT);
            CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content_json TEXT,
                created_timestamp INTEGER);
            INSERT INTO sessions VALUES ('20260101_1', 'A look', '', '/work/app', '2026-01-01 00:00:00',
                '{"model_name":"gpt-5"}');
        """)
        rows = [(role, json.dumps(parts)) for role, parts in GOOSE_MESSAGES]
        insert = (
            "INSERT INTO messages (session_id, role, content_json, created_timestamp) VALUES ('20260101_1', ?, ?, 1)"
        )
        database.executemany(insert, rows)
    database.close()
    for source in (export, on_lines(head, *said_at), path):
        conversation = conversation_in(source)
        messages = messages_of(conversation)
        assert conversation.family == "goose"
        assert said(messages) == [
            ("user", "Look"), ("assistant", "Looking"), ("tool", ""), ("tool", ""), ("assistant", "I may not."),
        ]  # fmt: skip
        assert calls(messages) == [("c1", "developer__shell"), ("c2", "")]
        assert results(messages) == [("c2", "no such tool", "error"), ("c1", "denied", "error")]
        assert [thought.text for thought in messages[1].reasoning] == ["hm"]
        assert completion_of(conversation).metadata["title"] == "A look"
    assert remarks_on(on_lines(head)) == ["A session of Goose in which nothing was said."]


def test_a_database_with_tables_of_the_same_names_is_not_taken_for_that_of_goose(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with sqlite3.connect(path) as database:
        database.executescript("""
            CREATE TABLE sessions (id TEXT);
            CREATE TABLE messages (session_id TEXT, role TEXT, content TEXT);
            INSERT INTO messages VALUES ('s1', 'user', 'Hi'), ('s1', 'assistant', 'Hello');
        """)
    database.close()
    assert conversation_in(path).family == "message-rows"


# --- VS Code --------------------------------------------------------------------------------------------------------


def vscode_request() -> dict[str, Any]:
    rounds = [{"toolCalls": [{"id": "call_2__vscode-17", "name": "read_file", "arguments": '{"filePath":"a"}'}]}]
    return {
        "requestId": "request_1", "message": {"text": "Fix it", "parts": []}, "modelId": "copilot/gpt-5",
        "timestamp": 1767225600000, "vote": 0,
        "variableData": {"variables": [
            {"kind": "file", "id": "vscode.implicit.selection", "name": "open.ts"},
            {"kind": "image", "id": "i", "name": "a.png", "value": {"0": 137, "1": 80, "2": 78, "3": 71}},
            {"kind": "file", "id": "f", "name": "b.ts", "value": {"path": "/b.ts"}},
        ]},
        "response": [
            {"kind": "mcpServersStarting"}, {"kind": "thinking", "value": "hm"}, {"value": "A file "},
            {"kind": "inlineReference", "inlineReference": {"path": "/p/new.txt"}}, {"value": " was made."},
            {"kind": "toolInvocationSerialized", "toolId": "run_in_terminal", "toolCallId": "call_1",
             "toolSpecificData": {"commandLine": {"original": "make"}, "terminalCommandState": {"exitCode": 2},
                                  "terminalCommandOutput": {"text": "no rule"}}},
            {"kind": "toolInvocationSerialized", "toolId": "copilot_readFile", "toolCallId": "call_2"},
            {"kind": "textEditGroup", "uri": {"path": "/p/a.ts"}, "edits": []},
            {"value": "Done."},
        ],
        "result": {"metadata": {"toolCallRounds": rounds, "toolCallResults": {
            "call_2__vscode-17": {"content": [{"value": "print(1)"}]}}}},
    }  # fmt: skip


def test_a_chat_of_vs_code_is_read_from_its_export_and_from_the_log_of_its_session() -> None:
    """The text is cut where a file is named; what a tool got and returned stands beside the answer."""
    request = vscode_request()
    export = {"responderUsername": "GitHub Copilot", "initialLocation": "panel", "requests": [request]}
    *parts, last = request["response"]
    log = [
        {"kind": 0, "v": export | {"version": 3, "sessionId": SESSION, "requests": []}},
        {"kind": 2, "k": ["requests"], "v": [request | {"response": [{"value": "cut"}]}]},
        {"kind": 2, "k": ["requests", 0, "response"], "v": parts, "i": 0},
        {"kind": 1, "k": ["requests", 0, "modelId"], "v": "copilot/gpt-5"},
        {"kind": 2, "k": ["requests", 0, "response"], "v": [last]},
        {"kind": 1, "k": ["customTitle"], "v": "A fix"},
        {"kind": 3, "k": ["inputState"]},
    ]
    for source in (export, on_lines(*log)):
        conversation = conversation_in(source)
        messages = messages_of(conversation)
        assert conversation.family == "vscode-chat"
        assert said(messages) == [
            ("user", "Fix it"), ("assistant", "A file `new.txt` was made."), ("tool", ""), ("assistant", ""),
            ("tool", ""), ("assistant", "Done."),
        ]  # fmt: skip
        assert [(call.name, call.arguments) for message in messages for call in message.tool_calls] == [
            ("run_in_terminal", "make"), ("read_file", '{"filePath":"a"}'), ("textEditGroup", '{"file": "/p/a.ts"}'),
        ]  # fmt: skip
        assert results(messages) == [("call_1", "no rule", "error"), ("call_2", "print(1)", "")]
        assert [type(part).__name__ for part in messages[0].parts] == ["TextPart", "ImagePart", "FilePart"]
        assert notes(messages) == [("lost-file", 0)]
        assert completion_of(conversation).model == "copilot/gpt-5"
    assert (conversation.id, completion_of(conversation).metadata["title"]) == (SESSION, "A fix")


def test_a_chat_of_vs_code_says_what_failed_and_what_was_taken_back() -> None:
    request = {"requestId": "r", "message": "Fix it", "response": [], "isHidden": True, "isCanceled": True,
               "result": {"errorDetails": {"message": "Rate limit"}}}  # fmt: skip
    conversation = conversation_in({"responderUsername": "GitHub Copilot", "requests": [request]})
    messages = messages_of(conversation)
    assert [note for note, _ in notes(messages)] == ["taken-out", "interrupted"]
    assert "Rate limit" in dict(conversation.fields)["choices"].source
    empty = {"responderUsername": "GitHub Copilot", "requests": []}
    assert remarks_on(empty) == ["A chat of VS Code in which nothing was said."]
    assert refusals_in(on_lines({"kind": 2, "k": ["requests"], "v": []}, {"kind": 1, "k": ["a", 0], "v": 1})) == [
        "The log of this chat changes what is not in it: its beginning is missing."
    ]


# --- pi and OpenClaw ------------------------------------------------------------------------------------------------


def pi_entry(own: str, before: str | None, kind: str = "message", **more: Any) -> dict[str, Any]:
    return {"type": kind, "id": own, "parentId": before, "timestamp": "2026-01-01T00:00:01.000Z"} | more


def test_a_session_of_pi_follows_its_last_entry() -> None:
    head = {"type": "session", "version": 3, "id": SESSION, "timestamp": "2026-01-01T00:00:00.000Z", "cwd": "/work"}
    answer = {"role": "assistant", "model": "claude-sonnet-4-5", "stopReason": "toolUse", "content": [
        {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Looking"},
        {"type": "toolCall", "id": "c1", "name": "bash", "arguments": {"command": "ls"}}]}  # fmt: skip
    failed = {"role": "toolResult", "toolCallId": "c1", "toolName": "bash", "isError": True,
              "content": [{"type": "text", "text": "denied"}]}  # fmt: skip
    conversation = conversation_in(
        on_lines(
            head,
            pi_entry("a", None, message={"role": "user", "content": "Look"}),
            pi_entry("b", "a", message=answer),
            pi_entry("c", "b", message=failed),
            pi_entry("d", "c", message={"role": "user", "content": "Left"}),
            pi_entry("e", "c", "compaction", summary="They look"),
            pi_entry("f", "e", message={"role": "bashExecution", "command": "make", "output": "ok", "exitCode": 0}),
            pi_entry("g", "f", "session_info", name="A look"),
            pi_entry("h", "g", message={"role": "assistant", "content": [], "stopReason": "error",
                                        "errorMessage": "Overloaded"}),
        )
    )  # fmt: skip
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("pi", SESSION)
    assert said(messages) == [
        ("user", "Look"), ("assistant", "Looking"), ("tool", ""), ("system", "They look"), ("user", "! make"),
        ("event", "ok"), ("assistant", ""),
    ]  # fmt: skip
    assert results(messages) == [("c1", "denied", "error")]
    assert notes(messages) == [("other-branches", 1)]
    assert "Left" in completion_of(conversation).source
    assert "Overloaded" in dict(conversation.fields)["choices"].source
    assert completion_of(conversation).metadata["title"] == "A look"
    assert remarks_on(on_lines(head)) == ["A session of pi or OpenClaw in which nothing was said."]


# --- Qwen Code ------------------------------------------------------------------------------------------------------


def qwen_line(own: str, before: str | None, kind: str, parts: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    line = {"uuid": own, "parentUuid": before, "sessionId": SESSION, "timestamp": "2026-01-01T00:00:01.000Z",
            "type": kind, "cwd": "/work", "version": "0.22.2"}  # fmt: skip
    role = "model" if kind == "assistant" else "user"
    return line | ({} if parts is None else {"message": {"role": role, "parts": parts}}) | more


def test_a_session_of_qwen_code_has_messages_of_google_on_lines_of_claude_code() -> None:
    """What was typed stands beside what the model got, in which there are files; a rewind goes back to a line."""
    call = {"functionCall": {"id": "c1", "name": "run_shell_command", "args": {"command": "make"}}}
    failed = {"functionResponse": {"id": "c1", "name": "run_shell_command", "response": {"error": "no rule"}}}
    limit = {"uiEvent": {"event.name": "qwen-code.api_error", "error_message": "quota", "status_code": 429}}
    note = {"displayText": "A task is done"}
    conversation = conversation_in(
        on_lines(
            qwen_line("a", None, "system", subtype="slash_command",
                      systemPayload={"phase": "invocation", "rawCommand": "/model"}),
            qwen_line("b", "a", "user", [{"text": "Read @a.txt"}, {"text": "--- a.txt ---"}],
                      systemPayload={"displayText": "Read @a.txt", "hookContext": ""}),
            qwen_line("c", "b", "assistant", [{"text": "hm", "thought": True}, {"text": "Making"}, call], model="qwen3"),
            qwen_line("d", "c", "tool_result", [failed], toolCallResult={"callId": "c1", "status": "error"}),
            qwen_line("e", "d", "system", subtype="ui_telemetry", systemPayload=limit),
            qwen_line("f", "e", "user", [{"text": "Left"}]),
            qwen_line("g", "e", "system", subtype="rewind", systemPayload={"truncatedCount": 1}),
            qwen_line("h", "g", "user", [{"text": "<task>"}], subtype="notification", systemPayload=note),
            qwen_line("i", "h", "assistant", [{"text": "Done"}], model="qwen3"),
            qwen_line("j", "i", "system", subtype="custom_title", systemPayload={"customTitle": "A title"}),
        )
    )  # fmt: skip
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("qwen-code", SESSION)
    assert said(messages) == [
        ("user", "/model"), ("system", "--- a.txt ---"), ("user", "Read @a.txt"), ("assistant", "Making"), ("tool", ""),
        ("event", "quota"), ("event", "A task is done"), ("assistant", "Done"),
    ]  # fmt: skip
    assert results(messages) == [("c1", "no rule", "error")]
    assert notes(messages) == [("other-branches", 1)]
    assert "Left" in completion_of(conversation).source
    assert completion_of(conversation).metadata["title"] == "A title"
    assert remarks_on(on_lines(qwen_line("a", None, "system", systemPayload=limit))) == [
        "A session of Qwen Code in which nothing was said."
    ]


# --- GitHub Copilot -------------------------------------------------------------------------------------------------


def copilot_event(kind: str, agent: str = "", **data: Any) -> dict[str, Any]:
    event = {"type": kind, "data": data, "id": f"of-{kind}", "timestamp": "2026-01-01T00:00:01.000Z", "parentId": None}
    return event | ({"agentId": agent} if agent else {})


def test_a_session_of_github_copilot_has_what_was_said_and_its_subagents_apart() -> None:
    """A call stands in the answer that wants it, and again where it begins; one that a person typed only there."""
    picture = {"type": "blob", "assetId": "sha256:1", "mimeType": "image/png"}
    request = {"toolCallId": "t1", "name": "bash", "arguments": {"command": "make"}}
    conversation, agent = conversations_in(
        on_lines(
            copilot_event("session.start", sessionId=SESSION, producer="copilot-agent", copilotVersion="1.0.62",
                          startTime="2026-01-01T00:00:00Z", context={"cwd": "/work"}, selectedModel="auto"),
            copilot_event("system.message", role="system", content="You are Copilot"),
            copilot_event("session.binary_asset", assetId="sha256:1", mimeType="image/png", data="iVBORw0KGgo="),
            copilot_event("user.message", content="Make it", transformedContent="<now>\nMake it", attachments=[picture]),
            copilot_event("user.message", content="How to make", source="skill-make"),
            copilot_event("assistant.message", content="On it", reasoningText="hm", model="gpt-5",
                          toolRequests=[request, {"toolCallId": "t2", "name": "task"}]),
            copilot_event("assistant.reasoning", content="hm"),
            copilot_event("tool.execution_start", toolCallId="t1", toolName="bash", arguments={"command": "make"}),
            copilot_event("tool.execution_complete", toolCallId="t1", success=False, error={"message": "denied"}),
            copilot_event("tool.execution_start", toolCallId="t2", toolName="task", arguments={"prompt": "Find"}),
            copilot_event("assistant.message", "agent-1", content="Found", parentToolCallId="t2"),
            copilot_event("tool.execution_complete", toolCallId="t2", success=True, result={"content": "Found"}),
            copilot_event("tool.user_requested", toolCallId="t3", toolName="local_shell", arguments={"command": "ls"}),
            copilot_event("tool.execution_complete", toolCallId="t3", success=True, result={"content": "a.txt"}),
            copilot_event("tool.execution_start", toolCallId="t4", toolName="view", arguments={"path": "a.txt"}),
            copilot_event("system.message", role="system", content="You are Copilot"),
            copilot_event("session.error", errorType="rate_limit", message="Rate limit"),
        )
    )  # fmt: skip
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("github-copilot", SESSION)
    assert said(messages) == [
        ("system", "You are Copilot"), ("user", "Make it"), ("system", "How to make"), ("assistant", "On it"),
        ("tool", ""), ("tool", ""), ("user", "! ls"), ("event", "a.txt"), ("assistant", ""), ("event", "Rate limit"),
    ]  # fmt: skip
    assert [(call.name, call.arguments) for message in messages for call in message.tool_calls] == [
        ("bash", '{"command": "make"}'), ("task", '{"prompt": "Find"}'), ("view", '{"path": "a.txt"}'),
    ]  # fmt: skip
    assert results(messages) == [("t1", "denied", "error"), ("t2", "Found", "")]
    assert isinstance(messages[1].parts[1], ImagePart)
    assert completion_of(conversation).model == "gpt-5"
    assert (agent.id, said(messages_of(agent))) == (f"{SESSION}-agent-1", [("assistant", "Found")])


def test_what_the_cli_of_github_copilot_writes_ends_with_a_line_that_is_no_event() -> None:
    ended = {
        "type": "result",
        "timestamp": "2026-01-01T00:00:02.000Z",
        "sessionId": SESSION,
        "exitCode": 0,
        "usage": {},
    }
    delta = copilot_event("assistant.message_delta", messageId="m", deltaContent="Do") | {"ephemeral": True}
    conversation = conversation_in(on_lines(delta, copilot_event("assistant.message", content="Done"), ended))
    assert (conversation.id, said(messages_of(conversation))) == (SESSION, [("assistant", "Done")])
    assert remarks_on(on_lines(ended)) == ["A session of GitHub Copilot in which nothing was said."]


# --- Cursor ---------------------------------------------------------------------------------------------------------


def test_a_chat_that_cursor_has_written_as_markdown_has_marks_of_who_speaks() -> None:
    """A heading may have a comma, as names of columns have, and a text may have braces, as lines of JSON."""
    written = (
        "# Fix it, please\n_Exported on 4/11/2026 at 10:29:42 PDT from Cursor (3.0.16)_\n\n---\n\n**User**\n\n"
        '{"a": 1}\n\n---\n\nWhy?\n\n---\n\n**Cursor**\n\nBecause.\n'
    )
    for text in (written, written.replace("\n", "\r\n")):
        conversation = conversation_in(text.encode())
        assert conversation.family == "cursor"
        assert [(role, said.split()[-1]) for role, said in said(messages_of(conversation))] == [
            ("user", "Why?"), ("assistant", "Because."),
        ]  # fmt: skip
        assert completion_of(conversation).metadata["title"] == "Fix it, please"
    assert "plain text" in refusals_in(b"# Fix it\n_Exported on Monday_\n\n---\n\n**User**\n\nHi\n")[0]


def test_a_transcript_of_cursor_has_what_was_typed_within_what_was_put_around_it() -> None:
    asked = "<timestamp>Monday</timestamp>\n<user_query>\nFix it\n</user_query>"
    use = {"type": "tool_use", "name": "Read", "input": {"path": "a"}}
    lines = on_lines(
        {"role": "user", "message": {"content": [{"type": "text", "text": asked}]}},
        {"role": "assistant", "message": {"content": [{"type": "text", "text": "Looking"}, use]}},
        {"role": "assistant", "message": {"content": "Done"}},
        {"type": "turn_ended", "status": "success"},
        {"role": "user", "message": {"content": "Thanks"}},
        {"type": "turn_ended", "status": "aborted", "error": "User aborted/interrupted manually."},
    )
    messages = messages_of(conversation_in(lines))
    assert said(messages) == [
        ("system", "<timestamp>Monday</timestamp>"), ("user", "Fix it"), ("assistant", "Looking"),
        ("assistant", "Done"), ("user", "Thanks"), ("event", "User aborted/interrupted manually."),
    ]  # fmt: skip
    assert calls(messages) == [("", "Read")]
    ended = on_lines({"type": "turn_ended", "status": "success"})
    assert remarks_on(ended) == ["A chat of Cursor in which nothing was said."]


def test_a_result_in_a_transcript_of_cursor_says_whether_it_failed() -> None:
    use = {"type": "tool_use", "id": "c1", "name": "Read", "input": {"path": "a"}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "No such file", "is_error": True}
    lines = on_lines(
        {"role": "user", "message": {"content": "Fix it"}}, {"role": "assistant", "message": {"content": [use, result]}}
    )
    assert results(messages_of(conversation_in(lines))) == [("c1", "No such file", "error")]


def test_the_database_of_cursor_has_bubbles_in_the_order_of_their_chat(tmp_path: Path) -> None:
    """Bubbles lie under random keys; what was thought has one of its own, and some are emptied."""
    path = tmp_path / "state.vscdb"
    database = sqlite3.connect(path)
    for table in ("ItemTable", "cursorDiskKV"):
        database.execute(f"CREATE TABLE {table} (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
    heads = [{"bubbleId": own, "type": 1 if own in "cz" else 2} for own in "czyxwv"]
    chat = {"_v": 10, "composerId": "chat-1", "name": "A fix", "createdAt": 1766691308486,
            "modelConfig": {"modelName": "default"}, "fullConversationHeadersOnly": heads}  # fmt: skip
    ran = {"tool": 15, "toolCallId": "t1", "name": "run_terminal_cmd", "status": "error", "rawArgs": '{"command":"make"}',
           "result": '{"output":"no rule","exitCode":2}'}  # fmt: skip
    bubbles = {
        "z": {"type": 1, "text": "Fix it", "createdAt": "2025-12-25T19:35:08.486Z", "modelInfo": {"modelName": "gpt-5"}},
        "y": {"type": 2, "text": "", "thinking": {"text": "hm"}},
        "x": {"type": 2, "text": "", "toolFormerData": ran},
        "w": None,
        "v": {"type": 2, "text": "Done", "codeBlocks": [], "images": []},
    }  # fmt: skip
    rows = {"composerData:chat-1": chat, "composerData:chat-0": {"fullConversationHeadersOnly": []}}
    rows |= {f"bubbleId:chat-1:{own}": bubble for own, bubble in bubbles.items()}
    values = [(key, json.dumps(value).encode() if value else None) for key, value in rows.items()]
    database.executemany("INSERT INTO cursorDiskKV VALUES (?, ?)", values)
    database.commit()
    database.close()
    conversation = conversation_in(path)
    messages = messages_of(conversation)
    assert (conversation.id, completion_of(conversation).model) == ("cursor-chat-1", "gpt-5")
    assert said(messages) == [
        ("user", ""), ("user", "Fix it"), ("assistant", ""), ("tool", ""), ("assistant", ""), ("assistant", "Done"),
    ]  # fmt: skip
    assert [each.text for message in messages for each in message.reasoning] == ["hm"]
    assert results(messages) == [("t1", "no rule", "error")]
    assert notes(messages) == [("lost-text", 0), ("lost-text", 0)]
    assert completion_of(conversation).metadata["title"] == "A fix"


# --- Continue -------------------------------------------------------------------------------------------------------


def test_a_session_of_continue_has_the_outputs_of_its_tools_once() -> None:
    """A message of the tool repeats the output that stands in the state of the call, but not in all sessions."""

    def called(own: str) -> dict[str, Any]:
        return {
            "id": own,
            "type": "function",
            "function": {"name": "builtin_read_file", "arguments": '{"filepath":"a"}'},
        }

    def state(own: str, status: str) -> dict[str, Any]:
        return {"toolCallId": own, "toolCall": called(own), "status": status, "output": [{"name": "a", "content": own}]}

    attached = {"name": "a.py", "description": "a.py", "content": "print(1)", "id": {"providerTitle": "file"}}
    session = {"sessionId": SESSION, "title": "A fix", "workspaceDirectory": "file:///work", "history": [
        {"message": {"role": "user", "content": "Fix it"}, "contextItems": [attached]},
        {"message": {"role": "thinking", "content": "hm"}, "contextItems": []},
        {"message": {"role": "assistant", "content": "Looking", "toolCalls": [called("c1"), called("c2")]},
         "promptLogs": [{"modelTitle": "GPT-5", "prompt": "p", "completion": "c"}],
         "toolCallStates": [state("c1", "done"), state("c2", "errored")], "contextItems": []},
        {"message": {"role": "tool", "content": "c1", "toolCallId": "c1"}, "contextItems": []},
        {"message": {"role": "assistant", "content": "Done"}, "contextItems": []},
    ]}  # fmt: skip
    conversation = conversation_in(session)
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id, completion_of(conversation).model) == ("continue", SESSION, "GPT-5")
    assert said(messages) == [
        ("user", "Fix it"), ("assistant", "Looking"), ("tool", ""), ("tool", ""), ("assistant", "Done"),
    ]  # fmt: skip
    assert sorted(results(messages)) == [("c1", "c1", ""), ("c2", "c2", "error")]
    assert [each.text for message in messages for each in message.reasoning] == ["hm"]
    assert [type(part).__name__ for part in messages[0].parts] == ["TextPart", "FilePart"]
    empty = session | {"history": []}
    assert remarks_on(empty) == ["A session of Continue in which nothing was said."]


# --- Zed ------------------------------------------------------------------------------------------------------------


def zed_thread() -> dict[str, Any]:
    def called(own: str) -> dict[str, Any]:
        return {"ToolUse": {"id": own, "name": "terminal", "raw_input": '{"command":"make"}', "input": {}}}

    def result(own: str, content: Any, **more: Any) -> dict[str, Any]:
        return {"tool_use_id": own, "tool_name": "terminal", "is_error": False, "content": content} | more

    return {"title": "A fix", "version": "0.3.0", "updated_at": "2026-02-27T12:34:56Z", "model": {"model": "gpt-5"},
            "messages": [
                {"User": {"id": "u1", "content": [
                    {"Text": "Fix it"}, {"Mention": {"uri": {"File": {"abs_path": "/a.rs"}}, "content": "fn a"}},
                    {"Image": {"source": "iVBORw0KGgo="}}]}},
                {"Agent": {"content": [{"Thinking": {"text": "hm", "signature": None}}, {"Text": "Making"},
                                       called("t1"), called("t2")],
                           "tool_results": {"t1": result("t1", {"Text": "ok"}),
                                            "t2": result("t2", [{"Text": "no rule"}], is_error=True)}}},
                "Resume",
                {"Agent": {"content": [{"Text": "Done"}], "tool_results": {}}},
            ]}  # fmt: skip


def test_the_database_of_zed_has_threads_that_are_packed(tmp_path: Path) -> None:
    path = tmp_path / "threads.db"
    database = sqlite3.connect(path)
    database.execute(
        "CREATE TABLE threads (id TEXT PRIMARY KEY, parent_id TEXT, folder_paths TEXT, summary TEXT NOT NULL, "
        "updated_at TEXT NOT NULL, data_type TEXT NOT NULL, data BLOB NOT NULL)"
    )
    packed = zstd.compress(json.dumps(zed_thread()).encode())
    for own, kind, data in (("a", "zstd", packed), ("b", "json", json.dumps(zed_thread())), ("c", "zstd", packed[:-9])):
        row = (own, "/work", "A fix", f"2026-02-27T12:34:5{'abc'.index(own)}Z", kind, data)
        database.execute("INSERT INTO threads VALUES (?, NULL, ?, ?, ?, ?, ?)", row)
    database.commit()
    database.close()
    first, second, damaged = found_in(path)
    assert isinstance(damaged, Refusal)
    assert damaged.reason == "This thread of Zed is damaged, or longer than one conversation may be."
    for conversation, own in ((first, "zed-a"), (second, "zed-b")):
        assert isinstance(conversation, Conversation)
        messages = messages_of(conversation)
        assert (conversation.id, completion_of(conversation).model) == (own, "gpt-5")
        assert said(messages) == [
            ("user", "Fix it"), ("assistant", "Making"), ("tool", ""), ("tool", ""), ("assistant", "Done"),
        ]  # fmt: skip
        assert results(messages) == [("t1", "ok", ""), ("t2", "no rule", "error")]
        assert [type(part).__name__ for part in messages[0].parts] == ["TextPart", "FilePart", "ImagePart"]
        assert [each.text for message in messages for each in message.reasoning] == ["hm"]
        assert completion_of(conversation).metadata["cwd"] == "/work"


def test_threads_of_zed_before_0_3_have_roles_and_text_threads_the_bytes_where_messages_begin() -> None:
    old = {"version": "0.2.0", "summary": "A fix", "updated_at": "2025-06-01T00:00:00Z", "messages": [
        {"id": 0, "role": "user", "segments": [{"type": "text", "text": "Fix it"}]},
        {"id": 1, "role": "assistant", "segments": [{"type": "thinking", "text": "hm"}, {"type": "text", "text": "Making"}],
         "tool_uses": [{"id": "t1", "name": "terminal", "input": {}}],
         "tool_results": [{"tool_use_id": "t1", "is_error": True, "content": "no rule"}]}]}  # fmt: skip
    messages = messages_of(conversation_in(old))
    assert said(messages) == [("user", "Fix it"), ("assistant", "Making"), ("tool", "")]
    assert results(messages) == [("t1", "no rule", "error")]
    about = [(0, "user", "Done"), (8, "assistant", {"Error": "overloaded"})]
    text = {"id": "t", "zed": "context", "version": "0.4.0", "text": "Grüße\nHallo\n", "summary": "Greetings", "messages": [
        {"id": {"value": n}, "start": start, "metadata": {"role": role, "status": status}}
        for n, (start, role, status) in enumerate(about)]}  # fmt: skip
    conversation = conversation_in(text)
    assert said(messages_of(conversation)) == [("user", "Grüße"), ("assistant", "Hallo")]
    assert "overloaded" in dict(conversation.fields)["choices"].source


# --- Amp -------------------------------------------------------------------------------------------------------------


def test_a_thread_of_amp_has_the_results_of_tools_in_their_runs() -> None:
    """A summary stands in a message of the role `info`; what was stopped has only its progress."""
    called = [
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "t1", "name": "Read", "input": {"path": "a.py"}, "complete": True},
        {"type": "tool_use", "id": "t2", "name": "Bash", "input": {"cmd": "make"}, "complete": True},
    ]
    ran = [
        {"type": "tool_result", "toolUseID": "t1", "run": {"status": "done", "result": "x = 1"}},
        {"type": "tool_result", "toolUseID": "t2", "run": {"status": "cancelled", "progress": {"output": "building"}}},
    ]
    summary = {"type": "message", "summary": "We looked."}
    thread = {
        "v": 3, "id": "T-1", "title": "Look", "created": 1764522000000, "agentMode": "smart",
        "env": {"initial": {"trees": [{"displayName": "shop", "uri": "file:///srv/shop"}]}},
        "messages": [
            {"role": "user", "messageId": 0, "content": [{"type": "text", "text": "Look"}],
             "meta": {"sentAt": 1764522001000}},
            {"role": "assistant", "messageId": 1, "content": called, "usage": {"model": "claude-opus"},
             "state": {"type": "complete", "stopReason": "tool_use"}},
            {"role": "user", "messageId": 2, "content": ran},
            {"role": "info", "messageId": 3, "content": [{"type": "summary", "summary": summary}]},
            {"role": "assistant", "messageId": 4, "content": [{"type": "text", "text": "It is"}],
             "state": {"type": "cancelled"}},
        ],
    }  # fmt: skip
    conversation = conversation_in(thread)
    messages = messages_of(conversation)
    assert (conversation.family, conversation.id) == ("amp", "amp-T-1")
    assert [(message.role, message.name or "", text_of(message)) for message in messages] == [
        ("user", "", "Look"), ("assistant", "", "I look."), ("tool", "", ""), ("tool", "", ""),
        ("system", "summary", "We looked."), ("assistant", "", "It is"),
    ]  # fmt: skip
    results = [
        (result.call_id, result_text(message, result), outcome_of(message, result))
        for message in messages
        for result in message.results
    ]
    assert results == [("t1", "x = 1", ""), ("t2", "building", "error")]
    assert [note.code for note in messages[-1].origin.notes] == ["interrupted"]
    completion = completion_of(conversation)
    assert (completion.model, dict(completion.metadata)) == ("claude-opus", {"title": "Look", "project": "shop"})


# --- Open Interpreter ------------------------------------------------------------------------------------------------


def test_code_of_open_interpreter_is_a_call_and_what_it_prints_the_result() -> None:
    """The first output is empty: it is written when the person is asked whether to run the code."""
    output = {"role": "computer", "type": "console", "format": "output"}
    kept = [
        {"role": "user", "type": "message", "content": "List files"},
        {"role": "assistant", "type": "message", "content": "I run ls."},
        {"role": "assistant", "type": "code", "format": "shell", "content": "ls"},
        output | {"content": ""},
        output | {"content": "a.png\n"},
        {"role": "computer", "type": "image", "format": "base64.png", "content": "aGk="},
        {"role": "assistant", "type": "message", "content": "There is a.png."},
    ]
    conversation = conversation_in(kept)
    messages = messages_of(conversation)
    assert conversation.family == "open-interpreter"
    assert [message.role for message in messages] == ["user", "assistant", "assistant", "tool", "assistant"]
    assert [(call.name, call.arguments) for call in messages[2].tool_calls] == [("shell", "ls")]
    (result,) = messages[3].results
    assert "a.png" in result_text(messages[3], result)
    assert any(isinstance(part, ImagePart) for part in messages[3].parts)
    plain = [{"role": "user", "type": "message", "content": "Hi"}]
    assert conversation_in(plain).family == "openai-responses"


# --- Several sessions in one file -----------------------------------------------------------------------------------

OTHER = "7c1d2e9a-0b3f-4a55-8c6d-5e4f3a2b1c0d"


@pytest.mark.parametrize(
    "lines",
    [
        [{"type": "user", "uuid": "u1", "parentUuid": None, "sessionId": SESSION,
          "message": {"role": "user", "content": "Hi"}}],
        [{"type": "system", "subtype": "init", "uuid": "u0", "session_id": SESSION},
         {"type": "user", "uuid": "u1", "session_id": SESSION, "parent_tool_use_id": None,
          "message": {"role": "user", "content": "Hi"}}],
        [{"sessionId": SESSION, "uuid": "u1", "parentUuid": None, "type": "user",
          "message": {"role": "user", "parts": [{"text": "Hi"}]}}],
        [GEMINI_ABOUT, gemini_message("m1", "user", [{"text": "Hi"}])],
        [{"type": "session", "id": SESSION, "timestamp": "2026-01-02T03:04:05.000Z", "cwd": "/"},
         {"type": "message", "id": "a", "parentId": None, "timestamp": "2026-01-02T03:04:05.000Z",
          "message": {"role": "user", "content": "Hi"}}],
        [{"type": kind, "id": kind, "timestamp": "2026-01-02T03:04:05.000Z", "parentId": None, "data": data}
         for kind, data in (("session.start", {"sessionId": SESSION}), ("user.message", {"content": "Hi"}))],
    ],
    ids=["claude-code", "claude-code-stream", "qwen-code", "gemini-cli", "pi", "github-copilot"],
)  # fmt: skip
def test_sessions_that_were_put_into_one_file_stay_apart(lines: list[dict[str, Any]]) -> None:
    source = on_lines(*lines)
    found = conversations_in(source + b"\n" + source.replace(SESSION.encode(), OTHER.encode()))
    assert [conversation.id for conversation in found] == [SESSION, OTHER]
    assert [text_of(messages_of(conversation)[-1]) for conversation in found] == ["Hi", "Hi"]
