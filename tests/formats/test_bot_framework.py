"""`bot_framework.json` is what botbuilder-core 4.17.1 kept of a talk; rows of Copilot Studio's are as it describes them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.formats.files import completion_of, conversation_in, conversations_in, messages_of, remarks_on
from viewer.completions.types import UnknownPart, text_of

_ACTIVITIES = [
    {"valueType": "ConversationInfo", "type": "trace", "timestamp": 1775589131, "from": {"id": "", "role": 0},
     "channelId": "msteams", "value": {"locale": "en-US"}},
    {"type": "message", "id": "m1", "timestamp": 1775589134, "from": {"id": "b", "role": 0}, "textFormat": "markdown",
     "text": "How can **I** help?"},
    {"type": "message", "id": "m2", "timestamp": 1775589135, "from": {"id": "u", "role": 1}, "text": "Where is A17?",
     "channelId": "msteams"},
    {"valueType": "ErrorTraceData", "type": "trace", "timestamp": 1775589136, "from": {"id": "b", "role": 0},
     "value": {"errorMessage": "The connector returned 401."}},
    {"type": "message", "id": "m3", "timestamp": 1775589137, "from": {"id": "b", "role": 0}, "text": "",
     "attachments": [], "replyToId": "m2"},
    {"valueType": "SessionInfo", "type": "trace", "timestamp": 1775589138, "from": {"id": "", "role": 0},
     "value": {"outcome": "Abandoned", "type": "Engaged"}},
]  # fmt: skip


def row(transcript_id: str) -> dict[str, str]:
    return {
        "conversationtranscriptid": transcript_id,
        "conversationstarttime": "2026-03-16T01:43:27Z",
        "metadata": json.dumps({"BotName": "desk_bot"}),
        "content": json.dumps({"activities": _ACTIVITIES}),
    }


def as_csv(rows: list[dict[str, str]]) -> bytes:
    written = io.StringIO()
    table = csv.DictWriter(written, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return written.getvalue().encode()


def test_a_transcript_has_what_was_said_with_cards_and_suggested_answers() -> None:
    """The bot does not name its own role there: it is the one who answers a customer."""
    messages = messages_of(conversation_in("bot_framework.json"))
    assert [(message.role, text_of(message)) for message in messages] == [
        ("user", "hi"), ("assistant", "What is it about?\n[Refund]\n[Other]"), ("user", "card"),
        ("assistant", "Order A17\nSent on Tuesday\n[Track]"), ("user", "Refund please"),
        ("assistant", "You said Refund please"), ("assistant", "Edited answer"),
    ]  # fmt: skip


def test_an_adaptive_card_is_read_as_what_it_says_and_any_other_attachment_stays_as_it_is() -> None:
    card = {
        "type": "AdaptiveCard",
        "body": [
            {"type": "TextBlock", "text": "Connection needed"},
            {"type": "ColumnSet", "columns": [{"items": [{"type": "TextBlock", "text": "ServiceNow"}]}]},
            {"type": "FactSet", "facts": [{"title": "Since", "value": "Tuesday"}]},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Sign in", "url": "https://desk.example"}],
    }
    attachments = [
        {"contentType": "application/vnd.microsoft.card.adaptive", "content": card},
        {"contentType": "application/json", "content": {"a": 1}},
    ]
    asked = {"type": "message", "from": {"id": "b", "role": "bot"}, "channelId": "webchat", "attachments": attachments}
    (message,) = messages_of(conversation_in({"activities": [asked]}))
    assert text_of(message) == "Connection needed\nServiceNow\nSince: Tuesday\n[Sign in]"
    assert [part.kind for part in message.parts if isinstance(part, UnknownPart)] == ["application/json"]


@pytest.mark.parametrize(
    "file", [{"value": [row("t-1"), row("t-2")]}, as_csv([row("t-1"), row("t-2")])], ids=["api", "csv"]
)
def test_each_row_of_copilot_studio_is_a_conversation_with_errors_among_its_messages(file: Any) -> None:
    """Nine of ten activities say how the bot came to its answer: they are kept in the JSON."""
    first, second = conversations_in(file)
    assert (first.id, second.id) == ("bot-framework-t-1", "bot-framework-t-2")
    assert [(message.role, text_of(message)) for message in messages_of(first)] == [
        ("assistant", "How can **I** help?"), ("user", "Where is A17?"),
        ("event", "trace: ErrorTraceData: The connector returned 401."), ("assistant", ""),
    ]  # fmt: skip
    completion = completion_of(first)
    assert completion.metadata == {
        "bot": "desk_bot", "channel": "msteams", "session": "Engaged", "outcome": "Abandoned"
    }  # fmt: skip
    assert "ConversationInfo" in completion.source


def test_an_answer_whose_text_may_not_be_kept_is_said_to_be_lost() -> None:
    *_, answer = messages_of(conversation_in({"activities": _ACTIVITIES}))
    assert [(note.code, note.by) for note in answer.origin.notes] == [("lost-text", "Copilot Studio")]


def test_activities_on_lines_are_joined_by_their_conversation_and_an_edit_is_said() -> None:
    said = {"type": "message", "id": "1", "from": {"id": "b", "role": "bot"}, "conversation": {"id": "c-1"}}
    lines = [
        {**said, "type": "messageUpdate", "text": "Sent on Tuesday", "timestamp": "2026-01-01T10:00:02Z"},
        {**said, "text": "Sent on Monday", "timestamp": "2026-01-01T10:00:01Z"},
        {**said, "text": "Hello", "conversation": {"id": "c-2"}, "timestamp": "2026-01-01T10:00:03Z"},
    ]
    edited, other = conversations_in("\n".join(map(json.dumps, lines)).encode())
    assert [text_of(message) for message in messages_of(edited)] == ["Sent on Monday", "Sent on Tuesday"]
    assert [note.code for note in messages_of(edited)[0].origin.notes] == ["edited"]
    assert [text_of(message) for message in messages_of(other)] == ["Hello"]


def test_a_transcript_in_which_nothing_was_said_is_named_and_does_not_hide_those_behind_it() -> None:
    silent = {"activities": [_ACTIVITIES[0]]}
    assert remarks_on(silent) == ["A transcript of a Microsoft bot in which nothing was said."]
    page = {"value": [row("t-1") | {"content": json.dumps(silent)}, row("t-2")]}
    assert [conversation.id for conversation in conversations_in(page)] == ["bot-framework-t-2"]
