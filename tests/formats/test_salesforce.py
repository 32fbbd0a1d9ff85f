"""Salesforce's tables, of which each is a file; transcripts as published tests of Salesforce's own have them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from tests.formats.files import completion_of, conversation_in, conversations_in, messages_of, refusals_in, remarks_on
from viewer.completions.types import TextPart, text_of
from viewer.formats.document import Conversation

CASE = {"Id": "500Wt00000DDPM6IAP", "CaseNumber": "00001026", "Subject": "Order A17", "Status": "Closed",
        "Description": "Torn", "ContactEmail": "ann@desk.example", "CreatedDate": "2025-01-01T10:00:00.000+0000"}  # fmt: skip


def mail(number: int, text: str, **more: Any) -> dict[str, Any]:
    return {"Id": f"02sWt00000ABCD{number}IAP", "ParentId": "500Wt00000DDPM6IAP", "Incoming": "0", "Status": "3",
            "FromName": "Bo", "TextBody": text, "HtmlBody": "", "HasAttachment": "0",
            "MessageDate": f"2025-01-01T10:00:0{number}.000+0000"} | more  # fmt: skip


MAILS = [
    mail(3, "Sorry"),
    mail(1, "Torn", Incoming="1", FromName="Ann", HasAttachment="1"),
    mail(4, "We send", Status="5"),
]
COMMENT = {"Id": "00aWt00000000001", "ParentId": "500Wt00000DDPM6", "IsPublished": "0", "CommentBody": "Our fault",
           "CreatedDate": "2025-01-01T10:00:02.000+0000"}  # fmt: skip


def as_csv(*rows: dict[str, Any]) -> str:
    written = io.StringIO()
    table = csv.DictWriter(written, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return written.getvalue()


def said(conversation: Conversation) -> list[tuple[str, str, str]]:
    return [(message.role, message.name, text_of(message)) for message in messages_of(conversation)]


def test_a_case_is_joined_with_its_mails_and_comments_from_the_files_of_the_weekly_export(tmp_path: Path) -> None:
    """What it was opened with is the first mail as well; an id may have 15 characters or 18."""
    for name, rows in (("Case", [CASE]), ("CaseComment", [COMMENT]), ("EmailMessage", MAILS)):
        (tmp_path / f"{name}.csv").write_text(as_csv(*rows))
    (conversation,) = conversations_in(tmp_path)
    assert said(conversation) == [
        ("user", "Ann", "Torn"), ("note", "", "Our fault"), ("assistant", "Bo", "Sorry"), ("note", "Bo", "We send"),
    ]  # fmt: skip
    assert [note.code for note in messages_of(conversation)[0].origin.notes] == ["missing-file"]
    metadata = completion_of(conversation).metadata or {}
    assert (metadata["ticket"], metadata["customer"]) == ("00001026", "ann@desk.example")


def test_a_case_alone_has_only_what_it_was_opened_with() -> None:
    (message,) = messages_of(conversation_in({"totalSize": 1, "done": True, "records": [CASE]}))
    assert (message.role, text_of(message), [note.code for note in message.origin.notes]) == (
        "user", "Torn", ["only-first"],
    )  # fmt: skip
    assert remarks_on({"records": [CASE | {"Description": None}]}) == [
        "This is a Salesforce case without mails, comments and a description."
    ]


def test_entries_of_a_messaging_session_have_bots_agents_and_events() -> None:
    def entry(number: int, actor: str, text: str, kind: str = "Text") -> dict[str, Any]:
        return {"attributes": {"type": "ConversationEntry"}, "Id": f"0dGWt00000{number}", "ActorType": actor,
                "ActorName": {"EndUser": "Ann"}.get(actor, actor), "EntryType": kind, "Message": text,
                "ConversationId": "0MwWt0000000001KAA", "EntryTime": f"2025-01-01T10:00:0{number}.000+0000"}  # fmt: skip

    entries = [entry(3, "System", "", "BotEscalated"), entry(2, "Bot", "Hello"), entry(1, "EndUser", "Torn"),
               entry(4, "Agent", "Sorry")]  # fmt: skip
    conversation = conversation_in({"records": entries})
    assert said(conversation) == [
        ("user", "Ann", "Torn"), ("assistant", "Bot", "Hello"), ("event", "System", "BotEscalated"),
        ("assistant", "Agent", "Sorry"),
    ]  # fmt: skip


def test_a_transcript_of_the_former_chat_tells_agents_apart_by_the_lines_that_name_them() -> None:
    body = (
        '<p align="center">Chat Started: Monday, December 17, 2018, 23:27:57 (-0500)</p><p align="center">Chat Origin: '
        'Live Chat Button</p><p align="center">Agent Bo G</p>( 10s ) Bo G: Hi, I&#39;ll be happy to help: what is it?<br>'
        "( 1m 13s ) Ann Bee: Torn<br>( 3m 32s ) "
    )
    conversation = conversation_in({"Id": "570Wt00000AbcdeIAP", "ChatKey": "k", "Body": body, "CaseId": "500Wt"})
    assert said(conversation)[2:] == [
        ("event", "", "Agent Bo G"), ("assistant", "Bo G", "Hi, I'll be happy to help: what is it?"), ("user", "Ann Bee", "Torn"),
    ]  # fmt: skip
    assert [str(message.created) for message in messages_of(conversation)][3:] == [
        "2018-12-18 04:28:07+00:00", "2018-12-18 04:29:10+00:00",
    ]  # fmt: skip
    visitor = body.replace("Ann Bee", "Visitor").replace("Agent Bo G", "Agent (UserFirstName)")
    roles = [message.role for message in messages_of(conversation_in({"Id": "5", "ChatKey": "k", "Body": visitor}))]
    assert roles[3:] == ["assistant", "user"]
    assert remarks_on({"Id": "6", "ChatKey": "k", "Body": None}) == [
        "A Salesforce case or chat in which nothing was said."
    ]
    assert "has a shape" in refusals_in({"Id": "7", "ChatKey": "k", "Body": "Ann: Torn"})[0]


def agentforce(**fields: Any) -> dict[str, Any]:
    return {f"ssot__{name}__c": value for name, value in fields.items()}


def test_a_session_of_agentforce_is_joined_though_its_steps_name_only_their_turn(tmp_path: Path) -> None:
    turn, session = "turn-0000-0000-0000-0001", "session-0000-0000-0000-01"
    step = {"AiAgentInteractionId": turn, "ErrorMessageText": "NOT_SET"}
    tables = {
        "session": [agentforce(Id=session, AiAgentSessionEndType="ESCALATED", StartTimestamp="2026-06-17T02:25:40Z")],
        "turn": [agentforce(Id=turn, AiAgentSessionId=session, AiAgentInteractionType="TURN",
                            StartTimestamp="2026-06-17T02:25:41Z")],
        "message": [
            agentforce(Id="m2", AiAgentInteractionId=turn, AiAgentInteractionMessageType="Output", ContentText="Sorry",
                       MessageSentTimestamp="2026-06-17T02:25:46Z"),
            agentforce(Id="m1", AiAgentInteractionId=turn, AiAgentInteractionMessageType="Input", ContentText="Torn",
                       MessageSentTimestamp="2026-06-17T02:25:42Z"),
        ],
        "step": [
            agentforce(Id="s1", AiAgentInteractionStepType="TOPIC_STEP", Name="Orders", StartTimestamp="2026-06-17T02:25:43Z", **step),
            agentforce(Id="s2", AiAgentInteractionStepType="LLM_STEP", Name="React", InputValueText="You are helpful",
                       StartTimestamp="2026-06-17T02:25:44Z", **step),
            agentforce(Id="s3", AiAgentInteractionStepType="ACTION_STEP", Name="Find", InputValueText='{"order": "A17"}',
                       StartTimestamp="2026-06-17T02:25:45Z", **step | {"ErrorMessageText": "No such order"}),
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    (conversation,) = conversations_in(tmp_path)
    messages = messages_of(conversation)
    assert conversation.id == session
    assert [(message.role, text_of(message)) for message in messages] == [
        ("user", "Torn"), ("event", "TOPIC_STEP: Orders"), ("assistant", ""), ("tool", ""),
        ("assistant", "Sorry"),
    ]  # fmt: skip
    assert messages[2].tool_calls[0].arguments == '{"order": "A17"}'
    assert [(part.text, result.outcome) for part, result in zip(messages[3].parts, messages[3].results, strict=True)
            if isinstance(part, TextPart)] == [("No such order", "error")]  # fmt: skip
    completion = completion_of(conversation)
    assert completion.metadata == {"outcome": "ESCALATED"}
    assert "You are helpful" in completion.source
