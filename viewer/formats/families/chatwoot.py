"""Chatwoot's conversations and pages of messages, as its API and its webhooks give them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, as_private, linked_file
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "chatwoot", "Chatwoot"
_TYPES: dict[str, str] = {
    **dict.fromkeys(("0", "incoming"), CUSTOMER),
    **dict.fromkeys(("1", "outgoing"), COLLEAGUE),
    **dict.fromkeys(("2", "activity"), EVENT),
    **dict.fromkeys(("3", "template"), COLLEAGUE),  # a bot of Chatwoot's own
}
_KNOWN = ("id", "messages", "payload", "labels", "status", "created_at")
_FILES = {"image": "image/*", "audio": "audio/", "video": "video/*", "file": ""}


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or "content" not in value or not isinstance(value.get("message_type"), (int, str)):
        return False
    return str(value["message_type"]) in _TYPES and bool(value.keys() & {"private", "conversation_id", "inbox_id"})


def _is_conversation(value: dict[str, Any]) -> bool:
    first = first_object(value.get("messages"))
    is_empty = value.get("messages") == []
    return "inbox_id" in value and ("meta" in value or "account_id" in value) and (_is_message(first) or is_empty)


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return _is_conversation(value) or _is_message(first_object(value.get("payload"))) or _is_message(value)


def _key(document: Document) -> str:
    """Return the number of the conversation, of which there may be several pages."""
    value = document.value
    if _is_conversation(value):
        return str(value.get("id"))
    message = first_object(value.get("payload")) or value
    return str(
        first_of(message, ["conversation_id"]) or object_at(message, "conversation").get("id") or document.place.file
    )


def _join(documents: list[Document]) -> Iterable[Conversation]:
    messages: dict[str, Document] = {}
    for document in documents:
        for message in _held(document):
            messages[as_text(message.value.get("id")) or f"#{len(messages)}"] = message
    ordered = sorted(messages.values(), key=lambda message: _order(message.value))
    if not ordered:
        raise NotReadable(gettext("This Chatwoot conversation is here without its messages: export them too."))
    record = next((one for one in documents if "messages" in one.value), documents[0])
    meta = object_at(record.value, "meta")
    customer = object_at(meta, "sender") or object_at(meta, "contact")
    value = {} if _is_message(record.value) else record.value
    is_last_only = len(ordered) == 1 and "messages" in value
    draft = Draft(
        _NAME,
        id=id_within(_NAME, _key(documents[0])) if _is_known(documents[0]) else None,
        created=value.get("created_at") or (ordered[0].value.get("created_at") if ordered else None),
        metadata={
            "customer": first_of(customer, ["identifier", "email", "phone_number", "name"]),
            "customer_name": customer.get("name"),
            "assignee": object_at(meta, "assignee").get("name"),
            "channel": meta.get("channel"),
            "status": value.get("status"),
            "priority": value.get("priority"),
            "tags": value.get("labels") or meta.get("labels"),
        },
        messages=[_message(message) for message in ordered],
        notes=[note("only-last", by=_TITLE)] if is_last_only else [],
        source=source_of(record, _KNOWN) if value else "",
    )
    yield draft.finish_at(documents[0].place, *(one.text for one in documents))


def _is_known(document: Document) -> bool:
    return _key(document) != document.place.file


def _held(document: Document) -> Iterator[Document]:
    found = document.at("messages") or document.at("payload")
    yield from (one for one in found.items() if isinstance(one.value, dict)) if found else [document]


def _order(message: dict[str, Any]) -> tuple[Any, ...]:
    moment, number = message.get("created_at"), message.get("id")
    return (
        moment if isinstance(moment, (int, float)) else 0,
        str(moment),
        number if isinstance(number, int) else 0,
    )


def _message(message: Document) -> DraftMessage:
    value = message.value
    sender, attributes = object_at(value, "sender"), object_at(value, "content_attributes")
    text = as_text(value.get("content"))
    parts = parts_of(text) if text else []
    for file in [*list_at(value, "attachments"), *([value["attachment"]] if value.get("attachment") else [])]:
        parts += _file(object_at(file))
    draft = DraftMessage(
        _TYPES.get(as_text(value.get("message_type")), EVENT),
        parts or None,
        message.text,
        id=None if value.get("id") is None else str(value["id"]),
        name=as_text(sender.get("name")),
        created=value.get("created_at"),
    )
    for name in ("submitted_values", "items"):
        if attributes.get(name):
            draft.more[name] = attributes[name]
    if attributes.get("external_error"):
        draft.more["error"] = as_text(attributes["external_error"])
    if attributes.get("deleted"):
        draft.notes.append(note("lost-text", by=_TITLE))
    return as_private(draft) if str(value.get("private")).casefold() == "true" else draft


def _file(file: dict[str, Any]) -> list[dict[str, Any]]:
    kind, url = as_text(file.get("file_type")), as_text(file.get("data_url"))
    if not url or kind not in _FILES:
        return [{"type": kind or "attachment", **file}]
    media_type = f"audio/{file.get('extension') or ''}" if kind == "audio" else _FILES[kind]
    said = as_text(file.get("transcribed_text"))
    return [linked_file(url, media_type), *([text_part(said)] if said else [])]


FAMILY = Family(
    name=_NAME,
    title="Chatwoot",
    what=gettext_lazy("A Chatwoot export"),
    seen="API of 4.x, by its source",
    keeps="texts, private notes, agents and bots by name, events, addresses of files, labels, times",
    loses="all but the last message, in a conversation alone or in a list: import its messages too",
    matches=_matches,
    key=_key,
    join=_join,
)
