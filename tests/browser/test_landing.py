"""A linked message lands with what was said before it in sight, and a linked tool result in the card of its call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.reading import MESSAGES, SHOWN, Held, settle
from tests.conftest import make_long, say

CONVERSATION = "/completions/chatcmpl-talk/"
LOW = {"width": 800, "height": 400}
LONG = "\n\n".join(f"Paragraph {n} of many." for n in range(40))
IS_PHONE = pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])


def calling(n: int, name: str = "find_parcel") -> dict[str, Any]:
    call = {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": '{"city": "Bergen"}'}}
    return say("assistant", None, tool_calls=[call])


def returning(n: int, words: str = "lost in Bergen") -> dict[str, Any]:
    return say("tool", words, tool_call_id=f"call_{n}")


@pytest.fixture
def talk(stored: Callable) -> None:
    """50 messages, and among them questions and answers of different lengths, with and without tools between them."""
    made = make_long("chatcmpl-talk", 50)
    for n, message in {
        10: say("user", "Where is my parcel?"), 11: say("assistant", LONG),
        20: say("user", f"{LONG}\n\nSo where is it?"), 21: say("assistant", "It is in Bergen."),
        28: say("user", "And the other one?"), 29: calling(1), 30: returning(1), 31: say("assistant", LONG),
        40: say("user", "And the third?"), 41: calling(2), 42: returning(2, '{"error": "lost"}'),
    }.items():  # fmt: skip
        made["messages"][n] |= message
    stored(made)


def opened(page: Page, site: str, number: int, query: str = "") -> None:
    page.goto(f"{site}{CONVERSATION}messages/chatcmpl-talk-{number}/{query}")
    expect(page.locator(SHOWN)).to_be_visible()
    settle(page)


def begin(page: Page, selector: str = SHOWN) -> float:
    return page.locator(selector).evaluate("(found) => found.getBoundingClientRect().top")


def end(page: Page, selector: str) -> float:
    return page.locator(selector).evaluate("(found) => found.getBoundingClientRect().bottom")


def message(number: int) -> str:
    return f'[data-message-id="chatcmpl-talk-{number}"]'


def heads_end(page: Page) -> float:
    return end(page, ".conversation-head")


@IS_PHONE
@pytest.mark.parametrize(("question", "answer"), [(10, 11), (28, 31)], ids=["at once", "after a tool"])
def test_all_of_a_short_question_is_in_sight_above_its_linked_answer(
    page: Page, talk: None, site: str, viewport: dict, question: int, answer: int
) -> None:
    page.set_viewport_size(viewport)
    opened(page, site, answer)
    assert heads_end(page) <= begin(page, message(question)) < begin(page)
    assert begin(page) < viewport["height"] / 2


@IS_PHONE
def test_the_last_lines_of_a_long_question_are_in_sight(page: Page, talk: None, site: str, viewport: dict) -> None:
    page.set_viewport_size(viewport)
    opened(page, site, 21)
    assert end(page, message(20)) >= heads_end(page) + 48
    assert viewport["height"] * 0.2 < begin(page) < viewport["height"] / 2


@IS_PHONE
def test_a_linked_question_shows_the_end_of_the_answer_before_it(
    page: Page, talk: None, site: str, viewport: dict
) -> None:
    page.set_viewport_size(viewport)
    opened(page, site, 12)
    assert end(page, message(11)) >= heads_end(page) + 48
    assert begin(page) < viewport["height"] / 2


def test_in_a_low_window_the_linked_message_begins_in_sight(page: Page, talk: None, site: str) -> None:
    page.set_viewport_size(LOW)
    for number in (11, 21, 30, 31):
        opened(page, site, number)
        assert heads_end(page) < begin(page) < LOW["height"] / 2


def test_the_first_message_stays_at_the_top_of_the_page(page: Page, talk: None, site: str) -> None:
    opened(page, site, 0)
    assert page.evaluate("scrollY") == 0


@IS_PHONE
def test_a_linked_tool_result_lands_in_the_open_card_of_its_call(
    page: Page, talk: None, site: str, viewport: dict
) -> None:
    page.set_viewport_size(viewport)
    opened(page, site, 30)
    card = page.locator(f"{message(29)} .call")
    expect(card).to_have_attribute("open", "")
    expect(card.locator("summary")).to_be_in_viewport()
    expect(card.get_by_text("Linked message")).to_be_in_viewport()
    expect(card.get_by_text("lost in Bergen")).to_be_in_viewport()
    expect(page.get_by_text("lost in Bergen")).to_have_count(1)
    expect(page.get_by_text("Linked message")).to_have_count(1)
    assert heads_end(page) <= begin(page, f"{message(29)} .call") < begin(page) < viewport["height"] / 2
    assert page.locator(SHOWN).evaluate("(shown) => getComputedStyle(shown).outlineStyle") == "solid"


def test_a_linked_tool_result_shows_the_question_before_the_call_too(page: Page, talk: None, site: str) -> None:
    opened(page, site, 30)
    assert heads_end(page) <= begin(page, message(28))


@IS_PHONE
def test_the_customers_view_shows_the_question_above_the_linked_answer(
    page: Page, talk: None, site: str, viewport: dict
) -> None:
    page.set_viewport_size(viewport)
    page.context.add_cookies([{"name": "audience", "value": "customer", "url": site}])
    opened(page, site, 31)
    expect(page.locator(message(29))).to_have_count(0)
    assert heads_end(page) <= begin(page, message(28)) < begin(page) < viewport["height"] / 2


@IS_PHONE
def test_a_hit_near_the_beginning_shows_the_question_too(page: Page, talk: None, site: str, viewport: dict) -> None:
    page.set_viewport_size(viewport)
    opened(page, site, 11, "?find=Paragraph+4")
    expect(page.locator("mark[aria-current]")).to_be_in_viewport()
    expect(page.locator("mark[aria-current]")).to_have_text("Paragraph 4")
    assert heads_end(page) <= begin(page, message(10))


def test_a_hit_far_down_in_a_long_answer_is_in_the_middle(page: Page, talk: None, site: str) -> None:
    opened(page, site, 11, "?find=Paragraph+35")
    assert abs(begin(page, "mark[aria-current]") - DESKTOP["height"] / 2) < 2


def test_a_hit_in_a_tool_result_is_marked_in_the_card_of_its_call(page: Page, talk: None, site: str) -> None:
    page.goto(f"{site}{CONVERSATION}")
    page.get_by_role("link", name="Find in this conversation").click()
    page.get_by_role("searchbox", name="Find in this conversation").fill("lost in bergen")
    page.keyboard.press("Enter")
    mark = page.locator(f"{message(29)} .call [data-shows] mark[aria-current]")
    expect(mark).to_have_text("lost in Bergen")
    expect(mark).to_be_in_viewport()
    expect(page.locator(SHOWN)).to_have_attribute("data-shows", "chatcmpl-talk-30")
    page.get_by_role("searchbox", name="Find in this conversation").fill("call_1")
    page.keyboard.press("Enter")
    for place in ("[data-shows]", ".call__label"):  # that of the result is next to the reader
        expect(page.locator(f"{message(29)} {place} mark[aria-current]")).to_have_text("call_1")
        expect(page.locator(f"{message(29)} {place} mark[aria-current]")).to_be_in_viewport()
        page.keyboard.press("Enter")


@IS_PHONE
@pytest.mark.parametrize("number", [30, 31, 32])
def test_the_linked_message_stays_where_it_landed_while_earlier_ones_load(
    page: Page, stored: Callable, site: str, viewport: dict, number: int
) -> None:
    made = make_long("chatcmpl-talk", 60)
    made["messages"][31] |= calling(1)
    made["messages"][32] |= returning(1)
    stored(made)
    page.set_viewport_size(viewport)
    held = Held(page, "before=")
    opened(page, site, number)
    before, loaded = begin(page), page.locator(MESSAGES).count()
    assert before > heads_end(page) + 48
    held.wait()
    held.let_go()
    page.wait_for_function(f"(loaded) => document.querySelectorAll('{MESSAGES}').length > loaded", arg=loaded)
    settle(page)
    assert abs(begin(page) - before) <= 0.5


def test_the_address_stays_that_of_the_linked_message_while_it_is_near_its_place(
    page: Page, talk: None, site: str
) -> None:
    opened(page, site, 31)
    address = page.url
    page.mouse.move(700, 600)
    page.mouse.wheel(0, 30)
    page.wait_for_function("() => history.state?.reading?.id === 'chatcmpl-talk-31'")
    assert page.url == address
    page.mouse.wheel(0, -3000)
    page.wait_for_function("(address) => location.href !== address", arg=address)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE, LOW], ids=["desktop", "phone", "low"])
@pytest.mark.parametrize("number", [11, 21, 30])
def test_without_javascript_a_linked_message_lands_a_third_down(
    plain_page: Page, talk: None, site: str, viewport: dict, number: int
) -> None:
    plain_page.set_viewport_size(viewport)
    plain_page.goto(f"{site}{CONVERSATION}messages/chatcmpl-talk-{number}/")
    expect(plain_page.locator(SHOWN)).to_be_in_viewport()
    place = plain_page.locator(SHOWN).bounding_box()["y"]
    heads = plain_page.locator(".conversation-head").bounding_box()
    assert heads["y"] + heads["height"] + 20 < place < viewport["height"] * 0.45
