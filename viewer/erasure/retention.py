"""Erases what is older than `RETENTION_DAYS`, once a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from viewer.archive.models import CompletionLabel

from .choosing import ids_before
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
    if moment is None:
        return []
    kept = set(CompletionLabel.objects.filter(label__is_keeping=True).values_list("completion_id", flat=True))
    return [completion_id for completion_id in ids_before(moment) if completion_id not in kept]


def apply_retention() -> int:
    """Erase what is too old; return how many conversations that were."""
    ids = ids_too_old()
    if ids:
        erase(ids, _REASON)
    return len(ids)


def apply_once_a_day() -> None:
    """Erase what is too old, unless that was done today, here or on another machine."""
    if limit() is None:
        return
    try:
        with transaction.atomic():
            run = RetentionRun.objects.create(day=timezone.now().date())
    except IntegrityError:
        return
    run.erased = apply_retention()
    run.finished_at = timezone.now()
    run.save(update_fields=["erased", "finished_at"])
