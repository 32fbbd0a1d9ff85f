"""What a session has proved about who is using it, and when."""

from __future__ import annotations

import time
from datetime import timedelta

from allauth.account.internal.flows.login import get_authentication_records
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

TIMEOUT = timedelta(minutes=10)  # as long as signing in or confirming counts for changes
_NAMES = {"socialaccount": "single sign-on", "webauthn": "passkey", "recovery_codes": "recovery code"}


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person has signed in, or confirmed who they are, in the last minutes."""
    if not isinstance(request.user, User):
        return False
    if timezone.now() - request.session.started_at < TIMEOUT:  # type: ignore[attr-defined]  # accounts/sessions.py
        return True
    return any(
        time.time() - record["at"] < TIMEOUT.total_seconds()
        for record in get_authentication_records(request, request.user)
        if record.get("reauthenticated")
    )


def methods_used(request: HttpRequest, person: User) -> str:
    """Name the methods by which this session was entered, such as `password, totp`, for the log."""
    records = get_authentication_records(request, person)
    names = [record.get("type") or record["method"] for record in records]
    return ", ".join(dict.fromkeys(_NAMES.get(name, name) for name in names))
