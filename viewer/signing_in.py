"""Who gets in: everybody signs in, nobody signs up, and a fragment never shows a login form inside a bubble."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect

from .http import Request


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """People are made by the one who runs Lectern (`./run manage createsuperuser`, or the admin)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SignInMiddleware(LoginRequiredMiddleware):
    """Sends an htmx request whose session has ended to sign in as a whole page, and back to the page it came from."""

    def handle_no_permission(self, request: Request, view_func: Any) -> HttpResponseBase:  # type: ignore[override]
        if not request.htmx:
            return super().handle_no_permission(request, view_func)
        page = urlsplit(request.htmx.current_url_abs_path or "/")
        back_to = f"{page.path}?{page.query}" if page.query else page.path
        return HttpResponseClientRedirect(
            f"{resolve_url(self.get_login_url(view_func))}?{urlencode({'next': back_to})}"
        )
