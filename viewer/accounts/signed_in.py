"""Puts whoever is signed in on the request. They come with the session, by one query."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from .sessions import SessionStore


class SignedInMiddleware(AuthenticationMiddleware):
    """Sets `request.user` as Django's middleware does."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]


def _user_of(request: Any) -> User | AnonymousUser:
    """Return the person, once for each request. Where anything is unusual, Django decides, which reads them again."""
    if not hasattr(request, "_cached_user"):  # Django's own name: signing in and out set it too
        request._cached_user = _person_of(request.session) or get_user(request)
    user: User | AnonymousUser = request._cached_user
    return user


def _person_of(session: SessionStore) -> User | None:
    """Return the person of a session that was begun with the password that they have now."""
    named, proof, backend = (session.get(key) for key in (SESSION_KEY, HASH_SESSION_KEY, BACKEND_SESSION_KEY))
    person = session.person
    is_theirs = person is not None and person.is_active and named == str(person.pk)
    if person is None or not is_theirs or not proof or backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    return person if constant_time_compare(proof, person.get_session_auth_hash()) else None
