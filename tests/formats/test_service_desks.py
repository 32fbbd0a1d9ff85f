"""Service desks and live chats: ServiceNow, tawk.to, LivePerson, and Olark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.formats.files import conversation_in, conversations_in, messages_of, refusals_in, remarks_on
from viewer.completions.types import ImagePart, TextPart, text_of
from viewer.formats.document import Conversation

_SYS_ID = "1c741bd70b2322007518478d83673af3"


def said(conversation: Conversation) -> list[tuple[str, str, str]]:
    return [(message.role, message.name, text_of(message)) for message in messages_of(conversation)]


def notes(conversation: Conversation) -> list[list[str]]:
    return [[note.code for note in message.origin.notes] for message in messages_of(conversation)]


def person(name: str) -> dict[str, str]:
    return {"display_value": name, "link": f"https://x.service-now.com/api/now/table/sys_user/{name}"}


COMMENTS = """2016-12-13 10:42:25 - David Loo (Additional comments)
Hi Joe,
Are you on VPN?

2016-12-12 07:19:57 - Joe Employee (Additional comments)
Down [code]<p>for <b>hours</b></p>[/code]

"""
INCIDENT = {
    "sys_id": _SYS_ID, "number": "INC0000060", "short_description": "Mail is down", "description": "", "state": "Closed",
    "caller_id": person("Joe Employee"), "opened_by": person("Joe Employee"), "opened_at": "2016-12-12 07:19:00",
    "comments": COMMENTS, "work_notes": "2016-12-13 09:00:00 - David Loo (Work notes)\nSeen before\n\n",
    "comments_and_work_notes": COMMENTS, "close_notes": "Restarted", "closed_at": "2016-12-14 08:00:00",
    "closed_by": person("Don Goodliffe"),
}  # fmt: skip


def test_an_incident_of_servicenow_has_its_comments_in_texts_with_the_newest_first() -> None:
    conversation = conversation_in({"result": [INCIDENT]})
    assert said(conversation) == [
        ("user", "Joe Employee", "Mail is down"), ("user", "Joe Employee", "Down\nfor hours"),
        ("note", "David Loo", "Seen before"), ("assistant", "David Loo", "Hi Joe,\nAre you on VPN?"),
        ("assistant", "Don Goodliffe", "Restarted"),
    ]  # fmt: skip
    assert notes(conversation) == [[], [], ["private"], [], []]
    assert [str(message.created)[:16] for message in messages_of(conversation)][:2] == ["2016-12-12 07:19"] * 2


def test_a_workbook_of_incidents_has_names_of_columns_for_people_and_dates_that_are_left_as_they_are() -> None:
    table = (
        "Number,Short description,Caller,Description,Comments and Work notes,Opened,Opened by\r\n"
        'INC1,Mail,Ann,Mail down,"10.05.2024 10:30:00 - Bo (Zusätzliche Kommentare)\nSorry\n\n'
        '10.05.2024 09:30:00 - Bo (Arbeitsnotizen)\nHm\n\n09.05.2024 09:30 - Ann (Zusätzliche Kommentare)\nHello?\n",'
        "10.05.2024 09:00:00,Ann\r\n"
    )
    conversation = conversation_in(table.encode())
    assert said(conversation) == [
        ("user", "Ann", "Mail down"), ("user", "Ann", "Hello?"), ("note", "Bo", "Hm"), ("assistant", "Bo", "Sorry"),
    ]  # fmt: skip
    assert [message.created for message in messages_of(conversation)] == [None] * 4


def journal(number: int, element: str, by: str, text: str) -> dict[str, str]:
    return {"sys_id": f"j{number}", "name": "incident", "element_id": _SYS_ID, "element": element, "value": text,
            "sys_created_on": f"2026-03-25 10:00:0{number}", "sys_created_by": by}  # fmt: skip


def test_rows_of_the_journal_of_servicenow_are_joined_with_their_incident(tmp_path: Path) -> None:
    user = {"link": "https://x.service-now.com/api/now/table/sys_user/u", "value": "6816f79cc0a8016401c5a33be04be441"}
    incident = {"sys_id": _SYS_ID, "number": "INC2", "short_description": "Bag", "description": "Bag torn", "comments": "",
                "caller_id": user, "opened_by": user, "sys_created_by": "ann", "opened_at": "2026-03-25 09:59:00"}  # fmt: skip
    rows = [
        journal(2, "comments", "bo", "Sorry"),
        journal(3, "work_notes", "bo", "Ours"),
        journal(1, "comments", "ann", "Hm"),
    ]
    (tmp_path / "incident.json").write_text(json.dumps({"result": [incident]}))
    (tmp_path / "journal.json").write_text(json.dumps({"result": rows}))
    (conversation,) = conversations_in(tmp_path)
    assert said(conversation) == [
        ("user", "", "Bag torn"), ("user", "ann", "Hm"), ("assistant", "bo", "Sorry"), ("note", "bo", "Ours"),
    ]  # fmt: skip
    assert notes(conversation_in({"result": [incident]})) == [["only-first"]]
    assert "give their incidents, too" in refusals_in({"result": rows})[0]


def of_tawk(kind: str, text: str, **more: Any) -> dict[str, Any]:
    sender = {"t": kind} | ({"n": "Bo", "id": "1"} if kind == "a" else {})
    return {"sender": sender, "type": "msg", "msg": text, "time": "2026-07-03T01:02:30.780Z"} | more


def notice(event: str, **more: Any) -> dict[str, Any]:
    return {"event": event, "time": "2026-07-03T01:03:00.000Z", "property": {"id": "1", "name": "Shop"}} | more


def test_a_transcript_of_tawk_to_says_who_speaks_and_a_ticket_has_only_its_first_message() -> None:
    file = {
        "type": "file",
        "content": {"file": {"url": "https://tawk.example/a.png", "name": "a.png", "mimeType": "image/png"}},
    }
    chat = {"id": "70fe3290-99ad-11e9-a30a-51567162179f", "visitor": {"name": "Ann", "email": "ann@a.example"}, "messages": [
        of_tawk("s", "Hello!"), of_tawk("v", "Torn", attchs=[file]), of_tawk("a", "Sorry"), of_tawk("a", "", type="webrtc-call"),
    ]}  # fmt: skip
    conversation = conversation_in(notice("chat:transcript_created", chat=chat))
    assert said(conversation) == [
        ("event", "", "Hello!"), ("user", "Ann", "Torn"), ("assistant", "Bo", "Sorry"), ("event", "Bo", "webrtc-call"),
    ]  # fmt: skip
    assert [type(part) for part in messages_of(conversation)[1].parts] == [TextPart, ImagePart]
    ticket = {"id": "02598050-aeed-11e9-8a4c-9f6e0c9e9b0c", "humanId": 3, "subject": "Bag", "message": "Torn"}
    opened = conversation_in(notice("ticket:create", ticket=ticket, requester={"name": "Ann", "type": "visitor"}))
    assert said(opened) == [("user", "Ann", "Bag\n\nTorn")]
    assert notes(opened) == [["only-first"]]
    assert "its transcript has in full" in remarks_on(notice("chat:end", chatId="7", visitor={"name": "Ann"}))[0]


def record(number: int, sent_by: str, by: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "TEXT_PLAIN", "messageData": data, "messageId": f"ms::dialog:d::msg:{number}", "seq": number, "dialogId": "d",
        "participantId": by, "time": "2026-02-05 08:28:12.571+0000", "timeL": 1770280092000 + number, "sentBy": sent_by,
    } | more  # fmt: skip


def test_a_conversation_of_liveperson_has_cards_private_messages_and_transfers() -> None:
    card = {"type": "vertical", "elements": [
        {"type": "text", "text": "Bags"}, {"type": "button", "title": "Buy"}, {"type": "image", "url": "https://a.example/b.gif"},
    ]}  # fmt: skip
    file = {"relativePath": "account/1/bag.jpg", "fileType": "JPG", "caption": ""}
    conversation = conversation_in({"conversationHistoryRecords": [{
        "info": {"conversationId": "e5c58e49-e4a5-40a8-8a18-d6580d1d5630", "startTimeL": 1770280092000, "csatRate": 5},
        "messageRecords": [
            record(1, "Consumer", "c", {"msg": {"text": "Torn"}}), record(2, "Consumer", "c", {"file": file}),
            record(3, "Agent", "7", {"richContent": {"content": json.dumps(card)}}),
            record(5, "Agent", "8", {"msg": {"text": "Ours"}}, messageAudience="AGENTS_AND_MANAGERS"),
            record(6, "Agent", "8", {"msg": {"text": "Sorry"}}),
        ],
        "agentParticipants": [{"agentId": "7", "agentNickname": "Helper", "userTypeName": "Bot"},
                              {"agentId": "8", "agentNickname": "undefined", "agentFullName": "Bo"}],
        "consumerParticipants": [{"participantId": "c", "firstName": "Ann", "lastName": "undefined"}],
        "transfers": [{"timeL": 1770280092004, "targetSkillName": "Bags", "assignedAgentFullName": "null",
                       "sourceAgentFullName": "Helper"}],
    }]})  # fmt: skip
    assert said(conversation) == [
        ("user", "Ann", "Torn"), ("user", "Ann", ""), ("assistant", "Helper", "Bags\n[Buy]"),
        ("event", "Helper", "transfer: Bags"), ("note", "Bo", "Ours"), ("assistant", "Bo", "Sorry"),
    ]  # fmt: skip
    assert notes(conversation) == [[], ["lost-image"], [], [], ["private"], []]


def test_a_chat_of_liveperson_names_on_each_line_who_wrote_it() -> None:
    line = {"controlType": 0, "subType": "REGULAR", "textType": "plain", "by": "info", "source": "system"}
    lines = [
        line | {"timeL": 1485969115981, "text": "Please wait"},
        line
        | {"timeL": 1485969123246, "text": "hello &amp; <b>hi</b>", "by": "Bo", "source": "agent", "textType": "html"},
        line | {"timeL": 1485969136179, "text": "1 < 2", "by": "Ann", "source": "visitor"},
        line | {"timeL": 1485969137000, "json": {"type": "text", "text": "Bags"}, "by": "Bo", "source": "agent"},
    ]
    info = {
        "engagementId": "qa359315574294967901",
        "visitorName": "Ann",
        "startTimeL": 1485969119916,
        "skillName": "NA",
    }
    chat = conversation_in({"interactionHistoryRecords": [{"info": info, "transcript": {"lines": lines}}]})
    assert said(chat) == [
        ("event", "info", "Please wait"), ("assistant", "Bo", "hello & hi"), ("user", "Ann", "1 < 2"),
        ("assistant", "Bo", "Bags"),
    ]  # fmt: skip
    empty = {"info": info, "transcript": {"lines": []}}
    assert remarks_on({"interactionHistoryRecords": [empty]}) == [
        "A conversation of LivePerson in which nothing was said."
    ]


def test_a_transcript_of_olark_says_to_whom_each_message_went() -> None:
    items = [
        {"kind": "MessageToVisitor", "nickname": "Olark operator", "operatorId": "1", "timestamp": "1473774819.263083",
         "body": "Any help?"},
        {"kind": "MessageToOperator", "nickname": "USA (San Francisco, CA) #7617", "timestamp": "1473774821.411154",
         "body": "Torn"},
    ]  # fmt: skip
    transcript = {
        "kind": "Conversation", "id": "EV695BI2930A6XMO32886MPT899443414", "tags": ["bags"], "items": items,
        "visitor": {"kind": "Visitor", "fullName": "Ann", "emailAddress": "ann@a.example"},
        "operators": {"1": {"kind": "Operator", "id": "1", "nickname": "Bo"}},
    }  # fmt: skip
    conversation = conversation_in(transcript)
    assert said(conversation) == [("assistant", "Bo", "Any help?"), ("user", "Ann", "Torn")]
    assert str(messages_of(conversation)[1].created)[:19] == "2016-09-13 13:53:41"
    assert remarks_on(transcript | {"items": []}) == ["A transcript of Olark in which nothing was said."]
