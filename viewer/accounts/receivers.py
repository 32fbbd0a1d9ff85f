"""What happens here when somebody signs in with a second factor, or changes theirs: receivers of allauth's signals.

They are connected in every process, so nothing is imported here that only pages need.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.http import HttpRequest

from viewer.web.client_address import client_address
from viewer.web.logs import event

HALFWAY = "halfway"  # in a session: what changes with the password that was right


def note_halfway(request: HttpRequest, user: User, **_: Any) -> None:
    """Note the password that was right, before the second factor is asked for."""
    if not request.user.is_authenticated:
        request.session[HALFWAY] = user.get_session_auth_hash()


def log_change(name: str) -> Any:
    """Return a receiver that logs a change of second factors."""

    def receive(request: HttpRequest, authenticator: Authenticator, **_: Any) -> None:
        event(name, kind=authenticator.type, address=client_address(request))

    return receive
