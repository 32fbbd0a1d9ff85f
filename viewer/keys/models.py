"""Access tokens: what a program shows at `/v1`."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, models, transaction
from django.utils import timezone

_USE_IS_NOTED_EVERY = timedelta(minutes=1)  # a write per request would make every read wait for the disk


class AccessTokens(models.QuerySet["AccessToken"]):
    """Access tokens, looked up by the person who owns them or by the secret a program shows."""

    def of(self, person: User) -> AccessTokens:
        return self.filter(owner=person)

    def issue(self, owner: User, name: str) -> tuple[AccessToken, str]:
        """Make a token; the secret is returned this once. A SHA-256 is stored: 256 random bits need no salt."""
        secret = "lectern_" + secrets.token_urlsafe(32)
        return self.create(owner=owner, name=name, digest=_digest(secret), ending=secret[-4:]), secret

    def holding(self, secret: str) -> AccessTokens:
        return self.filter(digest=_digest(secret), owner__is_active=True)

    def find(self, secret: str) -> AccessToken | None:
        """Find the token of an active person by its secret, and note the use."""
        token = self.holding(secret).select_related("owner").first()
        if token is not None:
            token.note_use()
        return token


class AccessToken(models.Model):
    """One token of one person. Revoking deletes it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    ending = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)

    objects = AccessTokens.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} (…{self.ending})"

    def note_use(self) -> None:
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > _USE_IS_NOTED_EVERY:
            self.last_used_at = now
            # A note is no reason to refuse: an import may hold the database's one place to write.
            with suppress(DatabaseError), transaction.atomic():
                self.save(update_fields=["last_used_at"])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
