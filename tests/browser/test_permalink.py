"""A permalink opens at its message, at any depth, and reading goes on from there both ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.reading import (
    LINKED,
    MESSAGES,
    Held,
    ids_of,
    make_varied,
    message_ids,
    settle,
    walk_to_the_end,
    walk_to_the_start,
)
from tests.conftest import make_completion, make_long, say


def expect_in_view_below_the_headers(page: Page) -> None:
    """The linked message begins in view, and none of it is hidden below what is stuck to the top."""
    settle(page)
    linked = page.locator(LINKED)
    expect(linked).to_have_count(1)
    expect(linked).to_be_in_viewport()
    found = linked.evaluate(
        """(message) => {
            const { left, top, width } = message.getBoundingClientRect();
            const seen = document.elementFromPoint(left + width / 2, Math.max(top, 0) + 4);
            return { top, height: innerHeight, isOnTop: message.contains(seen) || (seen?.contains(message) ?? false) };
        }"""
    )
    stuck = page.evaluate(
        """() => Math.max(0, ...[...document.querySelectorAll(".topbar, .conversation-head")]
            .filter((head) => getComputedStyle(head).position === "sticky")
            .map((head) => head.getBoundingClientRect().bottom))"""
    )
    assert stuck <= found["top"] < found["height"] * 0.8
    assert found["isOnTop"]


def test_a_permalink_opens_at_its_message_of_10000(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-huge", 10_000))
    for index in (0, 1, 5000, 9999):
        page.goto(f"{site}/completions/chatcmpl-huge/messages/chatcmpl-huge-{index}/")
        expect(page.locator(LINKED)).to_have_attribute("data-message-id", f"chatcmpl-huge-{index}")
        expect(page.locator(LINKED)).to_contain_text("Linked message")
        expect_in_view_below_the_headers(page)


def test_messages_stand_before_and_after_the_linked_one(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-huge", 1_000))
    page.goto(f"{site}/completions/chatcmpl-huge/messages/chatcmpl-huge-500/")
    shown = message_ids(page)
    at = shown.index("chatcmpl-huge-500")
    assert shown[at - 10 : at + 10] == [f"chatcmpl-huge-{n}" for n in range(490, 510)]


@pytest.mark.parametrize("prefix", [None, "msg_"])
def test_from_the_middle_of_300_messages_both_ends_can_be_reached_by_scrolling(
    page: Page, stored: Callable, site: str, prefix: str | None
) -> None:
    long = make_long("chatcmpl-long", 300, prefix=prefix)
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-long/messages/{ids_of(long)[150]}/")
    expect_in_view_below_the_headers(page)
    walk_to_the_start(page)
    walk_to_the_end(page)
    assert message_ids(page) == ids_of(long)
    expect(page.locator(LINKED)).to_have_count(1)
    expect(page.locator("section[data-answer]")).to_have_count(1)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("index", [43, 53])
def test_a_permalink_opens_at_its_message_among_tall_ones(
    page: Page, stored: Callable, site: str, viewport: dict, index: int
) -> None:
    stored(make_varied("chatcmpl-long", 90))
    page.set_viewport_size(viewport)
    page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-{index}/")
    expect_in_view_below_the_headers(page)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("index", [43, 53])
def test_a_permalink_opens_at_its_message_in_a_browser_without_scroll_anchoring(
    page: Page, stored: Callable, site: str, viewport: dict, index: int
) -> None:
    stored(make_varied("chatcmpl-long", 90))

    def without_anchoring(route: Route) -> None:
        sheet = route.fetch()
        route.fulfill(response=sheet, body=sheet.text() + "html { overflow-anchor: none !important; }")

    page.route("**/app.css", without_anchoring)
    page.set_viewport_size(viewport)
    page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-{index}/")
    expect_in_view_below_the_headers(page)


def test_a_message_taller_than_the_window_opens_at_its_beginning_when_the_style_sheet_is_late(
    page: Page, stored: Callable, site: str
) -> None:
    """Then the script runs before the page is first drawn, which is when browsers scroll to what has `autofocus`."""
    stored(make_varied("chatcmpl-long", 90))
    held = Held(page, "app.css")
    with page.expect_response("**/app.js"), page.expect_request("**/app.css"):
        page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-43/", wait_until="commit")
    held.let_go()
    page.wait_for_load_state()
    expect_in_view_below_the_headers(page)


def test_nothing_is_painted_before_the_linked_message_is_in_its_place(page: Page, stored: Callable, site: str) -> None:
    stored(make_varied("chatcmpl-long", 90))
    held = Held(page, "app.js")
    with page.expect_request("**/app.js"):
        page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-43/", wait_until="commit")
    page.wait_for_function("() => document.querySelector('.toast')")  # the end of the page has come
    assert page.evaluate("performance.getEntriesByType('paint')") == []
    held.let_go()
    page.wait_for_load_state()
    page.wait_for_function("() => performance.getEntriesByType('paint').length > 0")
    expect_in_view_below_the_headers(page)


def test_a_message_taller_than_the_window_opens_at_its_beginning_where_a_late_script_holds_no_painting(
    page: Page, stored: Callable, site: str
) -> None:
    stored(make_varied("chatcmpl-long", 90))
    address = f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-43/"

    def paint_at_once(route: Route) -> None:  # as browsers do that do not know the attribute
        answer = route.fetch()
        assert 'blocking="render"' in answer.text()
        route.fulfill(response=answer, body=answer.text().replace('blocking="render"', ""))

    page.route(address, paint_at_once)
    held = Held(page, "app.js")
    with page.expect_request("**/app.js"):
        page.goto(address, wait_until="commit")
    page.wait_for_function("() => document.activeElement !== document.body && scrollY > 0")
    held.let_go()
    page.wait_for_load_state()
    expect_in_view_below_the_headers(page)


def test_every_message_has_its_permalink(page: Page, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "One"), {"id": "msg:2", **say("assistant", "Two")}))
    page.goto(f"{site}/completions/chatcmpl-one/")
    links = page.locator(f"{MESSAGES} copy-link a").evaluate_all("found => found.map(link => link.href)")
    assert links == [f"{site}/completions/chatcmpl-one/messages/{each}/" for each in ("chatcmpl-one-0", "msg:2")]


def test_a_permalink_to_a_message_that_is_not_there_leads_to_the_conversation(
    page: Page, stored: Callable, site: str
) -> None:
    stored(make_long("chatcmpl-long", 30))
    page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-30/")
    expect(page.get_by_role("heading", level=1)).to_have_text("No message with this id in the conversation")
    page.get_by_role("link", name="Open the conversation from its start").click()
    expect(page.locator(MESSAGES).first).to_be_visible()


def test_copy_link_puts_the_whole_permalink_on_the_clipboard(
    context: BrowserContext, page: Page, stored: Callable, site: str
) -> None:
    stored(make_long("chatcmpl-long", 60))
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}/completions/chatcmpl-long/")
    copy_link_of(page, "chatcmpl-long-3")
    expect(page.get_by_role("status").filter(has_text="Link copied")).to_be_visible()
    permalink = f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-3/"
    assert page.evaluate("navigator.clipboard.readText()") == permalink
    expect(page).to_have_url(f"{site}/completions/chatcmpl-long/")


def test_copy_link_works_on_a_site_without_a_clipboard(page: Page, stored: Callable, site: str) -> None:
    """As on plain http, where browsers hide `navigator.clipboard`."""
    stored(make_long("chatcmpl-long", 60))
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(f"{site}/completions/chatcmpl-long/")
    copy_link_of(page, "chatcmpl-long-3")
    expect(page.get_by_role("status").filter(has_text="Link copied")).to_be_visible()
    box = page.get_by_label("Search, or open by id or URL")
    box.press("ControlOrMeta+V")
    expect(box).to_have_value(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-3/")


def test_a_message_that_was_loaded_by_scrolling_can_be_copied_too(
    context: BrowserContext, page: Page, stored: Callable, site: str
) -> None:
    stored(make_long("chatcmpl-long", 60))
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}/completions/chatcmpl-long/")
    walk_to_the_end(page)
    copy_link_of(page, "chatcmpl-long-55")
    expect(page.get_by_role("status").filter(has_text="Link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith("/messages/chatcmpl-long-55/")


def test_a_copied_permalink_shows_its_message_to_a_colleague(
    context: BrowserContext, page: Page, stored: Callable, site: str, open_browser: Callable, bob: User
) -> None:
    stored(make_long("chatcmpl-long", 60))
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-30/")
    copy_link_of(page, "chatcmpl-long-33")
    expect(page.get_by_role("status").filter(has_text="Link copied")).to_be_visible()
    colleagues = open_browser(bob).new_page()
    colleagues.goto(page.evaluate("navigator.clipboard.readText()"))
    expect(colleagues.locator(LINKED)).to_have_attribute("data-message-id", "chatcmpl-long-33")
    expect_in_view_below_the_headers(colleagues)


def copy_link_of(page: Page, message_id: str) -> None:
    message = page.locator(f'[data-message-id="{message_id}"]')
    message.hover()
    message.get_by_role("link", name="copy the link to this message").click()
