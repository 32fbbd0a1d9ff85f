"""Authenticator apps, passkeys and recovery codes: nobody gets past them, guesses them or uses one twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core.cache import caches
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from fido2.webauthn import AuthenticatorData

from tests.conftest import make_completion, say
from tests.pages import element, elements, has, visible
from tests.passkeys import Passkey
from tests.traces import database_bytes
from viewer.accounts.models import Session
from viewer.accounts.roles import ADMINISTRATOR, give_role
from viewer.accounts.sessions import SessionStore

PASSWORD = {"login": "alice", "password": "alice reads 1"}
PERMALINK = "/completions/chatcmpl-one/messages/chatcmpl-one-0/?order=desc"


@pytest.fixture(autouse=True)
def _fresh_counters() -> Iterator[None]:
    for cache in ("attempts", "default"):
        caches[cache].clear()
    yield
    for cache in ("attempts", "default"):
        caches[cache].clear()


@pytest.fixture
def secret(alice: User) -> str:
    """Alice has an app with this secret, and recovery codes."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(alice, secret)
    RecoveryCodes.activate(alice)
    return secret


def code_of(secret: str, steps: int = 0) -> str:
    counter = list(totp.yield_hotp_counters_from_time())[1] + steps
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def wrong(secret: str) -> str:
    right = {code_of(secret, steps) for steps in (-1, 0, 1, 2)}
    return next(code for number in range(10) if (code := f"{number:06}") not in right)


def is_in(browser: Client) -> bool:
    return browser.get("/shortcuts/").status_code == 200


def halfway(browser: Client | None = None, **more: str) -> Client:
    """A browser in which alice's password was right."""
    browser = browser or Client()
    assert browser.post("/login/", PASSWORD | more)["Location"] == "/login/code/"
    return browser


def test_the_page_first_asked_for_survives_the_second_factor(secret: str) -> None:
    browser = halfway(next=PERMALINK)
    assert browser.post("/login/code/", {"code": code_of(secret)})["Location"] == PERMALINK
    assert is_in(browser)


def test_no_other_address_opens_between_the_password_and_the_code(secret: str) -> None:
    browser, opened = halfway(), []
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name and not pattern.pattern.converters:
            defaults = {name: value for name, value in pattern.default_args.items() if name == "provider_id"}
            answer = browser.get(address := reverse(pattern.name, kwargs=defaults))
            if "_auth_user_id" in browser.session or (answer.status_code == 200 and "Account menu" in answer.text):
                opened.append(address)
    assert opened == []
    assert not is_in(browser)


def test_a_code_counts_once_even_within_its_time(secret: str) -> None:
    code = code_of(secret)
    assert halfway().post("/login/code/", {"code": code}).status_code == 302
    caches["default"].clear()  # another process, or one that forgot
    assert halfway().post("/login/code/", {"code": code}).status_code == 200
    assert halfway().post("/login/code/", {"code": code_of(secret, -1)}).status_code == 200  # an earlier one
    assert halfway().post("/login/code/", {"code": code_of(secret, 1)}).status_code == 302


def test_a_recovery_code_lets_in_once(secret: str, alice: User) -> None:
    code = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().get_unused_codes()[0]
    assert halfway().post("/login/code/", {"code": code}).status_code == 302
    assert halfway().post("/login/code/", {"code": code}).status_code == 200


@pytest.mark.parametrize("kind", ["an app's code", "a recovery code"])
def test_codes_are_not_guessed_from_however_many_browsers_and_addresses(secret: str, alice: User, kind: str) -> None:
    codes = Authenticator.objects.get(user=alice, type="recovery_codes").wrap()
    guess, right = (
        (wrong(secret), code_of(secret)) if kind == "an app's code" else ("00000000", codes.get_unused_codes()[0])
    )
    for number in range(5):
        browser = halfway(Client(REMOTE_ADDR=f"203.0.113.{number}"))
        assert browser.post("/login/code/", {"code": guess}).status_code == 200
    answer = halfway(Client(REMOTE_ADDR="198.51.100.1")).post("/login/code/", {"code": right})
    assert (answer.status_code, 0 < int(answer["Retry-After"]) <= 300) == (429, True)
    assert "Too many wrong codes. Try again in 5 minutes." in visible(element(answer.text, "main"))


def test_a_stranger_with_the_password_does_not_lock_out_the_owner(secret: str) -> None:
    owner = halfway()
    owner.post("/login/code/", {"code": code_of(secret, -1)})
    owner.post("/logout/")
    for _ in range(6):
        halfway().post("/login/code/", {"code": wrong(secret)})
    assert halfway(owner).post("/login/code/", {"code": code_of(secret)}).status_code == 302


def test_confirming_by_code_has_the_same_limit(secret: str, alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    for _ in range(5):
        browser.post("/confirm/code/", {"code": wrong(secret)})
    assert browser.post("/confirm/code/", {"code": code_of(secret)}).status_code == 429


def test_an_app_is_set_up_with_recovery_codes_and_removed_with_them(reader: Client, alice: User) -> None:
    page = reader.get("/account/app/").text
    assert element(page, "img.qr").attributes["src"].startswith("data:image/svg+xml;base64,")
    secret = element(page, "input.secret").attributes["value"]
    refused = reader.post("/account/app/", {"code": wrong(secret)})
    assert "Wrong code" in visible(element(refused.text, ".field-error"))
    codes = reader.post("/account/app/", {"code": code_of(secret)}, follow=True)
    assert len(elements(codes.text, ".codes code")) == 10
    assert codes["Cache-Control"].startswith("max-age=0") or "no-store" in codes["Cache-Control"]
    downloaded = reader.get("/account/codes/download/")
    assert len(re.findall(r"^\d{8}$", downloaded.text, re.MULTILINE)) == 10
    reader.post("/account/app/remove/")
    assert not Authenticator.objects.filter(user=alice).exists()


@pytest.mark.django_db(transaction=True)
def test_a_stolen_database_holds_no_secret_of_a_second_factor(reader: Client, alice: User) -> None:
    secret = element(reader.get("/account/app/").text, "input.secret").attributes["value"]
    reader.post("/account/app/", {"code": code_of(secret)})
    codes = Authenticator.objects.get(user=alice, type="recovery_codes")
    stored = database_bytes()
    assert secret not in stored
    assert not [code for code in codes.wrap().get_unused_codes() if code in stored]


def test_the_secret_of_an_app_is_stored_encrypted_before_it_is_set_up_too(reader: Client) -> None:
    page = reader.get("/account/app/").text
    secret = reader.session["mfa.totp.secret"]
    assert secret in page
    assert secret == reader.session["mfa.totp.secret"]  # the next request reads it again
    stored = DatabaseStore.decode(SessionStore(), Session.objects.get().session_data)  # without decrypting
    assert secret not in str(stored)
    assert "mfa.totp.secret" in stored


def test_rotating_the_master_keys_takes_the_second_factors_along(secret: str, settings: Any) -> None:
    old = settings.KEY_ENCRYPTION_KEYS
    new = "A" * 43 + "="
    settings.KEY_ENCRYPTION_KEYS = [new, *old]
    call_command("rotate_encryption_keys")
    settings.KEY_ENCRYPTION_KEYS = [new]
    assert halfway().post("/login/code/", {"code": code_of(secret)}).status_code == 302


def test_a_secret_that_no_master_key_opens_is_told_and_lets_nobody_in(secret: str, settings: Any) -> None:
    settings.KEY_ENCRYPTION_KEYS = ["A" * 43 + "="]
    answer = halfway().post("/login/code/", {"code": code_of(secret)})
    assert "Ask your administrator" in visible(element(answer.text, "main"))


def options_of(page: str) -> Any:
    return json.loads(element(page, "pass-key[data-options]").attributes["data-options"])


@pytest.fixture
def passkey(reader: Client) -> Passkey:
    """Alice has a passkey, made on the page."""
    passkey = Passkey("http://localhost")
    host = {"headers": {"host": "localhost"}}
    credential = passkey.create(options_of(reader.get("/account/passkeys/add/", **host).text))
    answer = reader.post("/account/passkeys/add/", {"credential": credential, "name": "phone"}, **host)
    assert answer["Location"] == "/account/codes/"
    return passkey


def test_a_passkey_signs_in_alone_and_leads_to_the_page_first_asked_for(passkey: Passkey) -> None:
    browser = Client(headers={"host": "localhost"})
    options = browser.get("/login/passkey/", headers={"accept": "application/json"}).json()["request_options"]
    answer = browser.post("/login/passkey/", {"credential": passkey.get(options), "next": PERMALINK})
    assert answer["Location"] == PERMALINK
    assert is_in(browser)
    again = Client(headers={"host": "localhost"})
    again.get("/login/passkey/", headers={"accept": "application/json"})
    refused = again.post("/login/passkey/", {"credential": passkey.get(options), "next": PERMALINK}, follow=True)
    assert "This passkey was not accepted." in visible(element(refused.text, ".notice[role=alert]"))
    assert element(refused.text, 'pass-key [name="next"]').attributes["value"] == PERMALINK
    assert not is_in(again)


BROKEN = ["", "[]", "{}", "1", "null", '"x"', "{", '{"id": "x", "rawId": "x", "type": "public-key", "response": {}}']


@pytest.mark.parametrize("credential", BROKEN)
def test_what_is_no_passkey_is_refused_on_every_page(passkey: Passkey, reader: Client, credential: str) -> None:
    host = {"headers": {"host": "localhost"}}
    for page in ("/account/passkeys/add/", "/confirm/passkey/", "/login/code/", "/login/passkey/"):
        browser = halfway(Client(headers={"host": "localhost"})) if page == "/login/code/" else reader
        browser = Client(headers={"host": "localhost"}) if page == "/login/passkey/" else browser
        browser.get(page, headers={"accept": "application/json", "host": "localhost"})
        assert browser.post(page, {"credential": credential}, **host).status_code in (200, 302)
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_a_passkey_is_the_second_factor_too_and_another_one_is_not(passkey: Passkey) -> None:
    for key, status in ((Passkey(), 200), (passkey, 302)):
        browser = halfway(Client(headers={"host": "localhost"}))
        options = options_of(browser.get("/login/code/").text)
        answer = browser.post("/login/code/", {"credential": key.get(options)})
        assert answer.status_code == status
        assert ("This passkey was not accepted. Try again." in answer.text) == (status == 200)


def test_a_passkey_gets_another_name(passkey: Passkey, reader: Client) -> None:
    page = f"/account/passkeys/{Authenticator.objects.get(type='webauthn').pk}/"
    assert element(reader.get(page).text, "#id_name").attributes["value"] == "phone"
    for name in ("", "x" * 61):
        assert has(reader.post(page, {"name": name}).text, ".field-error")
    assert reader.post(page, {"name": "old phone"})["Location"] == "/account/"
    assert "old phone" in visible(reader.get("/account/").text)


def test_a_key_that_only_proves_to_be_there_replaces_no_password(passkey: Passkey) -> None:
    passkey.flags &= ~AuthenticatorData.FLAG.UV
    browser = Client(headers={"host": "localhost"})
    options = browser.get("/login/passkey/", headers={"accept": "application/json"}).json()["request_options"]
    browser.post("/login/passkey/", {"credential": passkey.get(options)})
    assert not is_in(browser)


def test_whose_password_was_changed_or_who_was_locked_out_meanwhile_stays_out(secret: str, alice: User) -> None:
    first, second = halfway(), halfway()
    alice.set_password("another river 42")
    alice.save()
    assert first.post("/login/code/", {"code": code_of(secret)})["Location"] == "/login/"
    browser = Client()
    browser.post("/login/", {"login": "alice", "password": "another river 42"})
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert browser.post("/login/code/", {"code": code_of(secret)})["Location"] == "/inactive/"
    assert "_auth_user_id" not in browser.session
    assert not is_in(second)


def test_a_passkey_confirms_a_change(passkey: Passkey, reader: Client) -> None:
    host = {"headers": {"host": "localhost"}}
    options = options_of(reader.get("/confirm/passkey/?next=/keys/", **host).text)
    answer = reader.post("/confirm/passkey/?next=/keys/", {"credential": passkey.get(options)}, **host)
    assert answer["Location"] == "/keys/"


def test_a_deactivated_person_gets_in_by_no_passkey(passkey: Passkey, alice: User) -> None:
    alice.is_active = False
    alice.save()
    browser = Client(headers={"host": "localhost"})
    options = browser.get("/login/passkey/", headers={"accept": "application/json"}).json()["request_options"]
    assert browser.post("/login/passkey/", {"credential": passkey.get(options)})["Location"] == "/inactive/"


REQUIRED = [("optional", "nobody"), ("administrators", "administrators"), ("everyone", "everyone")]


@pytest.mark.parametrize(("setting", "who"), REQUIRED)
def test_a_required_second_factor_is_asked_of_whom_the_setting_says(
    alice: User, bob: User, settings: Any, setting: str, who: str
) -> None:
    settings.SECOND_FACTOR = setting
    give_role(bob, ADMINISTRATOR)
    for person, is_asked in ((alice, who == "everyone"), (bob, who != "nobody")):
        browser = Client()
        browser.force_login(person)
        assert browser.get("/shortcuts/").get("Location", "") == ("/account/" if is_asked else "")


def test_nothing_but_setting_it_up_opens_before_a_required_second_factor(
    reader: Client, settings: Any, stored: Any
) -> None:
    stored(make_completion("chatcmpl-one", say("user", "zanzibar")))
    settings.SECOND_FACTOR = "everyone"
    opened = []
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name and getattr(pattern.callback, "login_required", True):
            if pattern.pattern.converters:
                continue
            for answer in (
                reader.get(reverse(pattern.name)),
                reader.get(reverse(pattern.name), headers={"HX-Request": "true"}),
            ):
                if "/account/" not in (answer.get("Location", ""), answer.get("HX-Redirect", "")):
                    opened.append(pattern.name)
    assert set(opened) == {
        "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes", "mfa_download_recovery_codes",
        "account_reauthenticate", "account_change_password", "choose-language", "session", "end-sessions",
        "confirm-by-single-sign-on",
    }  # fmt: skip
    assert reader.get(PERMALINK)["Location"] == "/account/"
    secret = element(reader.get("/account/app/").text, "input.secret").attributes["value"]
    reader.post("/account/app/", {"code": code_of(secret)})
    assert element(reader.get("/account/").text, ".notice--good a").attributes["href"] == PERMALINK
    assert reader.get(PERMALINK).status_code == 200
