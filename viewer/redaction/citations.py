"""Moves the places of citations, which count characters, along with a text that became shorter or longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_TEXTS = ("content", "text")  # of a message, of a part
_INDICES = ("start_index", "end_index")

# A place that was replaced: its start and end in the text, and what stands there now.
Edit = tuple[int, int, str]


def move_citations(before: Any, after: Any, edits_of: Callable[[str], list[Edit]]) -> None:
    """Change the indices in redacted JSON, given the same JSON before; `edits_of` tells what was replaced in a text."""
    pairs = [(before, after)]
    while pairs:
        old, new = pairs.pop()
        if isinstance(old, dict) and isinstance(new, dict):
            for name in _TEXTS:
                if old.get("annotations") and isinstance(old.get(name), str) and new.get(name) != old[name]:
                    _move(new.get("annotations"), edits_of(old[name]))
            pairs += zip(old.values(), new.values(), strict=False)
        elif isinstance(old, list) and isinstance(new, list):
            pairs += zip(old, new, strict=False)


def _move(annotations: Any, edits: list[Edit]) -> None:
    found = [one for one in annotations if isinstance(one, dict)] if isinstance(annotations, list) else []
    for cited in (*found, *(one["url_citation"] for one in found if isinstance(one.get("url_citation"), dict))):
        for name in _INDICES:
            if isinstance(cited.get(name), int):
                cited[name] = _moved(cited[name], edits, is_end=name == "end_index")


def _moved(index: int, edits: list[Edit], is_end: bool) -> int:
    """Return where an index is now; one inside of what was replaced goes to that side of it which is outside."""
    moved = index
    for start, end, text in edits:
        if index >= end:
            moved += len(text) - (end - start)
        elif index > start:
            moved += start - index + (len(text) if is_end else 0)
    return moved
