"""Who gets in: everybody signs in, nobody signs up, and no login form takes the place of what is being read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import LoginView
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from .http import PAGE_SOURCE, Request, page_before


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """People are made by the one who runs Lectern (`./run manage createsuperuser`, or the admin)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SignIn(LoginView):  # type: ignore[misc]  # allauth is untyped
    """The form to sign in, which knows whether the reader was on a page of ours when the session ended."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        before = page_before(self.request)
        has_ended = bool(before) and urlsplit(before).path != self.request.path
        return {**super().get_context_data(**kwargs), "has_ended": has_ended}


class SignInMiddleware(LoginRequiredMiddleware):
    """Sends who is not signed in to sign in; a script of a page that is being read is only told so, by a 401."""

    def handle_no_permission(self, request: Request, view_func: Any) -> HttpResponseBase:  # type: ignore[override]
        if request.htmx or PAGE_SOURCE in request.headers:
            return HttpResponse(status=401)
        if request.method in ("GET", "HEAD"):
            return super().handle_no_permission(request, view_func)
        return redirect_to_login(page_before(request) or "/", self.get_login_url(view_func))
