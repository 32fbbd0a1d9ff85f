"""Chats and tickets of tawk.to, as its webhooks hand them over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotAConversation, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of

_NAME, _TITLE = "tawk-to", "tawk.to"
_EVENTS = ("chat:start", "chat:end", "chat:transcript_created", "ticket:create")
_ROLES = {"v": CUSTOMER, "a": COLLEAGUE}
_SAID = ("msg", "file", "text")


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and value.get("event") in _EVENTS and isinstance(value.get("property"), dict)


def _read(notice: Document) -> Iterator[Conversation]:
    value = notice.value
    if value["event"] == "ticket:create":
        yield _ticket(notice).finish(notice)
        return
    if value["event"] != "chat:transcript_created":  # which comes after them and has all of the chat
        raise NotAConversation(gettext("This is a notice of tawk.to about a chat, which its transcript has in full."))
    chat = object_at(value, "chat")
    visitor = object_at(chat, "visitor")
    rows = notice.at("chat", "messages")
    messages = [_message(one, visitor) for one in rows.items() if isinstance(one.value, dict)] if rows else []
    if not messages:
        raise NothingSaid
    yield Draft(
        _NAME,
        id=id_within(_NAME, chat.get("id")),
        created=next((one.created for one in messages if one.created), value.get("time")),
        metadata={
            "customer_name": visitor.get("name"),
            "customer": visitor.get("email"),
            "country": visitor.get("country"),
            "site": object_at(value, "property").get("name"),
        },
        messages=messages,
        source=source_of(notice, ("chat", "property", "event", "time")),
    ).finish(notice)


def _ticket(notice: Document) -> Draft:
    """Read a ticket, of which the notice has only what it was opened with."""
    ticket, requester = object_at(notice.value, "ticket"), object_at(notice.value, "requester")
    said = "\n\n".join(filter(None, (as_text(ticket.get("subject")), as_text(ticket.get("message")))))
    opening = DraftMessage(CUSTOMER, [text_part(said)], name=as_text(requester.get("name")))
    opening.created = notice.value.get("time")
    return Draft(
        _NAME,
        id=id_within(_NAME, ticket.get("id")),
        created=opening.created,
        metadata={"ticket": ticket.get("humanId"), "title": ticket.get("subject"), "customer": requester.get("email")},
        messages=[opening],
        notes=[note("only-first", by=_TITLE)],
        source=source_of(notice, ("ticket", "requester", "property", "event", "time")),
    )


def _message(message: Document, visitor: dict[str, Any]) -> DraftMessage:
    value, sender = message.value, object_at(message.value, "sender")
    text = as_text(value.get("msg"))
    draft = DraftMessage(_ROLES.get(as_text(sender.get("t")), EVENT), [text_part(text)] if text else [], message.text)
    draft.name = as_text(sender.get("n")) or (as_text(visitor.get("name")) if draft.role == CUSTOMER else "")
    draft.created = value.get("time")
    for file in [object_at(object_at(each, "content"), "file") for each in objects_at(value, "attchs")]:
        link = linked_file(as_text(file.get("url")), as_text(file.get("mimeType")), as_text(file.get("name")))
        draft.content = [*(draft.content or []), link]
    if as_text(value.get("type")) not in _SAID:
        draft.role, draft.content = EVENT, draft.content or as_text(value.get("type"))
    return draft


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A chat of tawk.to"),
    seen="notices of transcripts and tickets of 2024 to 2026, by published tests and programs that receive them",
    keeps="texts, names, addresses of files, what the system said as events, times; of tickets the first message",
    loses="who of the colleagues is a bot; answers to tickets",
    matches=_matches,
    read=_read,
)
