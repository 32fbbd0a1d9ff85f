"""Sunshine Conversations, which is Zendesk's messaging: messages as its API and its webhooks give them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, text_part
from viewer.formats.family import Family, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, Messages, linked_file

_NAME = "sunshine"


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "type" in object_at(value, "author") and "type" in object_at(value, "content")


def _read(message: Document) -> DraftMessage:
    value = message.value
    author, content = object_at(value, "author"), object_at(value, "content")
    draft = DraftMessage(CUSTOMER if author.get("type") == "user" else COLLEAGUE, source=message.text)
    draft.id, draft.created = value.get("id"), value.get("received")
    draft.name = as_text(author.get("displayName"))
    text, url = as_text(content.get("text")), as_text(content.get("mediaUrl"))
    draft.content = [text_part(text)] if text else []
    if url:
        draft.content.append(linked_file(url, as_text(content.get("mediaType")), as_text(content.get("altText"))))
    if content.get("actions") or content.get("items") or not draft.content:
        draft.content.append(content)
    return draft


def _conversation(message: dict[str, Any]) -> Any:
    return message.get("conversationId") or object_at(message, "conversation").get("id")


_MESSAGES = Messages(_NAME, _is_message, _conversation, _read)
FAMILY = Family(
    name=_NAME,
    title="Zendesk messaging (Sunshine Conversations)",
    what=gettext_lazy("Messages of Zendesk"),
    seen="API v2, by its description",
    keeps="texts, cards and buttons, addresses of files, names, times",
    loses="private notes and the ticket, which stand in the ticket itself",
    matches=_MESSAGES.matches,
    parts=_MESSAGES.parts,
    key=_MESSAGES.key,
    own=_MESSAGES.own,
    join=_MESSAGES.join,
)
