"""What is attached to messages of Microsoft's services: files by their address, and cards as lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .cells import object_of
from .drafts import as_text, text_part
from .family import objects_at
from .help_desks import linked_file

CARD = "application/vnd.microsoft.card."  # with what a type of content begins that is a card
_OF_CARD = ("title", "subtitle", "text", "label")  # what stands in a card, or in one of its elements,
_IN_CARD = ("body", "items", "columns", "rows", "cells", "inlines", "facts", "buttons", "actions")  # and what they hold
_MAX_DEPTH = 20  # of elements within elements
_MARK = re.compile(r"(?:<|&lt;)attachment id=.{0,300}?(?:</attachment>|&lt;/attachment&gt;)", re.DOTALL)


def parts_attached(file: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the part for an attachment of Microsoft Graph; one that is neither a file nor a card stays as it is."""
    if file.get("contentUrl"):
        return [linked_file(as_text(file["contentUrl"]), "", as_text(file.get("name")))]
    kind = as_text(file.get("contentType"))
    if kind.startswith(CARD) and (lines := list(lines_of_card(content_of(file)))):
        return [text_part("\n".join(lines))]
    return [{**file, "type": kind or "attachment"}] if file.get("content") else []


def content_of(file: dict[str, Any]) -> dict[str, Any]:
    """Return what is attached, which Microsoft Graph writes as JSON in a text."""
    return object_of(file.get("content"))


def without_marks(text: str) -> str:
    """Leave out the marks of where attachments stand in a text."""
    return _MARK.sub("", text)


def lines_of_card(element: dict[str, Any], depth: int = 0, *, is_button: bool = False) -> Iterator[str]:
    """Yield what a card says, one line for each of its texts, and its buttons in brackets."""
    texts = [as_text(element[name]) for name in _OF_CARD if isinstance(element.get(name), str) and element[name]]
    if texts and isinstance(element.get("value"), str) and not is_button:  # a fact
        texts = [f"{texts[0]}: {element['value']}"]
    yield from [f"[{text}]" for text in texts[:1]] if is_button else texts
    for name in _IN_CARD if depth < _MAX_DEPTH else ():
        for each in objects_at(element, name):
            yield from lines_of_card(each, depth + 1, is_button=name in ("buttons", "actions"))
