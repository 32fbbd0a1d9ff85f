"""Kustomer's messages and notes of a conversation, as its API and its webhooks give them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, Messages, as_private, linked_file
from viewer.formats.html_text import parts_of
from viewer.formats.message_lists import first_of

_NAME = "kustomer"


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or not object_at(value, "relationships", "conversation"):
        return False
    attributes = object_at(value, "attributes")
    is_said = value.get("type") == "message" and attributes.get("direction") in ("in", "out")
    return is_said or (value.get("type") == "note" and "body" in attributes)


def _conversation(message: dict[str, Any]) -> Any:
    return object_at(message, "relationships", "conversation", "data").get("id")


def _read(message: Document) -> DraftMessage:
    value = message.value
    attributes, is_note = object_at(value, "attributes"), value["type"] == "note"
    draft = DraftMessage(COLLEAGUE if is_note or attributes["direction"] == "out" else CUSTOMER, source=message.text)
    draft.id, draft.created = value.get("id"), first_of(attributes, ("sentAt", "createdAt"))
    draft.name = as_text(object_at(attributes, "meta").get("from")) if draft.role == CUSTOMER else ""
    subject, text = as_text(attributes.get("subject")), as_text(first_of(attributes, ("body", "preview")))
    draft.content = [*([text_part(subject)] if subject else []), *(parts_of(text) if text else [])]
    for file in objects_at(attributes, "attachments"):
        url = as_text(first_of(file, ("url", "link")))
        draft.content.append(linked_file(url, as_text(file.get("contentType")), as_text(file.get("name"))))
    if error := object_at(attributes, "error"):  # why it could not be sent
        draft.more["error"] = {"message": error.get("title"), **error}
    return as_private(draft) if is_note else draft


_MESSAGES = Messages(_NAME, _is_message, _conversation, _read, ("data", "included"))
FAMILY = Family(
    name=_NAME,
    title="Kustomer",
    what=gettext_lazy("Messages of Kustomer"),
    seen="messages as its webhooks of 2025 sent them; notes by their description",
    keeps="texts, notes as private, what could not be sent and why, addresses of customers, times",
    loses="names and files, which stand in lists of their own",
    matches=_MESSAGES.matches,
    parts=_MESSAGES.parts,
    key=_MESSAGES.key,
    own=_MESSAGES.own,
    join=_MESSAGES.join,
)
