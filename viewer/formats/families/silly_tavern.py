"""SillyTavern's chats: a line about the chat, and one for each message, with other answers as `swipes`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, image_part, note, text_part
from viewer.formats.family import Family, list_at, object_at

_NAME, _TITLE = "silly-tavern", "SillyTavern"
_HEADER = {"user_name", "character_name"}


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"name", "is_user", "mes"} <= value.keys()


def _matches(value: Any) -> bool:
    return _is_message(value) or (isinstance(value, dict) and value.keys() >= _HEADER and "mes" not in value)


def _join(lines: list[Document]) -> Iterator[Conversation]:
    messages = [line for line in lines if _is_message(line.value)]
    header = next((line for line in lines if not _is_message(line.value)), None)
    about = header.value if header else {}
    draft = Draft(_NAME, messages=[_message(line) for line in messages])
    draft.created = next((message.created for message in draft.messages if message.created), None)
    draft.metadata = {"customer_name": about.get("user_name"), "character": about.get("character_name")}
    models = [as_text(object_at(line.value, "extra").get("model")) for line in messages]
    draft.model = next(filter(None, reversed(models)), "")
    draft.source = header.text if header else ""
    yield draft.finish_at(lines[0].place, *(line.text for line in lines))


def _message(line: Document) -> DraftMessage:
    value = line.value
    extra = object_at(value, "extra")
    role = "user" if value.get("is_user") else "system" if value.get("is_system") else "assistant"
    draft = DraftMessage(role, [text_part(as_text(value.get("mes")))], line.text, name=as_text(value.get("name")))
    draft.created, draft.reasoning = _time(value.get("send_date")), as_text(extra.get("reasoning"))
    if extra.get("image"):
        draft.content = [text_part(as_text(value.get("mes"))), image_part("", caption=as_text(extra["image"]))]
        draft.notes.append(note("lost-image", by=_TITLE))
    if (others := len(list_at(value, "swipes")) - 1) > 0:
        draft.notes.append(note("other-branches", count=others))
    return draft


def _time(given: Any) -> Any:
    """Return a time: milliseconds, ISO 8601, or in words without a zone, which is taken for UTC."""
    if isinstance(given, (int, float)):
        return given / 1000
    for pattern in ("%B %d, %Y %I:%M%p", "%Y-%m-%d@%Hh%Mm%Ss"):
        try:
            return datetime.strptime(as_text(given), pattern).isoformat() + "Z"
        except ValueError:
            continue
    return given


FAMILY = Family(
    name=_NAME,
    title="SillyTavern",
    what=gettext_lazy("A SillyTavern chat"),
    seen="chats on lines, by its source of 2025",
    keeps="texts, names, reasoning, the model, times; other answers in the JSON",
    loses="pictures, which are files on the server; the zone of times",
    matches=_matches,
    key=lambda document: f"file {document.place.file}",
    join=_join,
    is_part=True,
)
