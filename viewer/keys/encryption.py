"""Encrypts API keys with AES-256-GCM; owner and row are the associated data, and the value names its master key.

A value copied into another row, or another person's, cannot be decrypted. Format: `v1.<key id>.<nonce + ciphertext>`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12  # bytes; random, for far fewer than 2^32 values per master key (NIST SP 800-38D)


class CannotDecrypt(Exception):
    """The master key of a value is missing, or the value belongs to another row or was changed."""


class Secret:
    """A secret in memory. Only `reveal` returns it: no repr, log line or traceback contains it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "<secret>"


def encrypt(secret: Secret, row: str) -> str:
    """Encrypt a secret for one row (`owner:id`) with the newest master key."""
    key_id, key = next(iter(_master_keys().items()))
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = _cipher(key).encrypt(nonce, secret.reveal().encode(), row.encode())
    return f"v1.{key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def decrypt(value: str, row: str) -> Secret:
    """Decrypt the value of one row. Raises CannotDecrypt, and never returns the ciphertext instead."""
    from cryptography.exceptions import InvalidTag

    try:
        version, key_id, packed = value.split(".")
        key = _master_keys()[key_id]
        sealed = base64.urlsafe_b64decode(packed)
        plaintext = _cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], row.encode())
    except (ValueError, KeyError, binascii.Error, InvalidTag):
        raise CannotDecrypt from None
    if version != "v1":
        raise CannotDecrypt
    return Secret(plaintext.decode())


def is_newest(value: str) -> bool:
    """Whether a value is encrypted with the newest master key."""
    return value.split(".")[1:2] == [next(iter(_master_keys()))]


def has_master_key(value: str) -> bool:
    """Whether the master key of a value is available."""
    return value.split(".")[1:2] in [[key_id] for key_id in _master_keys()]


def _cipher(key: bytes) -> AESGCM:
    # Loaded here: it takes 7 MB, and commands that load all tables, such as an import, encrypt nothing.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _master_keys() -> dict[str, bytes]:
    """Return the master keys by id, newest first."""
    return _read_master_keys(tuple(settings.KEY_ENCRYPTION_KEYS))


@cache
def _read_master_keys(encoded: tuple[str, ...]) -> dict[str, bytes]:
    keys = (base64.b64decode(key) for key in encoded)
    return {hashlib.sha256(key).hexdigest()[:8]: key for key in keys}
