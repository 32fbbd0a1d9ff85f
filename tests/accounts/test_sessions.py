"""How long a session lasts, what the database stores of it, and that reading never waits for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import make_completion, make_key
from tests.locks import patience_of_writes
from tests.pages import element
from tests.traces import database_bytes
from viewer.accounts.models import Session
from viewer.accounts.roles import ROLES, Role, give_role
from viewer.accounts.sessions import IDLE_LIMIT, SessionStore, digest
from viewer.deployment.waiting import patience
from viewer.read_log import recording
from viewer.sync.models import CopyRun, Selection

HOUR = timedelta(hours=1)
FILTERED = "/completions/?model=gpt-4.1"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let time pass for Django's clock."""
    now = timezone.now
    passed = timedelta()

    def pass_by(span: timedelta) -> None:
        nonlocal passed
        passed += span
        monkeypatch.setattr(timezone, "now", lambda: now() + passed)

    return pass_by


def is_signed_in(browser: Client) -> bool:
    return browser.get("/shortcuts/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_stolen_database_signs_nobody_in(reader: Client) -> None:
    assert is_signed_in(reader)
    key = reader.cookies["session"].value
    assert key not in database_bytes()
    stored = Session.objects.get().session_key
    assert stored == digest(key)
    thief = Client()
    thief.cookies["session"] = stored
    assert not is_signed_in(thief)


def test_a_session_ends_after_a_working_day_however_much_it_is_used(
    reader: Client, later: Callable[[timedelta], None]
) -> None:
    for hour in range(12):
        assert is_signed_in(reader), hour
        reader.get(f"{FILTERED}&metadata[hour]={hour}")
        later(HOUR)
    assert not is_signed_in(reader)


def test_the_cookie_lasts_as_long_as_the_session_and_no_longer(
    reader: Client, alice: User, later: Callable[[timedelta], None]
) -> None:
    later(3 * HOUR)
    session = reader.session
    assert session["_auth_user_id"]
    assert session.get_expiry_age() == pytest.approx(9 * 60 * 60, abs=60)
    reader.cookies.clear()
    answer = reader.post("/login/", {"login": "alice", "password": "alice reads 1"})
    assert answer.cookies["session"]["max-age"] == pytest.approx(12 * 60 * 60, abs=60)


def test_an_unused_session_ends_and_a_used_one_does_not(reader: Client, later: Callable[[timedelta], None]) -> None:
    for _ in range(2):
        later(IDLE_LIMIT - timedelta(minutes=10))
        assert is_signed_in(reader)
    later(IDLE_LIMIT + timedelta(seconds=1))
    assert not is_signed_in(reader)


def test_a_page_that_asks_by_itself_keeps_no_session_alive(
    reader: Client, alice: User, later: Callable[[timedelta], None]
) -> None:
    run = CopyRun.objects.start_or_resume(make_key(alice, base_url="http://127.0.0.1:9/v1"), Selection())
    page = reader.get("/imports/").content.decode()
    polling = element(page, '[hx-trigger="every 2s"]')
    assert polling.attributes["hx-headers"] == '{"X-Polled": "true"}'
    for _ in range(4):
        later(HOUR - timedelta(seconds=1))
        polled = {"HX-Request": "true", "X-Polled": "true"}
        assert reader.get(f"/imports/{run.pk}/", headers=polled).status_code == 200
    later(timedelta(minutes=1))
    assert not is_signed_in(reader)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/health/", "/login/"])
def test_what_asks_for_no_session_keeps_none_alive(
    reader: Client, later: Callable[[timedelta], None], path: str
) -> None:
    later(IDLE_LIMIT - timedelta(minutes=10))
    reader.get(path)
    later(timedelta(minutes=11))
    assert not is_signed_in(reader)


def test_use_is_noted_once_in_some_minutes(reader: Client, later: Callable[[timedelta], None]) -> None:
    def writes() -> int:
        with CaptureQueriesContext(connection) as asked:
            reader.get("/shortcuts/")
        return sum(query["sql"].startswith("UPDATE") for query in asked.captured_queries)

    assert writes() == 0
    later(timedelta(minutes=6))
    assert (writes(), writes()) == (1, 0)


@pytest.fixture
def locked_database(reader: Client, stored: Callable[..., Any]) -> Iterator[None]:
    """Another process, such as an import, is writing to SQLite all the time."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has one writer at a time")
    stored(make_completion("chatcmpl-one"))
    assert is_signed_in(reader)
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("locked_database")
def test_reading_waits_for_the_read_log_alone_and_not_for_the_session_to_be_written(
    reader: Client, later: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_MAX_WAIT", 0.05)
    later(timedelta(minutes=6))
    page = {"Referer": f"http://testserver{FILTERED}"}
    with patience_of_writes() as waits:
        assert reader.get("/completions/chatcmpl-one/", headers=page).status_code == 503
    assert waits.count(50) == 1
    assert set(waits) == {0, 50}
    assert patience.get() == 20


def test_a_filter_that_is_remembered_while_the_session_ends_is_no_error(
    reader: Client, stored: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make_completion("chatcmpl-one"))
    kept = SessionStore.keep

    def end_first(self: SessionStore, name: str, value: Any) -> None:
        Session.objects.all().delete()
        kept(self, name, value)

    monkeypatch.setattr(SessionStore, "keep", end_first)
    page = {"Referer": f"http://testserver{FILTERED}"}
    assert reader.get("/completions/chatcmpl-one/", headers=page).status_code == 200
    assert not Session.objects.exists()


def test_an_account_that_is_opened_again_has_no_sessions(reader: Client, alice: User) -> None:
    assert is_signed_in(reader)
    for is_active in (False, True):
        alice.is_active = is_active
        alice.save()
    assert not is_signed_in(reader)


def test_a_new_password_ends_the_other_sessions_and_no_token(reader: Client, alice: User, alices_token: str) -> None:
    elsewhere = Client()
    elsewhere.force_login(alice)
    new = {"oldpassword": "alice reads 1", "password1": "reads on 29 pages", "password2": "reads on 29 pages"}
    assert "Access tokens keep working" in reader.get("/password/").content.decode()
    assert reader.post("/password/", new).status_code == 302
    assert is_signed_in(reader)
    assert not is_signed_in(elsewhere)
    bearer = {"Authorization": f"Bearer {alices_token}"}
    assert reader.get("/v1/chat/completions", headers=bearer).status_code == 200


def test_signing_in_clears_what_has_expired(client: Client, alice: User, bob: User) -> None:
    client.force_login(bob)
    Session.objects.update(expire_date=timezone.now() - HOUR)
    Client().post("/login/", {"login": "alice", "password": "alice reads 1"})
    assert Session.objects.get().user == alice


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!of nobody"}], ids=str)
def test_a_session_opens_nothing_once_its_person_may_not_come_in_with_it(
    reader: Client, alice: User, change: dict[str, Any]
) -> None:
    assert reader.get("/shortcuts/").status_code == 200
    User.objects.filter(pk=alice.pk).update(**change)
    assert reader.get("/shortcuts/")["Location"].startswith("/login/")


@pytest.mark.parametrize("role", ROLES)
def test_the_frame_of_a_page_costs_three_queries_for_every_role(
    client: Client, bob: User, role: Role, django_assert_max_num_queries: Any
) -> None:
    give_role(bob, role)
    make_key(bob)
    client.force_login(bob)
    with django_assert_max_num_queries(3):  # the session with its person and their role, the keys, what is unread
        client.get("/shortcuts/")


def test_all_that_a_page_remembers_is_written_at_once(reader: Client, stored: Callable[..., Any]) -> None:
    stored(make_completion("c-1"))
    reader.get(FILTERED)
    with CaptureQueriesContext(connection) as queries:
        reader.get("/completions/c-1/", headers={"referer": f"http://testserver{FILTERED}"})
    assert len([one for one in queries if one["sql"].startswith("UPDATE accounts_session")]) == 1
    assert reader.session["opened"] == ["c-1"]
    assert reader.session["lists"]["c-1"] == {"model": "gpt-4.1"}
