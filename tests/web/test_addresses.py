"""SITE_URL sets the scheme, host and port, whatever a proxy sends; a page for another host names the right one."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from tests.conftest import make_long
from tests.pages import has, texts
from viewer.web import health

TRANSCRIPT = "/completions/chatcmpl-long/transcript/?form=markdown"


@pytest.fixture
def public(settings: Any) -> str:
    """A site behind a proxy, on its own port; the test client uses http and `testserver`."""
    settings.SITE_URL, settings.SITE_IS_PUBLIC = "https://lectern.example:8443", True
    settings.ALLOWED_HOSTS = ["lectern.example"]
    settings.CSRF_TRUSTED_ORIGINS = [settings.SITE_URL]
    settings.SECURE_HSTS_SECONDS = 60
    return str(settings.SITE_URL)


@pytest.mark.parametrize("host", ["lectern.example", "lectern.example:8443", "LECTERN.EXAMPLE"])
def test_links_cookies_and_hsts_are_those_of_the_site_whatever_the_proxy_says(
    public: str, host: str, reader: Client, stored: Callable
) -> None:
    stored(make_long("chatcmpl-long", 2))
    page = reader.get(
        TRANSCRIPT, headers={"host": host, "x-forwarded-proto": "http", "x-forwarded-host": "evil.example"}
    )
    said = b"".join(page) if page.streaming else page.content
    assert f"{public}/completions/chatcmpl-long/".encode() in said
    assert page["Strict-Transport-Security"] == "max-age=60"
    kept = reader.post("/view/", {"texts": "source"}, headers={"host": host})
    assert kept.cookies["texts"]["secure"]


def test_a_form_of_the_site_is_taken_although_the_proxy_drops_the_port(public: str, alice: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/login/", headers={"host": "lectern.example"})
    token = next(iter(browser.cookies.values())).value
    answers = {"login": "alice", "password": "alice reads 1", "csrfmiddlewaretoken": token}
    own = {"host": "lectern.example", "origin": public}
    assert browser.post("/login/", answers, headers=own | {"origin": "https://evil.example"}).status_code == 403
    assert browser.post("/login/", answers, headers=own).status_code == 302


def test_on_this_machine_alone_the_name_that_was_typed_stays(settings: Any, reader: Client, stored: Callable) -> None:
    stored(make_long("chatcmpl-long", 2))
    page = reader.get(TRANSCRIPT, headers={"host": "localhost:9999"})
    said = b"".join(page) if page.streaming else page.content
    assert b"http://localhost:9999/completions/chatcmpl-long/" in said


def test_who_comes_by_another_name_is_told_the_right_one(public: str, client: Client) -> None:
    page = client.get("/completions/", headers={"host": "10.0.0.7"})
    assert page.status_code == 400
    assert f"You opened 10.0.0.7, but this Lectern is set up for {public}" in page.content.decode()
    assert has(page.text, f'a[href="{public}"]')
    assert "frame-ancestors" in page["Content-Security-Policy"]


def test_programs_and_probes_may_come_by_any_name(public: str, client: Client, alices_token: str) -> None:
    bearer = {"authorization": f"Bearer {alices_token}"}
    for host in ("10.0.0.7:8000", "lectern", "lectern_1", ""):
        assert client.get("/health/", headers={"host": host}).content == b"ok\n"
        assert client.get("/v1/chat/completions", headers={"host": host} | bearer).json()["object"] == "list"
        assert client.get("/v1/nowhere", headers={"host": host}).json()["error"]["message"]


def test_head_brings_the_length_and_no_body(client: Client, db: None) -> None:
    answer = client.head("/health/")
    assert (answer.status_code, answer["Content-Length"], answer.content) == (200, "3", b"")


def test_an_address_that_is_too_long_is_told_so(reader: Client, alices_token: str) -> None:
    assert reader.get("/search/", {"q": "ä" * 1000}).status_code == 200
    page = reader.get("/search/", {"q": "退" * 2000})
    assert page.status_code == 414
    assert "This URL is too long" in page.content.decode()
    bearer = {"authorization": f"Bearer {alices_token}"}
    filtered = {f"metadata[k{n}]": "退" * 512 for n in range(7)}
    assert reader.get("/v1/chat/completions", filtered, headers=bearer).status_code == 200
    refused = reader.get("/v1/chat/completions", {"model": "退" * 5000}, headers=bearer)
    assert (refused.status_code, refused.json()["error"]["type"]) == (414, "invalid_request_error")


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/health/ready/", headers={"host": "10.0.0.7"})
    return answer.status_code, json.loads(answer.content)


def test_the_version_is_one_everywhere(client: Client, reader: Client) -> None:
    printed = subprocess.run(
        [settings.BASE_DIR / "run", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert printed == f"lectern {settings.VERSION}\n"
    assert ready(client)[1]["version"] == client.get("/health/").headers["X-Lectern-Version"] == settings.VERSION
    assert f"Lectern {settings.VERSION}" in texts(reader.get("/completions/").text, "p")
    assert f"\n## {settings.VERSION} - " in (settings.BASE_DIR / "CHANGELOG.md").read_text()


def test_ready_says_what_is_missing(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    status, said = ready(client)
    assert (status, said["ready"], said["database"], said["migrations"]) == (200, True, "ok", "ok")
    monkeypatch.setattr(health, "_migrations", lambda: "missing")
    assert (ready(client)[0], ready(client)[1]["migrations"]) == (503, "missing")

    def fails() -> str:
        raise OperationalError("database is locked") from sqlite3.OperationalError()

    monkeypatch.setattr(health, "_database", fails)
    assert (ready(client)[0], ready(client)[1]["database"]) == (503, "busy")
