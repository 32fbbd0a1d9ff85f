"""Open Interpreter: conversations as it keeps them, a list of messages in which code and what it prints stand alone.

Facts from its source of 2024 (`core.py`, `lmc-messages.mdx`). What code prints comes in several messages, of which the
first is empty where the person was asked whether to run it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, data_url, file_part, image_part, note, text_part
from viewer.formats.family import Family, first_object, object_at

_NAME, _TITLE = "open-interpreter", "Open Interpreter"
_COMPUTER = "computer"
_TYPES = ("message", "code", "console", "image", "file", "audio")


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "role" in value and value.get("type") in _TYPES


def _matches(value: Any) -> bool:
    if not isinstance(value, list) or not _is_message(first_object(value)):
        return False
    return any(_is_message(each) and (each["role"] == _COMPUTER or each["type"] == "code") for each in value)


def _read(document: Document) -> Iterator[Conversation]:
    drafts, language = list[DraftMessage](), ""
    for message in document.items():
        value = object_at(message.value)
        is_code = value.get("type") == "code" and value.get("role") != _COMPUTER
        if value.get("role") != _COMPUTER:
            drafts.append(_said(message))
            language = as_text(value.get("format")) if is_code else language
        elif drafts and drafts[-1].role == "tool":  # what code prints comes in pieces
            drafts[-1] = _joined(drafts[-1], message)
        else:
            drafts.append(_joined(DraftMessage("tool", [], name=language), message))
    yield Draft(_NAME, messages=drafts).finish(document)


def _said(message: Document) -> DraftMessage:
    value = object_at(message.value)
    draft = DraftMessage(as_text(value.get("role")), [], message.text)
    if value.get("type") == "code":
        call = {"name": as_text(value.get("format")), "arguments": as_text(value.get("content"))}
        draft.tool_calls = [{"id": "", "type": "function", "function": call}]
    else:
        draft.content = _parts(value, draft)
    return draft


def _joined(draft: DraftMessage, message: Document) -> DraftMessage:
    """Add to the result of code what came after it."""
    held = draft.content if isinstance(draft.content, list) else []
    sources = [draft.source[1:-1], message.text] if draft.source else [message.text]
    draft.content, draft.source = [*held, *_parts(object_at(message.value), draft)], f"[{','.join(sources)}]"
    return draft


def _parts(value: dict[str, Any], draft: DraftMessage) -> list[dict[str, Any]]:
    content, form = as_text(value.get("content")), as_text(value.get("format"))
    match value.get("type"):
        case "image" if form.startswith("base64"):
            return [image_part(data_url(content, f"image/{form.partition('.')[2] or 'png'}"))]
        case "image":
            draft.notes.append(note("lost-image", by=_TITLE))
            return [image_part("", caption=content)]
        case "file" | "audio":
            draft.notes.append(note("lost-file", by=_TITLE))
            return [file_part(content if form in ("", "path") else form)]
        case "code":  # a page that the computer shows to the person
            return [text_part(f"```{form}\n{content}\n```")]
        case "console" if form == "active_line":
            return []
        case _:
            return [text_part(content)] if content else []


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A conversation of Open Interpreter"),
    seen="conversations by its source of 2024",
    keeps="texts, code as calls with what it printed, pictures",
    loses="times, the model, the prompt, whether code failed, files",
    matches=_matches,
    read=_read,
)
