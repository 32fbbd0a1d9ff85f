"""The table of the read log. Rows are only added (append_only.py); nothing in it refers to rows that may be deleted."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, Q


class Reading(models.Model):
    """One response that showed something: who got what, through which source, when and where.

    There is no content in it, and no words of a search.
    """

    is_append_only = True  # for commands that copy tables

    at = models.DateTimeField()
    person = models.BigIntegerField(null=True)  # the account's id; null for whoever opened a public share
    name = models.CharField(max_length=150, blank=True)  # the account's name at that time
    action = models.CharField(max_length=20)  # actions.py
    completion_id = models.CharField(max_length=255, blank=True)  # empty for lists and searches
    detail = models.CharField(max_length=255, blank=True)  # the message, part or format, where it is one
    source = models.CharField(max_length=10, blank=True)  # archive, key or share
    source_name = models.CharField(max_length=255, blank=True)  # label and host of an API key
    share = models.BigIntegerField(null=True)
    token = models.CharField(max_length=100, blank=True)  # the name of the access token; else it was a page
    address = models.CharField(max_length=45, blank=True)  # the client's IP address

    class Meta:
        indexes = [
            Index(fields=["at"], name="reading_by_time"),
            Index(fields=["person", "at"], name="reading_by_person"),
            Index(fields=["completion_id", "at"], name="reading_by_completion"),
            Index(fields=["share", "at"], name="reading_by_share", condition=Q(share__isnull=False)),
            Index(fields=["action", "at"], name="reading_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.name or '?'}: {self.action} {self.completion_id}".rstrip()
