"""The cookies of a sign-in: one marks a browser as known for a person, one identifies who is signed in.

A known browser has its own counter of failures ("device cookies", OWASP: Slow Down Online Guessing Attacks with Device
Cookies). The cookie is no credential: it only prevents strangers from locking out the owner of a name.
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
_DEVICE_COOKIE_AGE = 180 * 24 * 60 * 60  # seconds
_OPTIONS: dict[str, Any] = {"samesite": "Lax", "secure": settings.SESSION_COOKIE_SECURE}


def name_digest(name: str) -> str:
    """Return a digest that identifies a name as people type it, known or not."""
    return hashlib.sha256(unicodedata.normalize("NFKC", name).strip().casefold().encode()).hexdigest()


def known_device(request: HttpRequest, name: str) -> str:
    """Return the id of this browser if the person has signed in with it before, else an empty string."""
    try:
        device = _signer(name).unsign(request.COOKIES.get(_cookie_for(name), ""), max_age=_DEVICE_COOKIE_AGE)
    except BadSignature:
        return ""
    return str(device)


def remember_device(response: HttpResponseBase, name: str) -> None:
    """Mark this browser as known for a person."""
    value = _signer(name).sign(secrets.token_urlsafe(16))
    path = reverse("account_login")
    response.set_cookie(_cookie_for(name), value, max_age=_DEVICE_COOKIE_AGE, path=path, httponly=True, **_OPTIONS)


def set_person_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the cookie that tells scripts who is signed in, without naming the person.

    Only signing out removes it: when a session expires, an open page stays as it is (ended-session.js).
    """
    value = salted_hmac("person", str(request.user.pk), algorithm="sha256").hexdigest()[:16]
    if request.COOKIES.get(PERSON_COOKIE) != value:
        response.set_cookie(PERSON_COOKIE, value, max_age=settings.SESSION_COOKIE_AGE, **_OPTIONS)


def _cookie_for(name: str) -> str:
    return f"device-{name_digest(name)[:12]}"


def _signer(name: str) -> TimestampSigner:
    return TimestampSigner(salt=f"device:{name_digest(name)}")
