"""Single sign-on against a real provider: who comes in, who does not, and where they arrive."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from allauth.mfa.totp.internal import auth as totp
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as own_settings
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from tests.identity_provider import IdentityProvider, running_provider
from tests.pages import element, has, visible
from viewer.accounts.models import Session
from viewer.accounts.roles import ADMINISTRATOR, give_role, role_of
from viewer.accounts.sessions import GOING_TO, SessionStore
from viewer.keys.models import AccessToken
from viewer.people import single_sign_on
from viewer.people.models import EntryLink

PERMALINK = "/completions/chatcmpl-one/messages/chatcmpl-one-7/?order=desc"
EMAIL = "ann@firm.example"


@pytest.fixture(scope="module")
def _running() -> Iterator[IdentityProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    caches["attempts"].clear()


@pytest.fixture
def provider(_running: IdentityProvider, settings: Any, db: None) -> IdentityProvider:
    settings.OIDC_ISSUER, settings.OIDC_NAME = _running.issuer, "Firm login"
    app = {
        "provider_id": own_settings.OIDC_PROVIDER, "name": "Firm login", "client_id": "lectern", "secret": "s",
        "settings": {"server_url": _running.issuer, "oauth_pkce_enabled": True},
    }  # fmt: skip
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    _running.know("ann", email=EMAIL, email_verified=True, preferred_username="ann")
    return _running


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", email="Ann@firm.example", password="ann reads 1")


@pytest.fixture
def visitor(provider: IdentityProvider) -> Client:
    return Client()


def is_in(visitor: Client) -> bool:
    return visitor.get("/shortcuts/").status_code == 200


def test_without_an_issuer_there_is_no_such_button(client: Client, db: None) -> None:
    assert not has(client.get("/login/").text, '[action="/login/elsewhere/"]')
    assert client.post("/login/elsewhere/").status_code == 404


def test_a_verified_address_that_an_administrator_entered_comes_in_at_the_page_first_asked_for(
    visitor: Client, provider: IdentityProvider, ann: User
) -> None:
    form = element(visitor.get(f"/login/?next={PERMALINK}").text, '[action="/login/elsewhere/"] [name="next"]')
    answer = provider.enter(visitor, "ann", next=form.attributes["value"] or "")
    assert answer["Location"] == PERMALINK
    assert is_in(visitor)
    assert User.objects.get(username="ann").has_usable_password()  # the password is not taken away
    again = Client()
    provider.know("ann", email="new@firm.example", email_verified=False)  # known from now on by what never changes
    assert provider.enter(again, "ann")["Location"] == "/"
    assert again.get("/account/").context["user"] == ann


@pytest.mark.parametrize("verified", [False, None, "false", "no", 0])
def test_an_address_that_is_not_verified_never_opens_an_account(
    visitor: Client, provider: IdentityProvider, ann: User, verified: Any
) -> None:
    provider.know("thief", email=EMAIL, **({} if verified is None else {"email_verified": verified}))
    answer = provider.enter(visitor, "thief")
    assert answer.status_code == 403
    assert "You are not invited yet" in visible(element(answer.text, "main"))
    assert not is_in(visitor)
    assert not SocialAccount.objects.exists()


def test_an_address_that_has_passed_on_to_somebody_else_does_not_open_the_account(
    visitor: Client, provider: IdentityProvider, ann: User
) -> None:
    provider.enter(visitor, "ann")
    provider.know("successor", email=EMAIL, email_verified=True)
    assert provider.enter(Client(), "successor").status_code == 403


def test_strangers_and_people_who_are_locked_out_stay_out(
    visitor: Client, provider: IdentityProvider, ann: User
) -> None:
    provider.know("stranger", email="eve@elsewhere.example", email_verified=True)
    assert provider.enter(visitor, "stranger").status_code == 403
    assert not User.objects.filter(email__startswith="eve").exists()
    provider.enter(visitor, "ann")
    ann.is_active = False
    ann.save()
    assert not is_in(visitor)
    assert provider.enter(Client(), "ann")["Location"] == "/inactive/"


def test_a_domain_of_the_setting_makes_readers(visitor: Client, provider: IdentityProvider, settings: Any) -> None:
    settings.OIDC_DOMAINS = ["firm.example"]
    provider.know("sub", email="bo@sub.firm.example", email_verified=True)
    assert provider.enter(Client(), "sub").status_code == 403
    provider.enter(visitor, "ann")
    person = User.objects.get(email=EMAIL)
    assert (person.username, role_of(person), person.has_usable_password()) == ("ann", "reader", False)
    assert is_in(visitor)


def test_an_invitation_is_accepted_with_single_sign_on_once(visitor: Client, provider: IdentityProvider) -> None:
    boss = User.objects.create_superuser("boss")
    _, secret = EntryLink.objects.issue(role="curator", made_by=boss)
    provider.know("ed", preferred_username="boss")  # no address, and a name that is taken
    page = f"/enter/{secret}/"
    assert provider.enter(visitor, "ed", page, elsewhere="yes")["Location"] == "/"
    person = SocialAccount.objects.get().user
    assert (role_of(person), person.username != "boss") == ("curator", True)
    assert visitor.get(page).status_code == 404
    provider.know("ed2")
    assert provider.enter(Client(), "ed2").status_code == 403


def test_the_second_factor_is_asked_for_after_single_sign_on_and_keeps_the_page(
    visitor: Client, provider: IdentityProvider, ann: User
) -> None:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(ann, secret)
    assert provider.enter(visitor, "ann", next=PERMALINK)["Location"] == "/login/code/"
    assert not is_in(visitor)
    code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    assert visitor.post("/login/code/", {"code": code})["Location"] == PERMALINK


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_single_sign_on_never_leads_to_another_site(
    visitor: Client, provider: IdentityProvider, ann: User, elsewhere: str
) -> None:
    assert provider.enter(visitor, "ann", next=elsewhere)["Location"] == "/"


def test_an_answer_is_good_once_and_in_the_browser_that_asked(
    visitor: Client, provider: IdentityProvider, ann: User
) -> None:
    back = provider.sign_in(visitor.post("/login/elsewhere/"), "ann")
    assert Client().get(back).status_code == 401
    assert visitor.get(back).status_code == 302
    visitor.post("/logout/")
    assert visitor.get(back).status_code == 401


def test_who_changes_their_mind_there_is_back_at_the_entrance(visitor: Client, provider: IdentityProvider) -> None:
    back = provider.sign_in(visitor.post("/login/elsewhere/", {"next": PERMALINK}), "ann", is_denied=True)
    page = visitor.get(back, follow=True)
    assert "Single sign-on was cancelled." in visible(page.text)
    assert page.redirect_chain[-1][0] == f"/login/?next={quote(PERMALINK)}"


def test_after_a_failure_the_way_back_keeps_the_page_and_the_session_holds_no_share(
    visitor: Client, provider: IdentityProvider
) -> None:
    share = f"/s/{'x' * 43}/"
    for back in ("/login/elsewhere/back/?error=server_error", "/login/elsewhere/back/?code=x&state=y", None):
        leaving = visitor.post("/login/elsewhere/", {"next": share})
        page = visitor.get(back or provider.sign_in(leaving, "stranger"))
        assert page.status_code in (401, 403)
        link = element(page.text, "main a.button")
        assert (visible(link), link.attributes["href"]) == ("Back to sign in", f"/login/?next={quote(share, safe='')}")
    stored = [DatabaseStore.decode(SessionStore(), one.session_data) for one in Session.objects.all()]
    assert GOING_TO in stored[0]
    assert share not in str(stored)


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9", "http://127.0.0.1:9/nowhere"])
def test_a_provider_that_does_not_answer_is_told(visitor: Client, settings: Any, issuer: str) -> None:
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = issuer
    settings.CONTACT = "help@firm.example"
    answer = visitor.post("/login/elsewhere/")
    assert answer.status_code == 502
    assert "help@firm.example" in visible(element(answer.text, "main"))


def test_an_account_is_connected_from_within_and_disconnected(
    visitor: Client, provider: IdentityProvider, alice: User
) -> None:
    visitor.force_login(alice)
    provider.know("alice-there", email="x@y.example", email_verified=False)
    provider.enter(visitor, "alice-there", process="connect")
    assert SocialAccount.objects.get().user == alice
    assert provider.enter(other := Client(), "alice-there").status_code == 302
    assert is_in(other)
    visitor.post("/account/disconnect/")
    assert not SocialAccount.objects.exists()


def test_connecting_brings_back_nobody_who_was_deactivated_meanwhile(
    visitor: Client, provider: IdentityProvider, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.force_login(alice)
    provider.know("alice-there", email="x@y.example", email_verified=False)
    monkeypatch.setattr(
        single_sign_on, "_check_subject", lambda _: User.objects.filter(pk=alice.pk).update(is_active=False)
    )
    provider.enter(visitor, "alice-there", process="connect")
    assert not User.objects.get(pk=alice.pk).is_active


def test_nobody_connects_an_account_of_somebody_else(
    visitor: Client, provider: IdentityProvider, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="lectern.events")
    provider.enter(visitor, "ann")
    mallory = User.objects.create_user("mallory", password="x")
    others = Client()
    others.force_login(mallory)
    provider.enter(others, "ann", process="connect")
    assert [record.message for record in caplog.records].count("single sign-on connected") == 1
    assert SocialAccount.objects.get().user == ann
    assert others.get("/account/").context["user"] == mallory


def test_connecting_asks_who_it_is_before(visitor: Client, provider: IdentityProvider, alice: User) -> None:
    visitor.force_login(alice)
    Session.objects.update(started_at=timezone.now() - timedelta(hours=1))
    answer = visitor.post("/login/elsewhere/", {"process": "connect"})
    assert answer["Location"].startswith("/confirm/password/?next=")


def test_who_has_no_password_confirms_by_signing_in_there_again(
    visitor: Client, provider: IdentityProvider, settings: Any
) -> None:
    settings.OIDC_DOMAINS = ["firm.example"]
    provider.enter(visitor, "ann")
    Session.objects.update(started_at=timezone.now() - timedelta(hours=1))
    asked = visitor.post("/tokens/", {"name": "reports"})["Location"]
    assert asked.startswith("/confirm/elsewhere/?next=")
    provider.know("eve", email="eve@firm.example", email_verified=True)
    provider.enter(visitor, "eve", "/confirm/elsewhere/", next="/tokens/")
    assert not AccessToken.objects.exists()
    answer = provider.enter(visitor, "ann", "/confirm/elsewhere/", next="/tokens/")
    assert has(answer.text, "input.secret")
    assert AccessToken.objects.get().owner.email == EMAIL


def test_the_last_way_in_is_not_disconnected(visitor: Client, provider: IdentityProvider, settings: Any) -> None:
    settings.OIDC_DOMAINS = ["firm.example"]
    provider.enter(visitor, "ann")
    assert "Set a password first" in visible(visitor.post("/account/disconnect/", follow=True).text)
    assert SocialAccount.objects.exists()


def test_roles_come_from_here_and_not_from_the_provider(visitor: Client, provider: IdentityProvider, ann: User) -> None:
    give_role(ann, ADMINISTRATOR)
    provider.know("ann", email=EMAIL, email_verified=True, roles=["reader"], groups=["reader"])
    provider.enter(visitor, "ann")
    assert visitor.get("/people/").status_code == 200
