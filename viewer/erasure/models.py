"""When conversations were erased because of their age."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class RetentionRun(models.Model):
    """One day's run. Its day is unique, so that of several machines one does it."""

    day = models.DateField(unique=True)  # in UTC
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    erased = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}: {self.erased}"
