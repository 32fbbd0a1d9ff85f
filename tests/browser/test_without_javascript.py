"""Everything works by links and forms alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.reading import LINKED, MESSAGES, ids_of, make_varied, message_ids, row_ids, turn
from tests.conftest import make_completion, make_key, make_long, say
from viewer.keys.models import AccessToken


def test_signing_in_without_javascript(open_browser: Callable, alice: User, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Hello")))
    page = open_browser(java_script_enabled=False).new_page()
    page.goto(f"{site}/completions/chatcmpl-one/")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill("alice reads 1")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site}/completions/chatcmpl-one/")
    expect(page.locator(MESSAGES)).to_have_count(1)


def test_filtering_and_turning_the_pages_of_the_list_without_javascript(
    plain_page: Page, stored: Callable, site: str
) -> None:
    stored(*(make_completion(f"chatcmpl-{n}", metadata={"half": str(n % 2)}, created=n) for n in range(90)))
    plain_page.goto(f"{site}/completions/")
    turn(plain_page.get_by_role("link", name="Add filter"))
    plain_page.get_by_label("Find a value to filter by").fill("half")
    turn(plain_page.get_by_role("button", name="Find"))
    turn(plain_page.get_by_role("link", name="1 45 conversations"))
    shown = row_ids(plain_page)
    for _ in range(2):
        turn(plain_page.get_by_role("link", name="Next page"))
        shown += row_ids(plain_page)
    assert shown == [f"chatcmpl-{n}" for n in range(89, 0, -2)]
    expect(plain_page.get_by_role("link", name="Next page")).to_have_count(0)
    plain_page.get_by_role("link", name="Back to the first page").click()
    expect(plain_page.locator("[data-completion-id]").first).to_have_attribute("data-completion-id", "chatcmpl-89")


def test_reading_a_conversation_page_by_page_without_javascript(plain_page: Page, stored: Callable, site: str) -> None:
    long = make_long("chatcmpl-long", 62)
    stored(long)
    plain_page.goto(f"{site}/completions/")
    turn(plain_page.get_by_role("link", name="Message number 0 of 62."))
    shown = message_ids(plain_page)
    for _ in range(3):
        turn(plain_page.get_by_role("link", name="Next page"))
        shown += message_ids(plain_page)
    assert shown == ids_of(long)
    expect(plain_page.locator(f"{MESSAGES} ~ section[data-answer]")).to_have_count(1)


def test_reading_newest_first_page_by_page_without_javascript(plain_page: Page, stored: Callable, site: str) -> None:
    long = make_long("chatcmpl-long", 62)
    stored(long)
    plain_page.goto(f"{site}/completions/chatcmpl-long/?order=desc")
    shown = message_ids(plain_page)
    for _ in range(3):
        turn(plain_page.locator('[data-more="earlier"] a'))
        shown += message_ids(plain_page)
    assert shown == ids_of(long)[::-1]


def test_reading_backwards_from_a_permalink_without_javascript(plain_page: Page, stored: Callable, site: str) -> None:
    long = make_long("chatcmpl-long", 62)
    stored(long)
    plain_page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-40/")
    shown = message_ids(plain_page)
    for _ in range(2):
        turn(plain_page.get_by_role("link", name="Earlier messages"))
        shown = message_ids(plain_page) + shown
    assert shown == ids_of(long)[:50]
    expect(plain_page.get_by_role("link", name="Earlier messages")).to_have_count(0)


@pytest.mark.parametrize("index", [42, 43], ids=["short", "taller than the window"])
def test_a_permalink_opens_at_the_beginning_of_its_message_without_javascript(
    plain_page: Page, stored: Callable, site: str, index: int
) -> None:
    stored(make_varied("chatcmpl-varied", 90))
    plain_page.goto(f"{site}/completions/chatcmpl-varied/messages/chatcmpl-varied-{index}/")
    linked = plain_page.locator(LINKED)
    expect(linked).to_have_attribute("data-message-id", f"chatcmpl-varied-{index}")
    expect(linked).to_be_in_viewport()
    heads = plain_page.locator(".conversation-head").bounding_box()
    box = linked.bounding_box()
    assert max(0, heads["y"] + heads["height"]) <= box["y"] < 900


def test_opening_by_id_without_javascript(plain_page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 62))
    plain_page.goto(f"{site}/completions/")
    plain_page.get_by_label("Search, or open by id or URL").fill("chatcmpl-long-31")
    plain_page.get_by_role("button", name="Search").click()
    expect(plain_page).to_have_url(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-31/")


def test_a_token_is_made_and_revoked_without_javascript(plain_page: Page, site: str) -> None:
    plain_page.goto(f"{site}/tokens/")
    plain_page.get_by_label("Name").fill("night export")
    plain_page.get_by_role("button", name="Create token").click()
    secret = plain_page.get_by_label("New access token").input_value()
    assert secret.startswith("lectern_")
    expect(plain_page.get_by_role("heading", name="night export", exact=True)).to_be_visible()
    plain_page.goto(f"{site}/tokens/")
    assert secret not in plain_page.content()
    plain_page.get_by_role("button", name="Revoke night export").click()
    expect(plain_page.get_by_role("heading", name="Revoke “night export”?")).to_be_visible()
    plain_page.get_by_role("link", name="Cancel").click()
    plain_page.get_by_role("button", name="Revoke night export").click()
    plain_page.get_by_role("button", name="Revoke token").click()
    expect(plain_page.get_by_role("status").first).to_contain_text("was revoked")
    expect(plain_page.get_by_role("heading", name="No access tokens yet")).to_be_visible()


def test_deleting_a_key_asks_first_and_names_what_stops_working(plain_page: Page, alice: User, site: str) -> None:
    AccessToken.objects.issue(alice, "night export", make_key(alice, "Billing project"))
    plain_page.goto(f"{site}/keys/")
    plain_page.get_by_role("link", name="Delete Billing project").click()
    expect(plain_page.get_by_role("heading", name="Delete “Billing project”?")).to_be_visible()
    expect(plain_page.get_by_text("…0001")).to_be_visible()
    expect(plain_page.get_by_role("listitem").filter(has_text="night export")).to_be_visible()
    plain_page.get_by_role("link", name="Cancel").click()
    plain_page.get_by_role("link", name="Edit Billing project").click()
    plain_page.get_by_role("link", name="Delete Billing project").click()
    plain_page.get_by_role("button", name="Delete API key").click()
    expect(plain_page.get_by_role("status").first).to_contain_text("“Billing project” was deleted")
    expect(plain_page.get_by_role("heading", name="No API keys yet")).to_be_visible()
