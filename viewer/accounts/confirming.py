"""Asks who it is once more before a key, a token, a second factor or a right is changed.

Signing in counts, so nobody is asked twice within ten minutes. A form that was sent in the meantime is kept, encrypted,
in the session, and goes on by itself: allauth would keep it readable, with the session's own cookie among its headers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.views import ReauthenticateView
from allauth.core.exceptions import ReauthenticationRequired
from allauth.core.internal.httpkit import deserialize_request, serialize_request
from allauth.mfa.base.views import ReauthenticateView as SecondFactorView
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import resolve
from django.utils.translation import gettext

from viewer.keys.encryption import CannotDecrypt, Secret, decrypt, encrypt
from viewer.web.client_address import client_address
from viewer.web.logs import event
from viewer.web.request import own_address

from .proofs import is_confirmed
from .second_factors import to_json
from .signing_in import with_refusal

_KEPT = "form-before-confirming"
View = Callable[..., HttpResponseBase]


def confirmed(view: View) -> View:
    """Let a view change something only if the person has shown who they are in the last minutes."""
    return _confirmed(view, lambda request: request.method not in ("GET", "HEAD"))


def confirmed_before_showing(view: View) -> View:
    """The same for a view that already shows a secret."""
    return _confirmed(view, lambda request: True)


def ask(request: HttpRequest) -> HttpResponse:
    """Keep what the form held, and ask for the password, or what the person has instead."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        raise PermissionDenied(gettext("You can change this only within ten minutes after you have signed in."))
    if request.method == "POST":
        request.META.pop("HTTP_COOKIE", None)  # the session's key
        request.session[_KEPT] = encrypt(Secret(serialize_request(request)), _row(request))
    return HttpResponseRedirect(f"{methods[0]['url']}?{urlencode({'next': request.get_full_path()})}")


def go_on(request: HttpRequest, url: str) -> HttpResponseBase:
    """Send the kept form to the page that it was for, or go back to that page."""
    event("confirmed", address=client_address(request))
    kept = request.session.pop(_KEPT, "")
    try:
        form = decrypt(kept, _row(request)).reveal() if kept else "{}"
    except CannotDecrypt:
        form = "{}"
    if json.loads(form).get("path") != url.partition("?")[0]:
        return HttpResponseRedirect(own_address(url) or "/")
    match = resolve(url.partition("?")[0])
    request = deserialize_request(form, request)
    request.resolver_match = match
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return response


class ConfirmMiddleware:
    """Asks where a view says that a confirmation is needed, before allauth's own middleware would."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return ask(request) if isinstance(error, ReauthenticationRequired) else None


class _GoesOn:
    """Goes on where the person was asked."""

    request: HttpRequest

    def form_valid(self, form: Any) -> HttpResponseBase:
        response = super().form_valid(form)  # type: ignore[misc]
        return go_on(self.request, response["Location"])


class ConfirmByPassword(_GoesOn, ReauthenticateView):  # type: ignore[misc]  # allauth is untyped
    """Asks for the password. Wrong ones count like those of the sign-in page."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        return with_refusal(response, form)


class ConfirmByCode(_GoesOn, SecondFactorView):  # type: ignore[misc]
    """Asks for a code of the authenticator app, or a recovery code."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        return with_refusal(response, form)


class ConfirmByPasskey(_GoesOn, ReauthenticateWebAuthnView):  # type: ignore[misc]
    """Asks for a passkey."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "options": to_json(context["js_data"]["request_options"])}

    def form_invalid(self, form: Any) -> HttpResponse:
        messages.error(self.request, gettext("This passkey was not accepted. Try again."))
        return HttpResponseRedirect(self.passthrough_next_url(self.request.path))


def _confirmed(view: View, needs: Callable[[HttpRequest], bool]) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and needs(request) and not is_confirmed(request):
            raise ReauthenticationRequired  # the middleware calls `ask`
        return view(request, *args, **kwargs)

    return guarded


def _row(request: HttpRequest) -> str:
    return f"{request.user.pk}:form"
