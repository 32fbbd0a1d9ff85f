"""Reading a conversation from its start or its end by scrolling."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.reading import (
    EARLIER,
    LATER,
    MESSAGES,
    draw,
    ids_of,
    make_varied,
    message_ids,
    walk,
    walk_to_the_end,
    walk_to_the_start,
)
from tests.conftest import make_choice, make_completion, make_long, say


def test_the_first_bubbles_are_there_when_the_page_opens(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 62))
    page.goto(f"{site}/completions/chatcmpl-long/")
    first = page.locator(MESSAGES).first
    expect(first).to_have_attribute("data-message-id", "chatcmpl-long-0")
    expect(first).to_have_attribute("data-role", "user")
    expect(first).to_contain_text("Message number 0 of 62.")
    expect(first).to_be_in_viewport()
    expect(page.locator(EARLIER)).to_have_count(0)


def test_scrolling_to_the_end_of_62_messages_loads_each_once_in_order(page: Page, stored: Callable, site: str) -> None:
    long = make_varied("chatcmpl-long", 62)
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-long/")
    walk_to_the_end(page)
    assert message_ids(page) == ids_of(long)
    expect(page.locator(LATER)).to_have_count(0)


def test_the_answer_follows_the_last_message_exactly_once(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 62))
    page.goto(f"{site}/completions/chatcmpl-long/")
    expect(page.locator("section[data-answer]")).to_have_count(0)
    walk_to_the_end(page)
    expect(page.locator("section[data-answer]")).to_have_count(1)
    expect(page.locator(f"{MESSAGES} ~ section[data-answer]")).to_contain_text("You are welcome.")
    expect(page.locator(f"section[data-answer] ~ {MESSAGES}")).to_have_count(0)


def test_an_answer_that_is_the_last_message_already_is_not_shown_twice(page: Page, stored: Callable, site: str) -> None:
    messages = [say("user", "Thanks!"), say("assistant", "You are welcome.")]
    stored(make_completion("chatcmpl-one", *messages, choices=[make_choice("You are welcome.")]))
    page.goto(f"{site}/completions/chatcmpl-one/")
    expect(page.get_by_role("main").get_by_text("You are welcome.")).to_have_count(1)


def test_newest_first_reads_from_the_answer_to_the_first_message(page: Page, stored: Callable, site: str) -> None:
    long = make_varied("chatcmpl-long", 62)
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-long/")
    page.get_by_role("link", name="Newest first").click()
    expect(page).to_have_url(f"{site}/completions/chatcmpl-long/?order=desc")
    expect(page.locator(f"section[data-answer] + {MESSAGES}")).to_have_attribute("data-message-id", "chatcmpl-long-61")
    walk(page, EARLIER, "End")
    assert message_ids(page) == ids_of(long)[::-1]
    expect(page.locator("section[data-answer]")).to_have_count(1)


def test_a_later_page_of_newest_first_can_be_opened_and_read_to_both_ends(
    page: Page, stored: Callable, site: str
) -> None:
    long = make_long("chatcmpl-long", 100)
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-long/?order=desc&after=chatcmpl-long-60")
    expect(page.locator('[data-message-id="chatcmpl-long-59"]')).to_be_visible()
    walk(page, EARLIER, "End")
    shown = message_ids(page)
    assert len(shown) == len(set(shown))
    assert shown == sorted(shown, key=ids_of(long).index, reverse=True)


def test_a_later_page_can_be_opened_and_read_back_to_the_start(page: Page, stored: Callable, site: str) -> None:
    long = make_long("chatcmpl-long", 100)
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-long/?after=chatcmpl-long-59")
    walk_to_the_start(page)
    walk_to_the_end(page)
    assert message_ids(page) == ids_of(long)


def test_the_end_of_the_conversation_is_announced_only_at_its_end(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 90))
    page.goto(f"{site}/completions/chatcmpl-long/?after=chatcmpl-long-69")
    walk_to_the_start(page)
    walk_to_the_end(page)
    expect(page.get_by_text("End of the conversation")).to_have_count(1)
    expect(page.locator(f".end:has-text('End of') ~ {MESSAGES}")).to_have_count(0)
    expect(page.locator(f"{MESSAGES} ~ .end:has-text('Beginning of')")).to_have_count(0)


def test_240_messages_of_10000_load_in_order_while_scrolling_wildly(page: Page, stored: Callable, site: str) -> None:
    long = make_long("chatcmpl-huge", 10_000)
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-huge/")
    for loaded in range(40, 241, 20):
        while page.locator(MESSAGES).count() < loaded:
            for key in ("End", "PageUp", "Home", "PageDown", "End"):
                page.keyboard.press(key)
            draw(page, 1)
    shown = message_ids(page)
    assert shown == ids_of(long)[: len(shown)]


def test_the_last_messages_of_10000_lead_to_the_answer(page: Page, stored: Callable, site: str) -> None:
    long = make_long("chatcmpl-huge", 10_000)
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-huge/messages/chatcmpl-huge-9930/")
    walk_to_the_end(page)
    shown = message_ids(page)
    assert shown == ids_of(long)[-len(shown) :]
    expect(page.locator(f"{MESSAGES} ~ section[data-answer]")).to_have_count(1)


def test_the_fragments_of_2000_messages_hold_each_message_once_in_order(
    page: Page, stored: Callable, site: str
) -> None:
    long = make_long("chatcmpl-huge", 2_000)
    stored(long)
    shown, answers = [], 0
    address = "/completions/chatcmpl-huge/"
    while address:
        answer = page.request.get(site + address, headers={"HX-Request": "true"})
        assert answer.ok
        fragment = answer.text()
        shown += re.findall(r'data-message-id="([^"]*)"', fragment)
        answers += fragment.count("data-answer")
        found = re.search(r'data-more="later"\s+hx-get="([^"]*)"', fragment)
        address = html.unescape(found[1]) if found else ""
    assert shown == ids_of(long)
    assert answers == 1
