"""Which ids have an address: an id stands in the path of a page and of a request, and not every text can."""

from __future__ import annotations

import re
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


def index_of(completion_id: str, message_id: str) -> int | None:
    """Read the position, from 0, out of an id of the form `{completion_id}-{index}`; None for any other id."""
    found = re.fullmatch(re.escape(completion_id) + r"-(0|[1-9][0-9]{0,8})", message_id, re.ASCII)
    return int(found[1]) if found else None
