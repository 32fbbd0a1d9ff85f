"""What happens here when somebody connects single sign-on. Connected in every process, unlike what only pages need."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialLogin
from django.http import HttpRequest

from viewer.web.client_address import client_address
from viewer.web.logs import event


def log_connection(request: HttpRequest, sociallogin: SocialLogin, **_: Any) -> None:
    """Log that an account at the provider opens a person's account from now on."""
    event("single sign-on connected", whom=sociallogin.user.pk, address=client_address(request))
