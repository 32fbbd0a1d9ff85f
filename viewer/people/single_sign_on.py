"""Sign-in by OpenID Connect (OIDC_ISSUER): who may come in by it, and the ways there and back.

In comes who was connected before, who follows an invitation, whose e-mail address an administrator has entered, or who
has an address of OIDC_DOMAINS. An address counts only if the provider says that it is verified.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.internal.flows.connect import validate_disconnect
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import callback
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from requests import RequestException, Session

from viewer.accounts.confirming import go_on
from viewer.accounts.proofs import TIMEOUT, is_confirmed
from viewer.accounts.roles import READER, Role, give_role
from viewer.accounts.sessions import GOING_TO
from viewer.web.client_address import client_address
from viewer.web.logs import event
from viewer.web.request import Request, own_address

from .models import EntryLink

INVITATION = "invitation"  # in a session: the link that was opened before going to the provider
_FAILURES = (RequestException, OAuth2Error, ValueError, KeyError, TypeError)  # of the provider's answers


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Decides who comes in. allauth's own sign-up stays closed."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        return reverse("mfa_index")

    def get_requests_session(self) -> Session:
        session: Session = super().get_requests_session()
        session.verify = settings.UPSTREAM_CA or True
        return session

    def pre_social_login(self, request: Request, sociallogin: SocialLogin) -> None:
        """Decide what the provider's answer is good for. Raises PermissionDenied or ImmediateHttpResponse."""
        _check_subject(sociallogin.account.extra_data)
        process = sociallogin.state.get("process")
        if process == AuthProcess.REDIRECT:
            raise ImmediateHttpResponse(_confirm(request, sociallogin))
        if process == AuthProcess.CONNECT:
            if not is_confirmed(request):  # else allauth would keep the provider's token in the session
                messages.error(request, gettext("That took too long, and nothing was changed. Try again."))
                raise ImmediateHttpResponse(redirect("mfa_index"))
            request.user.refresh_from_db()  # allauth saves all of it, and the provider took its time
            return
        if sociallogin.is_existing:
            return
        person = _admit(request, sociallogin)
        if person is None:
            event("single sign-on refused", address=client_address(request))
            raise ImmediateHttpResponse(render(request, "people/not_invited.html", status=403))
        sociallogin.connect(request, person)


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: Request, provider_id: str) -> HttpResponse:
    """Go to the provider, to sign in or to connect an account. A GET, as by a kept link, leads to the sign-in page."""
    if not settings.OIDC_ISSUER:
        raise Http404
    if request.method != "POST":
        return redirect("account_login")
    is_connecting = request.POST.get("process") == AuthProcess.CONNECT and request.user.is_authenticated
    if is_connecting and not is_confirmed(request):
        raise ReauthenticationRequired
    process = AuthProcess.CONNECT if is_connecting else AuthProcess.LOGIN
    return go_to_provider(request, process, own_address(request.POST.get("next", "")))


@never_cache
@login_not_required
@require_safe
def come_back(request: Request, provider_id: str) -> HttpResponse:
    """Take the provider's answer."""
    return _or_error_page(request, lambda: callback(request, provider_id))


@login_not_required
@require_safe
def cancelled(request: Request) -> HttpResponse:
    """Say that nothing happened, after somebody has changed their mind at the provider."""
    messages.info(request, gettext("Single sign-on was cancelled."))
    if request.user.is_authenticated:
        return redirect("mfa_index")
    going_to = request.session.get(GOING_TO)
    return redirect_to_login(going_to) if going_to else redirect("account_login")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: Request) -> HttpResponse:
    """Ask whoever has no password to sign in at the provider once more before a change."""
    if not settings.OIDC_ISSUER:
        raise Http404
    next_url = own_address((request.POST if request.method == "POST" else request.GET).get("next", ""))
    if request.method == "POST":
        return go_to_provider(request, AuthProcess.REDIRECT, next_url, auth_params={"prompt": "login"})
    return render(request, "people/confirm.html", {"next": next_url, "single_sign_on": settings.OIDC_NAME})


@require_POST
def disconnect(request: Request) -> HttpResponse:
    """Disconnect the person's account at the provider, if there is another way in."""
    account = SocialAccount.objects.filter(user=request.user, provider=settings.OIDC_PROVIDER).first()
    if account is None:
        raise Http404
    try:
        validate_disconnect(request, account)
    except ValidationError:
        messages.error(request, gettext("Set a password first: without one you could not sign in any more."))
        return redirect("mfa_index")
    account.delete()
    event("single sign-on disconnected")
    return redirect("mfa_index")


def go_to_provider(request: Request, process: str, next_url: str, **more: Any) -> HttpResponse:
    """Answer with a page that goes on to the provider by itself.

    A redirect would end at the Content-Security-Policy: browsers apply `form-action` to where a form is redirected too,
    and a provider may send people on to hosts that nobody can list.
    """

    request.session[GOING_TO] = next_url

    def start() -> HttpResponse:
        provider = get_adapter().get_provider(request, settings.OIDC_PROVIDER)
        answer: HttpResponse = provider.redirect(request, process=process, next_url=next_url, **more)
        if "Location" not in answer:
            return answer
        return render(request, "people/leaving.html", {"url": answer["Location"], "name": settings.OIDC_NAME})

    return _or_error_page(request, start)


def _or_error_page(request: Request, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Call the provider; when it does not answer, or not as it should, say so."""
    try:
        return work()
    except _FAILURES as error:
        event("single sign-on failed", address=client_address(request), cause=type(error).__name__)
        return render(request, "socialaccount/authentication_error.html", status=502)


def _check_subject(answer: dict[str, Any]) -> None:
    """Require that the ID token and the user information are of the same person (OpenID Connect Core 5.3.2)."""
    subjects = {part["sub"] for part in (answer.get("userinfo"), answer.get("id_token")) if part}
    if len(subjects) != 1:
        raise PermissionDenied


def _confirm(request: HttpRequest, login: SocialLogin) -> HttpResponse:
    """Take a new sign-in at the provider as the confirmation of a change, if it is the same person's."""
    signed_in_at = (login.account.extra_data.get("id_token") or {}).get("auth_time", time.time())
    if login.is_existing and login.user == request.user and time.time() - signed_in_at < TIMEOUT.total_seconds():
        record_authentication(request, request.user, "socialaccount", reauthenticated=True)
        return go_on(request, login.state.get("next") or "/")  # type: ignore[return-value]
    messages.error(request, gettext("Single sign-on did not confirm that it is you. Sign out there, then try again."))
    return redirect("mfa_index")


def _admit(request: HttpRequest, login: SocialLogin) -> User | None:
    """Return the person that an account at the provider belongs to, who may be new; none if nobody let them in."""
    email = _verified_email(login.account.extra_data)
    if link := EntryLink.objects.find_invitation(request.session.pop(INVITATION, None)):
        with transaction.atomic():
            return _create(request, login, link.email or email, link.given_role) if link.use() else None
    if not email:
        return None
    known = list(User.objects.filter(email__iexact=email)[:2])
    if known:
        return known[0] if len(known) == 1 and _may_be_connected(known[0]) else None
    if email.rpartition("@")[2].lower() in settings.OIDC_DOMAINS:
        return _create(request, login, email, READER)
    return None


def _may_be_connected(person: User) -> bool:
    """Whether a person has no other account at the provider: an address may have passed on to somebody else."""
    has_another = SocialAccount.objects.filter(user=person, provider=settings.OIDC_PROVIDER).exists()
    return person.is_active and not has_another


def _verified_email(answer: dict[str, Any]) -> str:
    """Return the e-mail address if the provider says that it is verified. Some say so by the word `true`."""
    facts = answer.get("userinfo") or answer.get("id_token") or {}
    return str(facts.get("email") or "") if facts.get("email_verified") in (True, "true") else ""


def _create(request: HttpRequest, login: SocialLogin, email: str, role: Role) -> User:
    """Create a person without a password."""
    names = [login.user.username, email.partition("@")[0], "person"]
    taken = email and User.objects.filter(email__iexact=email).exists()
    person = User(username=get_account_adapter().generate_unique_username(names), email="" if taken else email)
    person.set_unusable_password()
    person.save()
    give_role(person, role)
    event("person created", whom=person.pk, role=role, address=client_address(request))
    return person
