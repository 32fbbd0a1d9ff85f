"""What was answered to imports with an `Idempotency-Key`, so that a program can safely send one again."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

KEPT = timedelta(hours=24)
LEASE = timedelta(minutes=2)  # after which an import that was killed can be sent again; it is renewed while it goes on


class ImportAnswer(models.Model):
    """The answer to one import of a person, by the key that the program chose; without a body while it goes on.

    Whoever works on it holds the lease, and writes only while `worker` is still theirs.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)  # SHA-256 of what was sent
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)
    worker = models.UUIDField(default=uuid.uuid4)
    lease_until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="answer_by_key")]

    def __str__(self) -> str:
        return self.key


def delete_old_answers() -> None:
    """Delete what is so old that its key may be used anew."""
    ImportAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
