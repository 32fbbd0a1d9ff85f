"""A place in a text that a detector found."""

from __future__ import annotations

from typing import NamedTuple


class Hit(NamedTuple):
    """From `start` to `end` in a reading or text; `value` is the same for every spelling of the same thing."""

    start: int
    end: int
    kind: str
    value: str
