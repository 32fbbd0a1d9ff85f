"""Telegram's export of one chat, or of all, which Telegram Desktop writes as `result.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, image_part, note, text_part
from viewer.formats.family import Family, list_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT
from viewer.formats.ids import id_within
from viewer.formats.media import data_part
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "telegram", "Telegram"
_TYPES = {
    "personal_chat", "bot_chat", "saved_messages", "replies", "verification_codes", "private_group",
    "private_supergroup", "public_supergroup", "private_channel", "public_channel",
}  # fmt: skip
_SHOWN = ("location_information", "contact_information", "poll", "invoice_information", "live_location_period_seconds")
_LEFT_OUT = "(File "  # … not included. Change data exporting settings to download.)
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") in _TYPES and isinstance(value.get("messages"), list)


def _read(chat: Document) -> Iterator[Conversation]:
    value = chat.value
    messages = [one for one in chat.members["messages"].items() if isinstance(one.value, dict)]
    if not any(one.value.get("type") == "message" for one in messages):
        raise NothingSaid
    partner = _partner_of(value, [one.value for one in messages])
    yield Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=_time(messages[0].value),
        metadata={
            "customer_name": value.get("name") if value["type"] == "personal_chat" else None,
            "chat": value.get("name") if value["type"] != "personal_chat" else None,
            "type": value["type"],
        },
        messages=[_message(one, value["type"], partner) for one in messages],
        source=source_of(chat, ("id", "name", "type", "messages")),
    ).finish(chat)


def _partner_of(chat: dict[str, Any], messages: list[dict[str, Any]]) -> Any:
    """Return the id of the other one of two, which is that of the chat, or the name under which it is listed."""
    own = f"user{chat.get('id')}"
    ids = {message.get("from_id") for message in messages}
    by_name = (message.get("from_id") for message in messages if message.get("from") == chat.get("name"))
    return own if own in ids else chat.get("id") if chat.get("id") in ids else next(by_name, own)


def _time(message: dict[str, Any]) -> Any:
    return first_of(message, ("date_unixtime", "date"))


def _role_of(message: dict[str, Any], kind: str, partner: Any) -> str:
    """Return who speaks: the other one is the customer, unless it is a bot; in groups all are users by their names."""
    is_partner = message.get("from_id") == partner
    if kind == "bot_chat":
        return COLLEAGUE if is_partner else CUSTOMER
    return CUSTOMER if is_partner or kind != "personal_chat" else COLLEAGUE


def _message(message: Document, kind: str, partner: Any) -> DraftMessage:
    value = message.value
    if value.get("type") != "message":
        draft = DraftMessage(EVENT, as_text(value.get("action")).replace("_", " ") or as_text(value.get("type")))
        draft.name = as_text(value.get("actor"))
    else:
        draft = DraftMessage(_role_of(value, kind, partner), name=as_text(value.get("from")))
        text = _text_of(value)
        if value.get("forwarded_from"):
            lines = f"{as_text(value['forwarded_from'])}: {text}".split("\n")
            text = "\n".join(f"> {line}" for line in lines)
        draft.content = [text_part(text)] if text else []
        _add_files(draft, message)
        draft.content += [{"type": name, name: value[name]} for name in _SHOWN if value.get(name) is not None]
        if buttons := [as_text(each.get("text")) for row in list_at(value, "inline_bot_buttons") for each in row]:
            draft.content.append(text_part("\n".join(f"[{button}]" for button in buttons)))
    draft.source, draft.id, draft.created = message.text, as_text(value.get("id")), _time(value)
    if first_of(value, ("edited_unixtime", "edited")):
        draft.notes.append(note("edited"))
    return draft


def _text_of(message: dict[str, Any]) -> str:
    """Return the text, which is in pieces where some of it is formatted; links keep their address."""
    pieces = message.get("text") or message.get("text_entities") or ""
    return "".join(map(_piece, pieces if isinstance(pieces, list) else [pieces]))


def _piece(piece: Any) -> str:
    if not isinstance(piece, dict):
        return as_text(piece)
    text, address = as_text(piece.get("text")), as_text(piece.get("href"))
    return f"{text} ({address})" if address and address != text else text


def _add_files(draft: DraftMessage, message: Document) -> None:
    """Add the picture or the file, which lies beside the export, if it was exported."""
    value, parts = message.value, draft.content if isinstance(draft.content, list) else []
    if emoji := as_text(value.get("sticker_emoji")):
        parts.append(text_part(emoji))
    path = as_text(first_of(value, ("photo", "file")))
    if not path:
        return
    named = as_text(value.get("file_name")) or ("" if path.startswith(_LEFT_OUT) else path.rpartition("/")[2])
    named = named or as_text(value.get("media_type")) or ("photo" if value.get("photo") else "file")
    data = None if path.startswith(_LEFT_OUT) else message.find(f"/{path}")
    is_picture = bool(value.get("photo")) or named.lower().endswith(_PICTURES)
    if data:
        parts.append(data_part(data, named))
        return
    parts.append(image_part("", caption=named) if is_picture else file_part(named))
    is_left_out = path.startswith(_LEFT_OUT)
    lost = note("lost-image" if is_picture else "lost-file", by=_TITLE)
    draft.notes.append(lost if is_left_out else note("missing-file"))


FAMILY = Family(
    name=_NAME,
    title="Telegram",
    what=gettext_lazy("A chat of Telegram"),
    seen="exports of Telegram Desktop from 2021 to 2026, by published examples",
    keeps="texts with their links, names, buttons, files that are in the same ZIP or folder, stickers, forwarded "
    "messages as quotes, what was edited, events, times",
    loses="in groups who is the customer: people are shown as users, by their names; files that were not exported",
    matches=_matches,
    read=_read,
)
