"""Meta's interface for messages to a page on Facebook or an account on Instagram: its webhooks, and its conversations.

Webhooks have what customers wrote, and as echoes what the page wrote, whoever wrote it for the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NotAConversation
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "messenger-api", "Messenger"
_PART = "of_messenger"  # under which a part has what is said of it beside it
_OBJECTS = ("page", "instagram")
_KINDS = {"image": "image/jpeg", "audio": "audio/mp4"}
_KNOWN = ("messages", "participants", "id")


def _is_webhook(value: Any) -> bool:
    return isinstance(value, dict) and value.get("object") in _OBJECTS and isinstance(value.get("entry"), list)


def _is_conversation(value: Any) -> bool:
    message = first_object(object_at(object_at(value), "messages").get("data"))
    return "created_time" in message and isinstance(message.get("from"), dict)


def _is_page(value: Any) -> bool:
    return isinstance(value, dict) and _is_conversation(first_object(value.get("data")))


def _matches(value: Any) -> bool:
    return _is_webhook(value) or _is_conversation(value) or _is_page(value)


def _parts(document: Document) -> Iterator[Document]:
    if _is_webhook(document.value):
        yield from (_part(document, about, event) for about, event in _events_in(document))
    elif _is_page(document.value):
        conversations = [one for one in _listed(document, "data") if _is_conversation(one.value)]
        own = _own_of([one.value for one in conversations])
        yield from (_part(document, {"own": own}, one) for one in conversations)


def _part(document: Document, about: dict[str, str], inner: Document) -> Document:
    pairs = [(name, json.dumps(given, ensure_ascii=False)) for name, given in about.items()]
    return Document(to_object([(_PART, to_object([*pairs, ("inner", inner.text)]))]), document.place)


def _listed(holder: Document, *names: str) -> Iterator[Document]:
    held = holder.at(*names)
    yield from (one for one in held.items() if isinstance(one.value, dict)) if held else ()


def _events_in(webhook: Document) -> Iterator[tuple[dict[str, str], Document]]:
    """Yield what was said or chosen, with the ids of the page and of the customer, and whose it is."""
    for entry in _listed(webhook, "entry"):
        for name in ("messaging", "standby"):
            for event in _listed(entry, name):
                value = event.value
                if not any(isinstance(value.get(each), dict) for each in ("message", "postback", "reaction")):
                    continue
                sender, recipient = (as_text(object_at(value, each).get("id")) for each in ("sender", "recipient"))
                own = as_text(entry.value.get("id")) or recipient
                is_own = bool(object_at(value, "message").get("is_echo")) or sender == own
                customer = recipient if is_own and recipient != own else sender
                yield {"own": own, "customer": customer, "role": COLLEAGUE if is_own else CUSTOMER}, event


def _own_of(conversations: list[dict[str, Any]]) -> str:
    """Return the id of the page, which takes part in all its conversations; empty if there are too few to tell."""
    people = [
        {as_text(one.get("id")) for one in objects_at(object_at(each, "participants"), "data")}
        for each in conversations
    ]
    in_all = set.intersection(*people) if len(people) > 1 else set[str]()
    return next(iter(in_all)) if len(in_all) == 1 else ""


def _key(document: Document) -> str:
    about = object_at(document.value, _PART)
    return f"{about['own']} {about['customer']}" if "customer" in about else ""


def _own(part: Document) -> str:
    """Return the id of a message, which is sent again where nobody took it; of what has none, when it was."""
    about = object_at(part.value, _PART)
    event = object_at(about, "inner")
    named = (object_at(event, each).get("mid") for each in ("message", "postback"))
    own = next(filter(None, named), None) or f"{event.get('timestamp')} {object_at(event, 'reaction').get('mid', '')}"
    return f"{about['role']} {own}"


def _read(document: Document) -> Iterator[Conversation]:
    if _is_webhook(document.value):
        raise NotAConversation(gettext("This is a notice of Messenger about a message or a page, not a conversation."))
    about = document.members.get(_PART)
    conversation = about.members["inner"] if about else document
    value = conversation.value
    rows = sorted(_listed(conversation, "messages", "data"), key=lambda row: as_text(row.value.get("created_time")))
    is_cut_off = "next" in object_at(object_at(value, "messages"), "paging")
    own = as_text(about.value["own"]) if about else ""
    first = as_text(object_at(rows[0].value, "from").get("id"))
    customers = {first} if not own and not is_cut_off else set[str]()
    messages = [_told(row, own, customers) for row in rows]
    messages[0].notes += [note("cut-off", by=_TITLE)] if is_cut_off else []
    yield Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=messages[0].created,
        metadata={"customer_name": next((one.name for one in messages if one.role == CUSTOMER and one.name), None)},
        messages=messages,
        source=source_of(conversation, _KNOWN),
    ).finish_at(document.place, conversation.text)


def _told(message: Document, own: str, customers: set[str]) -> DraftMessage:
    """Read a message of a conversation. Where it is not known which is the page, who began is the customer."""
    value, by = message.value, object_at(message.value, "from")
    writer = as_text(by.get("id"))
    is_customer = writer != own if own else writer in customers or not customers
    draft = DraftMessage(CUSTOMER if is_customer else COLLEAGUE, source=message.text, id=as_text(value.get("id")))
    draft.name, draft.created = as_text(first_of(by, ("name", "username"))), value.get("created_time")
    draft.content = [text_part(as_text(value["message"]))] if value.get("message") else []
    for file in objects_at(object_at(value, "attachments"), "data"):
        held = first_of(file, ("image_data", "video_data"))
        url = as_text(first_of(object_at(held), ("url",)) or file.get("file_url"))
        draft.content.append(linked_file(url, as_text(file.get("mime_type")), as_text(file.get("name"))))
    if isinstance(value.get("sticker"), str):
        draft.content.append(linked_file(value["sticker"], "image/png"))
    shared = [as_text(each.get("link")) for each in objects_at(object_at(value, "shares"), "data")]
    draft.content += [text_part("\n".join(filter(None, shared)))] if any(shared) else []
    return draft


def _join(parts: list[Document]) -> Iterator[Conversation]:
    """Join the messages of a customer."""
    held = [part.members[_PART] for part in parts]
    messages = [_sent(about) for about in held]
    messages.sort(key=lambda message: message.created if isinstance(message.created, int) else 0)
    told = parts[0].value[_PART]
    yield Draft(
        _NAME,
        id=id_within(_NAME, f"{told['own']}-{told['customer']}"),
        created=next((message.created for message in messages if message.created), None),
        metadata={"customer": told["customer"], "page": told["own"]},
        messages=messages,
    ).finish_at(parts[0].place, *(about.text for about in held))


def _sent(about: Document) -> DraftMessage:
    value = about.value["inner"]
    message, postback, reaction = (object_at(value, each) for each in ("message", "postback", "reaction"))
    draft = DraftMessage(about.value["role"], source=about.members["inner"].text, created=value.get("timestamp"))
    draft.id = as_text(first_of(message, ("mid",)) or postback.get("mid"))
    draft.name = as_text(object_at(value, "sender").get("username"))
    if reaction:
        draft.role, draft.content = EVENT, as_text(first_of(reaction, ("emoji", "reaction", "action"))) or "reaction"
        return draft
    text = as_text(first_of(message, ("text",)) or first_of(postback, ("title", "payload")))
    draft.content = [text_part(text)] if text else []
    for file in objects_at(message, "attachments"):
        draft.content += _attached(file)
    if message.get("is_deleted"):
        draft.notes.append(note("lost-text", by=_TITLE))
    return draft


def _attached(file: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts for what a message has beside its text: files by their address, and cards."""
    kind, held = as_text(file.get("type")), object_at(file, "payload")
    if address := as_text(held.get("url")):
        return [linked_file(address, _KINDS.get(kind, ""))]
    cards = objects_at(object_at(held, "generic"), "elements") + objects_at(held, "elements") or [held]
    lines = [as_text(card.get(each)) for card in cards for each in ("title", "subtitle", "text")]
    lines += [f"[{as_text(each.get('title'))}]" for card in [*cards, held] for each in objects_at(card, "buttons")]
    lines = list(dict.fromkeys(filter(None, lines)))
    return [text_part("\n".join(lines))] if lines else [{"type": kind or "attachment", "attachment": file}]


FAMILY = Family(
    name=_NAME,
    title="Messenger Platform",
    what=gettext_lazy("Messages of Messenger or Instagram"),
    seen="webhooks and conversations of 2024 to 2026, by published tests and programs that read them",
    keeps="texts, buttons that were chosen, cards, addresses of files, reactions, names in conversations, times",
    loses="who of a page wrote; in a single conversation which of the two is the page: who began it is taken to be the "
    "customer; names in most webhooks; the bytes of files",
    matches=_matches,
    parts=_parts,
    read=_read,
    key=_key,
    own=_own,
    join=_join,
)
