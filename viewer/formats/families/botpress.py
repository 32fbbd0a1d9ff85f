"""Botpress's messages of a conversation, as its API gives them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, text_part
from viewer.formats.family import Family, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, Messages, linked_file

_NAME = "botpress"

_URLS = {"image": "imageUrl", "audio": "audioUrl", "video": "videoUrl", "file": "fileUrl"}
_MEDIA = {"image": "image/*", "audio": "audio/"}


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"payload", "direction", "conversationId"} <= value.keys()


def _read(message: Document) -> DraftMessage:
    value = message.value
    payload, kind = object_at(value, "payload"), as_text(value.get("type"))
    draft = DraftMessage(CUSTOMER if value.get("direction") == "incoming" else COLLEAGUE, source=message.text)
    draft.id, draft.created = value.get("id"), value.get("createdAt")
    text, url = as_text(payload.get("text")), as_text(payload.get(_URLS.get(kind, "")))
    draft.content = [text_part(text)] if text else []
    if url:
        draft.content.append(linked_file(url, _MEDIA.get(kind, ""), as_text(payload.get("title"))))
    if kind not in (*_URLS, "text", "markdown") or not draft.content:
        draft.content.append({"type": kind or "payload", **payload})
    return draft


_MESSAGES = Messages(_NAME, _is_message, lambda message: message.get("conversationId"), _read)
FAMILY = Family(
    name=_NAME,
    title="Botpress",
    what=gettext_lazy("Messages of Botpress"),
    seen="Chat and Runtime API, by their description",
    keeps="texts, cards and choices, addresses of files, times",
    loses="names; what the bot did between its messages",
    matches=_MESSAGES.matches,
    parts=_MESSAGES.parts,
    key=_MESSAGES.key,
    own=_MESSAGES.own,
    join=_MESSAGES.join,
)
