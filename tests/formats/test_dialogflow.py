"""`dialogflow.json` is a conversation as the client google-cloud-dialogflow-cx 2.9.0 writes it, the newest turn first."""

from __future__ import annotations

import json
from typing import Any

from tests.formats.files import FILES, completion_of, conversation_in, messages_of
from viewer.completions.types import UnknownPart, text_of

SAID = [
    ("event", "event: WELCOME"), ("assistant", "Hello, how can I help?"), ("user", "Where is A17?"), ("assistant", ""),
    ("tool", ""), ("assistant", "Let me look.\nThere is no such order."), ("user", "12"), ("assistant", "I pass you on."),
    ("event", 'liveAgentHandoff: {"queue": "billing"}'),
]  # fmt: skip


def said_in(source: Any) -> list[tuple[str, str]]:
    return [(message.role, text_of(message)) for message in messages_of(conversation_in(source))]


def test_turns_stand_in_their_order_with_tools_and_hand_offs() -> None:
    conversation = conversation_in("dialogflow.json")
    assert said_in("dialogflow.json") == SAID
    messages = messages_of(conversation)
    (call,), (result,) = messages[3].tool_calls, messages[4].results
    assert (call.name, call.arguments, call.id) == ("look_up", '{"order": "A17"}', result.call_id)
    assert [part.kind for part in messages[7].parts if isinstance(part, UnknownPart)] == ["payload"]
    assert completion_of(conversation).metadata == {"session": "s1", "language": "en"}


def test_turns_in_bigquery_are_joined_by_their_conversation() -> None:
    conversation = json.loads((FILES / "dialogflow.json").read_text())
    rows = [
        {"conversation_name": conversation["name"], "turn_position": n, "request_time": turn["createTime"],
         "request": turn["request"], "response": turn["response"]}
        for n, turn in enumerate(conversation["interactions"])
    ]  # fmt: skip
    assert said_in("\n".join(map(json.dumps, rows)).encode()) == SAID


def test_what_is_only_spoken_is_shown_as_text() -> None:
    turn = {
        "request": {"queryInput": {"audio": {}}},
        "response": {
            "queryResult": {
                "transcript": "Where is A17?",
                "responseMessages": [{"outputAudioText": {"ssml": "<speak>On its way</speak>"}}],
            }
        },
    }
    assert said_in({"interactions": [turn]}) == [("user", "Where is A17?"), ("assistant", "<speak>On its way</speak>")]
