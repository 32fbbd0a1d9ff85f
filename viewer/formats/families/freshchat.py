"""Freshchat's messages of a conversation, as its API gives them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, text_part
from viewer.formats.family import Family, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, Messages, as_private, linked_file

_NAME = "freshchat"


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("message_parts"), list) and "actor_type" in value


def _read(message: Document) -> DraftMessage:
    value = message.value
    draft = DraftMessage(CUSTOMER if value.get("actor_type") == "user" else COLLEAGUE, source=message.text)
    draft.id, draft.created = value.get("id"), value.get("created_time")
    draft.content = [_part(part) for part in objects_at(value, "message_parts")]
    if value.get("message_type") == "system":
        draft.role = EVENT
    return as_private(draft) if value.get("message_type") == "private" else draft


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind, inner = next(((kind, inner) for kind, inner in part.items() if isinstance(inner, dict)), ("part", {}))
    if kind in ("text", "email"):
        return text_part(as_text(inner.get("content")))
    if inner.get("url"):
        media_type = as_text(inner.get("content_type")) or ("image/*" if kind == "image" else "")
        return linked_file(as_text(inner["url"]), media_type, as_text(inner.get("name")))
    return {**part, "type": kind}


_MESSAGES = Messages(_NAME, _is_message, lambda message: message.get("conversation_id"), _read)
FAMILY = Family(
    name=_NAME,
    title="Freshchat",
    what=gettext_lazy("Messages of Freshchat"),
    seen="API v2, by its description",
    keeps="texts, private notes, events, addresses of files, times",
    loses="names, which stand in lists of users and agents",
    matches=_MESSAGES.matches,
    parts=_MESSAGES.parts,
    key=_MESSAGES.key,
    own=_MESSAGES.own,
    join=_MESSAGES.join,
)
