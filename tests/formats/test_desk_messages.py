"""Help desks whose messages each name their conversation, and the trackers of bots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import completion_of, conversation_in, conversations_in, messages_of, refusals_in
from viewer.completions.types import ImagePart, UnknownPart, text_of


def said(source: Any) -> list[tuple[str, str, str]]:
    return [(message.role, message.name, text_of(message)) for message in messages_of(conversation_in(source))]


CRISP = [
    {"session_id": "session_1", "type": "note", "from": "operator", "content": "Our fault", "fingerprint": 2,
     "timestamp": 1700000001000, "user": {"nickname": "Bo"}},
    {"session_id": "session_1", "type": "text", "from": "user", "content": "Torn", "fingerprint": 1,
     "timestamp": 1700000000000, "user": {"nickname": "Ann"}},
    {"session_id": "session_1", "type": "file", "from": "operator", "fingerprint": 3, "timestamp": 1700000002000,
     "content": {"name": "a.png", "type": "image/png", "url": "https://desk.example/a.png"}, "user": {"nickname": "Bo"}},
]  # fmt: skip
FRESHCHAT = [
    {"message_parts": [{"text": {"content": "Torn"}}], "id": "m1", "conversation_id": "c-1", "actor_type": "user",
     "message_type": "normal", "created_time": "2025-01-01T10:00:00Z"},
    {"message_parts": [{"text": {"content": "Our fault"}}], "id": "m2", "conversation_id": "c-1", "actor_type": "agent",
     "message_type": "private", "created_time": "2025-01-01T10:00:01Z"},
    {"message_parts": [{"image": {"url": "https://desk.example/a.png"}}], "id": "m3", "conversation_id": "c-1",
     "actor_type": "agent", "message_type": "normal", "created_time": "2025-01-01T10:00:02Z"},
]  # fmt: skip
HUBSPOT = [
    {"id": "m1", "conversationsThreadId": "7", "createdAt": "2025-01-01T10:00:00Z", "type": "MESSAGE",
     "direction": "INCOMING", "richText": "<p>Torn</p>"},
    {"id": "m2", "conversationsThreadId": "7", "createdAt": "2025-01-01T10:00:01Z", "type": "COMMENT",
     "text": "Our fault"},
    {"id": "m3", "conversationsThreadId": "7", "createdAt": "2025-01-01T10:00:02Z", "type": "MESSAGE",
     "direction": "OUTGOING", "attachments": [{"url": "https://desk.example/a.png", "name": "a.png"}]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("page", "family"),
    [({"data": CRISP}, "crisp"), ({"messages": FRESHCHAT}, "freshchat"), ({"results": HUBSPOT}, "hubspot")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_messages_are_joined_by_their_conversation_the_oldest_first_and_notes_stay_notes(
    page: Any, family: str
) -> None:
    conversation = conversation_in(page)
    messages = messages_of(conversation)
    assert conversation.family == family
    assert [message.role for message in messages] == ["user", "note", "assistant"]
    assert [text_of(message) for message in messages[:2]] == ["Torn", "Our fault"]
    assert [note.code for note in messages[1].origin.notes] == ["private"]
    assert len(messages[2].parts) == 1
    assert all(message.created for message in messages)


def test_messages_of_zendesk_and_of_botpress() -> None:
    zendesk = {"messages": [
        {"id": "a", "received": "2025-01-01T10:00:00Z", "author": {"type": "user", "displayName": "Ann"},
         "content": {"type": "text", "text": "Torn"}},
        {"id": "b", "received": "2025-01-01T10:00:05Z", "author": {"type": "business", "displayName": "Bo"},
         "content": {"type": "carousel", "items": [{"title": "Bag"}]}}]}  # fmt: skip
    messages = messages_of(conversation_in(zendesk))
    assert [(message.role, message.name) for message in messages] == [("user", "Ann"), ("assistant", "Bo")]
    assert [type(part) for part in messages[1].parts] == [UnknownPart]
    botpress = [{"id": n, "conversationId": "conv_1", "direction": way, "type": "text", "payload": {"text": text},
                 "createdAt": f"2025-01-01T10:00:0{n}Z"} for n, way, text in ((1, "incoming", "Torn"), (2, "outgoing", "Hm"))]  # fmt: skip
    assert said({"messages": botpress}) == [("user", "", "Torn"), ("assistant", "", "Hm")]


def test_a_chat_of_livechat_is_one_conversation_for_each_thread() -> None:
    def thread(number: int) -> dict[str, Any]:
        return {"id": f"T{number}", "created_at": "2025-01-01T10:00:00Z", "events": [
            {"id": "1", "type": "message", "text": "Torn", "author_id": "c", "created_at": "2025-01-01T10:00:00Z"},
            {"id": "2", "type": "message", "text": "Our fault", "author_id": "a", "visibility": "agents"},
            {"id": "3", "type": "system_message", "text": "Ann left"}]}  # fmt: skip

    users = [{"id": "c", "type": "customer", "name": "Ann", "email": "ann@example.org"}, {"id": "a", "type": "agent"}]
    found = conversations_in({"chats": [{"id": "C1", "users": users, "threads": [thread(1), thread(2)]}]})
    assert [conversation.id for conversation in found] == ["livechat-T1", "livechat-T2"]
    assert [message.role for message in messages_of(found[0])] == ["user", "note", "event"]
    assert (completion_of(found[0]).metadata or {})["customer"] == "ann@example.org"


def test_recordings_of_genesys_have_messages_or_say_that_they_have_none() -> None:
    recording = {"id": "r", "conversationId": "3b1d9f0e-1111-4222-8333-444444444444", "media": "message"}
    told = [{"purpose": "customer", "messageText": "Torn", "timestamp": "2025-01-01T10:00:00Z"},
            {"purpose": "agent", "messageText": "Hm", "timestamp": "2025-01-01T10:00:05Z", "fromUser": {"name": "Bo"},
             "messageMediaAttachments": [{"url": "https://desk.example/a.png", "mediaType": "image/png"}]}]  # fmt: skip
    messages = messages_of(conversation_in([{**recording, "messagingTranscript": told}]))
    assert [(message.role, message.name) for message in messages] == [("user", ""), ("assistant", "Bo")]
    assert isinstance(messages[1].parts[1], ImagePart)
    assert "without a transcript" in refusals_in([recording | {"media": "audio"}])[0]


RASA = [
    {"event": "action", "timestamp": 1.0, "name": "action_session_start"},
    {"event": "user", "timestamp": 2.0, "text": "Torn", "message_id": "m1", "input_channel": "rest",
     "parse_data": {"intent": {"name": "complain"}}},
    {"event": "bot", "timestamp": 3.0, "text": "Sorry", "data": {"buttons": [{"title": "Yes"}], "image": None}},
]  # fmt: skip


def test_a_tracker_of_rasa_is_the_same_whole_on_lines_and_as_rows_of_its_store() -> None:
    on_lines = "\n".join(json.dumps({"sender_id": "ann", **event}) for event in RASA).encode()
    rows = [{"id": n, "sender_id": "ann", "type_name": event["event"], "data": event} for n, event in enumerate(RASA)]
    for source in ({"sender_id": "ann", "events": RASA}, on_lines, rows):
        messages = messages_of(conversation_in(source))
        assert [(message.role, text_of(message)) for message in messages] == [("user", "Torn"), ("assistant", "Sorry")]
        assert [type(part) for part in messages[1].parts][1:] == [UnknownPart]


def test_people_in_teams_are_users_by_name_and_bots_are_assistants() -> None:
    page = {"value": [
        {"id": "1", "messageType": "message", "chatId": "19:x", "createdDateTime": "2025-01-01T10:00:00Z",
         "from": {"user": {"displayName": "Ann"}}, "body": {"contentType": "html", "content": "<p>Torn <b>bag</b></p>"}},
        {"id": "2", "messageType": "message", "chatId": "19:x", "createdDateTime": "2025-01-01T10:00:05Z",
         "from": {"application": {"displayName": "Shop"}}, "body": {"contentType": "text", "content": "Hm"}}]}  # fmt: skip
    assert said(page) == [("user", "Ann", "Torn bag"), ("assistant", "Shop", "Hm")]


def test_a_card_in_teams_is_read_as_what_it_says_and_what_is_quoted_or_forwarded_as_a_quote() -> None:
    """Graph 1.0 writes cards and quoted messages as a text that is JSON, and only a mark in the text itself."""
    card = {"type": "AdaptiveCard", "body": [{"type": "Container", "items": [{"type": "TextBlock", "text": "Order A17"}]}],
            "actions": [{"type": "Action.OpenUrl", "title": "Track", "url": "https://desk.example"}]}  # fmt: skip
    quote = {"messageId": "1", "messagePreview": "Torn", "messageSender": {"user": {"displayName": "Ann"}}}
    forwarded = {
        "originalMessageContent": "<p>Two <b>bags</b></p>",
        "originalMessageSender": {"user": {"displayName": "Bo"}},
    }

    def message(number: int, content: str, *files: tuple[str, Any], **more: Any) -> dict[str, Any]:
        attachments = [{"id": "a", "contentType": kind, "contentUrl": None, "content": held} for kind, held in files]
        return {"id": str(number), "messageType": "message", "chatId": "19:x", "attachments": attachments,
                "createdDateTime": f"2025-01-01T10:00:0{number}Z", "from": {"application": {"displayName": "Shop"}},
                "body": {"contentType": "html", "content": content}} | more  # fmt: skip

    mark, adaptive = '<attachment id="a"></attachment>', "application/vnd.microsoft.card.adaptive"
    page = {"value": [
        message(1, mark, (adaptive, json.dumps(card))),
        message(2, f'{mark}<p>Sorry <emoji alt="🙂"></emoji></p>', ("messageReference", json.dumps(quote)), lastEditedDateTime="2025-01-02"),
        message(3, mark, ("forwardedMessageReference", json.dumps(forwarded))),
        message(4, mark, (adaptive, "{cut off")),
        message(5, "<systemEventMessage/>", messageType="systemEventMessage",
                eventDetail={"@odata.type": "#microsoft.graph.membersAddedEventMessageDetail"}),
    ]}  # fmt: skip
    messages = messages_of(conversation_in(page))
    assert [text_of(message) for message in messages] == [
        "Order A17\n[Track]", "> Ann: Torn\nSorry 🙂", "> Bo: Two bags", "", "membersAdded",
    ]  # fmt: skip
    assert [note.code for note in messages[1].origin.notes] == ["edited"]
    assert [part.kind for part in messages[3].parts if isinstance(part, UnknownPart)] == [adaptive]
    assert messages[4].role == "event"


def graph_card(text: str) -> dict[str, Any]:
    """Make an attachment of Microsoft Graph, which gives a card as JSON in a text."""
    card = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": text, "wrap": True}]}
    return {"attachmentId": "5", "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None,
            "content": json.dumps(card, indent=2), "name": None}  # fmt: skip


def test_interactions_with_copilot_have_answers_in_cards() -> None:
    """The mark of an attachment is escaped in a prompt, and stands as it is in an answer."""

    def interaction(kind: str, time: str, content: str, **more: Any) -> dict[str, Any]:
        who = {"user": {"id": "u"}} if kind == "userPrompt" else {"application": {"displayName": "Microsoft 365 Chat"}}
        return {"id": time, "sessionId": "19:x@thread.v2", "requestId": "r", "interactionType": kind, "from": who,
                "appClass": "IPM.SkypeTeams.Message.Copilot.BizChat", "createdDateTime": f"2025-05-09T02:20:{time}Z",
                "body": {"contentType": "html" if more else "text", "content": content}, "links": []} | more  # fmt: skip

    answer = interaction("aiResponse", "57.162", '<attachment id="5"></attachment>', attachments=[graph_card("Soon.")],
                         links=[{"linkUrl": "https://a.example", "displayName": "A", "linkType": "WebSearch"}])  # fmt: skip
    prompt = interaction("userPrompt", "56.66", 'When?&lt;attachment id="19:m"&gt;&lt;/attachment&gt;')
    for source in ({"@odata.count": 2, "value": [answer, prompt]}, [prompt, answer]):
        assert said(source) == [("user", "", "When?"), ("assistant", "Microsoft 365 Chat", "Soon.")]
    assert conversation_in([prompt, answer]).family == "m365-copilot"


def test_in_slack_a_thread_is_a_conversation_and_who_began_it_asks(tmp_path: Path) -> None:
    def message(ts: str, user: str, text: str, **more: str) -> dict[str, Any]:
        return {
            "type": "message",
            "ts": ts,
            "user": user,
            "text": text,
            "user_profile": {"real_name": user.title()},
            **more,
        }

    (tmp_path / "help").mkdir()
    (tmp_path / "users.json").write_text(json.dumps([{"id": "U1", "name": "ann", "profile": {}}]))
    day = [message("1.1", "U1ANN", "Torn <https://a.example|bag>", thread_ts="1.1"), message("2.1", "U2BO", "Lunch?"),
           message("1.5", "U2BO", "Sorry <@U1ANN>", thread_ts="1.1")]  # fmt: skip
    (tmp_path / "help" / "2025-01-01.json").write_text(json.dumps(day))
    found = {conversation.id: conversation for conversation in conversations_in(tmp_path)}
    assert found.keys() == {"slack-help-1.1", "slack-help"}
    messages = messages_of(found["slack-help-1.1"])
    assert [(message.role, text_of(message)) for message in messages] == [
        ("user", "Torn bag (https://a.example)"), ("assistant", "Sorry @U1Ann"),
    ]  # fmt: skip


def test_columns_may_have_any_usual_name_but_somebody_must_be_the_customer() -> None:
    table = "Ticket ID,Author,Message Text,Sent At\n1,Customer,Torn,2025-01-01\n1,Shop bot,Hm,2025-01-02\n"
    assert said(table.encode()) == [("user", "", "Torn"), ("assistant", "Shop bot", "Hm")]
    (reason,) = refusals_in(b"author,text\nAnn,Nice\nBo,Bad\n")
    assert "who is the customer" in reason


def test_a_question_of_copilot_has_the_time_of_its_answer_and_stands_below_it() -> None:
    """The activity history of Copilot has the newest first, and no ids."""
    table = "Conversation,Time,Author,Message\n" + "\n".join(
        f"Order,2026-07-26T23:2{minute}:56,{who},{what}"
        for minute, who, what in ((1, "AI", "Soon"), (1, "Human", "When"), (0, "AI", "Here"), (0, "Human", "Where"))
    )
    assert [text for _, _, text in said(table.encode())] == ["Where", "Here", "When", "Soon"]
    assert [text for _, _, text in said("\n".join(table.split("\n")[:3]).encode())] == ["When", "Soon"]
