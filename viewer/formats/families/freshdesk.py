"""Freshdesk's tickets with their conversations, as its API gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, as_private, linked_file, pictures_in
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "freshdesk", "Freshdesk"
_KNOWN = ("id", "conversations", "subject", "description", "description_text", "attachments", "created_at", "tags")


def _is_reply(value: Any) -> bool:
    return isinstance(value, dict) and {"incoming", "private", "body"} <= value.keys()


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    is_ticket = {"requester_id", "responder_id"} <= value.keys() and bool(
        value.keys() & {"description", "conversations"}
    )
    return is_ticket or _is_reply(first_object(value.get("conversations"))) or _is_reply(value)


def _key(document: Document) -> str:
    """Return the ticket of a reply that stands alone, as the list of a ticket's conversations has it."""
    value = document.value
    return str(first_of(value, ["ticket_id"]) or document.place.file) if _is_reply(value) else ""


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    replies = document.at("conversations")
    first = _said(document, as_text(value.get("description") or value.get("description_text")), CUSTOMER)
    first.source = ""
    requester = object_at(value, "requester")
    first.name = as_text(requester.get("name"))
    draft = _draft(value.get("id"), [first, *(_reply(one) for one in (replies.items() if replies else ()))])
    draft.created = value.get("created_at")
    draft.metadata = {
        "title": value.get("subject"),
        "customer": first_of(requester, ["email", "name"]) or value.get("requester_id"),
        "status": value.get("status"),
        "priority": value.get("priority"),
        "tags": value.get("tags"),
    }
    draft.source = source_of(document, _KNOWN)
    draft.notes = [] if replies else [note("only-first", by=_TITLE)]
    yield draft.finish(document)


def _join(documents: list[Document]) -> Iterator[Conversation]:
    documents.sort(key=lambda one: str(one.value.get("created_at")))
    draft = _draft(documents[0].value.get("ticket_id"), [_reply(one) for one in documents])
    draft.created = documents[0].value.get("created_at")
    yield draft.finish_at(documents[0].place, *(one.text for one in documents))


def _draft(number: Any, messages: list[DraftMessage]) -> Draft:
    return Draft(_NAME, id=id_within(_NAME, number), messages=messages)


def _reply(reply: Document) -> DraftMessage:
    value = object_at(reply.value)
    body = as_text(value.get("body") or value.get("body_text"))
    draft = _said(reply, body, CUSTOMER if value.get("incoming") else COLLEAGUE)
    draft.id = None if value.get("id") is None else str(value["id"])
    return as_private(draft) if value.get("private") else draft


def _said(message: Document, body: str, role: str) -> DraftMessage:
    value = object_at(message.value)
    parts = parts_of(body) if body else []
    seen = pictures_in(parts)
    for file in list_at(value, "attachments"):
        url = as_text(object_at(file).get("attachment_url"))
        if url not in seen:
            parts.append(
                linked_file(url, as_text(object_at(file).get("content_type")), as_text(object_at(file).get("name")))
            )
    return DraftMessage(role, parts or None, message.text, created=value.get("created_at"))


FAMILY = Family(
    name=_NAME,
    title="Freshdesk",
    what=gettext_lazy("A Freshdesk export"),
    seen="API v2, by its description",
    keeps="texts, private notes, addresses of files, the requester, tags, times",
    loses="in a list of tickets, all but the first message; names of agents",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
