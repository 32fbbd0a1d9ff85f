"""The text under the reader's eyes does not move by one pixel while messages load above or below it.

The answer to a fragment is held back, the reader is put where the test wants, and every message in view is measured
before and after the answer comes.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.reading import LINKED, MESSAGES, SHOWN, Held, make_varied, settle, tops_in_view

AT_THE_TOP = "0"
ONE_PIXEL_DOWN = "1"
IN_THE_MIDDLE = "document.documentElement.scrollHeight / 2"
AT_THE_END = "document.documentElement.scrollHeight"
PLACE = "(id) => document.querySelector(`[data-message-id='${id}']`).getBoundingClientRect().top"


@pytest.fixture
def opened(page: Page, stored: Callable, site: str) -> Page:
    """A page at a message in the middle of a conversation whose messages are of very different heights."""
    stored(make_varied("chatcmpl-varied", 120))
    return page


def open_at(page: Page, site: str, index: int = 60) -> None:
    page.goto(f"{site}/completions/chatcmpl-varied/messages/chatcmpl-varied-{index}/")
    expect(page.locator(SHOWN)).to_be_visible()


def scroll_to(page: Page, place: str) -> None:
    # A page holds the place it opened at until the reader moves, as a wheel tells.
    page.evaluate(f"dispatchEvent(new WheelEvent('wheel')); scrollTo({{ top: {place}, behavior: 'instant' }})")
    settle(page)


def shift_while_loading(page: Page, held: Held, place: str) -> float:
    """Give the largest way, in pixels, that a message in view has moved after a held page of messages came in."""
    scroll_to(page, place)
    before = tops_in_view(page)
    assert before
    loaded = page.locator(MESSAGES).count()
    held.release()
    page.wait_for_function(f"n => document.querySelectorAll('{MESSAGES}').length > n", arg=loaded)
    settle(page)
    after = page.evaluate(f"(ids) => ids.map({PLACE})", list(before))
    return max(abs(now - then) for now, then in zip(after, before.values(), strict=True))


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("anchoring", ["auto", "none"])
@pytest.mark.parametrize("place", [AT_THE_TOP, ONE_PIXEL_DOWN, IN_THE_MIDDLE])
def test_nothing_moves_while_earlier_messages_load(
    opened: Page, site: str, place: str, anchoring: str, viewport: dict
) -> None:
    opened.set_viewport_size(viewport)
    held = Held(opened, "before=")
    open_at(opened, site)
    opened.evaluate("given => (document.documentElement.style.overflowAnchor = given)", anchoring)
    held.wait("Home")
    assert shift_while_loading(opened, held, place) <= 0.5


def test_nothing_moves_when_the_wheel_turns_at_the_moment_of_loading(opened: Page, site: str) -> None:
    held = Held(opened, "before=")
    open_at(opened, site)
    held.wait("Home")
    opened.evaluate(
        "() => document.addEventListener('htmx:afterSwap', () => dispatchEvent(new WheelEvent('wheel')), { once: true })"
    )
    assert shift_while_loading(opened, held, AT_THE_TOP) <= 0.5


def test_a_key_scrolls_on_when_messages_load_at_its_first_step(opened: Page, site: str) -> None:
    open_at(opened, site)
    settle(opened)
    place = next(iter(tops_in_view(opened).items()))
    opened.evaluate(
        """() => addEventListener("scroll", () => {
            for (const moment of ["htmx:beforeSwap", "htmx:afterSwap"]) {
                document.querySelector("reading-place").dispatchEvent(new Event(moment));
            }
        }, { once: true })"""
    )
    opened.keyboard.press("PageDown")
    opened.wait_for_function(f"([id, top]) => top - ({PLACE})(id) > 300", arg=place)


def test_nothing_moves_while_page_after_page_loads_up_to_the_first_message(opened: Page, site: str) -> None:
    held = Held(opened, "before=")
    open_at(opened, site)
    shifts = []
    while opened.locator('[data-more="earlier"]').count():
        held.wait("Home")
        shifts.append(shift_while_loading(opened, held, AT_THE_TOP))
    assert len(shifts) == 3
    assert max(shifts) <= 0.5


def test_reaching_the_top_loads_one_page_and_not_a_chain_of_them(opened: Page, site: str) -> None:
    asked = []
    opened.on("request", lambda request: asked.append(request.url) if "before=" in request.url else None)
    open_at(opened, site, index=110)
    scroll_to(opened, AT_THE_TOP)
    opened.wait_for_function(f"() => document.querySelectorAll('{MESSAGES}').length >= 40")
    settle(opened)
    assert len(asked) <= 2


@pytest.mark.parametrize("anchoring", ["auto", "none"])
@pytest.mark.parametrize("place", [AT_THE_END, IN_THE_MIDDLE])
def test_nothing_moves_while_later_messages_load(opened: Page, site: str, place: str, anchoring: str) -> None:
    held = Held(opened, "after=")
    open_at(opened, site)
    opened.evaluate("given => (document.documentElement.style.overflowAnchor = given)", anchoring)
    held.wait("End")
    assert shift_while_loading(opened, held, place) <= 0.5


def test_focus_stays_where_it_is_while_messages_load(opened: Page, site: str) -> None:
    held = Held(opened, "before=")
    open_at(opened, site)
    expect(opened.locator(LINKED)).to_be_focused()
    scroll_to(opened, AT_THE_TOP)
    held.wait()
    shift_while_loading(opened, held, AT_THE_TOP)
    expect(opened.locator(LINKED)).to_be_focused()
