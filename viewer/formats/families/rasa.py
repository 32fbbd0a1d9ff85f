"""Rasa's trackers: events of a conversation, whole, on lines, or in the table of its tracker store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, first_object, object_at
from viewer.formats.help_desks import linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of

_NAME = "rasa"


def _event(value: Any) -> dict[str, Any]:
    """Return an event; a row of the tracker store has it under `data`."""
    return object_at(value, "data") if "type_name" in object_at(value) else object_at(value)


def _is_event(value: Any) -> bool:
    return isinstance(value, dict) and "sender_id" in value and {"event", "timestamp"} <= _event(value).keys()


def _is_tracker(value: Any) -> bool:
    return {"sender_id", "events"} <= object_at(value).keys() and "event" in first_object(value.get("events"))


def _matches(value: Any) -> bool:
    return _is_tracker(value) or _is_event(value)


def _key(document: Document) -> str:
    return as_text(document.value.get("sender_id")) if _is_event(document.value) else ""


def _read(document: Document) -> Iterator[Conversation]:
    events = document.at("events")
    draft = _draft(document.value.get("sender_id"), list(events.items()) if events else [])
    draft.source = source_of(document, ("sender_id",))  # with the actions and slots between the messages
    yield draft.finish(document)


def _join(events: list[Document]) -> Iterator[Conversation]:
    draft = _draft(events[0].value.get("sender_id"), events)
    draft.source = f"[{','.join(event.text for event in events)}]"
    yield draft.finish_at(events[0].place, *(event.text for event in events))


def _draft(sender: Any, events: list[Document]) -> Draft:
    messages = [message for event in events for message in _messages(event)]
    messages.sort(key=lambda message: message.created if isinstance(message.created, (int, float)) else 0)
    draft = Draft(_NAME, id=id_within(_NAME, sender), messages=messages)
    draft.created = next((message.created for message in messages if message.created), None)
    channels = (as_text(_event(event.value).get("input_channel")) for event in events)
    draft.metadata = {"channel": next(filter(None, channels), None)}
    return draft


def _messages(event: Document) -> Iterator[DraftMessage]:
    value = _event(event.value)
    if value.get("event") not in ("user", "bot"):
        return
    text, data = as_text(value.get("text")), object_at(value, "data")
    parts = [text_part(text)] if text else []
    if isinstance(data.get("image"), str):
        parts.append(linked_file(data["image"], "image/*"))
    if isinstance(data.get("attachment"), str):
        parts.append(linked_file(data["attachment"]))
    parts += [
        {"type": name, name: given}
        for name, given in data.items()
        if given and not (name in ("image", "attachment") and isinstance(given, str))
    ]
    draft = DraftMessage("user" if value["event"] == "user" else "assistant", parts or None, event.text)
    draft.id, draft.created = value.get("message_id"), value.get("timestamp")
    if intent := object_at(value, "parse_data", "intent").get("name"):
        draft.more["intent"] = intent
    yield draft


FAMILY = Family(
    name=_NAME,
    title="Rasa",
    what=gettext_lazy("A Rasa tracker"),
    seen="trackers of 3.x, by their description",
    keeps="texts, buttons and other payloads, pictures by their address, intents, times; actions and slots in the JSON",
    loses="who the customer is, of whom there is only an id",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
