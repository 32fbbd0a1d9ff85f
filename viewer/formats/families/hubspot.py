"""HubSpot's messages of a thread, as its Conversations API gives them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, first_object, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, Messages, as_private, linked_file
from viewer.formats.html_text import parts_of

_NAME = "hubspot"

_SAID = ("MESSAGE", "WELCOME_MESSAGE", "COMMENT")


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"conversationsThreadId", "type"} <= value.keys()


def _read(message: Document) -> DraftMessage:
    value = message.value
    kind, sender = as_text(value.get("type")), first_object(value.get("senders"))
    draft = DraftMessage(CUSTOMER if value.get("direction") == "INCOMING" else COLLEAGUE, source=message.text)
    draft.id, draft.created, draft.name = value.get("id"), value.get("createdAt"), as_text(sender.get("name"))
    html, text = as_text(value.get("richText")), as_text(value.get("text"))
    draft.content = parts_of(html) if html else [text_part(text)] if text else []
    for file in objects_at(value, "attachments"):
        if file.get("url"):
            draft.content.append(linked_file(as_text(file["url"]), "", as_text(file.get("name"))))
        elif file.get("type") != "UNSUPPORTED_CONTENT":
            draft.content.append({**file, "type": as_text(file.get("type")) or "attachment"})
    if kind not in _SAID:
        draft.role, draft.content = EVENT, draft.content or [text_part(kind.replace("_", " ").casefold())]
    if value.get("truncationStatus") not in (None, "NOT_TRUNCATED"):
        draft.notes.append(note("cut-off", by="HubSpot"))
    return as_private(draft) if kind == "COMMENT" else draft


_MESSAGES = Messages(_NAME, _is_message, lambda message: message.get("conversationsThreadId"), _read, ("results",))
FAMILY = Family(
    name=_NAME,
    title="HubSpot",
    what=gettext_lazy("Messages of HubSpot"),
    seen="Conversations API v3, by its description",
    keeps="texts, comments as private notes, events, addresses of files, names, times",
    loses="long mails, which it cuts off: import their original content",
    matches=_MESSAGES.matches,
    parts=_MESSAGES.parts,
    key=_MESSAGES.key,
    own=_MESSAGES.own,
    join=_MESSAGES.join,
)
