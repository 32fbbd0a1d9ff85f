"""Ids of conversations that do not collide with those of other tools."""

from __future__ import annotations

from typing import Any

from viewer.completions.ids import is_usable_id

_LONG = 20  # characters; a UUID has 36, OpenAI's ids 30 and more


def id_within(family: str, given: Any) -> Any:
    """Return a long id as it is, and a number or a short one with the name of the family before it."""
    text = "" if given is None or isinstance(given, bool) else str(given)
    is_short = 0 < len(text) < _LONG and is_usable_id(text) and not text.startswith(f"{family}-")
    return f"{family}-{text}" if is_short else given
