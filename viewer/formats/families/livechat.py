"""LiveChat's chats with their threads, as its API gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, as_private, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of

_NAME = "livechat"


def _matches(value: Any) -> bool:
    thread = object_at(value, "thread") or first_object(object_at(value).get("threads"))
    return isinstance(object_at(value).get("users"), list) and isinstance(thread.get("events"), list)


def _read(document: Document) -> Iterator[Conversation]:
    value, threads = document.value, document.at("threads")
    people = {as_text(one.get("id")): one for one in objects_at(value, "users")}
    customer = next((one for one in people.values() if one.get("type") == "customer"), {})
    for thread in threads.items() if threads else filter(None, [document.at("thread")]):
        events = thread.at("events")
        draft = Draft(
            _NAME,
            id=id_within(_NAME, thread.value.get("id") or value.get("id")),
            created=thread.value.get("created_at"),
            metadata={
                "chat": value.get("id"),
                "customer": customer.get("email") or customer.get("name"),
                "customer_name": customer.get("name"),
                "tags": thread.value.get("tags"),
            },
            messages=[_message(event, people) for event in events.items()] if events else [],
            source=source_of(document, ("threads", "thread")),
        )
        yield draft.finish(thread)


def _message(event: Document, people: dict[str, dict[str, Any]]) -> DraftMessage:
    value = object_at(event.value)
    author, kind = people.get(as_text(value.get("author_id")), {}), as_text(value.get("type"))
    draft = DraftMessage(CUSTOMER if author.get("type") == "customer" else COLLEAGUE, source=event.text)
    draft.id, draft.created, draft.name = value.get("id"), value.get("created_at"), as_text(author.get("name"))
    text, url = as_text(value.get("text")), as_text(value.get("url"))
    draft.content = [text_part(text)] if text else []
    if url:
        draft.content.append(linked_file(url, as_text(value.get("content_type")), as_text(value.get("name"))))
    for field in objects_at(value, "fields"):
        answer = field.get("answer", field.get("answers"))
        said = as_text(object_at(answer).get("label") or answer)
        draft.content.append(text_part(f"{as_text(field.get('label'))} {said}".strip()))
    if value.get("elements") or not draft.content:
        draft.content.append({**value, "type": kind or "event"})
    if kind == "system_message":
        draft.role = EVENT
    is_private = value.get("visibility") == "agents" or value.get("recipients") == "agents"
    return as_private(draft) if is_private else draft


FAMILY = Family(
    name=_NAME,
    title="LiveChat",
    what=gettext_lazy("A LiveChat export"),
    seen="Agent Chat API 3.x, by its description",
    keeps="texts, forms, private messages as notes, events, addresses of files, names, tags, times",
    loses="in a list of chats, all but the last thread",
    matches=_matches,
    read=_read,
)
