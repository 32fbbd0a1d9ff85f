"""Shares and their snapshots. A snapshot has the shape of the archive: a body, and messages by their position.

A stolen database holds no link that works. The address of a share contains a token of 256 random bits. It is looked up
by its SHA-256, which needs no salt; and because its owner has to be able to copy the address again, it is stored
encrypted with the master keys, as API keys are. What was chosen when the snapshot was taken, among it the words to be
redacted, is encrypted too: a share must not keep what it removed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, models, transaction
from django.db.models import F, Q
from django.utils import timezone

from viewer.deployment.waiting import without_waiting
from viewer.keys.encryption import CannotDecrypt, Secret, decrypt, encrypt, is_newest

from .choices import KINDS, Choices

PEOPLE, SIGNED_IN, LINK = "people", "signed-in", "link"
_TOKEN_BYTES = 32
_KEPT_AFTER_EXPIRY = timedelta(days=30)  # a snapshot; until then its share can be prolonged


class Shares(models.QuerySet["Share"]):
    """Shares, looked up by whose they are, or by the token in their address."""

    def of(self, person: User) -> Shares:
        return self.filter(owner=person)

    def with_person(self, person: User) -> Shares:
        """Return what others share with a person by name, and can be opened."""
        return self._with(recipients__person=person).exclude(owner=person)

    def unread_by(self, person: Any, now: Any = None) -> Shares:
        """Return what others share with a person by name, and the person has not opened yet."""
        unread = self._with(now, recipients__person=person, recipients__read_at=None)
        return unread.exclude(owner=person)

    def _with(self, now: Any = None, **recipient: Any) -> Shares:
        return self.open(now).filter(snapshot__isnull=False, **recipient)

    def open(self, now: Any = None) -> Shares:
        """Return the shares that somebody can open: not revoked, expired or used up, of an active owner."""
        is_left = Q(max_openings=None) | Q(openings__lt=F("max_openings"))
        return self.reachable(now).filter(is_left)

    def reachable(self, now: Any = None) -> Shares:
        """Return the shares that can be read by whoever has opened them."""
        audiences = (PEOPLE, SIGNED_IN, LINK) if settings.PUBLIC_SHARING else (PEOPLE, SIGNED_IN)
        return self.filter(
            revoked_at=None, expires_at__gt=now or timezone.now(), owner__is_active=True, audience__in=audiences
        )

    def with_facts(self) -> Shares:
        """Load with them what a list says: the owner, and the snapshot without what it holds, which may be much."""
        return self.select_related("owner", "snapshot").defer("snapshot__body", "snapshot__notes")

    def holding(self, token: str) -> Share | None:
        """Find a share by its token, in one query; None if it cannot be read any more."""
        shares = self.reachable().filter(digest=digest_of(token), snapshot__isnull=False)
        return shares.select_related("owner", "snapshot").order_by().first()


class Share(models.Model):
    """A link to a snapshot, and for whom, how long and how often it opens."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shares")
    digest = models.CharField(max_length=64, unique=True)
    sealed_token = models.TextField()
    sealed_choices = models.TextField()
    completion_id = models.CharField(max_length=255, db_index=True)
    audience = models.CharField(max_length=10)
    people = models.ManyToManyField(User, through="Recipient", related_name="shared_with_me")
    note = models.TextField(blank=True)  # to the reader
    expires_at = models.DateTimeField()
    max_openings = models.PositiveIntegerField(null=True)
    openings = models.PositiveIntegerField(default=0)
    last_opened_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = Shares.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"share {self.pk}"

    @classmethod
    def new(cls, owner: User, completion_id: str) -> Share:
        """Make a share with a new token; the caller sets the rest and saves."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        share = cls(owner=owner, completion_id=completion_id, digest=digest_of(token))
        share.sealed_token = encrypt(Secret(token), share._row("token"))
        return share

    @property
    def token(self) -> str:
        """The token in its address; empty if its master key is missing."""
        try:
            return decrypt(self.sealed_token, self._row("token")).reveal()
        except CannotDecrypt:
            return ""

    @property
    def choices(self) -> Choices:
        """What was chosen when the snapshot was taken; if its master key is missing, to redact everything."""
        try:
            return Choices(**json.loads(decrypt(self.sealed_choices, self._row("choices")).reveal()))
        except CannotDecrypt:
            return Choices(redact=[*KINDS])

    @choices.setter
    def choices(self, choices: Choices) -> None:
        self.sealed_choices = encrypt(Secret(json.dumps(asdict(choices))), self._row("choices"))

    @property
    def owner_name(self) -> str:
        return self.owner.get_full_name() or self.owner.get_username()

    @property
    def people_names(self) -> str:
        return ", ".join(person.get_username() for person in self.people.all())

    @property
    def is_used_up(self) -> bool:
        return self.max_openings is not None and self.openings >= self.max_openings

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def is_open(self) -> bool:
        """Whether somebody who has not opened it yet could."""
        is_reachable = self.revoked_at is None and not self.has_expired and not self.is_used_up
        return is_reachable and (self.audience != LINK or settings.PUBLIC_SHARING)

    def is_for(self, person: Any) -> bool:
        """Whether a person belongs to the audience. The owner always does."""
        if self.audience == LINK:
            return True
        if not person.is_authenticated:
            return False
        return self.audience == SIGNED_IN or person.pk == self.owner_id or self.people.filter(pk=person.pk).exists()

    def count_opening(self) -> bool:
        """Count an opening in one statement, so that two at once cannot exceed the number; False if none is left."""
        is_left = Q(max_openings=None) | Q(openings__lt=F("max_openings"))
        shares = Share.objects.filter(is_left, pk=self.pk, revoked_at=None)
        return bool(shares.update(openings=F("openings") + 1, last_opened_at=timezone.now()))

    def mark_read(self, person: User) -> None:
        """Remember that a person has opened it, without waiting: an import may have locked the database."""
        unread = Recipient.objects.filter(share=self, person=person, read_at=None)
        with suppress(DatabaseError), without_waiting(), transaction.atomic():
            unread.update(read_at=timezone.now())

    def revoke(self) -> None:
        """Close it for good, and delete what it showed."""
        with transaction.atomic():
            Share.objects.filter(pk=self.pk).update(revoked_at=timezone.now(), sealed_choices="", note="")
            Snapshot.objects.filter(share=self).delete()

    @property
    def label(self) -> str:
        """What the rotation of the master keys calls it."""
        return str(self)

    @property
    def is_under_newest_key(self) -> bool:
        return all(is_newest(sealed) for sealed in (self.sealed_token, self.sealed_choices) if sealed)

    def reseal(self) -> int:
        """Encrypt again with the newest master key, unless it was changed meanwhile. Raises CannotDecrypt."""
        unchanged = Share.objects.filter(pk=self.pk, sealed_choices=self.sealed_choices)
        sealed = {"sealed_token": "token"} | ({"sealed_choices": "choices"} if self.sealed_choices else {})
        values = {
            field: encrypt(decrypt(getattr(self, field), self._row(what)), self._row(what))
            for field, what in sealed.items()
        }
        return unchanged.update(**values)

    def _row(self, what: str) -> str:
        """The associated data of the encryption: whose row this is, and which of its values."""
        return f"share:{self.owner_id}:{self.digest}:{what}"


class Recipient(models.Model):
    """A person whom a share names. `read_at` is empty until they have opened it."""

    share = models.ForeignKey(Share, on_delete=models.CASCADE, related_name="recipients")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    read_at = models.DateTimeField(null=True)

    class Meta:
        unique_together = [("share", "person")]

    def __str__(self) -> str:
        return f"{self.person_id} of share {self.share_id}"


class Snapshot(models.Model):
    """What a share shows, as it was when it was taken; nothing that was left out or redacted is in it."""

    share = models.OneToOneField(Share, on_delete=models.CASCADE, related_name="snapshot")
    taken_at = models.DateTimeField(default=timezone.now)
    completion_id = models.CharField(max_length=255)  # redacted, as the rest
    body = models.TextField()
    title = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=300, blank=True)  # the host that it came from; empty for the archive
    scope = models.CharField(max_length=10)
    opens_at = models.CharField(max_length=255, blank=True)  # a place
    is_for_customer = models.BooleanField(default=False)
    is_part = models.BooleanField(default=False)  # whether a missing answer means nothing
    has_media = models.BooleanField(default=True)
    redacted = models.JSONField(default=dict)  # how often each kind was redacted
    notes = models.JSONField(default=list)  # of colleagues, if they were chosen: the fields of `SharedNote`

    def __str__(self) -> str:
        return f"snapshot of share {self.share_id}"


class SnapshotMessage(models.Model):
    """A message of a snapshot. Paging uses `position` (from 0), as in the archive."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="messages", db_index=False)
    position = models.PositiveIntegerField()
    message_id = models.CharField(max_length=255)
    body = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "position"], name="shared_message_by_position"),
            models.UniqueConstraint(fields=["snapshot", "message_id"], name="shared_message_by_id"),
        ]

    def __str__(self) -> str:
        return self.message_id


def digest_of(token: str) -> str:
    """Return the SHA-256 of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def mark_shares_read(person: User) -> int:
    """Remember that a person knows of everything that is shared with them by name; return how many were new."""
    return Recipient.objects.filter(person=person, read_at=None).update(read_at=timezone.now())


def delete_old_snapshots() -> None:
    """Delete the snapshots of shares that expired a month ago: nobody can open them, and few are prolonged then."""
    Snapshot.objects.filter(share__expires_at__lt=timezone.now() - _KEPT_AFTER_EXPIRY).delete()
