"""One-time links: an invitation, or a new password for somebody who is known."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from viewer.accounts.roles import READER, ROLES, Role, may_administer

LIFETIME = timedelta(days=7)


class EntryLinks(models.QuerySet["EntryLink"]):
    """One-time links, found by the secret in their URL."""

    def issue(self, **fields: Any) -> tuple[EntryLink, str]:
        """Create a link, and return its secret once. Earlier links for the same person stop working."""
        if person := fields.get("person"):
            self.open().filter(person=person).delete()
        secret = secrets.token_urlsafe(32)
        return self.create(digest=_digest(secret), expires_at=timezone.now() + LIFETIME, **fields), secret

    def open(self) -> EntryLinks:
        """Return the links that are neither used nor expired."""
        return self.filter(used_at=None, expires_at__gt=timezone.now())

    def find(self, secret: str) -> EntryLink | None:
        """Find a link that still lets somebody in: its person is active, and its maker still an administrator."""
        return _if_allowed(self.open().filter(digest=_digest(secret)).select_related("person", "made_by").first())

    def find_invitation(self, pk: int | None) -> EntryLink | None:
        """Find an invitation that was opened by its secret before."""
        if pk is None:
            return None
        return _if_allowed(self.open().filter(pk=pk, person=None).select_related("made_by").first())


class EntryLink(models.Model):
    """A link that works once. Only the SHA-256 of its secret is stored: 256 random bits need no salt."""

    digest = models.CharField(max_length=64, unique=True)
    # Whose new password it is for; without a person it is an invitation, and the next three say whom it makes.
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=20, blank=True)
    removes_second_factors = models.BooleanField(default=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = EntryLinks.as_manager()

    def __str__(self) -> str:
        return f"link {self.pk}"

    @property
    def given_role(self) -> Role:
        return next((role for role in ROLES if role == self.role), READER)

    def use(self) -> bool:
        """Use the link up, and return whether this was the first time."""
        return EntryLink.objects.open().filter(pk=self.pk).update(used_at=timezone.now()) == 1


def _if_allowed(link: EntryLink | None) -> EntryLink | None:
    if link is None or (link.person and not link.person.is_active):
        return None
    if link.made_by and not (link.made_by.is_active and may_administer(link.made_by)):
        return None
    return link


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
