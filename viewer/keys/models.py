"""API keys, which people have for upstream servers, and access tokens, which programs send to our `/v1`."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from viewer.deployment.prepared import Prepared, columns_of, read_row
from viewer.deployment.waiting import without_waiting

from .encryption import Secret, decrypt, encrypt, is_newest

PREFIX = "lectern_"  # of every access token
DEFAULT_BASE_URL = "https://api.openai.com/v1"
_USE_INTERVAL = timedelta(minutes=1)  # with a write per request, every read would wait for the disk
# What a token may do besides reading, by its column.
RIGHTS = {
    "may_import": gettext_noop("import"),
    "may_change_metadata": gettext_noop("change metadata"),
    "may_delete": gettext_noop("delete"),
}

_FINDING_TEXTS = {
    "works": gettext_noop("it works"),
    "invalid-key": gettext_noop("the server rejected this key, which was saved anyway; replace it when you can"),
    "forbidden": gettext_noop("the server knows this key, but the key may not list conversations"),
    "unsupported": gettext_noop("this server does not list conversations; opening one by its id was not tested"),
    "not-found": gettext_noop("the server does not know this URL; check the base URL, which usually ends in /v1"),
    "rate-limited": gettext_noop("the server asks to slow down, but did not reject the key"),
    "quota-exhausted": gettext_noop("the account behind this key has used up its quota"),
    "unavailable": gettext_noop("the server is unreachable at the moment; the key was saved anyway"),
    "certificate": gettext_noop("no trusted connection (TLS) to this server is possible; the key was saved anyway"),
    "proxy": gettext_noop("the proxy (UPSTREAM_PROXY) did not forward the request; the key was saved anyway"),
    "not-allowed": gettext_noop("API_HOSTS no longer allows the host of its base URL, so it is not sent"),
    "timeout": gettext_noop("the server took too long to respond; the key was saved anyway"),
    "unreadable": gettext_noop("this URL does not respond like the API; check the base URL"),
    "bad-request": gettext_noop("the server rejected the request; check the base URL"),
    "too-large": gettext_noop("the response of the server was too large"),
}


class ApiKeys(models.QuerySet["ApiKey"]):
    """API keys, always looked up by their owner."""

    def of(self, person: User | int) -> ApiKeys:
        return self.filter(owner=person)

    def choose(self, person: User, key: ApiKey | None) -> None:
        """Make one of the person's keys, or the archive, their source for browsing."""
        with transaction.atomic():
            self.filter(owner=person, is_chosen=True).update(is_chosen=False)
            if key is not None:
                self.filter(owner=person, pk=key.pk).update(is_chosen=True)


class ApiKey(models.Model):
    """One person's API key. Once saved, only its last four characters are shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    label = models.CharField(max_length=60)
    sealed = models.TextField()
    ending = models.CharField(max_length=4, blank=True)  # empty if a header contains the key
    base_url = models.CharField(max_length=300, default=DEFAULT_BASE_URL)
    organization = models.CharField(max_length=100, blank=True)
    project = models.CharField(max_length=100, blank=True)
    # The person's own headers. Machines with the previous version do not know these columns.
    names_of_headers = models.TextField(blank=True, default="", db_default="")  # one per line
    sealed_headers = models.TextField(blank=True, default="", db_default="")  # JSON, by name
    is_chosen = models.BooleanField(default=False)
    finding = models.CharField(max_length=20, blank=True)  # the result of the last test: a problem's name, or "works"
    # Changes with the secret or the base URL, so that nothing cached for the previous one is used.
    version = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ApiKeys.as_manager()

    class Meta:
        ordering = ["label", "created_at"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "label"], name="key_by_label"),
            models.UniqueConstraint(fields=["owner"], condition=models.Q(is_chosen=True), name="one_chosen_key"),
        ]

    def __str__(self) -> str:
        return f"{self.label} (…{self.ending})"

    @property
    def row(self) -> str:
        """The associated data of the encryption: whose row this is."""
        return f"{self.owner_id}:{self.pk}"

    @property
    def header_names(self) -> list[str]:
        return self.names_of_headers.splitlines()

    @property
    def is_under_newest_key(self) -> bool:
        """Whether the key and its headers are encrypted with the newest master key."""
        return all(is_newest(sealed) for sealed in (self.sealed, self.sealed_headers) if sealed)

    @property
    def finding_in_words(self) -> str:
        """The result of the last test, as a sentence without its full stop."""
        if not self.finding:
            return gettext("not tested yet")
        if self.finding in _FINDING_TEXTS:
            return gettext(_FINDING_TEXTS[self.finding])
        return gettext("reading with it failed (%(finding)s)") % {"finding": self.finding}

    def renew(self) -> None:
        """Invalidate what was cached for this key; the caller saves."""
        self.version = uuid.uuid4()

    def seal(self, secret: Secret) -> None:
        """Encrypt and set the secret; the caller saves."""
        self.sealed = encrypt(secret, self.row)
        self.ending = secret.reveal()[-4:]
        self.renew()

    def seal_headers(self, headers: dict[str, str]) -> None:
        """Encrypt and set the headers; the caller saves."""
        self.names_of_headers = "\n".join(headers)
        self.sealed_headers = encrypt(Secret(json.dumps(headers)), self._headers_row) if headers else ""
        self.renew()

    def reseal(self) -> int:
        """Encrypt again with the newest master key, unless it was replaced meanwhile. Raises CannotDecrypt."""
        unchanged = ApiKey.objects.filter(pk=self.pk, sealed=self.sealed, sealed_headers=self.sealed_headers)
        self.sealed = encrypt(self.open(), self.row)
        if self.sealed_headers:
            self.sealed_headers = encrypt(decrypt(self.sealed_headers, self._headers_row), self._headers_row)
        return unchanged.update(sealed=self.sealed, sealed_headers=self.sealed_headers)

    def open(self) -> Secret:
        """Decrypt the secret. Raises CannotDecrypt."""
        return decrypt(self.sealed, self.row)

    def open_headers(self) -> dict[str, str]:
        """Decrypt the person's own headers. Raises CannotDecrypt."""
        if not self.sealed_headers:
            return {}
        headers: dict[str, str] = json.loads(decrypt(self.sealed_headers, self._headers_row).reveal())
        return headers

    @property
    def _headers_row(self) -> str:
        return f"{self.row}:headers"  # neither column's value can be decrypted in the other


class AccessTokens(models.QuerySet["AccessToken"]):
    """Access tokens, looked up by their owner or by the secret that a program sends."""

    def of(self, person: User) -> AccessTokens:
        return self.filter(owner=person)

    def issue(
        self, owner: User, name: str, api_key: ApiKey | None = None, rights: Collection[str] = ()
    ) -> tuple[AccessToken, str]:
        """Create a token, and return its secret once. Its SHA-256 is stored: 256 random bits need no salt."""
        secret = PREFIX + secrets.token_urlsafe(32)
        granted = {right: right in rights for right in RIGHTS}
        token = self.create(
            owner=owner, name=name, api_key=api_key, digest=_digest(secret), ending=secret[-4:], **granted
        )
        return token, secret

    def holding(self, secret: str) -> AccessTokens:
        return self.with_digest(_digest(secret))

    def with_digest(self, digest: str) -> AccessTokens:
        return self.filter(digest=digest, owner__is_active=True)

    def find(self, secret: str) -> AccessToken | None:
        """Find the token of an active person by its secret, and record the use."""
        row = _row_of.first(_digest(secret))
        if row is None:
            return None
        values = iter(row)
        token, token.owner = read_row(AccessToken, values), read_row(User, values)
        token.api_key = read_row(ApiKey, values) if token.api_key_id else None
        token.record_use()
        return token


class AccessToken(models.Model):
    """One person's token, for the archive (no key) or for one of their keys. Revoking deletes it.

    Its rights count only while its owner is a curator, and only for the archive.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, null=True, related_name="access_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    ending = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)
    # Machines with the previous version do not know these columns.
    may_import = models.BooleanField(default=False, db_default=False)
    may_change_metadata = models.BooleanField(default=False, db_default=False)
    may_delete = models.BooleanField(default=False, db_default=False)

    objects = AccessTokens.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} (…{self.ending})"

    @property
    def rights(self) -> list[str]:
        """What it may do besides reading, as names of `RIGHTS`."""
        return [right for right in RIGHTS if getattr(self, right)]

    @property
    def rights_in_words(self) -> str:
        return ", ".join([gettext("read"), *(gettext(RIGHTS[right]) for right in self.rights)])

    def record_use(self) -> None:
        """Record the use at most once a minute, and without waiting: an import may have locked the database."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > _USE_INTERVAL:
            with suppress(DatabaseError), without_waiting(), transaction.atomic():
                AccessToken.objects.filter(pk=self.pk).update(last_used_at=now)


@Prepared
def _row_of(digest: str) -> models.QuerySet[AccessToken, Any]:
    """Find a token, its owner, whose name the read log has, and its API key."""
    columns = [*columns_of(AccessToken), *columns_of(User, "owner__"), *columns_of(ApiKey, "api_key__")]
    return AccessToken.objects.with_digest(digest).order_by().values_list(*columns)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
