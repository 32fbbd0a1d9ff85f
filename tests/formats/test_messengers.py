"""Messengers: Telegram, Twilio, the APIs of WhatsApp and Messenger, exports of Messenger, and Discord."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import completion_of, conversation_in, conversations_in, found_in, messages_of, remarks_on
from viewer.completions.types import FilePart, ImagePart, text_of
from viewer.formats.document import Conversation

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
_MISSING = "(File not included. Change data exporting settings to download.)"


def said(conversation: Conversation) -> list[tuple[str, str, str]]:
    return [(message.role, message.name, text_of(message)) for message in messages_of(conversation)]


def telegram(number: int, name: str, user: str, text: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": "message", "date": f"2024-05-10T10:30:0{number}", "date_unixtime": f"171532620{number}",
            "from": name, "from_id": user, "text": text, "text_entities": []} | more  # fmt: skip


CHAT = {"name": "Ann Bee", "type": "personal_chat", "id": 987654321, "messages": [
    {"id": 1, "type": "service", "date": "2024-05-10T10:30:01", "date_unixtime": "1715326201", "actor": "Ann Bee",
     "actor_id": "user987654321", "action": "phone_call", "text": "", "text_entities": []},
    telegram(2, "Ann Bee", "user987654321", ["Torn, see ", {"type": "text_link", "text": "here", "href": "https://a.example"}],
             photo="photos/photo_1.png"),
    telegram(3, "Shop", "user123456789", "Sorry", edited_unixtime="1715326299"),
    telegram(4, "Ann Bee", "user987654321", "", file=_MISSING, media_type="voice_message", mime_type="audio/ogg"),
    telegram(5, "Shop", "user123456789", "Two bags", forwarded_from="Store"),
]}  # fmt: skip


def test_in_a_chat_of_two_in_telegram_the_customer_is_the_one_whose_id_is_that_of_the_chat(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "photo_1.png").write_bytes(_PNG)
    (tmp_path / "result.json").write_text(json.dumps(CHAT, indent=1))
    (conversation,) = conversations_in(tmp_path)
    assert said(conversation) == [
        ("event", "Ann Bee", "phone call"), ("user", "Ann Bee", "Torn, see here (https://a.example)"),
        ("assistant", "Shop", "Sorry"), ("user", "Ann Bee", ""), ("assistant", "Shop", "> Store: Two bags"),
    ]  # fmt: skip
    _, torn, sorry, voice, _ = messages_of(conversation)
    assert [type(part) for part in (*torn.parts[1:], *voice.parts)] == [ImagePart, FilePart]
    assert [[note.code for note in message.origin.notes] for message in (torn, sorry, voice)] == [
        [], ["edited"], ["lost-file"],
    ]  # fmt: skip
    assert str(torn.created) == "2024-05-10 07:30:02+00:00"  # `date` is by the clock of the computer


def test_all_chats_of_telegram_stand_in_one_file_and_a_bot_is_an_assistant() -> None:
    bot = {"name": "Shop bot", "type": "bot_chat", "id": 5, "messages": [
        telegram(1, "Bo", "user6", [{"type": "bot_command", "text": "/start"}]), telegram(2, "Shop bot", "user5", "Hello"),
    ]}  # fmt: skip
    group = {"name": "Team", "type": "private_group", "id": 7, "messages": [
        telegram(1, "Bo", "user6", "", text_entities=[{"type": "plain", "text": "Lunch?"}]), telegram(2, "Cy", "user8", "No"),
    ]}  # fmt: skip
    empty = {"name": "Old", "type": "personal_chat", "id": 9, "messages": []}
    export = {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": 6},
        "contacts": {"about": "…", "list": [{"first_name": "Ann"}]},
        "chats": {"about": "…", "list": [empty, bot, group, CHAT]},
    }
    found = conversations_in(export)
    assert [conversation.id for conversation in found] == ["telegram-5", "telegram-7", "telegram-987654321"]
    assert said(found[0]) == [("user", "Bo", "/start"), ("assistant", "Shop bot", "Hello")]
    assert said(found[1]) == [("user", "Bo", "Lunch?"), ("user", "Cy", "No")]
    assert remarks_on(export) == ["A chat of Telegram in which nothing was said."]


def twilio(number: int, author: str, body: str, **more: Any) -> dict[str, Any]:
    return {"sid": f"IM{number}", "conversation_sid": "CHa676deb81c854079a2c062a79898dd95", "author": author, "body": body,
            "index": number, "date_created": f"2024-06-12T12:13:3{number}Z", "media": None, "participant_sid": None,
            "delivery": None, "attributes": "{}"} | more  # fmt: skip


@pytest.mark.parametrize(
    ("customer", "more"),
    [("+15558675310", {}), ("whatsapp:+15558675310", {}), ("b2f7", {"participant_sid": "MB1"})],
    ids=["phone", "whatsapp", "participant"],
)
def test_in_a_conversation_of_twilio_the_customer_is_who_writes_from_outside(customer: str, more: Any) -> None:
    """Also where a colleague wrote first. Flex writes the address of a colleague in a way that fits into an id."""
    media = [{"sid": "ME1", "filename": "a.png", "content_type": "image/png"}]
    messages = [twilio(1, "bo_40desk_2Eexample", "Hello"), twilio(2, customer, "Torn", media=media, **more),
                twilio(3, "system", "Goodbye")]  # fmt: skip
    participant = {"sid": "MB1", "conversation_sid": "CHa676deb81c854079a2c062a79898dd95", "identity": None,
                   "messaging_binding": {"type": "sms", "address": customer}}  # fmt: skip
    pages = [{"meta": {"key": "messages"}, "messages": messages[::-1]}]
    pages += [{"meta": {"key": "participants"}, "participants": [participant]}] if more else []
    (conversation,) = conversations_in("\n".join(map(json.dumps, pages)).encode())
    assert said(conversation) == [
        ("assistant", "bo@desk.example", "Hello"), ("user", customer, "Torn"), ("assistant", "system", "Goodbye"),
    ]  # fmt: skip
    assert isinstance(messages_of(conversation)[1].parts[1], FilePart)


def test_sms_of_twilio_are_joined_by_the_two_numbers_and_what_was_not_delivered_says_so() -> None:
    def sms(number: int, way: str, body: str, **more: Any) -> dict[str, Any]:
        ends = ("+15550001", "+15550002") if way == "inbound" else ("+15550002", "+15550001")
        return {"sid": f"SM{number}", "direction": way, "from": ends[0], "to": ends[1], "body": body, "num_media": "0",
                "status": "delivered", "date_sent": f"Mon, 23 May 2016 10:21:4{number} +0000"} | more  # fmt: skip

    listed = [sms(3, "outbound-api", "Sorry", status="undelivered", error_code=30005), sms(2, "outbound-reply", "Hm"),
              sms(1, "inbound", "Torn", num_media="1")]  # fmt: skip
    conversation = conversation_in({"messages": listed, "page_size": 50, "next_page_uri": None})
    assert said(conversation) == [("user", "", "Torn"), ("assistant", "", "Hm"), ("assistant", "", "Sorry")]
    torn, _, sorry = messages_of(conversation)
    assert [note.code for note in torn.origin.notes] == ["missing-file"]
    assert (len(sorry.parts), sorry.error) == (1, "undelivered: 30005")
    assert str(torn.created) == "2016-05-23 10:21:41+00:00"
    assert (completion_of(conversation).metadata or {})["customer"] == "+15550001"


def webhook(**value: Any) -> dict[str, Any]:
    about = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "1"},
    }
    return {"object": "whatsapp_business_account",
            "entry": [{"id": "102", "changes": [{"field": "messages", "value": about | value}]}]}  # fmt: skip


def received(number: int, kind: str, **content: Any) -> dict[str, Any]:
    message = {
        "from": "16505551234",
        "id": f"wamid.{number}",
        "timestamp": f"174941638{number}",
        "type": kind,
        **content,
    }
    return webhook(contacts=[{"profile": {"name": "Ann"}, "wa_id": "16505551234"}], messages=[message])


def test_webhooks_of_whatsapp_are_joined_by_customer_with_what_was_written_on_the_phone_of_the_business() -> None:
    """Meta sends one again that nobody took, and says of each message that it was sent, delivered and read."""
    echo = {"from": "15550783881", "to": "16505551234", "id": "wamid.4", "timestamp": "1749416384", "type": "text",
            "text": {"body": "Sorry"}}  # fmt: skip
    failed = {"id": "wamid.9", "status": "failed", "timestamp": "1749416386", "recipient_id": "16505551234",
              "errors": [{"code": 131047, "title": "Re-engagement message"}]}  # fmt: skip
    hooks = [
        received(1, "text", text={"body": "Torn"}),
        received(2, "image", image={"id": "55", "mime_type": "image/jpeg", "caption": "See"}),
        received(3, "interactive", interactive={"type": "button_reply", "button_reply": {"id": "b1", "title": "A refund"}}),
        received(1, "text", text={"body": "Torn"}),
        received(5, "reaction", reaction={"message_id": "wamid.4", "emoji": "👍"}),
        webhook(message_echoes=[echo]),
        webhook(statuses=[{"id": "wamid.4", "status": "read", "timestamp": "1749416385", "recipient_id": "16505551234"}]),
        webhook(statuses=[failed]),
    ]  # fmt: skip
    lines = "\n".join(map(json.dumps, hooks)).encode()
    conversation = conversation_in(lines)
    assert said(conversation) == [
        ("user", "Ann", "Torn"), ("user", "Ann", "See"), ("user", "Ann", "A refund"), ("assistant", "", "Sorry"),
        ("event", "Ann", "👍"), ("event", "", "failed: Re-engagement message"),
    ]  # fmt: skip
    assert isinstance(messages_of(conversation)[1].parts[1], ImagePart)
    assert remarks_on(lines) == ["This is a notice of WhatsApp about a message or an account, not a conversation."]


def test_the_history_that_whatsapp_shares_says_by_its_number_who_wrote() -> None:
    thread = {"id": "16505551234", "messages": [
        {"from": "16505551234", "id": "wamid.1", "timestamp": "1747000000", "type": "text", "text": {"body": "Torn"}},
        {"from": "15550783881", "id": "wamid.2", "timestamp": "1747000060", "type": "text", "text": {"body": "Sorry"}},
    ]}  # fmt: skip
    conversation = conversation_in(webhook(history=[{"metadata": {"phase": 0}, "threads": [thread]}]))
    assert said(conversation) == [("user", "", "Torn"), ("assistant", "", "Sorry")]


def of_meta(name: str, moment: int, text: str = "", **more: Any) -> dict[str, Any]:
    return {"sender_name": name, "timestamp_ms": 1715326200000 + moment, "content": text} | more


def thread(title: str, people: list[str], *messages: dict[str, Any]) -> str:
    names = [{"name": name} for name in people]
    return json.dumps({"participants": names, "messages": messages, "title": title, "thread_path": "inbox/zo_17"})


def test_the_files_of_a_conversation_of_messenger_are_one_conversation_from_the_oldest_message_on(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "messages" / "inbox" / "zo_17"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "1.jpg").write_bytes(_PNG)
    photo = {"uri": "your_activity/messages/inbox/zo_17/photos/1.jpg", "creation_timestamp": 1}
    people = ["Zo\u00c3\u00ab", "Shop"]
    (folder / "message_1.json").write_text(
        thread(people[0], people, of_meta("Shop", 4, "Sch\u00c3\u00b6n", share={"link": "https://a.example"}),
               of_meta(people[0], 3, photos=[photo]))
    )  # fmt: skip
    (folder / "message_2.json").write_text(
        thread(people[0], people, of_meta("Shop", 2, is_unsent=True), of_meta(people[0], 1, "Torn"))
    )
    (conversation,) = conversations_in(tmp_path)
    assert said(conversation) == [
        ("user", "Zoë", "Torn"), ("assistant", "Shop", ""), ("user", "Zoë", ""),
        ("assistant", "Shop", "Schön\nhttps://a.example"),
    ]  # fmt: skip
    assert conversation.id == "meta-zo_17"
    _, unsent, sent, _ = messages_of(conversation)
    assert [type(part) for part in sent.parts] == [ImagePart]
    assert [note.code for note in unsent.origin.notes] == ["lost-text"]
    (folder / "message_3.json").write_text("[")
    conversations = [each for each in found_in(tmp_path) if isinstance(each, Conversation)]
    assert [each.id for each in conversations] == ["meta-zo_17"]


def test_an_encrypted_conversation_of_messenger_is_named_after_the_customer_and_of_a_group_all_are_users(
    tmp_path: Path,
) -> None:
    encrypted = {"participants": ["Shop", "Zoë Bee"], "threadName": "Zoë Bee_4", "messages": [
        {"isUnsent": False, "media": [], "reactions": [], "senderName": "Zoë Bee", "text": "Torn", "timestamp": 1715326200001,
         "type": "text"},
        {"isUnsent": False, "media": [{"uri": "./media/1.mp4"}], "reactions": [], "senderName": "Shop", "text": "",
         "timestamp": 1715326200002, "type": "media"},
    ]}  # fmt: skip
    one = conversation_in(encrypted)
    assert said(one) == [("user", "Zoë Bee", "Torn"), ("assistant", "Shop", "")]
    assert [note.code for note in messages_of(one)[1].origin.notes] == ["missing-file"]
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "1.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    (tmp_path / "Zoë Bee_4.json").write_text(json.dumps(encrypted))
    (whole,) = conversations_in(tmp_path)
    assert [note.code for note in messages_of(whole)[1].origin.notes] == []
    group = conversation_in(
        json.loads(thread("Team", ["Ann", "Bo", "Cy"], of_meta("Bo", 2, "Hi"), of_meta("Ann", 1, "Torn")))
    )
    assert said(group) == [("user", "Ann", "Torn"), ("user", "Bo", "Hi")]


def of_discord(number: int, name: str, text: str, **more: Any) -> dict[str, Any]:
    author = {"id": f"1{name}", "name": name.lower(), "nickname": name, "isBot": name == "Helper", "roles": []}
    return {
        "id": str(number), "type": "Default", "timestamp": f"2025-01-01T10:00:0{number}+00:00", "timestampEdited": None,
        "content": text, "author": author, "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": [],
    } | more  # fmt: skip


def channel(kind: str, name: str, *messages: dict[str, Any]) -> dict[str, Any]:
    return {"guild": {"id": "7", "name": "Shop"}, "channel": {"id": "8", "type": kind, "category": "Help", "name": name,
            "topic": None}, "dateRange": {"after": None, "before": None}, "messages": messages,
            "messageCount": len(messages)}  # fmt: skip


def test_in_a_thread_of_discord_who_began_it_is_the_customer_and_cards_of_bots_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "Shop - help.json_Files"
    folder.mkdir()
    (folder / "a 1.png").write_bytes(_PNG)
    card = {"title": "Hours", "description": "We open at 9", "fields": [{"name": "Mo", "value": "closed"}]}
    talk = channel(
        "GuildPublicThread", "Torn bag",
        of_discord(1, "Ann", "Torn", attachments=[{"id": "1", "url": "Shop - help.json_Files/a%201.png", "fileName": "a.png"}]),
        of_discord(2, "Helper", "", embeds=[card]),
        of_discord(3, "Bo", "See https://a.example", type="Reply", embeds=[{"title": "A page"}],
                   timestampEdited="2025-01-01T10:00:04+00:00"),
        of_discord(4, "Ann", "Pinned a message.", type="ChannelPinnedMessage"),
        of_discord(5, "Ann", "", forwardedMessage={"content": "Two bags", "attachments": []}),
    )  # fmt: skip
    (tmp_path / "Shop - help.json").write_text(json.dumps(talk))
    (conversation,) = conversations_in(tmp_path)
    assert said(conversation) == [
        ("user", "Ann", "Torn"), ("assistant", "Helper", "Hours\nWe open at 9\nMo: closed"),
        ("assistant", "Bo", "See https://a.example"), ("event", "Ann", "Pinned a message."), ("user", "Ann", "> Two bags"),
    ]  # fmt: skip
    assert conversation.id == "discord-8-1"
    assert [type(part) for part in messages_of(conversation)[0].parts[1:]] == [ImagePart]
    assert [note.code for note in messages_of(conversation)[2].origin.notes] == ["edited"]


def test_in_a_channel_of_discord_all_people_are_users_and_a_chat_of_two_is_named_after_the_customer() -> None:
    talk = [of_discord(1, "Bo", "Hello"), of_discord(2, "Ann", "Torn"), of_discord(3, "Helper", "See FAQ")]
    open_to_all = said(conversation_in(channel("GuildTextChat", "help", *talk)))
    assert [role for role, _, _ in open_to_all] == ["user", "user", "assistant"]
    of_two = said(conversation_in(channel("DirectTextChat", "Ann", *talk[:2])))
    assert [role for role, _, _ in of_two] == ["assistant", "user"]
    assert "nothing was said" in str(remarks_on(channel("GuildTextChat", "help")))


def sent(sender: str, recipient: str, moment: int, **event: Any) -> dict[str, Any]:
    at = 1700000000000 + moment
    return {"object": "instagram", "entry": [{"id": "9", "time": at, "messaging": [
        {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": at} | event]}]}  # fmt: skip


def test_webhooks_of_messenger_have_as_echoes_what_the_page_wrote() -> None:
    card = {"type": "template", "payload": {"generic": {"elements": [{"title": "Bag", "buttons": [{"title": "Buy"}]}]}}}
    image = {"type": "image", "payload": {"url": "https://cdn.example/a"}}
    hooks = [
        sent("1", "9", 1, message={"mid": "a", "text": "Torn", "attachments": [image]}),
        sent("9", "1", 3, message={"mid": "b", "text": "Sorry", "is_echo": True}),
        sent("1", "9", 1, message={"mid": "a", "text": "Torn", "attachments": [image]}),
        sent("1", "9", 2, postback={"mid": "c", "title": "A refund", "payload": "REFUND"}),
        sent("9", "1", 4, message={"mid": "d", "is_echo": True, "attachments": [card]}),
        sent("1", "9", 5, reaction={"mid": "b", "action": "react", "emoji": "❤"}),
        sent("1", "9", 6, message={"mid": "e", "is_deleted": True}),
        sent("2", "9", 7, message={"mid": "f", "text": "Hello"}),
        sent("1", "9", 8, read={"mid": "b"}),
    ]
    lines = "\n".join(map(json.dumps, hooks)).encode()
    one, other = conversations_in(lines)
    assert [(role, text) for role, _, text in said(one)] == [
        ("user", "Torn"), ("user", "A refund"), ("assistant", "Sorry"), ("assistant", "Bag\n[Buy]"), ("event", "❤"),
        ("user", ""),
    ]  # fmt: skip
    assert isinstance(messages_of(one)[0].parts[1], ImagePart)
    assert [note.code for note in messages_of(one)[-1].origin.notes] == ["lost-text"]
    assert [text for _, _, text in said(other)] == ["Hello"]
    assert remarks_on(lines) == ["This is a notice of Messenger about a message or a page, not a conversation."]


def of_graph(number: int, name: str, text: str, **more: Any) -> dict[str, Any]:
    by = {"name": name, "id": f"1{name}"}
    return {"id": f"m_{number}", "created_time": f"2024-01-01T10:0{number}:00+0000", "from": by, "message": text} | more


def talk(name: str, *messages: dict[str, Any], **paging: str) -> dict[str, Any]:
    people = [{"name": one, "id": f"1{one}"} for one in (name, "Shop")]
    return {"id": f"t_{name}", "participants": {"data": people}, "messages": {"data": messages, "paging": paging}}


def test_of_several_conversations_of_messenger_the_page_is_who_takes_part_in_all() -> None:
    file = {"mime_type": "image/png", "name": "a.png", "image_data": {"url": "https://cdn.example/a.png"}}
    ann = talk("Ann", of_graph(2, "Ann", "Torn", attachments={"data": [file]}), of_graph(1, "Shop", "Welcome"))
    first, second = conversations_in({"data": [ann, talk("Bo", of_graph(1, "Bo", "Hi"))]})
    assert said(first) == [("assistant", "Shop", "Welcome"), ("user", "Ann", "Torn")]
    assert isinstance(messages_of(first)[1].parts[1], ImagePart)
    assert said(second) == [("user", "Bo", "Hi")]


def test_in_a_single_conversation_of_messenger_the_customer_is_who_began_unless_its_beginning_is_missing() -> None:
    messages = [of_graph(2, "Shop", "Sorry"), of_graph(1, "Ann", "Torn")]
    assert [role for role, _, _ in said(conversation_in(talk("Ann", *messages)))] == ["user", "assistant"]
    cut_off = conversation_in(talk("Ann", *messages, next="https://graph.facebook.com/next"))
    assert [role for role, _, _ in said(cut_off)] == ["user", "user"]
    assert [note.code for note in messages_of(cut_off)[0].origin.notes] == ["cut-off"]


def test_the_log_of_messages_that_twilio_exports_as_csv_is_joined_by_the_two_numbers() -> None:
    log = (
        "From,To,Body,Status,SentDate,ApiVersion,NumSegments,ErrorCode,AccountSid,Sid,Direction,Price,PriceUnit\n"
        '+15559990000,+15550001,"Sorry, we look",undelivered,2024-05-10T10:31:00Z,2010-04-01,1,30005,AC1,SM2,outbound-api,'
        "-0.0075,USD\n"
        "+15550001,+15559990000,Torn,received,2024-05-10T10:30:00Z,2010-04-01,1,,AC1,SM1,inbound,-0.0075,USD\n"
        "+15550002,+15559990000,,received,2024-05-10T10:32:00Z,2010-04-01,1,,AC1,SM3,inbound,-0.0075,USD\n"
    )
    both, other = conversations_in(log.encode())
    assert [(role, text) for role, _, text in said(both)] == [("user", "Torn"), ("assistant", "Sorry, we look")]
    assert messages_of(both)[1].error == "undelivered: 30005"
    assert [note.code for note in messages_of(other)[0].origin.notes] == ["lost-file"]
