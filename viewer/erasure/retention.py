"""Erases what is older than `RETENTION_DAYS`, once a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from .choosing import ids_before, without_kept
from .erasing import erase
from .models import RetentionRun

_REASON = "RETENTION_DAYS"


def limit() -> datetime | None:
    """Return the moment before which nothing is kept, or None if everything is."""
    days = settings.RETENTION_DAYS
    return timezone.now() - timedelta(days=days) if days else None


def ids_too_old() -> list[str]:
    """Return the ids of the conversations that are older than they may be, without those that a label keeps."""
    moment = limit()
    return without_kept(ids_before(moment)) if moment else []


def apply_retention() -> int:
    """Erase what is too old; return how many conversations that were."""
    ids = ids_too_old()
    if ids:
        erase(ids, _REASON)
    return len(ids)


def apply_once_a_day() -> None:
    """Erase what is too old, unless that was done today, here or on another machine; what failed is tried again."""
    if limit() is None:
        return
    try:
        with transaction.atomic():
            run = RetentionRun.objects.create(day=timezone.now().date())
    except IntegrityError:
        return
    try:
        run.erased = apply_retention()
    except Exception:
        run.delete()
        raise
    run.finished_at = timezone.now()
    run.save(update_fields=["erased", "finished_at"])
