"""Who has to have a second factor (SECOND_FACTOR), and that nothing else opens before it is set up."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from viewer.web.request import Request

from .roles import may_administer

ASKED_FOR = "asked-for"  # in a session: the page to go on to when a second factor is set up
# What setting one up takes, and what everybody may always do.
_ALLOWED = {
    "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes", "mfa_download_recovery_codes",
    "account_reauthenticate", "confirm-by-single-sign-on", "end-sessions", "account_change_password", "session",
    "account_logout", "choose-language",
}  # fmt: skip


def is_required_of(person: User) -> bool:
    """Whether a person must have a second factor. Those without a password are checked by single sign-on."""
    if settings.SECOND_FACTOR == "optional" or not person.has_usable_password():
        return False
    return settings.SECOND_FACTOR == "everyone" or may_administer(person)


def has_second_factor(person: User) -> bool:
    factors = Authenticator.objects.filter(user=person).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return bool(factors.exists())


def needs_second_factor(request: Request, view: Any) -> bool:
    """Whether the person has to set up a second factor before this view."""
    if not getattr(view, "login_required", True):  # open to strangers
        return False
    name = request.resolver_match.url_name if request.resolver_match else ""
    return name not in _ALLOWED and is_required_of(request.user) and not has_second_factor(request.user)


def send_to_set_up(request: Request) -> HttpResponse:
    """Lead to the page where second factors are set up, and keep the page that was asked for."""
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": reverse("mfa_index")})
    if request.method == "GET":
        request.session[ASKED_FOR] = request.get_full_path()
    return HttpResponseRedirect(reverse("mfa_index"))
