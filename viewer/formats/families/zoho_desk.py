"""Zoho Desk's tickets with their threads, which went to or came from the customer, and their comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, as_private, linked_file
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.message_lists import first_of, id_under, source_of

_NAME, _TITLE = "zoho-desk", "Zoho Desk"
_LISTS = ("conversations", "threads", "comments")
_KNOWN = ("id", *_LISTS, "subject", "description", "status", "priority", "channel", "contact", "createdTime")
_MENTION = re.compile(r"zsu\[@(\w{1,20}):([^\[\]]{0,100})\]zsu")
_UNSENT = ("DRAFT", "FAILED")


def _is_thread(value: Any) -> bool:
    is_one = isinstance(value, dict) and value.get("direction") in ("in", "out") and "channel" in value
    return is_one and not {"isDescriptionThread", "fromEmailAddress", "visibility"}.isdisjoint(value)


def _is_comment(value: Any) -> bool:
    return isinstance(value, dict) and {"commentedTime", "isPublic"} <= value.keys()


def _is_entry(value: Any) -> bool:
    return _is_thread(value) or _is_comment(value)


def _is_ticket(value: Any) -> bool:
    """Whether a value is a ticket that has its text, or what was answered, as whole pages or as the lists in them."""
    if not isinstance(value, dict) or not {"ticketNumber", "departmentId"} <= value.keys():
        return False
    return bool(value.get("description")) or any(_is_entry(first_object(_entries_in(value, name))) for name in _LISTS)


def _entries_in(ticket: dict[str, Any], name: str) -> Any:
    held = ticket.get(name)
    return held.get("data") if isinstance(held, dict) else held


def _matches(value: Any) -> bool:
    return _is_entry(value) or _is_ticket(value)


def _key(document: Document) -> str:
    """Return the ticket of an entry that stands alone, which only webhooks name; otherwise the file."""
    if not _is_entry(document.value):
        return ""
    return as_text(document.value.get("ticketId")) or f"file {document.place.file}"


def _read(document: Document) -> Iterator[Conversation]:
    ticket = document.value
    lists = [one for name in _LISTS if (one := document.at(name, "data") or document.at(name)) is not None]
    entries = [entry for one in lists for entry in one.items() if _is_entry(entry.value)]
    draft = _draft(entries)
    contact = object_at(ticket, "contact")
    if ticket.get("description") and not any(_is_thread(entry.value) for entry in entries):
        first = DraftMessage(CUSTOMER, parts_of(as_text(ticket["description"])), created=ticket.get("createdTime"))
        first.name = _name_of(contact)
        draft.messages.insert(0, first)  # otherwise it is one of the threads
        draft.notes.append(note("only-first", by=_TITLE))
    draft.id = id_within(_NAME, ticket.get("id"))
    draft.created = ticket.get("createdTime") or draft.created
    draft.metadata |= {
        "title": ticket.get("subject"),
        "ticket": ticket["ticketNumber"],
        "customer": first_of(contact, ("email", "phone")) or ticket.get("email") or ticket.get("contactId"),
        "status": ticket.get("status"),
        "priority": ticket.get("priority"),
        "channel": ticket.get("channel"),
    }
    draft.source = source_of(document, _KNOWN)
    yield draft.finish(document)


def _join(entries: list[Document]) -> Iterator[Conversation]:
    draft = _draft(entries)
    draft.id = id_within(_NAME, next((one.value["ticketId"] for one in entries if one.value.get("ticketId")), None))
    draft.id = draft.id or id_of_beginning(_NAME, draft.messages[0].id)
    yield draft.finish_at(entries[0].place, *(entry.text for entry in entries))


def _draft(entries: list[Document]) -> Draft:
    entries = sorted(entries, key=lambda one: as_text(_time_of(one.value)))  # the API has the newest first
    messages = [_message(entry) for entry in entries]
    customer = next((message.name for message in messages if message.role == CUSTOMER and message.name), "")
    created = next((message.created for message in messages if message.created), None)
    return Draft(_NAME, created=created, metadata={"customer_name": customer}, messages=messages)


def _time_of(entry: dict[str, Any]) -> Any:
    return first_of(entry, ("commentedTime", "createdTime"))


def _message(entry: Document) -> DraftMessage:
    value = entry.value
    draft = _commented(value) if _is_comment(value) else _threaded(value)
    draft.source, draft.id, draft.created = entry.text, as_text(value.get("id")), _time_of(value)
    for file in objects_at(value, "attachments"):
        parts = draft.content if isinstance(draft.content, list) else []
        draft.content = [*parts, linked_file(as_text(file.get("href")), "", as_text(file.get("name")))]
    return draft


def _commented(value: dict[str, Any]) -> DraftMessage:
    people = {as_text(one.get("zuid") or one.get("id")): _name_of(one) for one in objects_at(value, "mention")}
    text = _MENTION.sub(lambda found: f"@{people.get(found[2]) or found[2]}", as_text(value.get("content")))
    person = object_at(value, "commenter") or object_at(value, "author")
    is_customer = as_text(person.get("type")) in ("END_USER", "CONTACT")
    draft = DraftMessage(CUSTOMER if is_customer else COLLEAGUE, _parts_of(value, text), name=_name_of(person))
    return draft if value["isPublic"] else as_private(draft)


def _threaded(value: dict[str, Any]) -> DraftMessage:
    """Read a thread; lists of threads have only the beginning of its text, and no line breaks."""
    text = as_text(first_of(value, ("content", "plainText")))
    draft = DraftMessage(CUSTOMER if value["direction"] == "in" else COLLEAGUE)
    draft.name = _name_of(object_at(value, "author"))
    draft.content = _parts_of(value, text or as_text(value.get("summary")))
    if not text or value.get("isContentTruncated"):
        draft.notes.append(note("cut-off", by=_TITLE))
    is_private = value.get("status") in _UNSENT or as_text(value.get("visibility")) not in ("", "public")
    return as_private(draft) if is_private else draft


def _parts_of(value: dict[str, Any], text: str) -> list[dict[str, Any]]:
    is_plain = as_text(value.get("contentType")).casefold() in ("text/plain", "plaintext")
    return ([text_part(text)] if is_plain else parts_of(text)) if text else []


def _name_of(person: dict[str, Any]) -> str:
    names = (as_text(person.get("firstName")), as_text(person.get("lastName")))
    return as_text(person.get("name")) or " ".join(filter(None, names)) or as_text(person.get("email"))


FAMILY = Family(
    name=_NAME,
    title="Zoho Desk",
    what=gettext_lazy("A Zoho Desk ticket"),
    seen="tickets, threads and comments of its API v1, by examples and its description",
    keeps="texts, private comments, drafts as private notes, addresses of files, names, times",
    loses="in lists of threads, all but the beginning of each text; in a ticket alone, all but the first; without the "
    "ticket, its number",
    matches=_matches,
    read=_read,
    key=_key,
    own=id_under("id"),
    join=_join,
)
