"""Whoever changes a key, a token, a second factor or a right shows first that it is still them, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from tests.conftest import make_key
from tests.pages import element, elements
from tests.traces import database_bytes
from viewer.accounts.models import Session
from viewer.accounts.roles import ADMINISTRATOR, give_role
from viewer.keys.models import AccessToken, ApiKey

RIGHT = {"password": "alice reads 1"}
SECRET = "sk-typed-before-confirming"
KEY = {"label": "work", "key": SECRET, "base_url": "http://127.0.0.1:9/v1"}


@pytest.fixture(autouse=True)
def _fresh_counters() -> Iterator[None]:
    caches["attempts"].clear()
    yield
    caches["attempts"].clear()


@pytest.fixture
def tired(reader: Client) -> Client:
    """A browser in which alice signed in an hour ago."""
    Session.objects.update(started_at=timezone.now() - timedelta(hours=1))
    return reader


def test_who_has_just_signed_in_is_not_asked(reader: Client) -> None:
    assert reader.post("/tokens/", {"name": "reports"}).status_code == 200


CHANGES = [
    "/keys/", "/keys/{key}/", "/keys/{key}/delete/", "/tokens/", "/account/app/", "/account/codes/", "/account/codes/new/",
    "/account/codes/download/", "/account/passkeys/add/", "/account/passkeys/1/", "/account/passkeys/1/remove/",
    "/account/disconnect/",
    "/people/invite/", "/people/{person}/", "/people/{person}/state/", "/people/{person}/reset/",
]  # fmt: skip


@pytest.mark.parametrize("address", CHANGES)
def test_every_change_of_a_key_a_token_a_second_factor_or_a_right_asks(
    tired: Client, alice: User, bob: User, address: str
) -> None:
    give_role(alice, ADMINISTRATOR)
    page = address.format(key=make_key(alice).pk, person=bob.pk)
    assert tired.post(page)["Location"] == f"/confirm/password/?next={page.replace('/', '%2F')}"


def test_what_the_form_held_goes_on_after_the_password(tired: Client, settings: Any) -> None:
    settings.API_HOSTS = ["127.0.0.1:9", "http://127.0.0.1:9"]
    asked = tired.post("/keys/", KEY)["Location"]
    assert not ApiKey.objects.exists()
    assert tired.post(asked, {"password": "wrong"}).status_code == 200
    assert tired.post(asked, RIGHT)["Location"] == "/keys/"
    assert ApiKey.objects.get().open().reveal() == SECRET
    assert tired.post("/keys/", {"label": "x"}).status_code == 422  # confirmed now


def test_a_page_that_answers_a_kept_form_sends_its_own_form_to_its_own_address(tired: Client) -> None:
    answer = tired.post(tired.post("/tokens/", {"name": "reports"})["Location"], RIGHT)
    assert AccessToken.objects.get().name == "reports"
    assert element(answer.text, "input.secret").attributes["value"].startswith("lectern_")
    assert {form.attributes["action"] for form in elements(answer.text, "main form.stacked")} == {"/tokens/"}


@pytest.mark.django_db(transaction=True)
def test_a_stolen_database_has_neither_the_kept_form_nor_the_session(tired: Client) -> None:
    tired.post("/keys/", KEY)
    stored = database_bytes()
    assert SECRET not in stored
    assert tired.cookies["session"].value not in stored
    for row in Session.objects.all():
        assert SECRET not in str(row.get_decoded())
        assert tired.cookies["session"].value not in str(row.get_decoded())


def test_a_kept_form_goes_to_its_own_page_only(tired: Client) -> None:
    tired.post("/tokens/", {"name": "reports"})
    assert tired.post("/confirm/password/?next=/keys/", RIGHT)["Location"] == "/keys/"
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_confirming_never_leads_to_another_site(tired: Client, elsewhere: str) -> None:
    assert tired.post("/confirm/password/", RIGHT | {"next": elsewhere})["Location"] == "/"


def test_wrong_passwords_count_here_as_on_the_sign_in_page(tired: Client, client: Client) -> None:
    for _ in range(5):
        tired.post("/confirm/password/", {"password": "wrong"})
    answer = tired.post("/confirm/password/?next=/keys/", RIGHT)
    assert (answer.status_code, int(answer["Retry-After"]) > 0) == (429, True)
    assert Client().post("/login/", {"login": "alice", **RIGHT}).status_code == 429
