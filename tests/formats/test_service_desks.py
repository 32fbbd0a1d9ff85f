"""Service desks and live chats: ServiceNow, tawk.to, and LivePerson."""

from __future__ import annotations

import json
from pathlib import Path

from tests.formats.files import conversation_in, conversations_in, messages_of, refusals_in
from viewer.completions.types import text_of
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
