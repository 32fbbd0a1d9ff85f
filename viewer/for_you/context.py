"""The number of unread notes and shares in the header of every page."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, DateTimeField, IntegerField, QuerySet, Value
from django.http import HttpRequest
from django.utils import timezone

from viewer.deployment.prepared import Given, Prepared
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
    return sum(count for (count,) in _UNREAD.rows(settings.PUBLIC_SHARING, person=person.pk, now=timezone.now()))


def _unread(_is_public: bool) -> Any:
    """Return the number of unread notes and that of unread shares. Which shares are open depends on a setting."""
    person, now = Given("person", IntegerField()), Given("now", DateTimeField())
    shares = Share.objects.unread_by(person, now)
    return _number_of(unread_mentions(person)).union(_number_of(shares), all=True)


def _number_of(rows: QuerySet[Any, Any]) -> Any:
    in_all = rows.order_by().annotate(all=Value(1)).values("all")  # one group
    return in_all.annotate(number=Count("pk")).values_list("number")


_UNREAD = Prepared(_unread)
