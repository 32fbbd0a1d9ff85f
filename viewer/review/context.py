"""The number of unread notes in the header of every page."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from django.http import HttpRequest

from .mentions import count_unread


def unread_notes(request: HttpRequest) -> dict[str, Any]:
    """Return `unread_notes`, which is counted only if a template uses it, and once."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"unread_notes": cache(partial(count_unread, user.pk))}
