"""Whether the person shares the conversation whose page is shown."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from viewer.archive.models import fit

from .models import Share


def shares(request: HttpRequest) -> dict[str, Any]:
    """Return `open_shares`, the person's open shares of a conversation, looked up only if a template uses them."""
    user, match = getattr(request, "user", None), request.resolver_match
    completion_id = match.kwargs.get("completion_id") if match else None
    if completion_id is None or user is None or not user.is_authenticated:
        return {}
    return {"open_shares": SimpleLazyObject(lambda: _open_shares(user.pk, completion_id))}


def _open_shares(owner: int, completion_id: str) -> list[int]:
    mine = Share.objects.open().filter(owner=owner, completion_id=fit(completion_id))
    return list(mine.values_list("pk", flat=True))
