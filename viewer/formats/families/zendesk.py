"""Zendesk: tickets with their comments, lists of comments, events and audits of tickets, and chats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, audio_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, as_private, linked_file, pictures_in
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of

_NAME, _TITLE = "zendesk", "Zendesk"
_KNOWN = ("id", "comments", "subject", "tags", "status", "created_at", "users", "ticket", "chats", "history")
_NUMBER = re.compile(r"/tickets/(\d+)")


def _is_comment(value: Any) -> bool:
    return isinstance(value, dict) and "author_id" in value and bool(value.keys() & {"body", "html_body"})


def _is_ticket(value: Any) -> bool:
    """Whether a value is a ticket: with comments, or at least with the names that only Zendesk's have."""
    if not isinstance(value, dict):
        return False
    if _is_comment(first_object(value.get("comments"))):
        return True
    return {"requester_id", "subject", "description"} <= value.keys() and "ticket_form_id" in value


def _is_change(value: Any) -> bool:
    if not isinstance(value, dict) or "ticket_id" not in value:
        return False
    return isinstance(value.get("child_events"), list) or (
        "author_id" in value and isinstance(value.get("events"), list)
    )


def _is_chat(value: Any) -> bool:
    return "visitor" in object_at(value) and "msg" in next(iter(_chat_messages(object_at(value))), {})


def _chat_messages(value: dict[str, Any]) -> list[dict[str, Any]]:
    history = [each for each in list_at(value, "history") if isinstance(each, dict)]
    return [each for each in history if each.get("type") == "chat.msg"] or history[:1]


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    held = (value.get("ticket"), first_object(value.get("tickets")))
    return _is_ticket(value) or any(map(_is_ticket, held)) or _is_change(value) or _is_chat(value)


def _key(document: Document) -> str:
    """Return the ticket of a change, of which there are many."""
    return str(document.value["ticket_id"]) if _is_change(document.value) else ""


def _read(document: Document) -> Iterator[Conversation]:
    people = _people(document.value)
    if tickets := document.at("tickets"):
        for ticket in tickets.items():
            yield _ticket(ticket, ticket, people).finish(ticket)
    elif _is_chat(document.value):
        yield _chat(document).finish(document)
    else:
        yield _ticket(document.at("ticket") or document, document, people).finish(document)


def _people(value: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the people that Zendesk puts beside the tickets, by their id."""
    return {as_text(object_at(one).get("id")): one for one in list_at(value, "users") if isinstance(one, dict)}


def _ticket(ticket: Document, record: Document, people: dict[str, dict[str, Any]]) -> Draft:
    value = ticket.value
    comments = ticket.at("comments") or record.at("comments")
    requester = value.get("requester_id")
    held = [one for one in comments.items() if isinstance(one.value, dict)] if comments else []
    if requester is None and held:
        requester = held[0].value.get("author_id")  # a ticket begins with what was asked
    messages = [_comment(one, requester, people) for one in held]
    notes = []
    if comments is None:
        messages = [
            DraftMessage(CUSTOMER, [text_part(as_text(value.get("description")))], created=value.get("created_at"))
        ]
        notes.append(note("only-first", by=_TITLE))
    number = value.get("id") or _number_in(record.value)
    return Draft(
        _NAME,
        id=id_within(_NAME, number),
        created=value.get("created_at") or (held[0].value.get("created_at") if held else None),
        metadata={
            "title": value.get("subject"),
            "customer": _customer(requester, people, value),
            "status": value.get("status"),
            "priority": value.get("priority"),
            "channel": object_at(value, "via").get("channel"),
            "tags": value.get("tags"),
            "rating": object_at(value, "satisfaction_rating").get("score"),
        },
        messages=messages,
        notes=notes,
        source=source_of(ticket, _KNOWN),
    )


def _number_in(page: dict[str, Any]) -> str:
    """Return the number of the ticket in the address of the next or previous page of comments."""
    links = " ".join(str(page.get(name)) for name in ("next_page", "previous_page", "url", "links"))
    found = _NUMBER.search(links)
    return found[1] if found else ""


def _customer(requester: Any, people: dict[str, dict[str, Any]], ticket: dict[str, Any]) -> Any:
    person = people.get(as_text(requester)) or object_at(ticket, "requester")
    return person.get("email") or person.get("name") or requester


def _join(documents: list[Document]) -> Iterable[Conversation]:
    """Read the changes of a ticket: what was said in them, and who changed the rest."""
    documents.sort(key=lambda one: str(one.value.get("created_at")))
    messages, requester = list[DraftMessage](), None
    for document in documents:
        events = document.at("child_events") or document.at("events")
        for event in events.items() if events else ():
            if object_at(event.value).get("event_type", object_at(event.value).get("type")) in (
                "Comment",
                "VoiceComment",
            ):
                author = (
                    event.value.get("author_id") or document.value.get("author_id") or document.value.get("updater_id")
                )
                requester = author if requester is None else requester
                comment = _comment(event, requester, {}, author)
                comment.created = event.value.get("created_at") or document.value.get("created_at")
                messages.append(comment)
    number = documents[0].value["ticket_id"]
    draft = Draft(_NAME, id=id_within(_NAME, number), created=documents[0].value.get("created_at"), messages=messages)
    draft.metadata = {"customer": requester}
    draft.source = "[" + ",".join(document.text for document in documents) + "]"
    if messages:
        yield draft.finish_at(documents[0].place, *(document.text for document in documents))


def _comment(comment: Document, requester: Any, people: dict[str, dict[str, Any]], author: Any = None) -> DraftMessage:
    value = comment.value
    author = author or value.get("author_id")
    person = people.get(as_text(author), {})
    is_customer = person["role"] == "end-user" if person.get("role") else author == requester
    html = as_text(value.get("html_body"))
    text = as_text(value.get("plain_body") or value.get("body"))
    parts = parts_of(html) if html else [text_part(text)] if text else []
    seen = pictures_in(parts)
    for file in list_at(value, "attachments"):
        url = as_text(object_at(file).get("content_url"))
        if url not in seen:
            parts.append(
                linked_file(
                    url, as_text(object_at(file).get("content_type")), as_text(object_at(file).get("file_name"))
                )
            )
    call = object_at(value, "data")
    if call.get("recording_url"):
        parts.append(audio_part(as_text(call["recording_url"]), ""))
    draft = DraftMessage(
        CUSTOMER if is_customer else COLLEAGUE,
        parts or None,
        comment.text,
        id=None if value.get("id") is None else str(value["id"]),
        name=as_text(person.get("name") or object_at(value, "author").get("name")),
        created=value.get("created_at"),
    )
    return as_private(draft) if value.get("public") is False else draft


def _chat(chat: Document) -> Draft:
    value = chat.value
    visitor = object_at(value, "visitor")
    history = chat.at("history")
    return Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=value.get("timestamp"),
        metadata={
            "customer": visitor.get("email") or visitor.get("name"),
            "tags": value.get("tags"),
            "rating": value.get("rating"),
        },
        messages=[_chat_message(one) for one in history.items() if isinstance(one.value, dict)] if history else [],
        source=source_of(chat, _KNOWN),
    )


def _chat_message(message: Document) -> DraftMessage:
    value = message.value
    name, text = as_text(value.get("name")), as_text(value.get("msg"))
    draft = DraftMessage(EVENT, [], message.text, name=name, created=value.get("timestamp"))
    sender = as_text(value.get("sender_type") or value.get("nick")).casefold()
    if value.get("type") == "chat.msg":
        draft.role = CUSTOMER if sender.startswith("visitor") else COLLEAGUE
    file = object_at(value, "attachment")
    parts = [text_part(text)] if text else []
    if file.get("url"):
        parts.append(linked_file(as_text(file["url"]), as_text(file.get("mime_type")), as_text(file.get("name"))))
    draft.content = parts or [text_part(as_text(value.get("type")))]
    return draft


FAMILY = Family(
    name=_NAME,
    title="Zendesk",
    what=gettext_lazy("A Zendesk export"),
    seen="API v2, by its description",
    keeps="comments, private notes, addresses of files, people where they are sideloaded, tags, rating, times",
    loses="in comments alone, who is the customer: it is taken to be who wrote the first one",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
