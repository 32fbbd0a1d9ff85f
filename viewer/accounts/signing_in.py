"""Sign-in: everybody signs in, nobody signs up, and no login form replaces a page that is being read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import LoginView, LogoutView
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext

from viewer.web.client_address import client_address
from viewer.web.logs import event, note_person
from viewer.web.request import PAGE_SOURCE, POLLED, Request, own_address, page_before

from .attempts import Attempt
from .devices import PERSON_COOKIE, remember_device, set_person_cookie
from .hashing import QueueIsFull, queued_slot
from .proofs import is_confirmed, methods_used
from .requirement import needs_second_factor, send_to_set_up
from .roles import remember_role
from .sessions import WHERE, SessionStore

_MAX_USER_AGENT = 300  # characters
_BUSY_RETRY_AFTER = 5  # seconds


class SignInRefused(ValidationError):
    """An attempt that was refused without checking the password."""

    def __init__(self, sentence: str, status: int, wait: int) -> None:
        super().__init__(sentence)
        self.status, self.wait = status, wait


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Nobody signs up: administrators invite people (viewer/people)."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": gettext_lazy("Wrong username or password."),
        "enter_current_password": gettext_lazy("Wrong current password."),
        "username_taken": gettext_lazy("Somebody else has this username."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Allow only paths of this site: allauth allows every allowed host, and so the reader's own machine."""
        return bool(own_address(url or ""))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check a password, unless too many were wrong. Every kind of sign-in comes through here."""
        attempt = Attempt(request, credentials.get("username", ""))
        _check_limits(attempt)
        try:
            with queued_slot(is_known=attempt.is_known):
                _check_limits(attempt)  # others may have failed while this one was in the queue
                person: User | None = super().authenticate(request, **credentials)
                if person is None:
                    _record_failure(attempt)
                return person
        except QueueIsFull:
            raise SignInRefused(
                gettext("Too many people are signing in. Try again in a few seconds."), 503, _BUSY_RETRY_AFTER
            ) from None

    def set_password(self, user: User, password: str) -> None:
        """Save nothing but the password: the person may have been deactivated or lost a role since they were loaded."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def login(self, request: HttpRequest, user: User) -> None:
        if not user.is_active:  # since the password was checked
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        super().login(request, user)
        request.session[WHERE] = {
            "address": client_address(request),
            "browser": request.headers.get("User-Agent", "")[:_MAX_USER_AGENT],
        }
        SessionStore.clear_expired()  # done here, where sessions are created, it needs no background process
        note_person(user.pk)
        event("signed in", address=client_address(request), by=methods_used(request, user) or None)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_device(response, user.get_username())
        set_person_cookie(request, response)
        return response

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not is_confirmed(context.request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, str]]:
        """Return the ways to confirm; whoever signs in by single sign-on alone confirms by it."""
        methods: list[dict[str, str]] = super().get_reauthentication_methods(user)
        if settings.OIDC_ISSUER and SocialAccount.objects.filter(user=user, provider=settings.OIDC_PROVIDER).exists():
            methods.append({"id": "single-sign-on", "url": reverse("confirm-by-single-sign-on")})
        return methods

    def logout(self, request: HttpRequest) -> None:
        event("signed out")
        super().logout(request)


class SignIn(LoginView):  # type: ignore[misc]  # allauth is untyped
    """The sign-in page. It knows whether the reader was on one of our pages when the session ended."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        before = page_before(self.request)
        has_ended = bool(before) and urlsplit(before).path != self.request.path
        elsewhere = settings.OIDC_NAME if settings.OIDC_ISSUER else ""
        ours = {"has_ended": has_ended, "single_sign_on": elsewhere, "provider": settings.OIDC_PROVIDER}
        return {**super().get_context_data(**kwargs), **ours}

    def form_invalid(self, form: Any) -> HttpResponse:
        return with_refusal(super().form_invalid(form), form)


class SignOut(LogoutView):  # type: ignore[misc]  # allauth is untyped
    """Ends the session, and makes the browser delete its pages."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post(*args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'  # browsers honour it over https and on localhost
        response.delete_cookie(PERSON_COOKIE)
        return response


class SignInMiddleware(LoginRequiredMiddleware):
    """Redirects anonymous requests to the sign-in page, except those of scripts on a page, which get a 401."""

    def process_view(  # type: ignore[override]
        self, request: Request, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        response = super().process_view(request, view_func, view_args, view_kwargs)
        request.is_known = request.user.is_authenticated
        if request.is_known:
            note_person(request.user.pk)
            if request.session.role:
                remember_role(request.user, request.session.role)
            if POLLED not in request.headers and getattr(view_func, "login_required", True):  # a share does it itself
                request.session.record_use()
            if response is None and needs_second_factor(request, view_func):
                return send_to_set_up(request)
        return response

    def process_response(self, request: Request, response: HttpResponseBase) -> HttpResponseBase:
        # is_known comes first: if the database has failed, the user must not be loaded again.
        if getattr(request, "is_known", False) and request.user.is_authenticated:
            set_person_cookie(request, response)
            request.session.write_kept()
        return response

    def handle_no_permission(self, request: Request, view_func: Any) -> HttpResponseBase:  # type: ignore[override]
        if request.htmx or PAGE_SOURCE in request.headers:
            return HttpResponse(status=401)
        if request.method in ("GET", "HEAD"):
            return super().handle_no_permission(request, view_func)
        return redirect_to_login(page_before(request) or "/", self.get_login_url(view_func))


def with_refusal(response: HttpResponse, form: Any) -> HttpResponse:
    """Give the answer to an attempt that was refused its status, and say how long to wait."""
    for errors in form.errors.as_data().values():
        for error in errors:
            if isinstance(error, SignInRefused):
                response.status_code = error.status
                response.headers["Retry-After"] = str(error.wait)
    return response


def too_many_codes(wait: int) -> SignInRefused:
    """Return the refusal of a second factor after too many wrong ones; `wait` is in seconds."""
    minutes = -(-wait // 60)
    sentence = ngettext(
        "Too many wrong codes. Try again in %(minutes)s minute.",
        "Too many wrong codes. Try again in %(minutes)s minutes.",
        minutes,
    )
    return SignInRefused(sentence % {"minutes": minutes}, 429, wait)


def still_signed_in(request: Request) -> HttpResponse:
    """Answer 204 when a page that the browser cached is shown again; without a sign-in the middleware answers 401."""
    return HttpResponse(status=204)


def _check_limits(attempt: Attempt) -> None:
    if wait := attempt.wait():
        minutes = -(-wait // 60)
        sentence = ngettext(
            "Too many wrong passwords for this username. Try again in %(minutes)s minute.",
            "Too many wrong passwords for this username. Try again in %(minutes)s minutes.",
            minutes,
        )
        raise SignInRefused(sentence % {"minutes": minutes}, 429, wait)


def _record_failure(attempt: Attempt) -> None:
    """Log a failed attempt, with the person only if the name exists: people type passwords into the name field."""
    person = User.objects.filter(username__iexact=attempt.name).values_list("pk", flat=True).first()
    facts = {"person": person, "address": client_address(attempt.request)}
    event("sign-in failed", **facts)
    if attempt.count_failure():
        event("sign-in locked", **facts)
