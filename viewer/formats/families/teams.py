"""Microsoft Teams: messages of chats and channels, as Microsoft Graph gives them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cards import content_of, parts_attached
from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, Messages
from viewer.formats.html_text import parts_of

_NAME, _TITLE = "teams", "Microsoft Teams"
_QUOTE = "messageReference"
_OTHERS = {  # other messages: where their text and their sender stand
    _QUOTE: ("messagePreview", "messageSender"),
    "forwardedMessageReference": ("originalMessageContent", "originalMessageSender"),
}


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "messageType" in value and "contentType" in object_at(value, "body")


def _conversation(message: dict[str, Any]) -> Any:
    """Return the chat, or in a channel the message that a reply belongs to."""
    channel = object_at(message, "channelIdentity").get("channelId")
    return message.get("chatId") or (channel and f"{channel}/{message.get('replyToId') or message.get('id')}")


def _read(message: Document) -> DraftMessage:
    """Read a message. Bots are assistants; people, whose part nobody can tell, are all users, by their names."""
    value = message.value
    if value.get("messageType") != "message":
        event = as_text(object_at(value, "eventDetail").get("@odata.type")).rpartition(".")[2]
        draft = DraftMessage(EVENT, event.removesuffix("EventMessageDetail") or as_text(value.get("messageType")))
    else:
        draft = _said(value)
    draft.source, draft.id, draft.created = message.text, value.get("id"), value.get("createdDateTime")
    if value.get("deletedDateTime"):
        draft.notes.append(note("lost-text", by=_TITLE))
    elif value.get("lastEditedDateTime"):
        draft.notes.append(note("edited"))
    return draft


def _said(value: dict[str, Any]) -> DraftMessage:
    sender, body = object_at(value, "from"), object_at(value, "body")
    is_bot = bool(sender.get("application") and not sender.get("user"))
    draft = DraftMessage(COLLEAGUE if is_bot else CUSTOMER, name=_name_of(sender))
    files = objects_at(value, "attachments")
    quotes = [each for each in files if each.get("contentType") == _QUOTE]
    text, subject = as_text(body.get("content")), as_text(value.get("subject"))
    said = parts_of(text, is_html=True) if body.get("contentType") == "html" else [text_part(text)]
    attached = [part for each in files if each not in quotes for part in _attached(each)]
    said = [part for part in said if part != text_part("") or not (attached or quotes)]  # its marks say nothing
    title = [text_part(subject)] if subject else []
    draft.content = [*title, *(part for each in quotes for part in _attached(each)), *said, *attached]
    return draft


def _name_of(sender: dict[str, Any]) -> str:
    return as_text(object_at(sender, "user").get("displayName") or object_at(sender, "application").get("displayName"))


def _attached(file: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts for a file, a card, or another message."""
    kind, content = as_text(file.get("contentType")), content_of(file)
    if kind in _OTHERS and (said := as_text(content.get(_OTHERS[kind][0]))):
        name = _name_of(object_at(content, _OTHERS[kind][1]))
        return [_quoted(name, part) for part in parts_of(said)]
    return parts_attached(file)


def _quoted(name: str, part: dict[str, Any]) -> dict[str, Any]:
    """Write a text of another message as a quote, with who said it."""
    if part.get("type") != "text":
        return part
    lines = ": ".join(filter(None, (name, part["text"]))).split("\n")
    return text_part("\n".join(f"> {line}" for line in lines))


_MESSAGES = Messages(_NAME, _is_message, _conversation, _read, ("value",))
FAMILY = Family(
    name=_NAME,
    title="Microsoft Teams",
    what=gettext_lazy("Messages of Microsoft Teams"),
    seen="Microsoft Graph 1.0, by its description",
    keeps="texts, bots as assistants, what cards say, quoted and forwarded messages, addresses of files, events, "
    "names, times",
    loses="who is the customer: people are shown as users, by their names",
    matches=_MESSAGES.matches,
    parts=_MESSAGES.parts,
    key=_MESSAGES.key,
    own=_MESSAGES.own,
    join=_MESSAGES.join,
)
