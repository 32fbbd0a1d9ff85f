"""What cards of Microsoft's say, those of the Bot Framework and Adaptive Cards, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .drafts import as_text
from .family import objects_at

CARD = "application/vnd.microsoft.card."  # with what a type of content begins that is a card
_OF_CARD = ("title", "subtitle", "text", "label")  # what stands in a card, or in one of its elements,
_IN_CARD = ("body", "items", "columns", "rows", "cells", "inlines", "facts", "buttons", "actions")  # and what they hold
_MAX_DEPTH = 20  # of elements within elements


def lines_of_card(element: dict[str, Any], depth: int = 0, *, is_button: bool = False) -> Iterator[str]:
    """Yield what a card says, one line for each of its texts, and its buttons in brackets."""
    texts = [as_text(element[name]) for name in _OF_CARD if isinstance(element.get(name), str) and element[name]]
    if texts and isinstance(element.get("value"), str) and not is_button:  # a fact
        texts = [f"{texts[0]}: {element['value']}"]
    yield from [f"[{text}]" for text in texts[:1]] if is_button else texts
    for name in _IN_CARD if depth < _MAX_DEPTH else ():
        for each in objects_at(element, name):
            yield from lines_of_card(each, depth + 1, is_button=name in ("buttons", "actions"))
