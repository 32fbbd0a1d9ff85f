"""Whether the person shares the conversation whose page is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from viewer.archive.models import fit
from viewer.deployment.prepared import Prepared

from .models import Share


def shares(request: HttpRequest) -> dict[str, Any]:
    """Return `open_shares`, the person's open shares of a conversation, looked up only if a template uses them."""
    user, match = getattr(request, "user", None), request.resolver_match
    completion_id = match.kwargs.get("completion_id") if match else None
    if completion_id is None or user is None or not user.is_authenticated:
        return {}
    return {"open_shares": SimpleLazyObject(lambda: _open_shares(user.pk, completion_id))}


def _open_shares(owner: int, completion_id: str) -> list[int]:
    found = _open(owner, fit(completion_id), timezone.now(), is_public=settings.PUBLIC_SHARING)
    return [pk for (pk,) in found]


@Prepared
def _open(owner: int, completion_id: str, now: datetime, *, is_public: bool) -> QuerySet[Share, Any]:
    """Find a person's open shares of a conversation; which shares are open depends on the setting."""
    mine = Share.objects.open(now).filter(owner=owner, completion_id=completion_id)
    return mine.order_by().values_list("pk")
