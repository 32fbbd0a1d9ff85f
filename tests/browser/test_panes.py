"""List, conversation and facts side by side on a desktop, one at a time on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.reading import MESSAGES, draw, make_varied, walk_to_the_end
from tests.conftest import make_completion, make_key, make_long, say
from viewer.archive.models import SearchPack
from viewer.keys.models import ApiKey

ROWS = ".side--list [data-completion-id]"
CURRENT = f"{ROWS}:has([aria-current])"


@pytest.fixture
def sixty(stored: Callable) -> None:
    stored(
        *(
            make_completion(f"c-{n:02}", say("user", f"Question {n}"), model="even" if n % 2 == 0 else "odd", created=n)
            for n in range(60)
        )
    )


def top_of(page: Page, row: str) -> float:
    return page.locator(f'.side--list [data-completion-id="{row}"]').evaluate("row => row.getBoundingClientRect().top")


def test_the_list_that_one_came_from_stands_beside_and_keeps_its_place(page: Page, sixty: None, site: str) -> None:
    page.goto(f"{site}/completions/?model=even")
    page.get_by_role("link", name="Question 30").click()
    expect(page).to_have_url(f"{site}/completions/c-30/")
    expect(page.locator(CURRENT)).to_have_attribute("data-completion-id", "c-30")
    expect(page.locator(CURRENT)).to_be_in_viewport()
    assert set(page.locator(ROWS).evaluate_all("rows => rows.map(row => row.textContent.includes('odd'))")) == {False}
    page.locator(".side--list").evaluate("pane => pane.scrollBy({ top: 130, behavior: 'instant' })")
    before = top_of(page, "c-24")
    page.locator(ROWS).get_by_role("link", name="Question 24").click()
    expect(page).to_have_url(f"{site}/completions/c-24/")
    expect(page.locator(CURRENT)).to_have_attribute("data-completion-id", "c-24")
    page.wait_for_function(
        "top => Math.abs(document.querySelector('.row:has([aria-current])').getBoundingClientRect().top - top) <= 1",
        arg=before,
    )
    page.get_by_role("link", name="Next conversation").first.click()
    expect(page).to_have_url(f"{site}/completions/c-22/")
    page.get_by_role("link", name="Back to the list").click()
    expect(page).to_have_url(f"{site}/search/?q=model%3Aeven")


def test_a_row_that_was_cut_by_the_head_of_the_list_is_shown_whole_when_it_is_read(
    page: Page, sixty: None, site: str
) -> None:
    page.goto(f"{site}/completions/c-30/")
    expect(page.locator(CURRENT)).to_be_in_viewport()
    head = page.locator(".side__head").bounding_box()
    assert head is not None
    edge = head["y"] + head["height"]
    page.locator(".side--list").evaluate("(pane, by) => pane.scrollBy(0, by)", top_of(page, "c-30") - edge + 32)
    draw(page, 3)
    assert top_of(page, "c-30") < edge
    page.goto(f"{site}/completions/c-30/messages/c-30-0/")
    expect(page.locator(CURRENT)).to_be_visible()
    page.wait_for_function(
        "edge => document.querySelector('.row:has([aria-current])').getBoundingClientRect().top >= edge", arg=edge
    )


def test_a_tab_goes_on_with_its_source_when_another_tab_chooses_one(
    page: Page, alice: User, stored: Callable, site: str
) -> None:
    stored(*(make_completion(f"c-{n}", created=n) for n in range(60)), make_long("chatcmpl-long", 140))
    page.goto(f"{site}/completions/")
    reading = page.context.new_page()
    reading.goto(f"{site}/completions/chatcmpl-long/")
    ApiKey.objects.choose(alice, make_key(alice, base_url="http://127.0.0.1:9/v1"))  # nobody listens there
    named: list[str | None] = []
    reading.on("request", lambda asked: named.append(asked.headers.get("x-page-source")))
    walk_to_the_end(page)
    assert page.locator("[data-completion-id]").count() == 61
    page.locator("body").press("Home")
    reading.get_by_role("link", name="Find in this conversation").click()
    reading.get_by_role("searchbox", name="Find in this conversation").fill("number")
    reading.keyboard.press("Enter")
    expect(reading.locator(".hit")).to_have_count(140)
    reading.get_by_role("button", name="Previous match").click()  # fetched, for it is not on the page
    expect(reading.locator(f"{MESSAGES}[aria-current]")).to_have_attribute("data-message-id", "chatcmpl-long-139")
    assert set(named) <= {"archive", None}
    assert named.count("archive") >= 2
    assert reading.locator("[data-problem]").count() == 0


def test_the_list_beside_goes_on_to_both_ends(page: Page, sixty: None, site: str) -> None:
    page.goto(f"{site}/completions/c-30/")
    expect(page.locator(CURRENT)).to_be_in_viewport()
    above = page.locator(".side--list").get_by_role("link", name="Previous page")
    before = top_of(page, "c-42")
    above.evaluate("link => link.click()")
    expect(page.locator(ROWS).first).to_have_attribute("data-completion-id", "c-59")
    assert abs(top_of(page, "c-42") - before) <= 40  # the height of the button that is gone
    page.locator(".side--list").evaluate("pane => pane.scrollTo({ top: pane.scrollHeight, behavior: 'instant' })")
    expect(page.locator(ROWS)).to_have_count(60)
    expect(page.locator(".side--list .more")).to_have_count(0)


def test_the_list_beside_that_does_not_come_can_be_asked_for_again(page: Page, sixty: None, site: str) -> None:
    page.route(re.compile("/beside/"), lambda route: route.abort())
    page.goto(f"{site}/completions/c-30/")
    again = page.locator(".side--list").get_by_role("link", name="Try again")
    expect(again).to_be_visible()
    page.unroute(re.compile("/beside/"))
    again.click()
    expect(page.locator(CURRENT)).to_have_attribute("data-completion-id", "c-30")
    expect(again).to_have_count(0)


def test_a_phone_asks_for_no_list_and_folds_the_facts(page: Page, sixty: None, site: str) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size(PHONE)
    page.goto(f"{site}/completions/c-30/")
    page.get_by_role("link", name="Next conversation").click()
    expect(page).to_have_url(f"{site}/completions/c-29/")
    expect(page.locator(".side--list")).to_be_hidden()
    expect(page.get_by_label("Conversation id", exact=True)).to_be_hidden()
    page.locator(".facts__fold > summary").click()
    page.get_by_text("Technical details").click()
    expect(page.get_by_label("Conversation id", exact=True)).to_be_visible()
    assert not any("beside" in url for url in asked)


def test_the_way_to_a_number_and_to_the_last_message_needs_no_javascript(
    plain_page: Page, stored: Callable, site: str
) -> None:
    stored(make_long("chatcmpl-long", 300))
    plain_page.goto(f"{site}/completions/chatcmpl-long/")
    plain_page.get_by_label("Number of a message").fill("200")
    plain_page.get_by_role("button", name="Go").click()
    expect(plain_page).to_have_url(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-200/")
    plain_page.get_by_role("link", name="Last", exact=True).click()
    expect(plain_page).to_have_url(f"{site}/completions/chatcmpl-long/choices/0/")
    expect(plain_page.locator(".side--list")).to_be_hidden()


def test_jumping_goes_on_to_what_the_archive_has_counted_beyond_the_page(
    page: Page, stored: Callable, site: str
) -> None:
    conversation = make_long("chatcmpl-long", 200)
    for n in (5, 150):
        conversation["messages"][n] |= {"role": "tool", "content": "Error: too late"}
    stored(conversation)
    page.goto(f"{site}/completions/chatcmpl-long/")
    errors = page.locator("jump-to a", has_text="Tool errors")
    expect(page.get_by_text("In the whole conversation")).to_be_visible()
    expect(errors).to_have_text("Tool errors 2")
    errors.click()
    expect(errors).to_have_text("Tool errors 1 / 2")
    errors.click()
    expect(page).to_have_url(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-150/")
    expect(page.locator('[data-message-id="chatcmpl-long-150"]')).to_have_attribute("aria-current", "true")
    expect(errors).to_have_text("Tool errors 2")


def test_jumping_goes_from_one_to_the_next_and_counts_what_is_loaded(page: Page, stored: Callable, site: str) -> None:
    stored(make_varied("chatcmpl-varied", 60))
    SearchPack.objects.all().delete()  # as with a server elsewhere, nothing is known but what is loaded
    page.goto(f"{site}/completions/chatcmpl-varied/")
    pictures = page.locator("jump-to a", has_text="Images")
    expect(page.get_by_text("In the messages loaded so far")).to_be_visible()
    for position, message in enumerate((3, 10, 17), start=1):
        pictures.click()
        expect(pictures).to_contain_text(f"{position} / ")
        jumped = page.locator(f'[data-message-id="chatcmpl-varied-{message}"]')
        expect(jumped).to_be_focused()
        expect(jumped.locator("[data-part=image]")).to_be_in_viewport()
    walk_to_the_end(page)
    expect(page.get_by_text("In the whole conversation")).to_be_visible()
    expect(pictures).to_have_text("Images 3 / 9")  # the place stays known while more is loaded
    expect(page.locator("[data-part=image]")).to_have_count(9)
    expect(page.locator("jump-to a", has_text="Refusals")).to_be_hidden()


def test_a_page_holds_500_messages_and_then_offers_a_fresh_one(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-huge", 10_000))
    page.goto(f"{site}/completions/chatcmpl-huge/messages/chatcmpl-huge-5000/")
    below = page.locator(".more--below a")
    while "Continue" not in (below.text_content() or ""):
        page.keyboard.press("End")
        draw(page, 2)
        assert page.locator(MESSAGES).count() <= 500
    expect(page.locator(MESSAGES)).to_have_count(500)
    last = int(page.locator(MESSAGES).last.get_attribute("data-message-id").rpartition("-")[2])
    expect(below).to_have_text(f"Continue from message #{last}")
    below.click()
    expect(page).to_have_url(f"{site}/completions/chatcmpl-huge/messages/chatcmpl-huge-{last}/")
    expect(page.locator(f'[data-message-id="chatcmpl-huge-{last + 1}"]')).to_be_attached()
