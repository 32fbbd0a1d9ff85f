"""Single sign-on in Chromium: the Content-Security-Policy lets people go there, and they arrive where they meant to."""

from __future__ import annotations

from typing import Any

from django.conf import settings as own_settings
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.identity_provider import running_provider


def test_a_permalink_survives_the_way_there_and_back(
    strangers_page: Page, alice: User, site: str, settings: Any
) -> None:
    User.objects.filter(pk=alice.pk).update(email="alice@firm.example")
    wrongs: list[str] = []
    page = strangers_page
    page.on("console", lambda said: wrongs.append(said.text) if said.type == "error" else None)
    with running_provider() as provider:
        provider.know("alice", email="alice@firm.example", email_verified=True)
        app = {
            "provider_id": own_settings.OIDC_PROVIDER, "name": "Firm", "client_id": "lectern", "secret": "s",
            "settings": {"server_url": provider.issuer, "oauth_pkce_enabled": True},
        }  # fmt: skip
        settings.OIDC_ISSUER, settings.OIDC_NAME = provider.issuer, "Firm"
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
        page.goto(f"{site}/shortcuts/?from=a-link")
        page.get_by_role("button", name="Continue with Firm").click()
        page.fill("[name=sub]", "alice")
        page.locator("[name=sub]").press("Enter")
        page.wait_for_url(f"{site}/shortcuts/?from=a-link")
        expect(page.locator(".avatar")).to_be_visible()
    assert [wrong for wrong in wrongs if "Content Security Policy" in wrong] == []
