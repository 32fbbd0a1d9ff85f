"""Guessing is slow, and strangers can lock out neither a person nor an office."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse

from tests.pages import has
from viewer.accounts import attempts, hashing
from viewer.web.client_address import client_address, network_of

RIGHT = "alice reads 1"
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(autouse=True)
def _fresh_counters() -> Iterator[None]:
    caches["attempts"].clear()
    yield
    caches["attempts"].clear()


def sign_in(
    name: str = "alice", password: str = "wrong", address: str = HERE, browser: Client | None = None
) -> HttpResponse:
    browser = browser or Client()
    return browser.post("/login/", {"login": name, "password": password}, REMOTE_ADDR=address)


def is_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302


def fail(times: int, name: str = "alice", **where: Any) -> None:
    for _ in range(times):
        sign_in(name, **where)


def doors() -> Iterator[str]:
    """Every address of the URLconf that needs no argument."""
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            with suppress(NoReverseMatch):
                yield reverse(pattern.name)


@pytest.mark.slow
def test_every_door_is_locked_after_wrong_passwords(alice: User) -> None:
    opened = set()
    for door in doors():
        for password, names in [*[("wrong", {"x": "y"})] * 6, (RIGHT, {"next": "/"})]:
            browser = Client(REMOTE_ADDR=HERE)
            answer = browser.post(door, {"login": "alice", "username": "alice", "password": password, **names})
            if password == RIGHT and "_auth_user_id" in browser.session:
                opened.add((door, answer.status_code))
        caches["attempts"].clear()
    assert opened == set()
    assert is_in(sign_in(password=RIGHT))


def test_a_locked_name_is_told_the_wait(alice: User) -> None:
    fail(5)
    answer = sign_in(password=RIGHT)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 300
    assert "Too many wrong passwords for this username. Try again in 5 minutes." in answer.content.decode()
    assert has(answer.text, 'input[name="password"]')


def test_a_name_that_nobody_has_is_answered_alike(alice: User) -> None:
    answers = [[sign_in(name) for _ in range(6)] for name in ("alice", "nobody")]
    for known, unknown in zip(*answers, strict=True):
        assert known.status_code == unknown.status_code
        assert known.headers.keys() == unknown.headers.keys()
        assert len(known.content.replace(b"alice", b"nobody")) == len(unknown.content)


@pytest.mark.parametrize("spelling", ["ALICE", " alice ", "ａｌｉｃｅ"])
def test_another_spelling_is_the_same_name(alice: User, spelling: str) -> None:
    fail(5, spelling)
    assert sign_in(password=RIGHT).status_code == 429


def test_strangers_do_not_lock_a_browser_out_that_has_signed_in_before(alice: User) -> None:
    known = Client()
    assert is_in(sign_in(password=RIGHT, browser=known))
    known.post("/logout/")
    fail(8)
    assert sign_in(password=RIGHT).status_code == 429
    assert is_in(sign_in(password=RIGHT, browser=known))


def test_a_known_browser_has_five_tries_and_only_for_its_person(alice: User, bob: User) -> None:
    known = Client()
    sign_in(password=RIGHT, browser=known)
    known.post("/logout/")
    fail(5, browser=known)
    assert sign_in(password=RIGHT, browser=known).status_code == 429
    assert is_in(sign_in(password=RIGHT))
    fail(5, "bob")
    assert sign_in("bob", "bob reads 1", browser=known).status_code == 429


@pytest.mark.parametrize("how", ["forged", "of another name"])
def test_a_device_cookie_cannot_be_made_up(alice: User, bob: User, how: str) -> None:
    known, other = Client(), Client()
    sign_in(password=RIGHT, browser=known)
    sign_in("bob", "bob reads 1", browser=other)
    [mine] = [name for name in known.cookies if name.startswith("device-")]
    [theirs] = [name for name in other.cookies if name.startswith("device-")]
    assert known.cookies[mine]["httponly"]
    assert known.cookies[mine]["path"] == "/login/"
    assert mine != theirs
    thief = Client()
    thief.cookies[mine] = "x:y:z" if how == "forged" else other.cookies[theirs].value
    fail(5)
    assert sign_in(password=RIGHT, browser=thief).status_code == 429


def test_one_address_does_not_lock_a_name_everywhere(alice: User) -> None:
    fail(5)
    assert is_in(sign_in(password=RIGHT, address=ELSEWHERE))


@pytest.mark.slow
def test_many_addresses_do(alice: User) -> None:
    for n in range(25):
        fail(4, address=f"203.0.113.{n}")
    assert sign_in(password=RIGHT, address=ELSEWHERE).status_code == 429


def test_one_stranger_does_not_lock_an_office_out_and_guesses_ever_more_slowly(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_MAX_FROM_ADDRESS", 30)
    for n in range(30):
        sign_in(f"guess {n}")
    assert is_in(sign_in(password=RIGHT))
    tried = [sign_in("bob").status_code for _ in range(3)]
    assert tried == [200, 429, 429]
    assert sign_in("bob", address=ELSEWHERE).status_code == 200


def test_fifty_colleagues_of_one_office_come_in_within_a_minute(alice: User) -> None:
    assert all(is_in(sign_in(password=RIGHT)) for _ in range(50))


@pytest.mark.django_db(transaction=True)
def test_eight_right_sign_ins_of_one_name_at_once_are_let_in(alice: User) -> None:
    def one(_: int) -> bool:
        try:
            return is_in(sign_in(password=RIGHT))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as people:
        assert list(people.map(one, range(8))) == [True] * 8


@pytest.mark.django_db(transaction=True)
def test_many_wrong_ones_at_once_are_not_more_than_one_after_the_other(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = itertools.count()
    right = User.check_password

    def check(self: User, password: str) -> bool:
        next(checked)
        time.sleep(0.05)
        return right(self, password)

    monkeypatch.setattr(User, "check_password", check)

    def one(_: int) -> int:
        try:
            return sign_in().status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(hashing.MAX_STRANGERS) as strangers:
        assert set(strangers.map(one, range(hashing.MAX_STRANGERS))) <= {200, 429}
    assert next(checked) < 5 + hashing.MAX_HASHING


def test_only_a_few_passwords_are_hashed_at_once_and_a_full_queue_says_so(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, most = 0, 0
    counting, go = threading.Lock(), threading.Event()

    def hash_slowly() -> None:
        nonlocal at_work, most
        with (
            hashing.queued_slot(is_known=False),
            hashing.slot(),
        ):  # a hash within the check of a password takes no second turn
            with counting:
                at_work += 1
                most = max(most, at_work)
            go.wait(60)
            with counting:
                at_work -= 1

    threads = [threading.Thread(target=hash_slowly) for _ in range(hashing.MAX_STRANGERS)]
    for thread in threads:
        thread.start()
    try:
        while at_work < hashing.MAX_HASHING or hashing._strangers._value:
            time.sleep(0.01)
        answer = sign_in(password=RIGHT)
    finally:
        go.set()
        for thread in threads:
            thread.join()
    assert most == hashing.MAX_HASHING
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Too many people are signing in." in answer.content.decode()
    assert is_in(sign_in(password=RIGHT))


def test_a_queue_full_of_strangers_does_not_keep_a_known_browser_out(alice: User) -> None:
    known = Client()
    sign_in(password=RIGHT, browser=known)
    known.post("/logout/")
    for _ in range(hashing.MAX_STRANGERS):
        hashing._strangers.acquire()
    try:
        assert sign_in(password=RIGHT).status_code == 503
        assert is_in(sign_in(password=RIGHT, browser=known))
    finally:
        for _ in range(hashing.MAX_STRANGERS):
            hashing._strangers.release()


def test_argon2_waits_for_its_turn() -> None:
    hasher, done = hashing.Argon2(), threading.Event()
    hasher.memory_cost = 1_000
    encoded = hasher.encode("a password", "somesalt")

    def verify() -> None:
        assert hasher.verify("a password", encoded)
        done.set()

    thread = threading.Thread(target=verify)
    for _ in range(hashing.MAX_HASHING):
        hashing._slots.acquire()
    thread.start()
    try:
        assert not done.wait(0.2)
    finally:
        for _ in range(hashing.MAX_HASHING):
            hashing._slots.release()
    assert done.wait(10)
    thread.join()


@pytest.mark.parametrize(
    ("proxies", "shown", "expected"),
    [
        (0, "203.0.113.9", HERE),
        (1, None, HERE),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (2, "1.1.1.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (3, "203.0.113.9", "203.0.113.9"),
        (9, "203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (1, "unknown", HERE),
        (1, "", HERE),
        (1, ", ,", HERE),
        (1, "x" * 9000, HERE),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_the_address_is_found_whatever_proxies_say(
    client: Client, alice: User, settings: Any, proxies: int, shown: str | None, expected: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    headers = {} if shown is None else {"X-Forwarded-For": shown}
    assert client_address(RequestFactory(REMOTE_ADDR=HERE, headers=headers).get("/")) == expected
    answer = client.post("/login/", {"login": "alice", "password": RIGHT}, REMOTE_ADDR=HERE, headers=headers)
    assert is_in(answer)


def test_no_address_at_all_is_no_failure(client: Client, alice: User) -> None:
    assert is_in(client.post("/login/", {"login": "alice", "password": RIGHT}, REMOTE_ADDR=""))


def test_a_subscriber_has_one_counter_for_all_their_ipv6_addresses(rf: RequestFactory) -> None:
    one, two = (rf.get("/", REMOTE_ADDR=f"2001:db8:1:2:{n}::1") for n in (1, 2))
    assert network_of(one) == network_of(two) == "2001:db8:1:2::/64"


@pytest.mark.parametrize(
    ("proxies", "shown", "warns"), [(0, "1.2.3.4", True), (1, "1.2.3.4", False), (2, "1.2.3.4", True)]
)
def test_a_wrong_number_of_proxies_is_logged_once(
    client: Client, alice: User, settings: Any, caplog: pytest.LogCaptureFixture, proxies: int, shown: str, warns: bool
) -> None:
    from viewer.web.client_address import _warn_once

    _warn_once.cache_clear()
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    for _ in range(3):
        client.post("/login/", {"login": "alice", "password": "x"}, headers={"X-Forwarded-For": shown})
    assert caplog.text.count("TRUSTED_PROXIES") == (1 if warns else 0)


def test_what_is_drawn_and_found_does_not_push_the_counters_out(alice: User) -> None:
    kept: Callable[..., Any] = caches["finds"].set
    fail(5)
    for n in range(12_000):
        kept(str(n), n)
        caches["default"].set(str(n), n)
    assert sign_in(password=RIGHT).status_code == 429
