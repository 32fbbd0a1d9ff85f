"""The number of unread notes and shares in the header of every page."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest

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
    shares = Share.objects.unread_by(person).order_by().values("pk")
    return unread_mentions(person.pk).values("pk").union(shares, all=True).count()
