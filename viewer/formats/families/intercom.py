"""Intercom's conversations and tickets: a first message under `source`, and parts with all that followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, as_private, linked_file, pictures_in
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "intercom", "Intercom"
_CUSTOMERS = ("user", "lead", "contact", "visitor")
_MOST_PARTS = 500  # which the API gives of a conversation
_KNOWN = ("type", "id", "created_at", "source", "conversation_parts", "ticket_parts", "title")


def _matches(value: Any) -> bool:
    record = _record(value)
    if record.get("type") == "conversation":
        return "conversation_parts" in record or "author" in object_at(record, "source")
    return record.get("type") == "ticket" and "ticket_parts" in record


def _record(value: Any) -> dict[str, Any]:
    """Return a conversation, also where it is the subject of a notification."""
    inner = object_at(value, "data", "item")
    return inner if inner.get("type") in ("conversation", "ticket") else object_at(value)


def _read(document: Document) -> Iterator[Conversation]:
    record = document if _record(document.value) is document.value else document.at("data", "item")
    if record is None:
        return
    value, messages = record.value, list[DraftMessage]()
    if (source := record.at("source")) is not None and (first := _first(source, value)).content:
        messages.append(first)
    elif described := object_at(value, "ticket_attributes").get("_default_description_"):
        messages.append(DraftMessage(CUSTOMER, parts_of(as_text(described)), created=value.get("created_at")))
    held = next((name for name in ("conversation_parts", "ticket_parts") if name in value), "")
    parts = (record.at(held, held) or record.at(held)) if held else None
    later = [_part(part) for part in (parts.items() if parts else ()) if isinstance(part.value, dict)]
    messages += later
    notes = []
    if parts is None:
        notes.append(note("only-first", by=_TITLE))
    elif len(later) >= _MOST_PARTS:
        notes.append(note("limit", by=_TITLE, count=_MOST_PARTS))
    draft = Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=value.get("created_at"),
        metadata=_metadata(value),
        messages=messages,
        notes=notes,
        source=source_of(record, _KNOWN),
    )
    yield draft.finish(document)


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    contact = first_object(list_at(value, "contacts", "contacts"))
    author = object_at(value, "source", "author")
    rating = object_at(value, "conversation_rating")
    return {
        "title": value.get("title") or object_at(value, "ticket_attributes").get("_default_title_"),
        "customer": contact.get("external_id") or author.get("email") or contact.get("id"),
        "state": value.get("state") or value.get("ticket_state"),
        "tags": [object_at(tag).get("name") for tag in list_at(value, "tags", "tags")],
        "rating": rating.get("rating"),
        "rating_remark": rating.get("remark"),
    }


def _first(source: Document, conversation: dict[str, Any]) -> DraftMessage:
    draft = _said(source)
    draft.created = conversation.get("created_at")
    subject = object_at(source.value).get("subject")
    if isinstance(subject, str) and subject:
        draft.content = [*parts_of(subject), *(draft.content if isinstance(draft.content, list) else [])]
    return draft


def _part(part: Document) -> DraftMessage:
    """Read a part: what somebody said, a note, or something that happened."""
    value = part.value
    kind = as_text(value.get("part_type"))
    draft = _said(part)
    draft.created = value.get("created_at")
    if kind.startswith("note"):
        return as_private(draft)
    if draft.content is None and not draft.notes:
        to = object_at(value, "assigned_to")
        who = as_text(first_of(to, ["name", "id"]))
        draft.role, draft.content = EVENT, [text_part(kind.replace("_", " ") + (f": {who}" if who else ""))]
    return draft


def _said(message: Document) -> DraftMessage:
    value = object_at(message.value)
    author = object_at(value, "author")
    body = as_text(value.get("body"))
    parts = parts_of(body) if body else []
    seen = pictures_in(parts)
    for file in list_at(value, "attachments"):
        url = as_text(object_at(file).get("url"))
        if url not in seen:
            parts.append(
                linked_file(url, as_text(object_at(file).get("content_type")), as_text(object_at(file).get("name")))
            )
    return DraftMessage(
        CUSTOMER if author.get("type") in _CUSTOMERS else COLLEAGUE,
        parts or None,
        message.text,
        id=value.get("id"),
        name=as_text(author.get("name")),
        notes=[note("lost-text", by=_TITLE)] if value.get("redacted") else [],
        more={name: True for name in ("is_ai_answer", "from_ai_agent") if author.get(name)},
    )


FAMILY = Family(
    name=_NAME,
    title="Intercom",
    what=gettext_lazy("An Intercom export"),
    seen="API 2.x, by its description",
    keeps="texts, private notes, what Fin answered, events, addresses of files, tags, rating, times",
    loses="all after the first 500 parts; in a list of conversations, all but the first message",
    matches=_matches,
    read=_read,
)
