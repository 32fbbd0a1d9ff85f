"""Which ids have an address: an id stands in the path of a page and of a request, and not every text can."""

from __future__ import annotations

from typing import Literal

LONGEST_ID = 255  # characters; real ids have forty, and no database column takes any length
Flaw = Literal["missing", "slash", "dots", "nul", "long"]


def flaw_of(item_id: str) -> Flaw | None:
    """Say why the id of a completion or a message has no address; None when it has one."""
    if not item_id:
        return "missing"
    if "/" in item_id:
        return "slash"
    if item_id in (".", ".."):  # survive quoting, and the path would lead elsewhere
        return "dots"
    if "\x00" in item_id:  # refused by proxies on the way and by PostgreSQL
        return "nul"
    return "long" if len(item_id) > LONGEST_ID else None


def has_address(item_id: str) -> bool:
    return flaw_of(item_id) is None
