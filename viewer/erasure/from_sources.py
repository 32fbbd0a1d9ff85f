"""Erases here what was deleted at its source, when a run that imports from there was told to."""

from __future__ import annotations

from typing import Any

from .choosing import without_kept
from .erasing import erase


def erase_deleted_at_source(sender: object, completion_ids: list[str], host: str, **kwargs: Any) -> int:
    """Erase conversations without a label that keeps them; return how many. A receiver of `deleted_at_source`."""
    ids = without_kept(completion_ids)
    if ids:
        erase(ids, f"deleted at {host}"[:150])
    return len(ids)
