"""Crisp's messages of a conversation, as its API gives them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, text_part
from viewer.formats.family import Family, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, Messages, as_private, linked_file

_NAME = "crisp"


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"fingerprint", "from", "type", "content"} <= value.keys()


def _read(message: Document) -> DraftMessage:
    value = message.value
    kind, content = as_text(value.get("type")), value.get("content")
    draft = DraftMessage(COLLEAGUE if value.get("from") == "operator" else CUSTOMER, source=message.text)
    draft.id, draft.name = as_text(value.get("fingerprint")), as_text(object_at(value, "user").get("nickname"))
    moment = value.get("timestamp")
    draft.created = moment / 1000 if isinstance(moment, (int, float)) else moment
    if isinstance(content, str):
        draft.content = [text_part(content)]
    elif object_at(content).get("url"):
        held = object_at(content)
        draft.content = [linked_file(as_text(held["url"]), as_text(held.get("type")), as_text(held.get("name")))]
    else:
        said = as_text(object_at(content).get("text"))
        draft.content = [*([text_part(said)] if said else []), {**object_at(content), "type": kind or "content"}]
    if kind == "event":
        draft.role = EVENT
    return as_private(draft) if kind == "note" else draft


_MESSAGES = Messages(_NAME, _is_message, lambda message: message.get("session_id"), _read, ("data", "messages"))
FAMILY = Family(
    name=_NAME,
    title="Crisp",
    what=gettext_lazy("Messages of Crisp"),
    seen="REST API v1, by its description",
    keeps="texts, private notes, events, addresses of files, names, times",
    loses="what is known of the visitor, which stands in the conversation itself",
    matches=_MESSAGES.matches,
    parts=_MESSAGES.parts,
    key=_MESSAGES.key,
    own=_MESSAGES.own,
    join=_MESSAGES.join,
)
