"""Headers that hold on every answer, whatever it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.conftest import make_completion, say
from tests.pages import elements, has

PAGES = [
    "/completions/", "/completions/chatcmpl-one/", "/completions/chatcmpl-one/messages/chatcmpl-one-0/",
    "/completions/nope/", "/completions/chatcmpl-one/raw/", "/tokens/", "/password/", "/nowhere/", "/v1/chat/completions",
    "/health/", "/logout/", "/completions/chatcmpl-one/messages/chatcmpl-one-0/parts/1/",
]  # fmt: skip
PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


@pytest.fixture
def _conversation(stored: Callable[..., object]) -> None:
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": PNG}}]
    stored(make_completion("chatcmpl-one", say("user", "see ", content_parts=parts)))


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.usefixtures("_conversation")
def test_every_answer_is_closed_to_frames_sniffing_caches_and_foreign_code(reader: Client, address: str) -> None:
    headers = reader.get(address).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"].startswith(("private", "max-age=0, no-cache"))
    assert headers["X-Request-Id"].startswith("req_")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_policy_names_this_site_alone(reader: Client) -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in reader.get("/completions/")["Content-Security-Policy"].split(";")
    )
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["img-src"] == "'self' data:"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"


@pytest.mark.usefixtures("_conversation")
def test_pages_may_be_kept_for_the_way_back(reader: Client) -> None:
    assert reader.get("/completions/")["Cache-Control"] == "private, no-cache"
    assert "HX-Request" in reader.get("/completions/")["Vary"]


@pytest.mark.usefixtures("_conversation")
def test_no_page_holds_inline_code_or_style(reader: Client) -> None:
    for address in PAGES[:7]:
        page = reader.get(address).content.decode()
        assert not has(page, "style, [style]")
        assert not [name for found in elements(page, "*") for name in found.attributes if name.startswith("on")]
        assert all("src" in script.attributes and not script.text() for script in elements(page, "script"))


@pytest.mark.usefixtures("_conversation")
def test_bytes_of_a_message_can_do_nothing(reader: Client) -> None:
    answer = reader.get("/completions/chatcmpl-one/messages/chatcmpl-one-0/parts/1/")
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_cookies_are_locked_to_https_when_the_site_is(tmp_path, monkeypatch) -> None:
    import importlib

    from viewer import settings

    monkeypatch.setenv("SITE_URL", "https://lectern.example")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    secure = importlib.reload(settings)
    assert secure.SESSION_COOKIE_SECURE
    assert secure.CSRF_COOKIE_SECURE
    assert secure.SESSION_COOKIE_NAME == "__Host-session"
    assert secure.SECURE_HSTS_SECONDS > 0
    assert secure.ALLOWED_HOSTS[0] == "lectern.example"
    monkeypatch.undo()
    importlib.reload(settings)
