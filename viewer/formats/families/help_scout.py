"""Help Scout's conversations with their threads, as its API gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, as_private, linked_file
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "help-scout", "Help Scout"
_KNOWN = ("id", "subject", "createdAt", "tags")


def _is_thread(value: Any) -> bool:
    return isinstance(value, dict) and "type" in value and "createdBy" in value


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and (
        {"primaryCustomer", "mailboxId"} <= value.keys()
        or _is_thread(first_object(list_at(value, "_embedded", "threads")))
    )


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    found = document.at("_embedded", "threads")
    threads = [one for one in found.items() if isinstance(one.value, dict)] if found else []
    threads.sort(key=lambda one: str(one.value.get("createdAt")))  # the API has the newest first
    messages = [_message(one) for one in threads]
    if not messages:
        messages = [DraftMessage(CUSTOMER, [text_part(as_text(value.get("preview")))], created=value.get("createdAt"))]
    customer = object_at(value, "primaryCustomer")
    draft = Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=value.get("createdAt"),
        metadata={
            "title": value.get("subject"),
            "customer": first_of(customer, ["email", "id"]),
            "status": value.get("status"),
            "tags": [object_at(tag).get("tag") or object_at(tag).get("name") for tag in list_at(value, "tags")],
        },
        messages=messages,
        notes=[] if threads else [note("only-first", by=_TITLE)],
        source=source_of(document, [*_KNOWN, *(["_embedded"] if threads else [])]),
    )
    yield draft.finish(document)


def _message(thread: Document) -> DraftMessage:
    value = thread.value
    author = object_at(value, "createdBy")
    body = as_text(value.get("body"))
    parts = parts_of(body) if body else []
    for file in list_at(value, "_embedded", "attachments"):
        url = as_text(object_at(file, "_links", "web").get("href") or object_at(file, "_links", "data").get("href"))
        parts.append(
            linked_file(url, as_text(object_at(file).get("mimeType")), as_text(object_at(file).get("filename")))
        )
    kind = value.get("type")
    draft = DraftMessage(
        CUSTOMER if author.get("type") == "customer" else COLLEAGUE,
        parts or None,
        thread.text,
        id=None if value.get("id") is None else str(value["id"]),
        name=" ".join(filter(None, (as_text(author.get("first")), as_text(author.get("last"))))),
        created=value.get("createdAt"),
    )
    if kind == "lineitem":
        draft.role = EVENT
        draft.content = parts or [text_part(as_text(object_at(value, "action").get("text") or kind))]
    return as_private(draft) if kind == "note" else draft


FAMILY = Family(
    name=_NAME,
    title="Help Scout",
    what=gettext_lazy("A Help Scout export"),
    seen="Mailbox API 2.0, by its description",
    keeps="texts, private notes, events, addresses of files, names, tags, times",
    loses="in a list without threads, all but the beginning of the last message",
    matches=_matches,
    read=_read,
)
