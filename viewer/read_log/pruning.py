"""Deletes old rows of the read log, which leaves a row that says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from .actions import DELETIONS
from .append_only import deleting_before
from .models import Reading
from .recording import write

_BATCH = 10_000  # rows of one transaction: in SQLite, readers wait for its end
_PAUSE = 0.15  # seconds in which they get their turn: while waiting, SQLite looks again every tenth of a second


def old_rows(before: datetime) -> QuerySet[Reading]:
    """Return what is older, except the rows that say what was deleted, which stay for ever."""
    return Reading.objects.filter(at__lt=before).exclude(action__in=DELETIONS)


def prune(before: datetime, by: str) -> Iterator[int]:
    """Delete what is older, in transactions that each write a row of their own; yield how many rows each deleted."""
    while True:
        with deleting_before(before):
            oldest = old_rows(before).order_by("at", "id").values("pk")[:_BATCH]
            count, _ = Reading.objects.filter(pk__in=oldest).delete()
            if count:
                write(action="prune", name=by, detail=f"{count} rows from before {before:%Y-%m-%d %H:%M:%S} UTC")
        if count:
            yield count
        if count < _BATCH:
            return
        if connection.vendor == "sqlite":
            time.sleep(_PAUSE)
