"""Messages of Facebook and Instagram, as Meta gives them to whom an account or a page belongs.

A conversation is a folder with `message_1.json`, and, if it is long, further files of the same kind, which hold the
bytes of UTF-8 as if each were a character. One that is encrypted is a file with the name of the other party.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, image_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.media import data_part
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "meta", "Meta"
_KNOWN = ("messages", "participants", "title", "threadName", "thread_path")
_FILES = ("photos", "videos", "audio_files", "gifs", "files", "media")
_NUMBERED = re.compile(r"(?:.*/)?message_([0-9]{1,6})\.json")
_TIMES = ("timestamp_ms", "timestamp")
_EVENTS = ("Subscribe", "Unsubscribe", "Call")


def _is_message(value: Any) -> bool:
    is_one = isinstance(value, dict) and bool(value.keys() & {"sender_name", "senderName"})
    return is_one and isinstance(first_of(value, _TIMES), int)


def _matches(value: Any) -> bool:
    is_one = isinstance(value, dict) and "participants" in value and bool(value.keys() & {"title", "threadName"})
    return is_one and _is_message(first_object(value.get("messages")))


def _read(document: Document) -> Iterator[Conversation]:
    """Read a conversation with its further files; one of these is read with the file before it."""
    numbered = _NUMBERED.fullmatch(document.place.file)
    number = int(numbered[1]) if numbered else 0
    if number and _beside(document, number - 1):
        return
    documents = [document]
    while number and (further := _beside(document, number := number + 1)):
        documents.append(further)
    customer, title = _customer_of(document.value)
    rows = [row for one in documents for row in one.members["messages"].items() if _is_message(row.value)]
    rows.sort(key=lambda row: first_of(row.value, _TIMES))  # the newest come first
    messages = [_message(row, customer) for row in rows]
    path = as_text(document.value.get("thread_path")).rpartition("/")[2]
    yield Draft(
        _NAME,
        id=id_within(_NAME, path) or id_of_beginning(_NAME, title, rows[0].text),
        created=messages[0].created,
        metadata={"customer_name": customer, "chat": None if customer else title},
        messages=messages,
        source=source_of(document, _KNOWN),
    ).finish_at(document.place, *(one.text for one in documents))


def _beside(document: Document, number: int) -> Document | None:
    """Return another file of the same conversation; None if it is missing, or is refused when it is read itself."""
    data = document.find(f"/message_{number}.json")
    try:
        other = Document(data.decode("utf-8"), document.place, document.find) if data else None
        return other if other and _matches(other.value) else None
    except (UnicodeDecodeError, NotReadable):
        return None


def _customer_of(value: dict[str, Any]) -> tuple[str, str]:
    """Return the customer, and the title: a conversation of two has the name of the other one. Of a group nobody can
    tell."""
    people = [as_text(one.get("name") if isinstance(one, dict) else one) for one in list_at(value, "participants")]
    names = list(map(_text, people))
    title = _text(value.get("title")) or _text(value.get("threadName")).rpartition("_")[0]
    return title if len(names) <= 2 and title in names else "", title


def _text(value: Any) -> str:
    """Return a text with its characters put together from the bytes that the file has in their place."""
    text = as_text(value)
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _message(message: Document, customer: str) -> DraftMessage:
    value = message.value
    name = _text(first_of(value, ("sender_name", "senderName")))
    draft = DraftMessage(CUSTOMER if name == customer or not customer else COLLEAGUE, source=message.text, name=name)
    draft.created = first_of(value, _TIMES)
    share = object_at(value, "share")
    lines = [_text(each) for each in (first_of(value, ("content", "text")), share.get("share_text"), share.get("link"))]
    said = "\n".join(dict.fromkeys(filter(None, lines)))
    draft.content = [text_part(said)] if said else []
    for file in [file for kind in _FILES for file in objects_at(value, kind)] + [object_at(value, "sticker")]:
        if path := as_text(file.get("uri")):
            _add_file(draft, path, message)
    if value.get("is_unsent") or value.get("isUnsent") or value.get("is_taken_down"):
        draft.notes.append(note("lost-text", by=_TITLE))
    if value.get("call_duration") is not None or value.get("type") in _EVENTS:
        draft.role = EVENT
    return draft


def _add_file(draft: DraftMessage, path: str, message: Document) -> None:
    """Add a file, whose path begins at the top of what Meta gave."""
    parts = draft.content if isinstance(draft.content, list) else []
    if path.startswith(("https://", "http://")):
        parts.append(image_part(path))
        return
    name = path.rpartition("/")[2]
    data = message.find(f"/{'/'.join(path.split('/')[-2:])}")
    is_picture = "/photos/" in path or "/gifs/" in path or "sticker" in path
    parts.append(data_part(data, name) if data else image_part("", caption=name) if is_picture else file_part(name))
    draft.notes += [] if data else [note("missing-file")]


FAMILY = Family(
    name=_NAME,
    title="Facebook Messenger, Instagram",
    what=gettext_lazy("A conversation of Messenger or Instagram"),
    seen="exports as JSON from 2020 to 2026, by published examples",
    keeps="texts, names, links, files that are in the same ZIP or folder, calls, times",
    loses="in groups who is the customer: people are shown as users, by their names; reactions; what was unsent",
    matches=_matches,
    read=_read,
)
