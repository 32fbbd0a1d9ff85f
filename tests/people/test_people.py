"""The page of people: who may use it, what each change does at once, and that nobody is left without an administrator."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import Group, User
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.conftest import make_key
from tests.pages import element, elements, visible
from tests.traces import database_bytes
from viewer.accounts import hashing
from viewer.accounts.models import Session
from viewer.accounts.roles import ADMINISTRATOR, CURATOR, READER, Role, administrators, give_role, role_of
from viewer.keys.models import AccessToken
from viewer.people import views
from viewer.people.changes import NotPossible, change_role, deactivate
from viewer.people.models import LIFETIME, EntryLink
from viewer.sync.models import CopyRun

NEW = {"password": "quiet river 42", "again": "quiet river 42"}


@pytest.fixture(autouse=True)
def _fresh_counters() -> Iterator[None]:
    caches["attempts"].clear()
    yield
    caches["attempts"].clear()


@pytest.fixture
def root(db: None) -> User:
    person = User.objects.create_user("root", password="root rules 1")
    give_role(person, ADMINISTRATOR)
    return person


@pytest.fixture
def desk(root: User) -> Client:
    """A browser of an administrator."""
    browser = Client()
    browser.force_login(root)
    return browser


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, logger="lectern.events")
    return lambda: [record.message for record in caplog.records]


def link_of(answer: Any) -> str:
    url = element(answer.text, "[data-entry-url][autofocus]").attributes["value"] or ""  # to copy it is what comes next
    return url.removeprefix("http://127.0.0.1:8000")


def row(browser: Client, person: User) -> str:
    return visible(element(browser.get("/people/").text, f'[data-person="{person.pk}"]'))


def reload(person: User) -> User:
    return User.objects.get(pk=person.pk)


def test_the_list_shows_role_second_factor_state_and_when_somebody_was_last_seen(
    desk: Client, alice: User, bob: User, mallory: User
) -> None:
    TOTP.activate(alice, "A" * 32)
    Authenticator.objects.create(user=alice, type="webauthn", data={"name": "x"})
    Client().post("/login/", {"login": "bob", "password": "bob reads 1"})
    mallory.is_active = False
    mallory.save()
    assert "Curator App Passkey never" in row(desk, alice)
    assert re.search(rf"Reader none .*{timezone.now().year}", row(desk, bob))
    assert "Deactivated" in row(desk, mallory)


def test_the_list_takes_as_many_queries_for_many_people_as_for_few(
    desk: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        give_role(User.objects.create_user(f"person {number}"), CURATOR)
    with django_assert_max_num_queries(14):
        assert len(elements(desk.get("/people/").text, "[data-person]")) == 31


@pytest.mark.parametrize("role", [READER, CURATOR])
def test_nobody_but_an_administrator_raises_anybody(alice: User, bob: User, role: Role) -> None:
    give_role(alice, role)
    browser = Client()
    browser.force_login(alice)
    for whom in (alice, bob):
        given = {"username": whom.username, "role": "administrator"}
        assert browser.post(f"/people/{whom.pk}/", given).status_code == 403
    assert browser.post("/people/invite/", {"role": "administrator"}).status_code == 403
    assert not administrators().exists()
    assert not EntryLink.objects.exists()


@pytest.mark.parametrize("role", [READER, CURATOR, ADMINISTRATOR])
def test_the_menu_shows_what_one_may_use_and_a_forbidden_page_says_whom_to_ask(
    alice: User, settings: Any, role: Role
) -> None:
    settings.CONTACT = "help@firm.example"
    give_role(alice, role)
    browser = Client()
    browser.force_login(alice)
    menu = {link.attributes["href"] for link in elements(browser.get("/shortcuts/").text, ".menu__panel a")}
    for page, is_allowed in (("/import/", role != READER), ("/people/", role == ADMINISTRATOR)):
        answer = browser.get(page)
        assert (page in menu, answer.status_code) == (is_allowed, 200 if is_allowed else 403)
        if not is_allowed:
            assert "help@firm.example" in visible(element(answer.text, "main"))
    if role == READER:
        assert "You can read, search and export" in visible(element(browser.get("/import/").text, "main"))
        assert browser.get("/palette/?q=Import").text.count("/import/") == 0


def test_a_role_is_changed_at_once_and_logged(
    desk: Client, alice: User, reader: Client, logged: Callable[[], list[str]]
) -> None:
    assert reader.get("/imports/").status_code == 200
    desk.post(f"/people/{alice.pk}/", {"username": "alicia", "email": "a@b.example", "role": "reader"})
    assert reader.get("/imports/").status_code == 403
    changed = reload(alice)
    assert (changed.username, changed.email, role_of(changed)) == ("alicia", "a@b.example", READER)
    assert {"role changed", "person changed"} <= set(logged())


def test_imports_of_somebody_who_is_no_curator_any_more_stop(desk: Client, alice: User) -> None:
    CopyRun.objects.start_or_resume(make_key(alice), "", {}, None)
    run = CopyRun.objects.claim()
    assert run
    assert run.owned().exists()
    desk.post(f"/people/{alice.pk}/", {"username": "alice", "role": "reader"})
    assert not run.owned().exists()  # its worker can write nothing more
    run.release()
    assert CopyRun.objects.claim() is None
    desk.post(f"/people/{alice.pk}/", {"username": "alice", "role": "curator"})
    assert CopyRun.objects.claim() == run


def test_a_demoted_superuser_keeps_nothing(desk: Client) -> None:
    old = User.objects.create_superuser("old", password="x")
    desk.post(f"/people/{old.pk}/", {"username": "old", "role": "reader"})
    assert (reload(old).is_superuser, reload(old).is_staff, role_of(reload(old))) == (False, False, READER)


def test_names_and_addresses_belong_to_one_person(desk: Client, alice: User, bob: User) -> None:
    bob.email = "Bob@firm.example"
    bob.save()
    answer = desk.post(f"/people/{alice.pk}/", {"username": "BOB", "email": "bob@FIRM.example", "role": "reader"})
    assert answer.status_code == 422
    taken = [visible(error) for error in elements(answer.text, ".field-error")]
    assert taken == ["Somebody else has this username.", "Somebody else has this address."]
    assert desk.post(f"/people/{alice.pk}/", {"username": "Alice", "role": "reader"}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_deactivated_person_is_out_at_once_with_sessions_tokens_links_and_imports(
    desk: Client, reader: Client, alice: User, logged: Callable[[], list[str]]
) -> None:
    _, token = AccessToken.objects.issue(alice, "x")
    link = link_of(desk.post(f"/people/{alice.pk}/reset/"))
    CopyRun.objects.start_or_resume(make_key(alice), "", {}, None)
    program = {"Authorization": f"Bearer {token}"}
    assert reader.get("/v1/chat/completions", headers=program).status_code == 200
    desk.post(f"/people/{alice.pk}/state/", {"active": "no"})
    assert reader.get("/shortcuts/").status_code == 302
    assert not Session.objects.filter(user=alice).exists()
    assert Client().get("/v1/chat/completions", headers=program).status_code == 401
    assert Client().get(link).status_code == 404
    assert not CopyRun.objects.claimable().exists()
    assert Client().post("/login/", {"login": "alice", "password": "alice reads 1"})["Location"] == "/inactive/"
    desk.post(f"/people/{alice.pk}/state/", {"active": "yes"})
    assert reader.get("/shortcuts/").status_code == 302  # the old session stays ended
    assert Client().post("/login/", {"login": "alice", "password": "alice reads 1"})["Location"] == "/"
    assert {"person deactivated", "person reactivated"} <= set(logged())


def test_the_last_administrator_stays_and_nobody_changes_themselves(root: User, desk: Client) -> None:
    desk.post(f"/people/{root.pk}/state/", {"active": "no"})
    answer = desk.post(f"/people/{root.pk}/", {"username": "root", "role": "reader"})
    assert "You cannot change your own role" in visible(element(answer.text, ".field-error"))
    assert list(administrators()) == [root]
    second = User.objects.create_superuser("second")
    deactivate(second, root)
    for change in (lambda: change_role(root, READER, second), lambda: deactivate(root, second)):
        with pytest.raises(NotPossible, match="only administrator"):
            change()


def test_an_invited_person_chooses_a_name_and_a_password_and_is_in(
    desk: Client, logged: Callable[[], list[str]]
) -> None:
    link = link_of(desk.post("/people/invite/", {"username": "cleo", "email": "c@b.example", "role": "curator"}))
    assert "cleo" in visible(desk.get("/people/").text)
    browser = Client()
    assert element(browser.get(link).text, "#id_username").attributes["value"] == "cleo"
    assert browser.post(link, {"username": "cleopatra", **NEW})["Location"] == "/"
    person = User.objects.get(username="cleopatra")
    assert (role_of(person), person.email) == (CURATOR, "c@b.example")
    assert browser.get("/account/").context["user"] == person
    assert {"person invited", "person created", "signed in"} <= set(logged())


@pytest.mark.django_db(transaction=True)
def test_a_link_is_shown_once_and_stored_hashed(desk: Client) -> None:
    secret = link_of(desk.post("/people/invite/", {"role": "reader"})).split("/")[2]
    assert len(secret) == 43
    assert secret not in desk.get("/people/").text
    assert secret not in database_bytes()


def gone(links: EntryLink, how: str, root: User) -> None:
    if how == "expired":
        EntryLink.objects.update(expires_at=timezone.now())
    elif how == "withdrawn":
        Client().get("/")
        EntryLink.objects.all().delete()
    elif how == "maker deactivated":
        User.objects.filter(pk=root.pk).update(is_active=False)
    elif how == "maker demoted":
        give_role(root, READER)
    elif how == "used":
        links.use()


@pytest.mark.parametrize("how", ["expired", "withdrawn", "maker deactivated", "maker demoted", "used", "altered"])
def test_a_link_that_lets_nobody_in_any_more_says_always_the_same(root: User, how: str) -> None:
    link, secret = EntryLink.objects.issue(role="administrator", made_by=root)
    never = Client().get(f"/enter/{'x' * 43}/")
    gone(link, how, root)
    address = f"/enter/{secret[:-2] + 'xx' if how == 'altered' else secret}/"
    for answer in (Client().get(address), Client().post(address, {"username": "eve", **NEW})):
        assert (answer.status_code, answer.text) == (404, never.text)
    assert not User.objects.filter(username="eve").exists()


def test_of_two_who_follow_a_link_at_once_one_is_let_in(root: User, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = EntryLink.objects.issue(role="reader", made_by=root)
    hashed = views.make_password

    def another_is_faster(password: str) -> str:
        EntryLink.objects.get().use()
        return hashed(password)

    monkeypatch.setattr(views, "make_password", another_is_faster)
    assert Client().post(f"/enter/{secret}/", {"username": "eve", **NEW}).status_code == 404
    assert not User.objects.filter(username="eve").exists()


def test_a_link_lasts_for_seven_days(root: User) -> None:
    link, _ = EntryLink.objects.issue(role="reader")
    assert timedelta(days=7) == LIFETIME
    assert link.expires_at - link.made_at == pytest.approx(LIFETIME, abs=timedelta(seconds=5))


@pytest.mark.parametrize(
    "given", [{"password": "short", "again": "short"}, {**NEW, "again": "other river 42"}, {**NEW, "username": "ALICE"}]
)
def test_a_bad_name_or_password_uses_no_link_up(root: User, alice: User, given: dict[str, str]) -> None:
    _, secret = EntryLink.objects.issue(role="reader", made_by=root)
    assert Client().post(f"/enter/{secret}/", {"username": "new", **given}).status_code == 422
    assert Client().post(f"/enter/{secret}/", {"username": "new", **NEW}).status_code == 302


def test_a_reset_sets_a_new_password_ends_sessions_and_asks_for_the_second_factor(
    desk: Client, reader: Client, alice: User, logged: Callable[[], list[str]]
) -> None:
    TOTP.activate(alice, "A" * 32)
    link = link_of(desk.post(f"/people/{alice.pk}/reset/"))
    assert reader.get("/shortcuts/").status_code == 200  # until the link is used
    thief = Client()
    assert thief.post(link, NEW)["Location"] == "/login/code/"
    assert thief.get("/shortcuts/").status_code == 302
    assert reader.get("/shortcuts/").status_code == 302
    assert reload(alice).check_password("quiet river 42")
    assert Client().get(link).status_code == 404
    assert {"reset link made", "password reset"} <= set(logged())


def test_a_password_that_is_set_meanwhile_gives_nothing_back(
    root: User, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing takes a while, and what was loaded before is old then."""
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    browser = Client()
    browser.force_login(bob)
    _, secret = EntryLink.objects.issue(person=alice, made_by=root)
    hashed = views.make_password

    def meanwhile(password: str) -> str:
        deactivate(User.objects.get(pk=alice.pk), root)
        change_role(User.objects.get(pk=bob.pk), READER, root)
        return hashed(password)

    monkeypatch.setattr(views, "make_password", meanwhile)
    assert Client().post(f"/enter/{secret}/", NEW).status_code == 404
    assert not reload(alice).is_active
    monkeypatch.setattr("django.contrib.auth.base_user.make_password", meanwhile)
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    form = {"oldpassword": "bob reads 1", "password1": NEW["password"], "password2": NEW["password"]}
    assert browser.post(reverse("account_change_password"), form).status_code == 302
    assert reload(bob).check_password(NEW["password"])
    assert role_of(reload(bob)) == READER


def test_a_reset_removes_second_factors_when_asked(desk: Client, alice: User) -> None:
    TOTP.activate(alice, "A" * 32)
    link = link_of(desk.post(f"/people/{alice.pk}/reset/", {"removes_second_factors": "on"}))
    assert Authenticator.objects.filter(user=alice).exists()  # until the link is used
    assert Client().post(link, NEW)["Location"] == "/"
    assert not Authenticator.objects.filter(user=alice).exists()


def test_a_second_reset_link_replaces_the_first(desk: Client, alice: User) -> None:
    first, second = (link_of(desk.post(f"/people/{alice.pk}/reset/")) for _ in range(2))
    assert [Client().get(link).status_code for link in (first, second)] == [404, 200]


def test_passwords_of_links_are_hashed_like_all_others_and_wait_in_the_same_queue(
    root: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = ["viewer.accounts.hashing.Argon2"]
    _, secret = EntryLink.objects.issue(role="reader", made_by=root)
    for _ in range(hashing.MAX_STRANGERS):
        hashing._strangers.acquire()
    try:
        assert Client().post(f"/enter/{secret}/", {"username": "new", **NEW}).status_code == 503
    finally:
        for _ in range(hashing.MAX_STRANGERS):
            hashing._strangers.release()
    Client().post(f"/enter/{secret}/", {"username": "new", **NEW})
    stored = User.objects.get(username="new").password
    assert stored.startswith("argon2$")
    assert check_password(NEW["password"], stored)


def create(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_person", *arguments, stdout=out)
    return out.getvalue()


def test_the_first_person_of_the_command_is_an_administrator_and_the_next_a_reader(db: None) -> None:
    link = re.search(r"http://127.0.0.1:8000(/enter/\S+/)", create("ann"))
    create("ben")
    create("cara", "--role", "curator", "--email", "c@b.example")
    assert [role_of(person) for person in User.objects.order_by("username")] == [ADMINISTRATOR, READER, CURATOR]
    browser = Client()
    assert link
    assert browser.post(link[1], NEW)["Location"] == "/"
    assert browser.get("/people/").status_code == 200


REFUSED = [
    ["ALICE"], ["a b!"], ["new", "--email", "x"], ["nobody", "--reset"], ["new", "--email", "A@firm.example"],
    ["new", "--remove-second-factors"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", REFUSED)
def test_the_command_says_what_is_wrong_and_makes_nobody(alice: User, arguments: list[str]) -> None:
    alice.email = "a@firm.example"
    alice.save()
    with pytest.raises(CommandError):
        create(*arguments)
    assert list(User.objects.all()) == [alice]


@pytest.mark.parametrize("asks_for_password", [True, False])
def test_the_command_resets_and_removes_second_factors_only_when_told(
    alice: User, monkeypatch: pytest.MonkeyPatch, asks_for_password: bool
) -> None:
    TOTP.activate(alice, "A" * 32)
    for options in ([], ["--remove-second-factors"]):
        if asks_for_password:
            monkeypatch.setattr("sys.stdin", io.StringIO("quiet river 42\n"))
            create("alice", "--reset", "--password", *options)
        else:
            link = re.search(r"http://127.0.0.1:8000(/enter/\S+/)", create("alice", "--reset", *options))
            assert link
            Client().post(link[1], NEW)
        assert reload(alice).check_password("quiet river 42")
        assert Authenticator.objects.filter(user=alice).exists() == (not options)


def test_everybody_gets_the_role_that_fits_what_they_did_before(alice: User, bob: User, mallory: User) -> None:
    for person in (alice, bob, mallory):
        person.groups.clear()
    User.objects.filter(pk=mallory.pk).update(is_superuser=True)
    CopyRun.objects.start_or_resume(make_key(alice), "", {}, None)
    migration = import_module("viewer.accounts.migrations.0002_roles")
    migration.give_roles(apps, connection.schema_editor())
    assert [list(one.groups.values_list("name", flat=True)) for one in (alice, bob, mallory)] == [
        ["curator"], ["reader"], ["administrator"]
    ]  # fmt: skip
    assert set(Group.objects.values_list("name", flat=True)) >= {"reader", "curator", "administrator"}
