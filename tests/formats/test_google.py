from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import FILES, choices_of, completion_of, conversation_in, messages_of
from viewer.completions.types import FilePart, ImagePart, Message, text_of


def test_a_request_and_its_response_are_one_conversation_with_every_candidate() -> None:
    conversation = conversation_in("google_pair.json")
    messages = messages_of(conversation)
    assert [message.role for message in messages] == ["system", "user", "assistant", "tool", "assistant", "assistant"]
    assert [call.arguments for message in messages for call in message.tool_calls] == ['{"id": "A17"}']
    assert [result.name for message in messages for result in message.results] == ["order"]
    assert sum(isinstance(part, ImagePart) for message in messages for part in message.parts) == 1
    answer = messages[4]
    assert (text_of(answer), answer.reasoning[0].text) == ("In Zürich. It was sent.", "Look.")
    (cited,) = answer.citations
    assert text_of(answer)[cited.start : cited.end] == "It was sent."  # Google counts bytes
    assert [choice.finish_reason for choice in choices_of(conversation)] == ["STOP", "SAFETY"]
    completion = completion_of(conversation)
    assert (completion.id, completion.model, completion.usage and completion.usage.prompt) == (
        "kJ2xaZ-PM4Wq1e8P", "gemini-2.5-pro", 9,
    )  # fmt: skip


def test_a_streamed_response_is_put_together() -> None:
    pieces = [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}], "responseId": "r-1"}
        for text in ("It was ", "sent.")
    ]
    (message,) = messages_of(conversation_in(pieces))
    assert text_of(message) == "It was sent."
    assert [note.code for note in message.origin.notes] == ["lost-input"]


def test_two_answers_with_one_index_are_two_and_what_is_kept_of_them_is_json() -> None:
    given = {"candidates": [{"content": {"parts": [{"text": text}]}, "index": 0} for text in ("one", "two")]}
    for responses in ([given], [given | {"responseId": "r-1"}] * 2):
        conversation = conversation_in(responses)
        choices = json.loads(dict(conversation.fields)["choices"].source)
        assert len(choices) == 2
        assert all("lectern" in choice["message"] for choice in choices)


def test_a_blocked_prompt_has_its_reason() -> None:
    asked = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    feedback = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    completion = completion_of(conversation_in({"request": asked, "response": feedback}))
    assert (completion.choices, completion.error) == ((), "PROHIBITED_CONTENT")


def test_a_prompt_of_ai_studio_is_read_with_its_thoughts_and_files() -> None:
    prompt = {
        "runSettings": {"model": "models/gemini-2.5-pro"},
        "systemInstruction": {"text": "Be kind."},
        "chunkedPrompt": {"chunks": [
            {"driveImage": {"id": "1AbC"}, "role": "user"},
            {"text": "What is it?", "role": "user"},
            {"text": "A lamp, it seems.", "role": "model", "isThought": True},
            {"text": "A lamp.", "role": "model", "finishReason": "STOP"},
        ]},
    }  # fmt: skip
    conversation = conversation_in(prompt)
    messages = messages_of(conversation)
    assert [(message.role, text_of(message)) for message in messages] == [
        ("system", "Be kind."), ("user", ""), ("user", "What is it?"), ("assistant", "A lamp."),
    ]  # fmt: skip
    assert [note.code for note in messages[1].origin.notes] == ["missing-file"]
    assert (messages[-1].reasoning[0].text, completion_of(conversation).model) == (
        "A lamp, it seems.",
        "gemini-2.5-pro",
    )


def test_a_session_of_the_development_kit_is_read_whole() -> None:
    conversation = conversation_in("google_adk_session.json")
    messages = messages_of(conversation)
    _check_session(messages)
    assert conversation.id == "google-adk-shop-customer-7-case-1"
    assert all(message.created for message in messages)
    assert completion_of(conversation).metadata["user"] == "customer-7"


def test_databases_of_the_development_kit_have_the_same_sessions(tmp_path: Path) -> None:
    session: dict[str, Any] = json.loads((FILES / "google_adk_session.json").read_text())
    for columns in ("event_data TEXT", "author TEXT, content TEXT, error_code TEXT, error_message TEXT"):
        path = tmp_path / f"{len(columns)}.db"
        with sqlite3.connect(path) as database:
            database.executescript(
                "CREATE TABLE app_states (a); CREATE TABLE user_states (a);"
                "CREATE TABLE sessions (app_name TEXT, user_id TEXT, id TEXT, state TEXT, create_time REAL);"
                "INSERT INTO sessions VALUES ('shop', 'customer-7', 'case-1', '{}', 1);"
                f"CREATE TABLE events (id TEXT, app_name, user_id, session_id, timestamp REAL, {columns});"
            )
            for event in session["events"]:
                data = [json.dumps(event)]
                if columns.startswith("author"):
                    names = (event.get(name) for name in ("author", "errorCode", "errorMessage"))
                    author, code, text = names
                    data = [author, json.dumps(event.get("content")), code, text]
                marks = ", ".join("?" * len(data))
                database.execute(
                    f"INSERT INTO events VALUES (?, 'shop', 'customer-7', 'case-1', ?, {marks})",
                    (event["id"], event["timestamp"], *data),
                )
        database.close()
        _check_session(messages_of(conversation_in(path)), has_sources=columns.startswith("event"))


def _check_session(messages: list[Message], *, has_sources: bool = True) -> None:
    assert [message.role for message in messages] == [
        "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "assistant", "user", "assistant",
    ]  # fmt: skip
    assert [call.id for call in messages[1].tool_calls] == ["call_1", "call_2"]
    assert [result.call_id for message in messages for result in message.results] == ["call_1", "call_2"]
    assert messages[1].reasoning[0].text == "Look both up."
    assert len(messages[4].citations) == has_sources
    parts = [part for message in messages for part in message.parts]
    assert sum(isinstance(part, ImagePart) for part in parts) == 2
    assert [part for part in parts if isinstance(part, FilePart)] == [FilePart("", "", "gs://shop/receipt.pdf")]
    assert [(call.arguments, call.output) for call in messages[6].tool_calls] == [("print(1)", "1")]
    assert [message.error for message in messages if message.error] == ["SAFETY: Blocked", "SAFETY: Blocked"]


_CHUNK = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi."}]}, "finishReason": "STOP"}]}


@pytest.mark.parametrize(
    "answer",
    [_CHUNK, [_CHUNK], f"data: {json.dumps(_CHUNK)}\n\n", {"role": "model", "parts": [{"text": "Hi."}]}, "Hi."],
)
def test_the_answer_to_a_request_is_read_however_it_was_kept(answer: Any) -> None:
    request = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    messages = messages_of(conversation_in({"request": request, "response": answer}))
    assert [text_of(message) for message in messages] == ["Hello", "Hi."]


def test_that_a_session_of_the_development_kit_was_rewound_is_seen() -> None:
    """The event that `Runner.rewind_async` of google-adk 2.13.0 adds; what was said since stays in the session."""
    said = {"content": {"parts": [{"text": "Refund A17"}], "role": "user"}, "author": "user", "invocationId": "e-1"}
    rewound = {"author": "user", "invocationId": "e-2", "id": "0920127c", "timestamp": 1796078948.69,
               "actions": {"stateDelta": {}, "artifactDelta": {}, "rewindBeforeInvocationId": "e-1"}}  # fmt: skip
    session = {"id": "s1", "appName": "shop", "userId": "ann", "state": {}, "events": [said, rewound]}
    assert [message.role for message in messages_of(conversation_in(session))] == ["user", "event"]
