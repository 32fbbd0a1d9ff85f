"""A passkey in software: makes and uses credentials as a browser does, and gives what our form sends."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData


class Passkey:
    """One credential for one site."""

    def __init__(self, origin: str = "http://localhost") -> None:
        self.flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV
        self.origin, self.id = origin, secrets.token_bytes(16)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.user = b""

    def create(self, options: dict[str, Any], *, is_alone: bool = True) -> str:
        """Answer the options of the page that adds a passkey."""
        options = options["publicKey"]
        self.user = _bytes(options["user"]["id"])
        credential = AttestedCredentialData.create(
            b"\0" * 16, self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = AuthenticatorData.create(
            _hash(options["rp"]["id"].encode()), self.flags | AuthenticatorData.FLAG.AT, 0, credential
        )
        attestation = AttestationObject.create("none", data, {})
        response = {
            "clientDataJSON": self._client_data("webauthn.create", options["challenge"]),
            "attestationObject": websafe_encode(bytes(attestation)),
        }
        return self._answer(response, {"credProps": {"rk": is_alone}})

    def get(self, options: dict[str, Any]) -> str:
        """Answer the options of a page that asks for a passkey."""
        options = options["publicKey"]
        data = AuthenticatorData.create(_hash(options["rpId"].encode()), self.flags, 1)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signed = bytes(data) + _hash(_bytes(client_data))
        response = {
            "clientDataJSON": client_data,
            "authenticatorData": websafe_encode(bytes(data)),
            "signature": websafe_encode(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": websafe_encode(self.user),
        }
        return self._answer(response, {})

    def _client_data(self, kind: str, challenge: str) -> str:
        facts = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return str(websafe_encode(json.dumps(facts).encode()))

    def _answer(self, response: dict[str, Any], results: dict[str, Any]) -> str:
        own_id = websafe_encode(self.id)
        facts = {"id": own_id, "rawId": own_id, "type": "public-key", "response": response}
        return json.dumps(facts | {"clientExtensionResults": results})


def _hash(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def _bytes(text: str) -> bytes:
    return bytes(websafe_decode(text))
