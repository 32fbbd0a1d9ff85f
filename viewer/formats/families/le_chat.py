"""Le Chat's export: a file for each chat with its messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of

_NAME, _TITLE = "le-chat", "Le Chat"


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"chatId", "role", "createdAt", "content"} <= value.keys()


def _read(document: Document) -> Iterator[Conversation]:
    messages = sorted(document.items(), key=lambda one: as_text(object_at(one.value).get("createdAt")))
    models = [as_text(object_at(one.value).get("model")) for one in messages]
    draft = Draft(
        _NAME,
        id=id_within(_NAME, first_object(document.value).get("chatId")),
        created=messages[0].value.get("createdAt"),
        model=next(filter(None, reversed(models)), ""),
        messages=[_message(one) for one in messages if isinstance(one.value, dict)],
    )
    yield draft.finish(document)


def _message(message: Document) -> DraftMessage:
    value = message.value
    draft = DraftMessage(as_text(value.get("role")), source=message.text, id=value.get("id"))
    draft.created = value.get("createdAt")
    said = as_text(value.get("content"))
    chunks = objects_at(value, "contentChunks")
    parts = [text_part(said)] if said else []
    for chunk in chunks:
        if chunk.get("type") == "text":
            parts += [] if said else [text_part(as_text(chunk.get("text")))]
        else:
            parts.append(chunk)
    draft.reasoning = as_text(value.get("reasoning") if isinstance(value.get("reasoning"), str) else "")
    for file in list_at(value, "files"):
        draft.notes.append(note("lost-file", by=_TITLE))
        parts.append(file_part(as_text(first_of(object_at(file), ("name", "fileName", "id")))))
    for canvas in objects_at(value, "canvas"):
        parts.append({**canvas, "type": "canvas"})
    draft.content = parts
    return draft


FAMILY = Family(
    name=_NAME,
    title="Mistral Le Chat",
    what=gettext_lazy("A chat of Le Chat"),
    seen="exports of 2025, by programs that read them",
    keeps="texts, what an answer has besides, the model, times",
    loses="the bytes of files; titles",
    matches=lambda value: isinstance(value, list) and _is_message(first_object(value)),
    read=_read,
)
