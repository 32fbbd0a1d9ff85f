"""Front's messages and comments of a conversation, as its API gives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, as_private, linked_file
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of

_NAME = "front"


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("id")).startswith("msg_") and "is_inbound" in value


def _is_comment(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("id")).startswith("com_") and "posted_at" in value


def _matches(value: Any) -> bool:
    return _is_message(value) or _is_comment(value)


def _key(document: Document) -> str:
    """Return the conversation, of which the address stands in the links; otherwise the file."""
    link = as_text(object_at(document.value, "_links", "related").get("conversation"))
    return link.rstrip("/").rpartition("/")[2] or document.place.file


def _join(documents: list[Document]) -> Iterable[Conversation]:
    documents.sort(key=lambda one: _time(one.value))
    first, key = documents[0], _key(documents[0])
    customer = next((handle for one in documents if (handle := _handle(one.value, "from"))), "")
    draft = Draft(
        _NAME,
        id=id_within(_NAME, key) if key != first.place.file else None,
        created=_time(first.value) or None,
        metadata={
            "title": next((one.value["subject"] for one in documents if one.value.get("subject")), None),
            "customer": customer,
        },
        messages=[_message(one) for one in documents],
    )
    yield draft.finish_at(first.place, *(one.text for one in documents))


def _time(value: dict[str, Any]) -> float:
    moment = first_of(value, ["created_at", "posted_at"])
    return moment if isinstance(moment, (int, float)) else 0


def _handle(value: dict[str, Any], role: str) -> str:
    """Return the address of who sent an incoming message."""
    people = (object_at(one) for one in list_at(value, "recipients") if value.get("is_inbound"))
    return next((as_text(one.get("handle")) for one in people if one.get("role") == role), "")


def _message(message: Document) -> DraftMessage:
    value = message.value
    author, body = object_at(value, "author"), as_text(value.get("body"))
    parts = parts_of(body) if body else [text_part(as_text(value.get("text")))] if value.get("text") else []
    for file in list_at(value, "attachments"):
        named = object_at(file)
        parts.append(
            linked_file(as_text(named.get("url")), as_text(named.get("content_type")), as_text(named.get("filename")))
        )
    names = (as_text(author.get("first_name")), as_text(author.get("last_name")))
    draft = DraftMessage(
        CUSTOMER if value.get("is_inbound") else COLLEAGUE,
        parts or None,
        message.text,
        id=value.get("id"),
        name=" ".join(filter(None, names)) or _handle(value, "from"),
        created=_time(value) or None,
    )
    return as_private(draft) if _is_comment(value) else draft


FAMILY = Family(
    name=_NAME,
    title="Front",
    what=gettext_lazy("A Front export"),
    seen="Core API, by its description",
    keeps="texts, comments as private notes, addresses of files, names, times",
    loses="tags and status, which stand in another list",
    matches=_matches,
    key=_key,
    join=_join,
)
