"""WhatsApp's Cloud API: what its webhooks send to a business, alone or in a log of many.

They have what customers wrote. What the business wrote they have only where it writes with the app on a phone too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NotAConversation
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, image_part, note, text_part
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of

_NAME = "whatsapp-api"
_PART = "of_whatsapp"  # under which a part has what its webhook says of it
_PICTURES, _FILES = ("image", "sticker"), ("audio", "video", "document")
_REPLIES = ("button_reply", "list_reply", "nfm_reply")
_SAID = ("title", "description", "body", "text")


def _is_webhook(value: Any) -> bool:
    return isinstance(value, dict) and value.get("object") == "whatsapp_business_account" and "entry" in value


def _is_value(value: Any) -> bool:
    return isinstance(value, dict) and value.get("messaging_product") == "whatsapp" and "metadata" in value


def _matches(value: Any) -> bool:
    return _is_webhook(value) or _is_value(value)


def _parts(document: Document) -> Iterator[Document]:
    """Yield the messages of a webhook, each with what it says of the customer and the business beside them."""
    for value in [document] if _is_value(document.value) else _values_in(document):
        own = as_text(object_at(value.value, "metadata").get("display_phone_number"))
        names = {
            as_text(one.get("wa_id")): as_text(object_at(one, "profile").get("name"))
            for one in objects_at(value.value, "contacts")
        }
        for role, customer, message in _messages_in(value):
            about = {"role": role, "own": own, "customer": customer, "name": names.get(customer, "")}
            pairs = [(name, json.dumps(given, ensure_ascii=False)) for name, given in about.items()]
            yield Document(to_object([(_PART, to_object([*pairs, ("message", message.text)]))]), document.place)


def _values_in(webhook: Document) -> Iterator[Document]:
    for entry in _listed(webhook, "entry"):
        for change in _listed(entry, "changes"):
            if (value := change.at("value")) is not None and _is_value(value.value):
                yield value


def _messages_in(value: Document) -> Iterator[tuple[str, str, Document]]:
    """Yield who wrote each message, the number of the customer, and the message."""
    for message in _listed(value, "messages"):
        yield CUSTOMER, as_text(message.value.get("from")), message
    for message in _listed(value, "message_echoes"):
        yield COLLEAGUE, as_text(message.value.get("to")), message
    for status in _listed(value, "statuses"):
        if status.value.get("status") == "failed":
            yield EVENT, as_text(status.value.get("recipient_id")), status
    for history in _listed(value, "history"):
        for thread in _listed(history, "threads"):
            customer = as_text(thread.value.get("id"))
            for message in _listed(thread, "messages"):
                yield CUSTOMER if as_text(message.value.get("from")) == customer else COLLEAGUE, customer, message


def _listed(holder: Document, name: str) -> Iterator[Document]:
    held = holder.at(name)
    yield from (one for one in held.items() if isinstance(one.value, dict)) if held else ()


def _key(document: Document) -> str:
    about = object_at(document.value, _PART)
    return f"{about['own']} {about['customer']}" if about else ""


def _own(part: Document) -> str:
    """Return the id of a message, which is sent again where nobody took it, and of a notice of it another one."""
    about = object_at(part.value, _PART)
    own = as_text(object_at(about, "message").get("id"))
    return f"{about['role']} {own}" if own else ""


def _read(document: Document) -> Iterator[Conversation]:
    raise NotAConversation(gettext("This is a notice of WhatsApp about a message or an account, not a conversation."))


def _join(parts: list[Document]) -> Iterator[Conversation]:
    """Join the messages of a customer."""
    messages = [_message(part.members[_PART]) for part in parts]
    messages.sort(key=lambda message: as_text(message.created).zfill(12))
    about = object_at(parts[0].value, _PART)
    name = next((message.name for message in messages if message.role == CUSTOMER and message.name), "")
    yield Draft(
        _NAME,
        id=id_within(_NAME, re.sub(r"\D+", "", about["own"]) + f"-{about['customer']}"),
        created=next((message.created for message in messages if message.created), None),
        metadata={"customer": about["customer"], "customer_name": name, "number": about["own"]},
        messages=messages,
    ).finish_at(parts[0].place, *(part.text for part in parts))


def _message(about: Document) -> DraftMessage:
    message = about.members["message"]
    value, role = message.value, about.value["role"]
    draft = DraftMessage(role, source=message.text, id=value.get("id"), created=value.get("timestamp"))
    draft.name = about.value["name"] if role == CUSTOMER else ""
    if role == EVENT:
        errors = [as_text(first_of(error, ("title", "message", "code"))) for error in objects_at(value, "errors")]
        draft.content, draft.id = ": ".join(["failed", *errors]), None
        return draft
    kind = as_text(value.get("type"))
    content = value.get(kind)
    if kind in ("reaction", "system"):
        draft.role = EVENT
        draft.content = as_text(first_of(object_at(content), ("body", "emoji"))) or kind
        return draft
    draft.content = _parts_of(kind, content)
    if kind in (*_PICTURES, *_FILES):
        draft.notes.append(note("missing-file"))
    if value.get("referral"):  # of the advertisement that led to the message
        draft.content.append({"type": "referral", "referral": value["referral"]})
    if list_at(value, "errors"):
        draft.content.append({"type": kind or "errors", "errors": value["errors"]})
    return draft


def _parts_of(kind: str, content: Any) -> list[dict[str, Any]]:
    """Return what a message says: texts, files without their bytes, and the words of what was chosen."""
    held = object_at(content)
    name, file_id = as_text(first_of(held, ("filename",))), as_text(held.get("id"))
    caption = [text_part(as_text(held["caption"]))] if held.get("caption") else []
    if kind in _PICTURES:
        return [*caption, image_part("", file_id=file_id, caption=kind)]
    if kind in _FILES:
        return [*caption, file_part(name or kind, file_id=file_id)]
    chosen = next((object_at(held, reply) for reply in _REPLIES if object_at(held, reply)), held)
    if lines := [as_text(chosen[each]) for each in _SAID if isinstance(chosen.get(each), str) and chosen[each]]:
        return [text_part("\n".join(lines))]
    return [{"type": kind, kind: content}] if kind and content is not None else []


FAMILY = Family(
    name=_NAME,
    title="WhatsApp Cloud API",
    what=gettext_lazy("Messages of WhatsApp"),
    seen="webhooks of 2025 and 2026, by their description and published tests",
    keeps="texts, what was chosen, captions and ids of files, what was written on a phone, reactions, what could not "
    "be sent, names, numbers, times",
    loses="what the business sent through the API; the bytes of files",
    matches=_matches,
    parts=_parts,
    read=_read,
    key=_key,
    own=_own,
    join=_join,
)
