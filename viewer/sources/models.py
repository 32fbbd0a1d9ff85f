"""The source in which a person found a completion, which is tried first the next time."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Finding(models.Model):
    """One completion of one person: read with `api_key`, or from the archive if that is null."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    completion_id = models.CharField(max_length=255)
    api_key = models.ForeignKey("keys.ApiKey", on_delete=models.CASCADE, null=True, related_name="+")
    found_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "completion_id"], name="finding_by_completion")]

    def __str__(self) -> str:
        return self.completion_id
