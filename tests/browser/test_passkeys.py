"""Passkeys in Chromium, with a virtual authenticator: add one, sign in with it alone, confirm a change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect


@pytest.fixture
def named_site(site: str) -> str:
    """The site by its name: passkeys belong to host names."""
    return site.replace("127.0.0.1", "localhost")


@pytest.fixture
def authenticator(strangers_page: Page) -> Iterator[Page]:
    """A stranger's page in a browser that has a passkey device with a fingerprint."""
    devtools = strangers_page.context.new_cdp_session(strangers_page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield strangers_page
    devtools.send("WebAuthn.disable")


def test_a_passkey_is_added_and_then_signs_in_without_a_password(
    authenticator: Page, alice: User, named_site: str
) -> None:
    page = authenticator
    wrongs: list[str] = []
    page.on("console", lambda said: wrongs.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrongs.append(str(error)))
    page.goto(f"{named_site}/login/?next=/account/passkeys/add/")
    page.fill("#id_login", "alice")
    page.fill("#id_password", "alice reads 1")
    page.press("#id_password", "Enter")
    page.fill("#id_name", "laptop")
    page.click("pass-key button")
    expect(page.locator(".codes code")).to_have_count(10)
    page.goto(f"{named_site}/account/")
    expect(page.get_by_text("laptop").first).to_be_visible()
    page.context.clear_cookies()
    page.goto(f"{named_site}/login/?next=/shortcuts/")
    page.click("pass-key button")
    page.wait_for_url(f"{named_site}/shortcuts/")
    page.goto(f"{named_site}/confirm/passkey/?next=/keys/")
    page.click("pass-key button")
    page.wait_for_url(f"{named_site}/keys/")
    assert wrongs == []  # such as a breach of the Content-Security-Policy
