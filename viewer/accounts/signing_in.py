"""Who gets in: everybody signs in, nobody signs up, and no login form takes the place of what is being read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import LoginView, LogoutView
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext, gettext_lazy, ngettext

from viewer.web.client_address import client_address
from viewer.web.logs import event, note_person
from viewer.web.request import PAGE_SOURCE, POLLED, Request, own_address, page_before

from .attempts import Attempt
from .devices import PERSON_COOKIE, mark_person, remember_device
from .hashing import QueueIsFull, queued_turn
from .sessions import SessionStore

_BUSY_FOR = 5  # seconds


class Refused(ValidationError):
    """A try that was not looked at: nothing is said about the password."""

    def __init__(self, sentence: str, status: int, wait: int) -> None:
        super().__init__(sentence)
        self.status, self.wait = status, wait


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """People are made by the one who runs Lectern (`./run manage createsuperuser`, or the admin)."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": gettext_lazy("Wrong username or password."),
        "enter_current_password": gettext_lazy("Wrong current password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Only paths of this site: allauth's own rule takes every allowed host, and so the reader's own machine."""
        return bool(own_address(url or ""))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check a password, unless too many were wrong. Every door comes through here."""
        attempt = Attempt(request, credentials.get("username", ""))
        _refuse_early(attempt)
        try:
            with queued_turn(is_known=attempt.is_known):
                _refuse_early(attempt)  # others may have failed while this one stood in the queue
                person: User | None = super().authenticate(request, **credentials)
                if person is None:
                    _note_failure(attempt)
                return person
        except QueueIsFull:
            raise Refused(
                gettext("Too many people are signing in. Try again in a few seconds."), 503, _BUSY_FOR
            ) from None

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        SessionStore.clear_expired()  # here, where sessions are made, it needs no process that lives
        note_person(user.pk)
        event("signed in", address=client_address(request))

    def logout(self, request: HttpRequest) -> None:
        event("signed out")
        super().logout(request)


class SignIn(LoginView):  # type: ignore[misc]  # allauth is untyped
    """The form to sign in, which knows whether the reader was on a page of ours when the session ended."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        before = page_before(self.request)
        has_ended = bool(before) and urlsplit(before).path != self.request.path
        return {**super().get_context_data(**kwargs), "has_ended": has_ended}

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        if self.request.user.is_authenticated:
            remember_device(response, form.cleaned_data["login"])
            mark_person(self.request, response)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        for error in form.non_field_errors().as_data():
            if isinstance(error, Refused):
                response.status_code = error.status
                response.headers["Retry-After"] = str(error.wait)
        return response


class SignOut(LogoutView):  # type: ignore[misc]  # allauth is untyped
    """Ends the session, and what the browser kept of its pages with it."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post(*args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'  # browsers heed it over https and on this machine
        response.delete_cookie(PERSON_COOKIE)
        return response


class SignInMiddleware(LoginRequiredMiddleware):
    """Sends who is not signed in to sign in; a script of a page that is being read is only told so, by a 401."""

    def process_view(  # type: ignore[override]
        self, request: Request, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        refused = super().process_view(request, view_func, view_args, view_kwargs)
        request.is_known = request.user.is_authenticated
        if request.is_known:
            note_person(request.user.pk)
            if POLLED not in request.headers and getattr(view_func, "login_required", True):  # the API needs no session
                request.session.note_use()
        return refused

    def process_response(self, request: Request, response: HttpResponseBase) -> HttpResponseBase:
        if getattr(request, "is_known", False) and request.user.is_authenticated:  # else a lost database is asked again
            mark_person(request, response)
        return response

    def handle_no_permission(self, request: Request, view_func: Any) -> HttpResponseBase:  # type: ignore[override]
        if request.htmx or PAGE_SOURCE in request.headers:
            return HttpResponse(status=401)
        if request.method in ("GET", "HEAD"):
            return super().handle_no_permission(request, view_func)
        return redirect_to_login(page_before(request) or "/", self.get_login_url(view_func))


def still_signed_in(request: Request) -> HttpResponse:
    """Answer 204 to a page that the browser kept and shows again; who is not signed in gets the middleware's 401."""
    return HttpResponse(status=204)


def _refuse_early(attempt: Attempt) -> None:
    if wait := attempt.wait():
        minutes = -(-wait // 60)
        sentence = ngettext(
            "Too many wrong passwords for this username. Try again in %(minutes)s minute.",
            "Too many wrong passwords for this username. Try again in %(minutes)s minutes.",
            minutes,
        )
        raise Refused(sentence % {"minutes": minutes}, 429, wait)


def _note_failure(attempt: Attempt) -> None:
    """Log who was meant only where there is such a person: people type passwords into the field for the name."""
    meant = User.objects.filter(username__iexact=attempt.name).values_list("pk", flat=True).first()
    facts = {"person": meant, "address": client_address(attempt.request)}
    event("sign-in failed", **facts)
    if attempt.count_failure():
        event("sign-in locked", **facts)
