"""The number of unread notes and shares in the header of every page."""

from __future__ import annotations

from datetime import datetime
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet, Value
from django.http import HttpRequest
from django.utils import timezone

from viewer.deployment.prepared import Prepared
from viewer.review.mentions import unread_mentions
from viewer.sharing.models import Share


def unread(request: HttpRequest) -> dict[str, Any]:
    """Return `unread`, what is new on the person's page "For you": counted only if a template uses it, and once."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"unread": cache(partial(_count, user))}


def _count(person: User) -> int:
    """Count in one query, as every page does it."""
    counts = _unread(person.pk, timezone.now(), is_public=settings.PUBLIC_SHARING)
    return sum(count for (count,) in counts)


@Prepared
def _unread(person: int, now: datetime, *, is_public: bool) -> Any:
    """Return the number of unread notes and that of unread shares; which shares are open depends on the setting."""
    shares = Share.objects.unread_by(person, now)
    return _number_of(unread_mentions(person)).union(_number_of(shares), all=True)


def _number_of(rows: QuerySet[Any, Any]) -> Any:
    in_all = rows.order_by().annotate(all=Value(1)).values("all")  # one group
    return in_all.annotate(number=Count("pk")).values_list("number")
