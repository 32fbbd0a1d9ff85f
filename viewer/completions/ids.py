"""Which ids can be used in a URL: an id is part of the path of a page and of a request, which not every text can be."""

from __future__ import annotations

import re
from typing import Any, Literal

MAX_ID_LENGTH = 255  # characters; real ids have forty, and a database column needs a limit
_UNSAFE_IN_PATH = re.compile(r"[\s\\?#%\x00-\x1f\x7f]")  # what some clients of the API do not quote in a path
_SURROGATE = re.compile("[\ud800-\udfff]")
_INDEX = re.compile("0|[1-9][0-9]{0,8}")
Flaw = Literal["missing", "slash", "dots", "nul", "long"]


def flaw_of(item_id: str) -> Flaw | None:
    """Say why the id of a completion or a message cannot be used in a URL; None if it can."""
    if not item_id:
        return "missing"
    if "/" in item_id:
        return "slash"
    if item_id in (".", ".."):  # quoting leaves these as they are, and they would change the path
        return "dots"
    if "\x00" in item_id:  # refused by proxies and by PostgreSQL
        return "nul"
    return "long" if len(item_id) > MAX_ID_LENGTH else None


def has_address(item_id: str) -> bool:
    return flaw_of(item_id) is None


def is_usable_id(value: Any) -> bool:
    """Whether a value can be the id of something that is stored here: clients write it into a path without quoting."""
    return (
        isinstance(value, str)
        and has_address(value)
        and not _UNSAFE_IN_PATH.search(value)
        and not _SURROGATE.search(value)
    )


def index_of(completion_id: str, message_id: str) -> int | None:
    """Parse the index, from 0, of an id of the form `{completion_id}-{index}`; None for any other id."""
    stem, _, index = message_id.rpartition("-")
    return int(index) if stem == completion_id and _INDEX.fullmatch(index) else None
