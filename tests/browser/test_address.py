"""The address follows the reader, so that a reload, or going away and back, finds the same line."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.reading import (
    LINKED,
    MESSAGES,
    make_varied,
    message_ids,
    place_of_the_message_read,
    press_until,
    settle,
    walk_to_the_start,
)
from tests.conftest import make_long

READ = re.compile(r"/completions/chatcmpl-varied/messages/chatcmpl-varied-\d+/$")


def read_on(page: Page, presses: int) -> None:
    for _ in range(presses):
        page.keyboard.press("PageDown")
        settle(page)


def expect_the_same_line(page: Page, place: tuple[str, float]) -> None:
    page.wait_for_function(
        "([id, top]) => Math.abs(document.querySelector(`[data-message-id='${id}']`)?.getBoundingClientRect().top - top) <= 1",
        arg=place,
    )
    settle(page)
    assert (
        abs(
            page.locator(f'[data-message-id="{place[0]}"]').evaluate("one => one.getBoundingClientRect().top")
            - place[1]
        )
        <= 1
    )


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_reload_and_the_way_back_return_to_the_line_being_read(
    page: Page, stored: Callable, site: str, viewport: dict
) -> None:
    page.set_viewport_size(viewport)
    stored(make_varied("chatcmpl-varied", 120))
    page.goto(f"{site}/completions/chatcmpl-varied/")
    read_on(page, 9)
    place = place_of_the_message_read(page)
    expect(page).to_have_url(READ)
    assert page.evaluate("history.length") == 2  # nothing is added on the way
    page.reload()
    expect_the_same_line(page, place)
    index = int(place[0].rpartition("-")[2])
    expect(page.locator(f'[data-message-id="chatcmpl-varied-{index - 1}"]')).to_be_attached()
    page.goto(f"{site}/completions/")
    page.go_back()
    expect_the_same_line(page, place)
    walk_to_the_start(page)
    assert message_ids(page)[0] == "chatcmpl-varied-0"
    press_until(page, "Home", lambda: page.url == f"{site}/completions/chatcmpl-varied/")


def test_opening_changes_no_address_and_the_linked_message_stays_marked(
    page: Page, stored: Callable, site: str
) -> None:
    stored(make_long("chatcmpl-long", 60))
    asked = f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-30/"
    page.goto(asked)
    expect(page.locator(LINKED)).to_be_in_viewport()
    expect(page).to_have_url(asked)
    page.keyboard.press("PageDown")
    expect(page).not_to_have_url(asked)
    expect(page.locator(LINKED)).to_have_attribute("data-message-id", "chatcmpl-long-30")


def test_a_switch_goes_back_to_the_line_being_read_and_newest_first_stays_so(
    page: Page, stored: Callable, site: str
) -> None:
    stored(make_long("chatcmpl-long", 200))
    page.goto(f"{site}/completions/chatcmpl-long/?order=desc")
    read_on(page, 5)
    read, _ = place_of_the_message_read(page)
    expect(page).to_have_url(re.compile(r"/messages/chatcmpl-long-1\d\d/\?order=desc$"))
    page.get_by_role("button", name="As written").evaluate("button => button.click()")
    expect(page.get_by_role("button", name="As written")).to_have_attribute("aria-current", "true")
    expect(page.locator(LINKED)).to_have_attribute("data-message-id", read)
    shown = [int(one.rpartition("-")[2]) for one in message_ids(page)]
    assert shown == sorted(shown, reverse=True)
    expect(page.locator(MESSAGES).first).to_be_attached()
