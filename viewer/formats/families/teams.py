"""Microsoft Teams: messages of chats and channels, as Microsoft Graph gives them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, Messages, linked_file
from viewer.formats.html_text import parts_of

_NAME, _TITLE = "teams", "Microsoft Teams"


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "messageType" in value and "contentType" in object_at(value, "body")


def _conversation(message: dict[str, Any]) -> Any:
    """Return the chat, or in a channel the message that a reply belongs to."""
    channel = object_at(message, "channelIdentity").get("channelId")
    return message.get("chatId") or (channel and f"{channel}/{message.get('replyToId') or message.get('id')}")


def _read(message: Document) -> DraftMessage:
    """Read a message. Bots are assistants; people, whose part nobody can tell, are all users, by their names."""
    value = message.value
    person, app = object_at(value, "from", "user"), object_at(value, "from", "application")
    draft = DraftMessage(COLLEAGUE if app and not person else CUSTOMER, source=message.text, id=value.get("id"))
    draft.created = value.get("createdDateTime")
    draft.name = as_text(person.get("displayName") or app.get("displayName"))
    body = object_at(value, "body")
    text = as_text(body.get("content"))
    draft.content = parts_of(text) if body.get("contentType") == "html" else [text_part(text)]
    for file in objects_at(value, "attachments"):
        if file.get("contentUrl"):
            draft.content.append(linked_file(as_text(file["contentUrl"]), "", as_text(file.get("name"))))
        elif file.get("content"):
            draft.content.append({**file, "type": as_text(file.get("contentType")) or "attachment"})
    if value.get("messageType") != "message":
        draft.role = EVENT
    if value.get("deletedDateTime"):
        draft.notes.append(note("lost-text", by=_TITLE))
    return draft


_MESSAGES = Messages(_NAME, _is_message, _conversation, _read, ("value",))
FAMILY = Family(
    name=_NAME,
    title="Microsoft Teams",
    what=gettext_lazy("Messages of Microsoft Teams"),
    seen="Microsoft Graph 1.0, by its description",
    keeps="texts, bots as assistants, cards, addresses of files, names, times",
    loses="who is the customer: people are shown as users, by their names",
    matches=_MESSAGES.matches,
    parts=_MESSAGES.parts,
    key=_MESSAGES.key,
    join=_MESSAGES.join,
)
