from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.pages import element, visible
from viewer.accounts.models import Session

OPEN = {
    "account_login", "account_logout", "account_inactive", "account_signup", "account_reset_password", "health", "ready",
    "enter", "mfa_authenticate", "mfa_login_webauthn", "openid_connect_login", "openid_connect_callback",
    "socialaccount_login_cancelled",
    "shared", "shared-raw", "shared-transcript", "shared-message", "shared-raw-message", "shared-part", "shared-call",
    "shared-output", "shared-result", "shared-answer", "shared-raw-choice", "shared-choice-part", "shared-choice-call",
    "shared-choice-output",
}  # fmt: skip
ARGUMENTS = {
    "completion_id": "chatcmpl-one", "message_id": "chatcmpl-one-0", "n": 0, "position": 0, "token_id": 1,
    "key_id": UUID(int=1), "run_id": 1, "view_id": 1, "value": "cus_1", "note_id": 1, "label_id": 1,
    "link_id": 1, "person_id": 1, "pk": 1, "secret": "x" * 43,
    "share_id": 1, "token": "unheard-of", "upload_id": 1, "place": "raw/",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _fresh_counters() -> Iterator[None]:
    caches["attempts"].clear()
    yield
    caches["attempts"].clear()


def pages() -> Iterator[tuple[str, str]]:
    """Walk the URLconf: every named page of ours with an address that fits it."""
    pattern: URLPattern | URLResolver
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            arguments = {name: ARGUMENTS[name] for name in pattern.pattern.converters}
            given = {name: value for name, value in pattern.default_args.items() if name == "provider_id"}
            yield pattern.name, reverse(pattern.name, kwargs=arguments | given)


@pytest.mark.parametrize(("name", "address"), list(pages()))
def test_every_page_but_the_entrance_asks_to_sign_in(client: Client, db: None, name: str, address: str) -> None:
    answer = client.get(address)
    if name in OPEN:
        assert "/login/?next=" not in answer.get("Location", "")
    else:
        assert answer.status_code in (302, 405)
        assert answer["Location"].startswith("/login/?next=")


def test_signing_in_leads_to_the_page_first_asked_for(client: Client, alice: User) -> None:
    asked = "/completions/chatcmpl-one/messages/chatcmpl-one-7/?order=desc"
    entrance = client.get(asked, follow=True)
    assert "Sign in to open the page you requested" in entrance.content.decode()
    assert "session" not in visible(element(entrance.text, "#main"))
    answer = client.post(entrance.redirect_chain[-1][0], {"login": "alice", "password": "alice reads 1"})
    assert answer["Location"] == asked


ELSEWHERE = [
    "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "///evil.example", "http:///evil",
    "//localhost/x", "http://localhost/x", "//127.0.0.1:80/x", "https://[::1]/x", "http://testserver:81/x", "/\t/evil.example",
    " //evil.example", "\\\\evil.example", "evil.example",
]  # fmt: skip


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_signing_in_and_out_never_leads_to_another_site(client: Client, alice: User, elsewhere: str) -> None:
    credentials = {"login": "alice", "password": "alice reads 1"}
    assert client.post("/login/", credentials | {"next": elsewhere})["Location"] == "/"
    assert client.get("/login/", {"next": elsewhere})["Location"] == "/"
    assert client.post("/logout/", {"next": elsewhere})["Location"] == "/login/"


def test_a_second_tab_with_the_form_goes_on_to_its_page(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/login/")
    browser.force_login(alice)
    stale = {"login": "alice", "password": "alice reads 1", "csrfmiddlewaretoken": "x" * 32}
    asked = "/completions/chatcmpl-one/messages/chatcmpl-one-7/"
    assert browser.post("/login/", stale | {"next": asked})["Location"] == asked
    assert browser.post("/login/", stale | {"next": "//localhost/x"})["Location"] == "/"
    assert Client(enforce_csrf_checks=True).post("/login/", stale).status_code == 403


def test_a_wrong_site_url_is_told_with_both_addresses(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/login/", {"login": "alice"}, headers={"Origin": "https://desk.example<b>"})
    assert answer.status_code == 403
    said = answer.content.decode()
    assert (
        "The form was sent from https://desk.example&lt;b&gt;, but the address of this site is http://127.0.0.1:8000."
        in said
    )
    assert "reload the page" not in said


def test_an_ended_session_gives_a_script_a_401_and_a_reader_the_way_back(reader: Client) -> None:
    Session.objects.all().delete()
    answer = reader.get("/completions/chatcmpl-one/?after=x", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (401, b"")
    assert reader.get("/completions/", headers={"X-Page-Source": "archive"}).status_code == 401
    page = {"Referer": "http://testserver/completions/chatcmpl-one/?order=desc"}
    entrance = reader.get("/completions/chatcmpl-two/", follow=True, headers=page)
    assert "Your session has ended" in visible(element(entrance.text, "#main"))
    assert entrance.redirect_chain[-1][0] == "/login/?next=/completions/chatcmpl-two/"
    back = "/login/?next=/completions/chatcmpl-one/%3Forder%3Ddesc"
    assert reader.post("/view/", {"texts": "source"}, headers=page)["Location"] == back
    elsewhere = {"Referer": "https://elsewhere.example/completions/"}
    assert reader.post("/view/", {"texts": "source"}, headers=elsewhere)["Location"] == "/login/?next=/"


def test_nobody_signs_up_and_nobody_learns_which_names_exist(client: Client, alice: User) -> None:
    assert (
        client.post(
            "/signup/", {"username": "eve", "password1": "a good one 9", "password2": "a good one 9"}
        ).status_code
        == 405
    )
    assert not User.objects.filter(username="eve").exists()
    known = client.post("/login/", {"login": "alice", "password": "wrong"})
    unknown = client.post("/login/", {"login": "nobody", "password": "wrong"})
    assert known.status_code == unknown.status_code == 200
    said = "Wrong username or password."
    assert said in known.content.decode()
    assert said in unknown.content.decode()


def test_the_sixth_wrong_password_locks_even_the_right_one_out(client: Client, alice: User) -> None:
    for _ in range(5):
        client.post("/login/", {"login": "alice", "password": "wrong"})
    answer = client.post("/login/", {"login": "alice", "password": "alice reads 1"})
    assert answer.status_code != 302
    assert "_auth_user_id" not in client.session


def test_signing_out_clears_what_the_browser_keeps(client: Client, alice: User) -> None:
    signed_in = client.post("/login/", {"login": "alice", "password": "alice reads 1"})
    assert len(signed_in.cookies["person"].value) == 16
    assert client.get("/session/", headers={"X-Page-Source": "archive"}).status_code == 204
    answer = client.post("/logout/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert answer.cookies["person"]["max-age"] == 0
    assert client.get("/session/", headers={"X-Page-Source": "archive"}).status_code == 401


def test_the_mark_of_a_person_is_set_on_every_page_and_stays_when_the_session_ends_by_itself(reader: Client) -> None:
    mark = reader.get("/shortcuts/").cookies["person"].value
    assert "person" not in reader.get("/shortcuts/").cookies
    Session.objects.all().delete()
    reader.get("/shortcuts/")
    assert reader.cookies["person"].value == mark


def test_signing_out_is_a_post(reader: Client) -> None:
    assert reader.get("/logout/").status_code == 200
    assert "_auth_user_id" in reader.session
    entrance = reader.post("/logout/", follow=True).content.decode()
    assert "You have signed out." in entrance
    assert "Sign in to open" not in entrance
    assert reader.get("/completions/").status_code == 302


def test_every_form_refuses_a_post_from_elsewhere(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    for address in ("/tokens/", "/tokens/1/revoke/", "/password/", "/logout/"):
        answer = browser.post(address, {"name": "x"})
        assert answer.status_code == 403
        assert "This form has expired" in answer.content.decode()
