"""Sharing from the message to the colleague's screen, with and without JavaScript, and what revoking does to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.reading import Held
from tests.conftest import make_completion, say

CONVERSATION = "/completions/chatcmpl-one/"
OpenBrowser = Callable[..., BrowserContext]


@pytest.fixture(autouse=True)
def _conversation(stored: Callable[..., Any]) -> None:
    said = [say("user" if n % 2 == 0 else "assistant", f"Message {n}: mail ann@example.org") for n in range(60)]
    stored(make_completion("chatcmpl-one", *said))


def test_a_colleague_gets_the_exact_message_with_a_note_by_five_actions(
    page: Page, open_browser: OpenBrowser, bob: User
) -> None:
    page.goto(f"{CONVERSATION}messages/chatcmpl-one-9/")
    message = page.locator('[data-message-id="chatcmpl-one-9"]')
    message.hover()
    message.locator("[data-share]").click()  # 1
    expect(page.locator("[name=person]")).to_be_focused()
    page.keyboard.type("bob")  # 2
    page.fill("[name=note]", "Is this right?")  # 3
    page.get_by_role("button", name="Share", exact=True).click()  # 4
    expect(page.locator("[data-share-url]")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(CONVERSATION)
    expect(page.locator(".conversation-head [data-shared]")).to_be_in_viewport(ratio=1)

    bobs = open_browser(bob).new_page()
    bobs.goto("/shares/with-me/")
    bobs.locator("[data-share-id] h2 a").click()
    expect(bobs.locator('[data-message-id="chatcmpl-one-9"]')).to_be_in_viewport()
    expect(bobs.get_by_text("Is this right?")).to_be_in_viewport()
    expect(bobs.locator("article[data-message-id]")).to_have_count(7)


def test_what_is_ticked_is_gone_for_the_reader_and_revoking_stops_a_page_that_is_open(
    page: Page, open_browser: OpenBrowser, bob: User
) -> None:
    page.goto(CONVERSATION)
    page.get_by_role("link", name="Share this conversation").click()
    page.locator("[data-kind=email] [data-all]").check()
    expect(page.locator("[data-redaction=email] input")).to_be_checked()
    page.locator("[name=words]").fill("Message 1:")
    page.locator("[name=words]").blur()
    expect(page.locator("[data-redaction=word]")).to_be_visible()  # it is looked for at once
    expect(page.locator("[data-redaction=email] input")).to_be_checked()
    page.locator("[name=note]").press("Control+Enter")
    address = page.locator("[data-share-url]").input_value()

    bobs = open_browser(bob).new_page()
    bobs.goto(address)
    expect(bobs.locator('[data-message-id="chatcmpl-one-1"]')).to_contain_text("[word 1] mail [email 1]")
    assert "ann@example.org" not in bobs.content()
    page.get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The share was revoked")).to_be_visible()
    bobs.locator("[data-more=later]").scroll_into_view_if_needed()
    expect(bobs.locator("h1")).to_have_text("Nothing to see at this link")
    assert bobs.locator("article[data-message-id]").count() == 0
    bobs.goto("/shares/with-me/")
    bobs.go_back()
    expect(bobs.locator("h1")).to_have_text("Nothing to see at this link")


def test_what_is_chosen_before_the_script_has_come_is_redacted(page: Page, settings: Any) -> None:
    settings.PUBLIC_SHARING = True
    kind = page.locator("[data-kind=email] [data-all]")
    found = page.locator("[data-redaction=email] input")
    script = Held(page, "sharing.js")
    page.goto(f"{CONVERSATION}share/", wait_until="commit")
    kind.check()
    script.let_go()
    expect(found).to_be_checked()
    expect(kind).to_be_checked()

    script = Held(page, "sharing.js")
    page.goto(f"{CONVERSATION}share/", wait_until="commit")
    page.locator("[name=audience][value=link]").check()
    expect(found).not_to_be_checked()
    script.let_go()
    expect(found).to_be_checked()


def test_what_is_chosen_while_own_words_are_looked_for_stays_chosen(page: Page) -> None:
    page.goto(f"{CONVERSATION}share/")
    search = Held(page, "/share/")
    words = page.locator("[name=words]")
    words.fill("Message 1:")
    words.press("Tab")
    search.wait()
    page.locator("[data-kind=email] [data-all]").check()
    page.locator("[name=without_media]").check()
    words.fill("Message 2:")
    search.release()
    expect(page.locator("[data-redaction=word]")).to_contain_text("Message 1:")
    expect(page.locator("[data-redaction=email] input")).to_be_checked()
    expect(page.locator("[name=without_media]")).to_be_checked()
    expect(words).to_have_value("Message 2:")
    expect(words).to_be_focused()
    search.let_go()
    words.blur()
    expect(page.locator("[data-redaction=word]")).to_contain_text("Message 2:")


def test_sharing_works_without_javascript(plain_page: Page, open_browser: OpenBrowser, bob: User) -> None:
    plain_page.goto(f"{CONVERSATION}messages/chatcmpl-one-30/")
    plain_page.get_by_role("link", name="Share this conversation").click()
    plain_page.locator("[name=redact][value=email]").check()
    plain_page.get_by_role("button", name="Preview").click()
    expect(plain_page.locator("[data-redaction=email] input")).to_be_checked()
    plain_page.get_by_role("button", name="Share", exact=True).click()
    bobs = open_browser(bob, java_script_enabled=False).new_page()
    bobs.goto(plain_page.locator("[data-share-url]").input_value())
    expect(bobs.locator("[aria-current=true]")).to_contain_text("Message 30: mail [email 1]")
    bobs.get_by_role("link", name="Next page").click()
    expect(bobs.locator('[data-message-id="chatcmpl-one-45"]')).to_be_visible()
