"""Gorgias's tickets with their messages, and messages alone, as its API and its webhooks give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, as_private, linked_file, pictures_in
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, id_under, source_of

_NAME = "gorgias"
_KNOWN = ("id", "messages", "subject", "tags", "status", "channel", "created_datetime", "first_message", "last_message")


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"ticket_id", "from_agent", "public", "created_datetime"} <= value.keys()


def _is_ticket(value: Any) -> bool:
    return isinstance(value, dict) and _is_message(first_object(value.get("messages")))


def _matches(value: Any) -> bool:
    return _is_message(value) or _is_ticket(value)


def _key(document: Document) -> str:
    """Return the ticket of a message that stands alone."""
    return as_text(document.value["ticket_id"]) if _is_message(document.value) else ""


def _read(document: Document) -> Iterator[Conversation]:
    ticket = document.value
    draft = _draft(ticket.get("id"), [one for one in document.members["messages"].items() if _is_message(one.value)])
    draft.created = ticket.get("created_datetime") or draft.created
    customer = object_at(ticket, "customer")
    draft.metadata |= {
        "title": ticket.get("subject"),
        "customer": first_of(customer, ("email", "name", "id")),
        "status": ticket.get("status"),
        "tags": [tag.get("name") for tag in objects_at(ticket, "tags")],
        "rating": object_at(ticket, "satisfaction_survey").get("score"),
    }
    draft.source = source_of(document, _KNOWN)
    yield draft.finish(document)


def _join(messages: list[Document]) -> Iterator[Conversation]:
    draft = _draft(messages[0].value["ticket_id"], messages)
    yield draft.finish_at(messages[0].place, *(message.text for message in messages))


def _draft(ticket: Any, messages: list[Document]) -> Draft:
    messages = sorted(messages, key=lambda one: as_text(one.value["created_datetime"]))  # pages have the newest first
    values = [one.value for one in messages]
    senders = (object_at(value, "sender") for value in values if not value["from_agent"])
    customer = next((found for sender in senders if (found := first_of(sender, ("email", "name")))), None)
    return Draft(
        _NAME,
        id=id_within(_NAME, ticket),
        created=values[0]["created_datetime"],
        metadata={
            "title": next((value["subject"] for value in values if value.get("subject")), None),
            "customer": customer,
            "channel": next((value["channel"] for value in values if value["public"] and value.get("channel")), None),
        },
        messages=[_message(one) for one in messages],
    )


def _message(message: Document) -> DraftMessage:
    value = message.value
    html, text = as_text(value.get("body_html")), as_text(first_of(value, ("body_text", "stripped_text")))
    parts = parts_of(html, is_html=True) if html else [text_part(text)] if text else []
    seen = pictures_in(parts)
    for file in objects_at(value, "attachments"):
        if (url := as_text(file.get("url"))) not in seen:
            parts.append(linked_file(url, as_text(file.get("content_type")), as_text(file.get("name"))))
    draft = DraftMessage(COLLEAGUE if value["from_agent"] else CUSTOMER, parts or None, message.text)
    draft.id, draft.created = as_text(value.get("id")), value["created_datetime"]
    draft.name = as_text(first_of(object_at(value, "sender"), ("name", "email")))
    if value.get("failed_datetime") or value.get("last_sending_error"):
        draft.more["error"] = value.get("last_sending_error") or "failed"
    return draft if value["public"] else as_private(draft)


FAMILY = Family(
    name=_NAME,
    title="Gorgias",
    what=gettext_lazy("A Gorgias ticket"),
    seen="tickets, messages and internal notes as its webhooks of 2024 sent them",
    keeps="texts, internal notes, addresses of files, names, what could not be sent, tags, rating, times",
    loses="in a list of tickets, their messages",
    matches=_matches,
    read=_read,
    key=_key,
    own=id_under("id"),
    join=_join,
)
