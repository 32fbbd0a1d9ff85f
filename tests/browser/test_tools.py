"""A tool call and its result find each other over the border of two pages, and nothing moves meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.reading import (
    LINKED,
    MESSAGES,
    Held,
    expect_copied,
    settle,
    tops_in_view,
    walk_to_the_end,
    walk_to_the_start,
)
from tests.conftest import make_completion, make_long, say

ADDRESS = "/completions/chatcmpl-long/"
ARGUMENTS = '{"order":1.10,"order":2}'


@pytest.fixture
def long(stored: Callable) -> None:
    """70 messages: #12 asks for four things; #19, #25 and #45 answer three of them, on three pages."""
    made = make_long("chatcmpl-long", 70)
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": ARGUMENTS}}
        for call_id, name in (("a", "at_hand"), ("b", "on_page_2"), ("c", "on_page_3"), ("d", "never"))
    ]
    made["messages"][12] |= say("assistant", None, tool_calls=calls)
    made["messages"][19] |= say("tool", "first words", tool_call_id="a")
    made["messages"][25] |= say("tool", "\n".join(f"second words {n}" for n in range(30)), tool_call_id="b")
    made["messages"][45] |= say("tool", '{"error": "third words"}', tool_call_id="c")
    stored(made)


def card(page: Page, name: str) -> Locator:
    return page.locator('[data-part="tool-call"]').filter(has=page.locator(f'summary:has-text("{name}")'))


def result(page: Page, n: int) -> Locator:
    return page.locator(f'[data-message-id="chatcmpl-long-{n}"] [data-part="tool-result"]')


def unfold(part: Locator) -> None:
    part.evaluate("(part) => (part.open = true)")


def test_a_card_is_filled_when_the_page_of_its_result_loads(page: Page, long: None, site: str) -> None:
    page.goto(site + ADDRESS)
    expect(card(page, "at_hand")).to_contain_text("first words")
    expect(card(page, "on_page_2")).to_contain_text("Result in #25")
    expect(card(page, "never")).to_contain_text("Result not loaded")
    walk_to_the_end(page)
    near, far = card(page, "on_page_2"), card(page, "on_page_3")
    expect(near).to_contain_text("second words 29")
    expect(near.locator(".chip")).to_have_text("Result")
    expect(near.locator(".call__number")).to_have_text("#25")
    link = near.get_by_role("link", name="#25", include_hidden=True)
    assert link.evaluate("(link) => link.href") == f"{site}{ADDRESS}messages/chatcmpl-long-25/"
    expect(page.locator('[data-message-id="chatcmpl-long-25"]')).to_have_text("")
    expect(page.locator('[data-message-id="chatcmpl-long-25"]')).to_have_css("height", "0px")
    expect(far.locator(".chip")).to_have_text("Error")
    expect(far).to_contain_text("third words")
    expect(result(page, 45)).to_have_attribute("open", "")
    expect(card(page, "never").locator(".chip")).to_have_text("No result")


def test_a_card_is_filled_when_it_comes_after_its_result_which_stays_open(page: Page, long: None, site: str) -> None:
    page.goto(f"{site}{ADDRESS}messages/chatcmpl-long-45/")
    expect(page.locator(LINKED)).to_contain_text("The call is not on this page")
    walk_to_the_start(page)
    expect(card(page, "on_page_3")).to_contain_text("third words")
    expect(result(page, 45)).to_have_attribute("open", "")
    expect(result(page, 45)).to_contain_text("Result of the call in #12")
    expect(result(page, 25)).to_have_attribute("open", "")


def test_nothing_moves_when_an_open_card_above_is_filled(page: Page, long: None, site: str) -> None:
    held = Held(page, "after=")
    page.goto(site + ADDRESS)
    unfold(card(page, "on_page_2"))
    card(page, "never").scroll_into_view_if_needed()
    settle(page)
    held.wait("End")
    page.evaluate("""() => {
        dispatchEvent(new WheelEvent("wheel"));
        document.querySelector('[data-message-id="chatcmpl-long-15"]').scrollIntoView();
    }""")
    settle(page)
    before = tops_in_view(page)
    assert "chatcmpl-long-19" in before
    assert "chatcmpl-long-12" not in before
    held.release()
    expect(card(page, "on_page_2")).to_contain_text("second words 29")
    settle(page)
    after = tops_in_view(page)
    assert max(abs(after[message] - top) for message, top in before.items()) <= 0.5


def test_a_call_is_copied_as_it_came(context: BrowserContext, page: Page, long: None, site: str) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site + ADDRESS)
    for place in (card(page, "at_hand"), card(page, "on_page_2")):
        unfold(place)
        place.get_by_role("button", name="Copy the call").click()
        expect_copied(page, f"{place.locator('.call__name').inner_text()}\n{ARGUMENTS}")


def test_a_result_that_was_filled_in_can_be_copied_too(
    context: BrowserContext, page: Page, long: None, site: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site + ADDRESS)
    walk_to_the_end(page)
    unfold(card(page, "on_page_3"))
    card(page, "on_page_3").get_by_role("button", name="Copy the result").click()
    expect_copied(page, '{"error": "third words"}')


@pytest.fixture
def short(stored: Callable) -> None:
    """#1 makes two calls, and #2 and #3 answer them."""
    calls = [
        {"id": call_id, "type": "function", "function": {"name": f"find_{call_id}", "arguments": "{}"}}
        for call_id in "ab"
    ]
    stored(
        make_completion(
            "chatcmpl-long", say("user", "Where is it?"), say("assistant", None, tool_calls=calls),
            say("tool", "in Bergen", tool_call_id="a"), say("tool", "in Oslo", tool_call_id="b"),
            say("assistant", "Here it is."), say("user", "Thanks"),
        )
    )  # fmt: skip


def in_card(page: Page, n: int) -> Locator:
    return page.locator(f'[data-shows="chatcmpl-long-{n}"]')


def test_the_keys_step_over_a_message_that_a_card_shows(page: Page, short: None, site: str) -> None:
    page.goto(site + ADDRESS)
    expect(page.locator(MESSAGES)).to_have_count(6)
    page.locator(MESSAGES).nth(1).focus()
    for key, n in (("j", 4), ("j", 5), ("k", 4), ("k", 1)):
        page.keyboard.press(key)
        expect(page.locator(f'[data-message-id="chatcmpl-long-{n}"]')).to_be_focused()


def test_a_result_in_a_card_has_the_tools_of_its_message(
    context: BrowserContext, page: Page, short: None, site: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}{ADDRESS}messages/chatcmpl-long-3/")
    permalink = f"{site}{ADDRESS}messages/chatcmpl-long-3/"
    page.keyboard.press("c")
    expect_copied(page, permalink, "Link copied")
    unfold(card(page, "find_a"))
    in_card(page, 2).get_by_role("link", name="copy the link to this message").click()
    expect_copied(page, permalink.replace("-3/", "-2/"), "Link copied")
    in_card(page, 2).get_by_role("button", name="Copy the result").click()
    expect_copied(page, "in Bergen")
    json = in_card(page, 2).get_by_role("link", name="JSON")
    assert json.evaluate("(link) => link.href") == permalink.replace("-3/", "-2/raw/")


def test_a_range_can_begin_and_end_at_a_result_in_a_card(
    context: BrowserContext, page: Page, short: None, site: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site + ADDRESS)
    unfold(card(page, "find_a"))
    in_card(page, 2).hover()
    in_card(page, 2).get_by_role("button", name="Select").click()
    bar = page.get_by_role("group", name="Selected messages")
    in_card(page, 2).get_by_role("checkbox").check()
    expect(bar.get_by_role("status")).to_have_text("Messages selected: 1")
    page.keyboard.press("Shift+ArrowDown")  # the other card is closed, so the next box is that of #4
    expect(bar.get_by_role("status")).to_have_text("Messages selected: 3")
    expect(page.locator('[data-message-id="chatcmpl-long-4"] .message__pick')).to_be_focused()
    bar.get_by_role("combobox").select_option("everything")
    bar.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".toast")).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert re.findall(r"^== #(\d)", text, re.MULTILINE) == ["2", "3", "4"]
    assert "in Oslo" in text


def test_a_tool_error_is_reached_in_its_card(page: Page, stored: Callable, site: str) -> None:
    made = make_long("chatcmpl-long", 30)
    calls = [{"id": "a", "type": "function", "function": {"name": "find_a", "arguments": "{}"}}]
    made["messages"][17] |= say("assistant", None, tool_calls=calls)
    made["messages"][18] |= say("tool", '{"error": "no such city"}', tool_call_id="a")
    stored(made)
    page.goto(site + ADDRESS)
    page.get_by_role("link", name="Tool errors 1").click()
    expect(in_card(page, 18).get_by_text("no such city")).to_be_in_viewport()


def test_as_written_and_in_print_each_result_is_there_once(page: Page, short: None, site: str) -> None:
    page.goto(site + ADDRESS)
    page.get_by_role("button", name="As written").click()
    expect(result(page, 2)).to_contain_text("in Bergen")
    expect(result(page, 2)).to_be_visible()
    expect(page.get_by_text("in Bergen")).to_have_count(1)
    page.goto(f"{site}{ADDRESS}print/")
    page.emulate_media(media="print")
    expect(page.get_by_text("in Oslo")).to_have_count(1)
    expect(page.get_by_text("in Oslo")).to_be_visible()
    expect(in_card(page, 3).locator(".message__number")).to_have_text("#3")
