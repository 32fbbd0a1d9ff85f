"""Help desks whose tickets hold their messages, or whose messages stand alone on pages of a list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.formats.files import completion_of, conversation_in, conversations_in, messages_of
from viewer.completions.types import ImagePart, text_of
from viewer.formats.document import Conversation


def said(conversation: Conversation) -> list[tuple[str, str, str]]:
    return [(message.role, message.name, text_of(message)) for message in messages_of(conversation)]


def gorgias(number: int, text: str, **more: Any) -> dict[str, Any]:
    """Return a message as a webhook of 2024 has it, shortened."""
    return {
        "id": 208841460 + number, "ticket_id": 86538298, "public": True, "from_agent": False, "channel": "email",
        "via": "helpdesk", "attachments": [], "body_html": f"<div>{text}</div>", "body_text": text,
        "created_datetime": f"2024-02-14T21:49:4{number}.308988+00:00", "failed_datetime": None, "subject": "Order A17",
        "last_sending_error": None, "sender": {"name": "Ann", "email": "ann@desk.example"},
    } | more  # fmt: skip


BO = {"name": "Bo", "email": "bo@desk.example"}
GORGIAS = [
    gorgias(3, "Sorry", from_agent=True, sender=BO, failed_datetime="2024-02-14T21:50:00+00:00", last_sending_error="550"),
    gorgias(2, "Our fault", from_agent=True, sender=BO, public=False, channel="internal-note"),
    gorgias(1, "Torn", attachments=[{"url": "https://desk.example/a.png", "content_type": "image/png", "name": "a.png"}]),
]  # fmt: skip


@pytest.mark.parametrize("shape", ["page", "ticket", "tickets"])
def test_a_ticket_of_gorgias_is_the_same_whole_and_as_a_page_of_its_messages(shape: str) -> None:
    """Pages have the newest first; what could not be sent stands in no other place than its error."""
    ticket = {"id": 86538298, "subject": "Order A17", "status": "open", "channel": "email", "messages": GORGIAS[::-1],
              "tags": [{"name": "vip"}], "customer": {"email": "ann@desk.example"},
              "created_datetime": "2024-02-14T21:49:41+00:00"}  # fmt: skip
    shapes = {"page": {"data": GORGIAS, "object": "list"}, "ticket": ticket, "tickets": {"data": [ticket]}}
    conversation = conversation_in(shapes[shape])
    assert conversation.id == "gorgias-86538298"
    assert said(conversation) == [("user", "Ann", "Torn"), ("note", "Bo", "Our fault"), ("assistant", "Bo", "Sorry")]
    torn, fault, sorry = messages_of(conversation)
    assert isinstance(torn.parts[1], ImagePart)
    assert [note.code for note in fault.origin.notes] == ["private"]
    assert (len(sorry.parts), sorry.error) == (1, "550")
    metadata = completion_of(conversation).metadata or {}
    assert (metadata["title"], metadata["customer"]) == ("Order A17", "ann@desk.example")


def thread(number: int, way: str, text: str, **more: Any) -> dict[str, Any]:
    author = {"name": "Ann", "type": "END_USER"} if way == "in" else {"name": "Bo", "type": "AGENT"}
    return {"id": f"t{number}", "type": "thread", "direction": way, "channel": "EMAIL", "visibility": "public",
            "status": "SUCCESS", "author": author, "summary": text[:9], "content": f"<div>{text}</div>",
            "contentType": "text/html", "createdTime": f"2025-01-01T10:00:0{number}.000Z", "attachments": []} | more  # fmt: skip


COMMENT = {
    "id": "c1", "type": "comment", "isPublic": False, "commentedTime": "2025-01-01T10:00:02.000Z", "contentType": "html",
    "content": "zsu[@user:556]zsu our fault", "commenter": {"name": "Bo", "type": "AGENT"},
    "mention": [{"zuid": "556", "firstName": "", "lastName": "Cy", "type": "AGENT"}],
}  # fmt: skip
ZOHO = [
    thread(4, "out", "We send another", status="DRAFT"), thread(3, "out", "Sorry, it is on its way"), COMMENT,
    thread(1, "in", "Torn", isDescriptionThread=True,
           attachments=[{"name": "a.pdf", "href": "https://desk.example/a.pdf", "size": "1079"}]),
]  # fmt: skip
TICKET = {"id": "31138000011972149", "ticketNumber": "101", "departmentId": "7", "subject": "Order A17",
          "description": "<div>Torn</div>", "createdTime": "2025-01-01T10:00:00.000Z", "status": "Open",
          "contact": {"firstName": "Ann", "lastName": "Bee", "email": "ann@desk.example"}}  # fmt: skip


@pytest.mark.parametrize("shape", [{"data": ZOHO}, TICKET | {"conversations": {"data": ZOHO}}], ids=["page", "ticket"])
def test_what_a_customer_of_zoho_desk_did_not_see_is_a_note_with_the_names_of_whom_it_mentions(shape: Any) -> None:
    conversation = conversation_in(shape)
    assert said(conversation) == [
        ("user", "Ann", "Torn"), ("note", "Bo", "@Cy our fault"), ("assistant", "Bo", "Sorry, it is on its way"),
        ("note", "Bo", "We send another"),
    ]  # fmt: skip
    assert len(messages_of(conversation)[0].parts) == 2


def test_a_list_of_threads_of_zoho_desk_has_only_how_each_begins_and_a_ticket_only_the_first() -> None:
    bare = [
        {name: value for name, value in one.items() if name not in ("content", "type")} for one in (ZOHO[1], ZOHO[3])
    ]
    first, second = messages_of(conversation_in({"data": bare}))
    assert (text_of(first), text_of(second)) == ("Torn", "Sorry, it")
    assert [note.code for note in second.origin.notes] == ["cut-off"]
    conversation = conversation_in({"data": [TICKET]})
    assert conversation.id == "zoho-desk-31138000011972149"
    assert said(conversation) == [("user", "Ann Bee", "Torn")]
    assert [note.code for note in messages_of(conversation)[0].origin.notes] == ["only-first"]


def kustomer(number: int, kind: str, **attributes: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"67dd47dfbc632c1804db1bf{number}",
            "attributes": {"createdAt": f"2025-03-21T20:13:0{number}.798Z", "channel": "email", **attributes},
            "relationships": {"conversation": {"data": {"type": "conversation", "id": "67dd47dfbc632c1804db1b00"}}}}  # fmt: skip


def test_messages_and_notes_of_kustomer_are_joined_and_what_was_not_sent_says_why() -> None:
    error = {"status": 400, "code": "invalid-recipient", "title": "You tried to send to an inactive address."}
    sent = kustomer(3, "message", direction="out", preview="Sorry", status="error", error=error)
    event = {"name": "kustomer.message.create", "data": sent, "createdAt": "2025-03-21T20:13:07.814Z"}
    page = {"data": [kustomer(2, "note", body="Our fault"),
                     kustomer(1, "message", direction="in", preview="Torn", meta={"from": "ann@desk.example"})]}  # fmt: skip
    (conversation,) = conversations_in([page, event])
    assert said(conversation) == [
        ("user", "ann@desk.example", "Torn"),
        ("note", "", "Our fault"),
        ("assistant", "", "Sorry"),
    ]
    assert messages_of(conversation)[2].error == "invalid-recipient: You tried to send to an inactive address."


def adf(*blocks: Any) -> dict[str, Any]:
    return {"version": 1, "type": "doc", "content": list(blocks)}


def paragraph(*nodes: Any) -> dict[str, Any]:
    return {
        "type": "paragraph",
        "content": [{"type": "text", "text": each} if isinstance(each, str) else each for each in nodes],
    }


ANN, BO_OF_JIRA = (
    {"accountId": "qm:1", "displayName": "Ann", "accountType": "customer"},
    {"accountId": "2", "displayName": "Bo"},
)


def issue(*comments: dict[str, Any], total: int = 0) -> dict[str, Any]:
    link = {"type": "text", "text": "here", "marks": [{"type": "link", "attrs": {"href": "https://a.example"}}]}
    items = [{"type": "listItem", "content": [paragraph(each)]} for each in ("bag", "box")]
    return {"key": "SUP-142", "id": "10042", "self": "https://acme.example", "fields": {
        "summary": "Order A17", "description": adf(paragraph("Torn, see ", link), {"type": "bulletList", "content": items}),
        "reporter": ANN, "created": "2026-04-02T15:14:52.509+0000", "status": {"name": "Open"}, "labels": ["vip"],
        "attachment": [{"filename": "a.png", "mimeType": "image/png", "content": "https://a.example/a.png", "author": ANN,
                        "created": "2026-04-02T15:14:53.000+0000"}],
        "comment": {"comments": list(comments), "total": total or len(comments)}}}  # fmt: skip


def comment(number: int, author: Any, body: Any, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "author": author, "body": body, "created": f"2026-04-08T14:04:3{number}.000+0000"} | more


def test_an_issue_of_jira_has_its_internal_comments_as_notes_in_both_of_its_formats() -> None:
    """Of a file Jira does not say with what comment it was sent, and so not whether the customer can see it."""
    comments = [comment(1, BO_OF_JIRA, "Our *fault*", jsdPublic=False), comment(2, BO_OF_JIRA, adf(paragraph("Sorry")), jsdPublic=True),
                comment(3, ANN, "Thanks", jsdPublic=True)]  # fmt: skip
    (conversation,) = conversations_in({"issues": [issue(*comments, total=30)], "isLast": True})
    assert conversation.id == "jira-SUP-142"
    assert said(conversation) == [
        ("user", "Ann", "Torn, see here (https://a.example)\n- bag\n- box"), ("event", "Ann", ""),
        ("note", "Bo", "Our *fault*"), ("assistant", "Bo", "Sorry"), ("user", "Ann", "Thanks"),
    ]  # fmt: skip
    assert [(note.code, note.count) for note in messages_of(conversation)[-1].origin.notes] == [("limit", 3)]
    assert (completion_of(conversation).metadata or {})["title"] == "Order A17"


def test_a_request_of_jira_service_management_is_joined_with_its_comments() -> None:
    def told(number: int, author: Any, body: str, *, public: bool) -> dict[str, Any]:
        return {"id": f"100{number}", "body": body, "public": public, "author": author,
                "created": {"iso8601": f"2015-10-09T10:22:0{number}+0700", "epochMillis": 1444360920000},
                "_links": {"self": f"https://acme.example/rest/servicedeskapi/request/2000/comment/100{number}"}}  # fmt: skip

    request = {"issueId": "2000", "issueKey": "HELP-1", "reporter": {"accountId": "7", "displayName": "Ann"},
               "createdDate": {"iso8601": "2015-10-09T10:22:00+0700"}, "currentStatus": {"status": "Waiting"},
               "requestFieldValues": [{"fieldId": "summary", "value": "Order"}, {"fieldId": "description", "value": "Torn"}]}  # fmt: skip
    page = {"size": 3, "isLastPage": True, "values": [
        told(1, BO_OF_JIRA, "Our fault", public=False), told(2, BO_OF_JIRA, "Sorry", public=True),
        told(3, {"accountId": "7", "displayName": "Ann"}, "Thanks", public=True)]}  # fmt: skip
    (conversation,) = conversations_in([request, page])
    assert said(conversation) == [
        ("user", "Ann", "Torn"), ("note", "Bo", "Our fault"), ("assistant", "Bo", "Sorry"), ("user", "Ann", "Thanks"),
    ]  # fmt: skip


def article(number: int, sender: str, body: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "ticket_id": 5, "sender": sender, "type": "email", "internal": False, "body": body,
            "content_type": "text/html", "from": "Ann <ann@desk.example>", "subject": "Order A17",
            "created_at": f"2025-01-01T10:00:0{number}.000Z", "attachments": []} | more  # fmt: skip


ARTICLES = [
    article(1, "Customer", "<p>Torn <b>bag</b></p>", attachments=[{"id": 7, "filename": "a.png", "size": "12"}]),
    article(2, "Agent", "Our fault", internal=True, type="note", content_type="text/plain", **{"from": "Bo"}),
    article(3, "Agent", "<div>Sorry</div>", **{"from": "Bo"}),
]


@pytest.mark.parametrize("shape", ["articles", "ticket", "assets"])
def test_an_internal_article_of_zammad_is_no_answer_to_the_customer(shape: str) -> None:
    """It was read as a table of messages before, in which all but the customer's are answers."""
    ids = {"Agent": 1, "Customer": 2}
    bare = {str(one["id"]): {name: value for name, value in one.items() if name not in ("sender", "type")}
            | {"sender_id": ids[one["sender"]]} for one in ARTICLES}  # fmt: skip
    shapes: dict[str, Any] = {
        "articles": ARTICLES,
        "ticket": {"id": 5, "number": "31005", "title": "Order A17", "state": "open", "articles": ARTICLES},
        "assets": {
            "ticket_id": 5,
            "ticket_article_ids": [1, 2, 3],
            "assets": {"Ticket": {"5": {}}, "TicketArticle": bare},
        },
    }
    conversation = conversation_in(shapes[shape])
    assert conversation.id == "zammad-5"
    assert [(message.role, text_of(message)) for message in messages_of(conversation)] == [
        ("user", "Torn bag"), ("note", "Our fault"), ("assistant", "Sorry"),
    ]  # fmt: skip
    assert [note.code for note in messages_of(conversation)[0].origin.notes] == ["missing-file"]
