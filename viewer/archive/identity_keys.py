"""Finds the metadata keys that name customer, ticket and channel: of the settings, else what sounds like it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings
from django.core.cache import caches
from django.db import connection

# The likelier a word, the earlier it stands.
_CUSTOMER = ("customer", "kunde", "client", "user", "account", "member", "contact", "caller", "patient")
_TICKET = ("ticket", "vorgang", "case", "issue", "incident", "claim", "booking", "order", "reservation")
_CHANNEL = ("channel", "kanal", "inbox", "medium")
_MAX_KEYS = 200  # of the archive that are looked at
_CACHED_AS = "identity-keys-2"  # another name for another shape: versions share a cache while they are upgraded
_SECONDS = 60  # that a guess is kept; a new import may bring other keys


@dataclass(frozen=True, slots=True)
class IdentityKeys:
    """The metadata keys of the customer, of the ticket and of the channel; empty if there is none."""

    customer: str
    ticket: str
    channel: str = ""

    def first_in(self, metadata: dict[str, str]) -> dict[str, str]:
        """Return metadata with customer, ticket and channel in front."""
        return self.of(metadata) | metadata

    def of(self, metadata: dict[str, str]) -> dict[str, str]:
        """Return the pairs of the customer, of the ticket and of the channel, if a completion has them."""
        return {key: metadata[key] for key in (self.customer, self.ticket, self.channel) if key in metadata}

    def name_in(self, metadata: dict[str, str]) -> str:
        """Return the ticket, else the customer; empty if a completion has neither."""
        return metadata.get(self.ticket) or metadata.get(self.customer) or ""


def identity_keys() -> IdentityKeys:
    """Return the keys of the settings, else the guessed ones."""
    guessed: IdentityKeys | None = caches["guesses"].get(_CACHED_AS)
    if guessed is None:
        guessed = _guess()
        caches["guesses"].set(_CACHED_AS, guessed, _SECONDS)
    return replace(
        guessed,
        customer=settings.CUSTOMER_KEY or guessed.customer,
        ticket=settings.TICKET_KEY or guessed.ticket,
    )


def _guess() -> IdentityKeys:
    keys = metadata_keys()
    return IdentityKeys(_commonest(keys, _CUSTOMER), _commonest(keys, _TICKET), _commonest(keys, _CHANNEL))


def _commonest(keys: list[str], words: tuple[str, ...]) -> str:
    """Return the commonest key that has the first of the words that any key has."""
    for word in words:
        if sounding := [key for key in keys if word in key.lower()]:
            return max(sounding, key=_count)
    return ""


def metadata_keys() -> list[str]:
    """Return the keys of the archive, jumping from one to the next in the index: there may be millions of pairs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE found(key) AS (SELECT MIN(key) FROM archive_storedmetadata UNION ALL "
            "SELECT (SELECT MIN(m.key) FROM archive_storedmetadata m WHERE m.key > found.key) FROM found "
            "WHERE found.key IS NOT NULL) SELECT key FROM found WHERE key IS NOT NULL LIMIT %s",
            [_MAX_KEYS],
        )
        return [key for (key,) in cursor.fetchall()]


def _count(key: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM archive_storedmetadata WHERE key = %s", [key])
        return int(cursor.fetchone()[0])
