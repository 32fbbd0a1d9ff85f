"""Gradio's chat histories, requests with a history, and the log of reactions that a chat interface writes as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, image_part, note, text_part
from viewer.formats.family import Family, Shape, first_object, list_at, object_at
from viewer.formats.media import media_type_of
from viewer.formats.message_lists import source_of

_NAME, _TITLE = "gradio", "Gradio"


def _is_file(value: Any) -> bool:
    """Whether a value is a file as Gradio has it: the path on its server, and no bytes."""
    return isinstance(value, dict) and isinstance(value.get("path"), str) and "type" not in value


def is_message(value: Any) -> bool:
    """Whether a value is a message that only Gradio writes; one with a plain text is anybody's."""
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        return False
    content = value.get("content")
    items = content if isinstance(content, list) else [content]
    held = [one for item in items for one in (item, object_at(item, "file"))]
    if any(_is_file(one) or "component" in object_at(one) for one in held):
        return True
    return "options" in value and "title" in object_at(value, "metadata")


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages of a history; an older one has pairs of what was asked and answered."""
    return [draft for message in messages for draft in _messages(message)]


def _messages(message: Document) -> list[DraftMessage]:
    value = message.value
    if isinstance(value, list):
        pairs = zip(("user", "assistant"), value, strict=False)
        return [_draft(role, said, message.text) for role, said in pairs if said is not None]
    if not isinstance(value, dict):
        return []
    draft = _draft(as_text(value.get("role")), value.get("content"), message.text)
    for name in ("metadata", "options"):
        if value.get(name):
            draft.more[name] = value[name]
    return [draft]


def _draft(role: str, content: Any, source: str = "") -> DraftMessage:
    parts, notes = list[dict[str, Any]](), list[dict[str, Any]]()
    # Old histories have a file as a pair of its path and a text.
    items = content if isinstance(content, list) else [content]
    for item in items:
        file = object_at(item, "file") or (item if _is_file(item) else {})
        if _is_file(file):
            parts.append(_file(file, notes))
        elif isinstance(item, dict) and _is_file(item.get("value")):
            parts.append(_file(item["value"], notes))
        elif isinstance(item, dict) and isinstance(item.get("text"), str) and item.get("type", "text") == "text":
            parts.append(text_part(item["text"]))
        elif isinstance(item, dict):
            parts.append({**item, "type": as_text(item.get("component") or item.get("type")) or "component"})
        elif item is not None:
            parts.append(text_part(as_text(item)))
    return DraftMessage(role, parts or None, source, notes=notes)


def _file(file: dict[str, Any], notes: list[dict[str, Any]]) -> dict[str, Any]:
    path = file["path"]
    name = as_text(file.get("orig_name")) or unquote(urlsplit(path).path.rpartition("/")[2])
    is_picture = (as_text(file.get("mime_type")) or media_type_of(b"", name)).startswith("image/")
    if path.startswith(("http://", "https://", "data:")):
        return image_part(path) if is_picture else file_part(name, data=path)
    notes.append(note("lost-image" if is_picture else "lost-file", by=_TITLE))
    return image_part("", caption=name) if is_picture else file_part(name)


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(is_message, value))
    history = list_at(value, "history")
    is_request = "message" in object_at(value) and isinstance(value.get("history"), list)
    if is_request and (not history or "role" in object_at(history[0]) or isinstance(history[0], list)):
        return True
    return "role" in first_object(object_at(value).get("conversation")) and {"index", "value"} <= value.keys()


def _read(document: Document) -> Iterator[Conversation]:
    value = object_at(document.value)
    held = document.at("history") or document.at("conversation") or document
    messages = read_messages(held.items())
    if message := value.get("message"):
        asked = [*list_at(message, "files"), message.get("text") or None] if isinstance(message, dict) else message
        messages.append(_draft("user", asked))
    draft = Draft(_NAME, messages=messages, source=source_of(document, ["history", "conversation", "message"]))
    if "conversation" in value:
        # Gradio names five columns and fills four: the time stands under `flag`.
        draft.metadata = {"reaction": value.get("value"), "reaction_to": value.get("index")}
        draft.created = value.get("timestamp") or value.get("flag")
    yield draft.finish(document)


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="Gradio",
    what=gettext_lazy("A Gradio chat history"),
    seen="gradio 6.31.0",
    keeps="texts, names of files, titles of thoughts and tools, reactions",
    loses="ids and times; the bytes of files; calls and results are texts",
    matches=_matches,
    read=_read,
)
