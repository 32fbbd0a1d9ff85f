"""Ids of conversations that do not collide with those of other tools."""

from __future__ import annotations

import hashlib
from typing import Any

from viewer.completions.ids import is_usable_id

_LONG = 20  # characters; a UUID has 36, OpenAI's ids 30 and more


def id_within(family: str, given: Any) -> Any:
    """Return a long id as it is, and a number or a short one with the name of the family before it."""
    text = "" if given is None or isinstance(given, bool) else str(given)
    is_short = 0 < len(text) < _LONG and is_usable_id(text) and not text.startswith(f"{family}-")
    return f"{family}-{text}" if is_short else given


def id_of_beginning(family: str, *begun: Any) -> str | None:
    """Return an id made of how a conversation began, which stays as it is when more is said; None if that is unknown.

    What is given must differ between any two conversations, as times and ids of messages do.
    """
    if not all(begun):
        return None
    text = "\n".join(map(str, begun))
    return f"{family}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]}"
