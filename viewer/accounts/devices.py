"""What a browser keeps of a sign-in: that it is known for a person, and who is signed in.

A known browser has a counter of failures of its own ("device cookies", OWASP: Slow Down Online Guessing Attacks with
Device Cookies). It is no credential: it only keeps what strangers do to a name away from its owner.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.crypto import salted_hmac

PERSON_COOKIE = "person"  # static/js/signed-out.js reads it
_KNOWN_FOR = 180 * 24 * 60 * 60  # seconds
_OPTIONS: dict[str, Any] = {"samesite": "Lax", "secure": settings.SESSION_COOKIE_SECURE}


def name_digest(name: str) -> str:
    """Identify a name as people type it, known or not."""
    return hashlib.sha256(unicodedata.normalize("NFKC", name).strip().casefold().encode()).hexdigest()


def known_device(request: HttpRequest, name: str) -> str:
    """Give the id of this browser when the person has signed in with it before, else nothing."""
    try:
        shown = _signer(name).unsign(request.COOKIES.get(_cookie_for(name), ""), max_age=_KNOWN_FOR)
    except BadSignature:
        return ""
    return str(shown)


def remember_device(response: HttpResponseBase, name: str) -> None:
    """Make this browser known for a person."""
    value = _signer(name).sign(secrets.token_urlsafe(16))
    path = reverse("account_login")
    response.set_cookie(_cookie_for(name), value, max_age=_KNOWN_FOR, path=path, httponly=True, **_OPTIONS)


def mark_person(request: HttpRequest, response: HttpResponseBase) -> None:
    """Tell scripts who is signed in, by a mark that tells people apart and names nobody.

    Only signing out takes it away: when a session ends by itself, what is on a page stays (ended-session.js).
    """
    mark = salted_hmac("person", str(request.user.pk), algorithm="sha256").hexdigest()[:16]
    if request.COOKIES.get(PERSON_COOKIE) != mark:
        response.set_cookie(PERSON_COOKIE, mark, max_age=settings.SESSION_COOKIE_AGE, **_OPTIONS)


def _cookie_for(name: str) -> str:
    return f"device-{name_digest(name)[:12]}"


def _signer(name: str) -> TimestampSigner:
    return TimestampSigner(salt=f"device:{name_digest(name)}")
