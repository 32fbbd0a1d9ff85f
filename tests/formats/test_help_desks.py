from __future__ import annotations

import json
from typing import Any

from tests.formats.files import completion_of, conversation_in, conversations_in, messages_of, refusals_in
from viewer.completions.types import AudioPart, FilePart, ImagePart, Message, text_of


def said(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [(message.role, message.name, text_of(message)) for message in messages]


def notes(messages: list[Message]) -> list[str]:
    return [note.code for message in messages for note in message.origin.notes]


# --- Chatwoot -------------------------------------------------------------------------------------------------------


def chatwoot(number: int, kind: int, content: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "content": content, "message_type": kind, "conversation_id": 12, "private": False,
            "created_at": 1795860000 + number, **more}  # fmt: skip


CHATWOOT = [
    chatwoot(1, 0, "Torn", sender={"name": "Ann", "type": "contact"}, attachments=[
        {"file_type": "image", "data_url": "https://desk.example/torn.png"},
        {"file_type": "audio", "extension": "mp3", "data_url": "https://desk.example/a.mp3", "transcribed_text": "Help"},
        {"file_type": "location", "coordinates_lat": 47.5},
    ]),
    chatwoot(2, 3, "We will answer soon."),
    chatwoot(3, 2, "Assigned to Bo"),
    chatwoot(4, 1, "Looks like our fault", private=True, sender={"name": "Bo", "type": "user"}),
    chatwoot(5, 1, "A new one is **on its way**.", sender={"name": "Bo", "type": "user"}),
]  # fmt: skip


def test_chatwoot_pages_and_conversation_are_one() -> None:
    record = {"id": 12, "inbox_id": 3, "account_id": 1, "status": "open", "labels": ["torn"], "messages": CHATWOOT[-1:],
              "meta": {"sender": {"name": "Ann", "email": "ann@example.org"}, "assignee": {"name": "Bo"}}}  # fmt: skip
    pages = [{"meta": {}, "payload": CHATWOOT[3:]}, {"meta": {}, "payload": CHATWOOT[:3]}, record]
    conversation = conversation_in("\n".join(map(json.dumps, pages)).encode())
    messages = messages_of(conversation)
    assert conversation.id == "chatwoot-12"
    assert said(messages) == [
        ("user", "Ann", "Torn\nHelp"),
        ("assistant", "", "We will answer soon."),
        ("event", "", "Assigned to Bo"),
        ("note", "Bo", "Looks like our fault"),
        ("assistant", "Bo", "A new one is **on its way**."),
    ]
    assert notes(messages) == ["private"]
    kinds = [type(part).__name__ for part in messages[0].parts]
    assert kinds == ["TextPart", "ImagePart", "AudioPart", "TextPart", "UnknownPart"]
    assert completion_of(conversation).metadata == {
        "customer": "ann@example.org", "customer_name": "Ann", "assignee": "Bo", "status": "open", "tags": '["torn"]',
    }  # fmt: skip


def test_chatwoot_messages_alone_and_webhooks() -> None:
    alone = messages_of(conversation_in(CHATWOOT))
    hooks = [{"event": "message_created", **one, "message_type": {0: "incoming", 1: "outgoing"}[one["message_type"]],
              "conversation": {"id": 12}} for one in (CHATWOOT[0], CHATWOOT[4])]  # fmt: skip
    assert len(alone) == 5
    assert [message.role for message in messages_of(conversation_in(hooks))] == ["user", "assistant"]


def test_a_chatwoot_list_has_only_the_last_message() -> None:
    record = {"id": 12, "inbox_id": 3, "account_id": 1, "meta": {}, "messages": CHATWOOT[-1:]}
    messages = messages_of(conversation_in({"data": {"meta": {"all_count": 1}, "payload": [record]}}))
    assert notes(messages) == ["only-last"]
    assert refusals_in({**record, "messages": []}) == [
        "This Chatwoot conversation is here without its messages: export them too."
    ]


# --- Intercom -------------------------------------------------------------------------------------------------------


def intercom(**more: Any) -> dict[str, Any]:
    return {"type": "conversation", "id": "123", "created_at": 1795860000, "title": "Torn", "state": "closed",
            "source": {"type": "conversation", "id": "9", "subject": "", "body": "<p>It is <b>torn</b></p>",
                       "author": {"type": "user", "name": "Ann", "email": "ann@example.org"},
                       "attachments": [{"name": "torn.png", "url": "https://i.example/torn.png", "content_type": "image/png"}]},
            **more}  # fmt: skip


def part(kind: str, body: str | None, author: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "conversation_part", "id": body or kind, "part_type": kind, "body": body, "author": author, **more}


def test_intercom_conversation() -> None:
    bot, colleague = {"type": "bot", "name": "Fin", "is_ai_answer": True}, {"type": "admin", "name": "Bo"}
    parts = [
        part("comment", "<p>Is it the cup?</p>", bot),
        part("assignment", None, bot, assigned_to={"type": "admin", "id": "7"}),
        part("note", "<p>VIP</p>", colleague),
        part("comment", "<ul><li>Yes</li></ul>", {"type": "lead", "name": "Ann"}),
        part("close", "<p>Done.</p>", colleague, redacted=True),
    ]
    conversation = conversation_in(intercom(conversation_parts={"conversation_parts": parts, "total_count": 5}))
    messages = messages_of(conversation)
    assert said(messages) == [
        ("user", "Ann", "It is torn"),
        ("assistant", "Fin", "Is it the cup?"),
        ("event", "Fin", "assignment: 7"),
        ("note", "Bo", "VIP"),
        ("user", "Ann", "- Yes"),
        ("assistant", "Bo", "Done."),
    ]
    assert [part.url for part in messages[0].parts if isinstance(part, ImagePart)] == ["https://i.example/torn.png"]
    assert notes(messages) == ["private", "lost-text"]
    assert messages[1].other == {"is_ai_answer": "true"}
    assert completion_of(conversation).metadata == {"title": "Torn", "customer": "ann@example.org", "state": "closed"}


def test_intercom_says_what_its_lists_leave_out() -> None:
    listed = conversation_in({"type": "conversation.list", "conversations": [intercom()]})
    assert notes(messages_of(listed)) == ["only-first"]
    parts = [part("comment", str(n), {"type": "user"}) for n in range(500)]
    full = conversation_in(intercom(conversation_parts={"conversation_parts": parts, "total_count": 731}))
    assert notes(messages_of(full)) == ["limit"]


# --- Zendesk --------------------------------------------------------------------------------------------------------


def comment(number: int, author: int, body: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": "Comment", "author_id": author, "body": body, "public": True,
            "created_at": f"2026-11-01T10:0{number}:00Z", "attachments": [], **more}  # fmt: skip


COMMENTS = [
    comment(1, 9, "Torn", html_body='<div class="zd-comment"><p>Torn</p></div>', attachments=[
        {"file_name": "terms.pdf", "content_url": "https://z.example/terms.pdf", "content_type": "application/pdf"}]),
    comment(2, 8, "VIP", public=False),
    comment(3, 8, "A new one comes."),
    comment(4, 9, "", data={"recording_url": "https://z.example/call.mp3"}, type="VoiceComment"),
]  # fmt: skip
TICKET = {"id": 35436, "subject": "Torn box", "description": "Torn", "requester_id": 9, "ticket_form_id": None,
          "status": "solved", "tags": ["torn"], "created_at": "2026-11-01T10:00:00Z"}  # fmt: skip


def test_zendesk_tickets_with_comments() -> None:
    for record in ({**TICKET, "comments": COMMENTS}, {"ticket": TICKET, "comments": COMMENTS}):
        conversation = conversation_in(record)
        messages = messages_of(conversation)
        assert conversation.id == "zendesk-35436"
        assert [message.role for message in messages] == ["user", "note", "assistant", "user"]
        assert [text_of(message) for message in messages] == ["Torn", "VIP", "A new one comes.", ""]
        assert [part.filename for part in messages[0].parts if isinstance(part, FilePart)] == ["terms.pdf"]
        assert [part.data for part in messages[3].parts if isinstance(part, AudioPart)] == [
            "https://z.example/call.mp3"
        ]
        assert completion_of(conversation).metadata["title"] == "Torn box"


def test_zendesk_comments_alone_with_people_beside() -> None:
    people = [
        {"id": 9, "name": "Ann", "role": "end-user", "email": "a@example.org"},
        {"id": 8, "name": "Bo", "role": "agent"},
    ]
    page = {
        "comments": COMMENTS,
        "users": people,
        "next_page": "https://x.example/api/v2/tickets/35436/comments.json?page=2",
    }
    conversation = conversation_in(page)
    assert conversation.id == "zendesk-35436"
    assert [message.name for message in messages_of(conversation)] == ["Ann", "Bo", "Bo", "Ann"]


def test_zendesk_tickets_without_comments_have_only_the_first() -> None:
    (conversation,) = conversations_in({"tickets": [TICKET], "users": [], "count": 1})
    assert said(messages_of(conversation)) == [("user", "", "Torn")]
    assert notes(messages_of(conversation)) == ["only-first"]


def test_zendesk_events_of_a_ticket_are_one_conversation() -> None:
    events = [{"ticket_id": 35436, "created_at": 1761991200 + n, "updater_id": one["author_id"],
               "child_events": [{**one, "event_type": "Comment"}, {"event_type": "Change", "status": "open"}]}
              for n, one in enumerate(COMMENTS[:3])]  # fmt: skip
    messages = messages_of(conversation_in({"ticket_events": events, "end_time": 1}))
    assert [message.role for message in messages] == ["user", "note", "assistant"]


def test_zendesk_chats() -> None:
    history = [
        {"type": "chat.memberjoin", "name": "Ann", "timestamp": "2026-11-01T10:00:00Z"},
        {"type": "chat.msg", "sender_type": "Visitor", "name": "Ann", "msg": "Hi"},
        {"type": "chat.msg", "sender_type": "Agent", "name": "Bo", "msg": "Hello"},
    ]
    conversation = conversation_in(
        {"chats": [{"id": "2611.x", "visitor": {"name": "Ann"}, "history": history}], "count": 1}
    )
    assert said(messages_of(conversation)) == [
        ("event", "Ann", "chat.memberjoin"), ("user", "Ann", "Hi"), ("assistant", "Bo", "Hello"),
    ]  # fmt: skip


# --- Amazon ---------------------------------------------------------------------------------------------------------


def test_amazon_connect_chat() -> None:
    event = "application/vnd.amazonaws.connect.event.participant.joined"
    items = [
        {"Id": "1", "Type": "EVENT", "ContentType": event, "ParticipantId": "p", "ParticipantRole": "CUSTOMER"},
        {"Id": "2", "Type": "MESSAGE", "ContentType": "text/plain", "Content": "Welcome", "ParticipantId": "s",
         "ParticipantRole": "SYSTEM", "AbsoluteTime": "2026-11-01T10:00:00.000Z"},
        {"Id": "3", "Type": "MESSAGE", "ContentType": "text/plain", "Content": "Torn", "ParticipantId": "p",
         "ParticipantRole": "CUSTOMER", "DisplayName": "Ann"},
        {"Id": "4", "Type": "ATTACHMENT", "ParticipantId": "p", "ParticipantRole": "CUSTOMER",
         "Attachments": [{"AttachmentId": "a", "AttachmentName": "torn.png", "ContentType": "image/png"}]},
    ]  # fmt: skip
    conversation = conversation_in({"Version": "2019-08-26", "ContactId": "c-1", "Transcript": items})
    messages = messages_of(conversation)
    assert said(messages) == [
        ("event", "", "participant joined"), ("assistant", "SYSTEM", "Welcome"), ("user", "Ann", "Torn"), ("user", "", ""),
    ]  # fmt: skip
    assert notes(messages) == ["missing-file"]


def test_contact_lens_of_a_call() -> None:
    people = [
        {"ParticipantId": "a1", "ParticipantRole": "AGENT"},
        {"ParticipantId": "c1", "ParticipantRole": "CUSTOMER"},
    ]
    items = [{"Id": str(n), "Content": text, "ParticipantId": who, "BeginOffsetMillis": n}
             for n, (who, text) in enumerate([("a1", "Hello"), ("c1", "Torn")])]  # fmt: skip
    record = {
        "Channel": "VOICE",
        "CustomerMetadata": {"ContactId": "c" * 36},
        "Participants": people,
        "Transcript": items,
    }
    conversation = conversation_in(record)
    assert conversation.id == "c" * 36
    assert said(messages_of(conversation)) == [("assistant", "", "Hello"), ("user", "", "Torn")]


def test_lex_turns_of_a_session_are_one_conversation() -> None:
    turns = [{"messageVersion": "2.0", "botName": "Shop", "sessionId": "s-1", "timestamp": f"2026-11-01T10:0{n}:00Z",
              "inputTranscript": text, "messages": [{"content": f"{text}?", "contentType": "PlainText"}]}
             for n, text in enumerate(["Torn", "Cup"])]  # fmt: skip
    conversation = conversation_in("\n".join(map(json.dumps, reversed(turns))).encode())
    assert [text for _role, _name, text in said(messages_of(conversation))] == ["Torn", "Torn?", "Cup", "Cup?"]


# --- Others ---------------------------------------------------------------------------------------------------------


def test_freshdesk_ticket_and_its_conversations_alone() -> None:
    replies = [
        {"id": 2, "ticket_id": 7, "incoming": False, "private": True, "body": "<p>VIP</p>", "created_at": "2026-11-01T10:02:00Z"},
        {"id": 3, "ticket_id": 7, "incoming": False, "private": False, "body": "<p>A new one comes.</p>",
         "created_at": "2026-11-01T10:03:00Z"},
        {"id": 4, "ticket_id": 7, "incoming": True, "private": False, "body": "<div>Thanks</div>",
         "created_at": "2026-11-01T10:04:00Z"},
    ]  # fmt: skip
    ticket = {"id": 7, "subject": "Torn", "description": "<div>It is torn</div>", "requester_id": 1, "responder_id": 2,
              "requester": {"name": "Ann", "email": "ann@example.org"}, "conversations": replies}  # fmt: skip
    conversation = conversation_in(ticket)
    assert conversation.id == "freshdesk-7"
    assert said(messages_of(conversation)) == [
        ("user", "Ann", "It is torn"), ("note", "", "VIP"), ("assistant", "", "A new one comes."), ("user", "", "Thanks"),
    ]  # fmt: skip
    assert [message.role for message in messages_of(conversation_in(replies))] == ["note", "assistant", "user"]


def test_help_scout_threads_are_put_into_their_order() -> None:
    threads = [
        {"id": 3, "type": "note", "body": "VIP", "createdBy": {"type": "user", "first": "Bo"}, "createdAt": "2026-11-01T10:03:00Z"},
        {"id": 2, "type": "message", "body": "Sorry!", "createdBy": {"type": "user", "first": "Bo", "last": "Li"},
         "createdAt": "2026-11-01T10:02:00Z"},
        {"id": 1, "type": "customer", "body": "<p>Torn</p>", "createdBy": {"type": "customer", "first": "Ann"},
         "createdAt": "2026-11-01T10:01:00Z"},
    ]  # fmt: skip
    record = {"id": 9, "subject": "Torn", "mailboxId": 1, "primaryCustomer": {"email": "ann@example.org"},
              "_embedded": {"threads": threads}}  # fmt: skip
    assert said(messages_of(conversation_in({"_embedded": {"conversations": [record]}}))) == [
        ("user", "Ann", "Torn"), ("assistant", "Bo Li", "Sorry!"), ("note", "Bo", "VIP"),
    ]  # fmt: skip


def test_front_messages_and_comments_are_one_conversation() -> None:
    link = {"_links": {"related": {"conversation": "https://api.example/conversations/cnv_1"}}}
    messages = [
        {"id": "msg_2", "is_inbound": False, "created_at": 2.0, "body": "<p>Sorry!</p>", "author": {"first_name": "Bo"}, **link},
        {"id": "msg_1", "is_inbound": True, "created_at": 1.0, "body": "<p>Torn</p>", "author": None,
         "recipients": [{"role": "from", "handle": "ann@example.org"}], **link},
    ]  # fmt: skip
    comments = [{"id": "com_1", "posted_at": 1.5, "body": "VIP", "author": {"first_name": "Bo"}, **link}]
    pages = [{"_results": messages}, {"_results": comments}]
    assert said(messages_of(conversation_in("\n".join(map(json.dumps, pages)).encode()))) == [
        ("user", "ann@example.org", "Torn"), ("note", "Bo", "VIP"), ("assistant", "Bo", "Sorry!"),
    ]  # fmt: skip
