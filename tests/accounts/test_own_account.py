"""Where a person is signed in, and how they end it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from tests.pages import elements, visible
from viewer.accounts.models import Session
from viewer.accounts.own_account import browser_name

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1"
EDGE = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/537 Chrome/142.0 Safari/537.36 Edg/142.0"


@pytest.fixture(autouse=True)
def _fresh_counters() -> Iterator[None]:
    caches["attempts"].clear()
    yield
    caches["attempts"].clear()


def sign_in(name: str, user_agent: str, address: str) -> Client:
    browser = Client(headers={"user-agent": user_agent}, REMOTE_ADDR=address)
    assert browser.post("/login/", {"login": name, "password": f"{name} reads 1"}).status_code == 302
    return browser


def shown(browser: Client) -> list[str]:
    return [visible(form) for form in elements(browser.get("/account/").text, "[data-session]")]


def test_the_browsers_are_listed_with_address_and_this_one_first(alice: User, bob: User) -> None:
    here = sign_in("alice", FIREFOX, "203.0.113.5")
    sign_in("alice", PHONE, "2001:db8::7")
    sign_in("bob", EDGE, "203.0.113.9")
    first, second = shown(here)
    assert "Firefox, Windows" in first
    assert "This browser" in first
    assert "203.0.113.5" in first
    assert "Safari, iPhone" in second
    assert "2001:db8::7" in second


def test_one_is_ended_or_all_others_and_never_somebody_elses(alice: User, bob: User) -> None:
    here, there, third = (sign_in("alice", agent, "203.0.113.5") for agent in (FIREFOX, PHONE, EDGE))
    bobs = sign_in("bob", EDGE, "203.0.113.9")
    keys = {row.user_id: row.session_key for row in Session.objects.all()}
    here.post("/account/sessions/end/", {"key": keys[bob.pk]})
    assert bobs.get("/shortcuts/").status_code == 200
    key = Session.objects.filter(user=alice).order_by("-started_at")[1].session_key
    here.post("/account/sessions/end/", {"key": key})
    assert [browser.get("/shortcuts/").status_code for browser in (here, there, third)] == [200, 302, 200]
    here.post("/account/sessions/end/")
    assert [browser.get("/shortcuts/").status_code for browser in (here, third, bobs)] == [200, 302, 200]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [(FIREFOX, "Firefox, Windows"), (PHONE, "Safari, iPhone"), (EDGE, "Edge, macOS"), ("curl/8", ""), ("", "")],
)
def test_a_browser_is_named_as_people_know_it(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name
