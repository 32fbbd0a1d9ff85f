"""A person's own account: password, second factors, single sign-on, and where they are signed in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from viewer.web.logs import event
from viewer.web.request import Request

from .models import Session
from .requirement import ASKED_FOR, has_second_factor, is_required_of
from .sessions import WHERE, digest

# In this order: Edge and Opera call themselves Chrome too, and Chrome calls itself Safari.
_BROWSERS = {
    "Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox", "Chrome": "Chrome", "CriOS": "Chrome",
    "Safari": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS X": "macOS",
    "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser in which the person is signed in. `key` is the hash, which signs nobody in."""

    key: str
    browser: str
    address: str
    started_at: datetime
    used_at: datetime
    is_this: bool


@require_safe
def own_account(request: Request) -> HttpResponse:
    """Show how the person signs in, and where they are."""
    authenticators = list(Authenticator.objects.filter(user=request.user).order_by("created_at"))
    by_type: dict[str, Any] = {each.type: each for each in authenticators}
    codes = by_type.get(Authenticator.Type.RECOVERY_CODES)
    must_set_up = is_required_of(request.user) and not has_second_factor(request.user)
    context = {
        "app": by_type.get(Authenticator.Type.TOTP),
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "has_codes": codes is not None,
        "passkeys": [each for each in authenticators if each.type == Authenticator.Type.WEBAUTHN],
        "must_set_up": must_set_up,
        "asked_for": None if must_set_up else request.session.pop(ASKED_FOR, None),
        "sessions": sessions_of(request),
        "single_sign_on": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "provider": settings.OIDC_PROVIDER,
        "connected": SocialAccount.objects.filter(user=request.user, provider=settings.OIDC_PROVIDER).first(),
    }
    return render(request, "account/own_account.html", context)


@require_POST
def end_sessions(request: Request) -> HttpResponse:
    """End one of the person's other sessions, or with no key all of them. This one ends by signing out."""
    others = Session.objects.filter(user=request.user).exclude(session_key=digest(request.session.session_key or ""))
    if key := request.POST.get("key", ""):
        others = others.filter(session_key=key)
    ended, _ = others.delete()
    event("sessions ended", count=ended)
    messages.success(request, gettext("Signed out there."))
    return redirect("mfa_index")


def sessions_of(request: Request) -> list[SignedIn]:
    """Return where the person is signed in, this browser first, then by last use."""
    this = digest(request.session.session_key or "")
    found = [
        SignedIn(
            key=row.session_key,
            browser=browser_name(where.get("browser", "")),
            address=where.get("address", ""),
            started_at=row.started_at,
            used_at=row.used_at or row.started_at,
            is_this=row.session_key == this,
        )
        for row in Session.objects.filter(user=request.user, expire_date__gt=timezone.now())
        for where in [row.get_decoded().get(WHERE, {})]
    ]
    return sorted(found, key=lambda one: (not one.is_this, -one.used_at.timestamp()))


def browser_name(user_agent: str) -> str:
    """Name a browser and its system as people know them, such as `Firefox, Windows`; empty if it says neither."""
    browser = next((name for mark, name in _BROWSERS.items() if re.search(rf"{mark}\w*/", user_agent)), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), "")
    return ", ".join(name for name in (browser, system) if name)
