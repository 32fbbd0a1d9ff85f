"""The tools of the desk are a second script, which comes when the reader reaches for one of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reading import Held, settle
from tests.conftest import make_long

CONVERSATION = "/completions/chatcmpl-long/"


@pytest.fixture(autouse=True)
def _long(stored: Callable) -> None:
    stored(make_long("chatcmpl-long", 60))


def find(page: Page) -> None:
    page.get_by_role("link", name="Find in this conversation").click()


def test_opening_a_conversation_asks_for_no_desk_and_the_first_click_waits_for_it(page: Page, site: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "desk" in request.url else None)
    page.goto(CONVERSATION)
    settle(page)
    assert asked == []
    held = Held(page, "desk.js")
    find(page)
    held.wait()
    page.keyboard.type("pun")  # no single keys while the tool is on its way
    expect(page).to_have_url(f"{site}{CONVERSATION}")
    held.let_go()
    expect(page.get_by_role("searchbox", name="Find in this conversation")).to_be_focused()


def test_a_click_does_what_it_does_without_javascript_when_the_desk_does_not_come(page: Page) -> None:
    page.route("**/desk.js", lambda route: route.abort())
    page.goto(CONVERSATION)
    find(page)
    expect(page.get_by_role("heading", name="Find in this conversation")).to_be_visible()


@pytest.mark.parametrize("name", ["Find in this conversation", "Keyboard shortcuts"])
def test_offline_a_tool_leaves_the_page_in_its_place_and_works_when_that_ends(page: Page, site: str, name: str) -> None:
    page.goto(CONVERSATION)
    page.get_by_label("Account menu of alice").click()
    page.context.set_offline(True)
    page.get_by_role("link", name=name).click()
    expect(page.locator(".toast")).to_have_text("Lectern is unreachable.")
    expect(page).to_have_url(f"{site}{CONVERSATION}")
    assert page.locator("article[data-message-id]").count()
    page.context.set_offline(False)
    page.get_by_role("link", name=name).click()
    expect(page.locator("find-bar search, dialog.sheet").filter(visible=True)).to_have_count(1)
    expect(page).to_have_url(f"{site}{CONVERSATION}")


def test_offline_looking_for_words_says_that_the_site_does_not_answer(page: Page) -> None:
    page.goto(CONVERSATION)
    find(page)
    field = page.get_by_role("searchbox", name="Find in this conversation")
    expect(field).to_be_focused()
    page.context.set_offline(True)
    field.fill("number")
    field.press("Enter")
    expect(page.locator(".toast")).to_have_text("Lectern is unreachable.")
    page.context.set_offline(False)
    expect(page.locator(".hit")).not_to_have_count(0)
    page.context.set_offline(True)
    field.fill("other words")
    field.press("Enter")
    expect(page.locator(".hit")).to_have_count(0)
    expect(page.locator(".find")).not_to_contain_text("60")


def test_a_list_of_hits_that_comes_before_the_desk_is_told_too(page: Page) -> None:
    held = Held(page, "desk.js")
    page.goto(f"{CONVERSATION}messages/chatcmpl-long-11/?find=number", wait_until="commit")
    expect(page.locator(".hit")).to_have_count(60)
    held.let_go()
    expect(page.locator(".find [role=status]")).to_have_text("12 of 60")
