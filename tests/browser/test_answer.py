"""The answer of a completion is a message: it is linked, copied, selected and found like any other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import PHONE
from tests.browser.reading import LINKED, MESSAGES, expect_copied, forget_what_was_said, settle, walk_to_the_end
from tests.conftest import make_choice, make_completion, make_key, make_long, say
from tests.upstream import Upstream
from viewer.keys.models import ApiKey

ONE = "/completions/chatcmpl-one/"
ANSWERS = "article[data-choice]"
TOAST = ".toast"


@pytest.fixture
def two(stored: Callable) -> None:
    """A long conversation with two answers, and metadata beyond the edge of a narrow window."""
    long = make_long("chatcmpl-one", 90)
    long["messages"][3]["content"] = "The gasket is in the message."
    choices = [make_choice("The rivet is in the first."), make_choice("The washer is in the **second**.", 1)]
    metadata = {f"key {n}": f"value {n}" for n in range(12)} | {"ticket": "HB-90417"}
    stored(
        long | {"choices": choices, "metadata": metadata},
        make_completion("chatcmpl-bare", choices=[], model="bare"),
        make_completion("chatcmpl-alone", say("user", "Hi"), choices=[make_choice("A lone sprocket.")]),
        make_completion("chatcmpl-twice", say("user", "Hi"), say("assistant", "Gear."), choices=[make_choice("Gear.")]),
    )


def failures_of(page: Page) -> list[str]:
    """Gather what goes wrong on a page: what its console says, and answers that are none."""
    found: list[str] = []
    page.on("console", lambda line: found.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("requestfailed", lambda request: found.append(request.url))
    page.on("response", lambda answer: found.append(answer.url) if answer.status >= 400 else None)
    return found


def clipboard(page: Page) -> str:
    return page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    ("words", "label", "address", "ringed"),
    [
        ("gasket", "Assistant", "messages/chatcmpl-one-3/?find=gasket", '[data-message-id="chatcmpl-one-3"]'),
        ("rivet", "Answer 1 of 2", "choices/0/?find=rivet", '[data-choice="0"]'),
        ("washer", "Answer 2 of 2", "choices/1/?find=washer", '[data-choice="1"]'),
    ],
)
def test_a_search_hit_opens_at_its_message_or_answer_with_the_words_marked(
    page: Page, two: None, site: str, viewport: dict | None, words: str, label: str, address: str, ringed: str
) -> None:
    if viewport:
        page.set_viewport_size(viewport)
    failures = failures_of(page)
    page.goto(f"/search/?q={words}")
    page.locator(".found__hit", has_text=label).click()
    expect(page).to_have_url(f"{site}{ONE}{address}")
    expect(page.locator(f"{LINKED}{ringed} mark[aria-current]")).to_be_in_viewport()
    expect(page.locator(LINKED)).to_have_count(1)
    expect(page.locator(".find [role=status]")).to_have_text("1 of 1")
    settle(page)
    assert failures == []
    page.reload()
    expect(page.locator(f"{LINKED}{ringed} mark[aria-current]")).to_be_in_viewport()
    assert failures == []


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_a_search_hit_on_metadata_shows_the_pair_and_no_find_bar(
    page: Page, two: None, site: str, viewport: dict | None
) -> None:
    page.set_viewport_size(viewport or {"width": 1440, "height": 400})
    failures = failures_of(page)
    page.goto("/search/?q=hb-90417")
    page.locator(".found__hit", has_text="Metadata").click()
    expect(page).to_have_url(f"{site}{ONE}?pair=ticket")
    expect(page.locator(".facts mark", has_text="HB-90417")).to_be_in_viewport()
    expect(page.locator("search.find")).to_be_hidden()
    expect(page.locator(MESSAGES).first).to_contain_text("Message number 0")
    settle(page)
    assert failures == []


@pytest.mark.parametrize(
    ("question", "address"),
    [
        ("model:bare", "/completions/chatcmpl-bare/"),
        ("sprocket", "/completions/chatcmpl-alone/choices/0/?find=sprocket"),
        ("gear", "/completions/chatcmpl-twice/messages/chatcmpl-twice-1/?find=Gear"),
    ],
)
def test_every_other_search_hit_opens_without_a_failure(
    page: Page, two: None, site: str, question: str, address: str
) -> None:
    failures = failures_of(page)
    page.goto(f"/search/?q={question}")
    page.locator(".found .row__title, .found__hit").last.click()
    expect(page).to_have_url(f"{site}{address}")
    settle(page)
    assert failures == []


def test_an_address_with_words_and_no_message_goes_to_the_first_place_that_has_them(page: Page, two: None) -> None:
    failures = failures_of(page)
    page.goto(f"{ONE}?find=washer&order=desc")
    expect(page.locator(f'{LINKED}[data-choice="1"] mark[aria-current]')).to_be_in_viewport()
    expect(page.locator(".find [role=status]")).to_have_text("1 of 1")
    assert failures == []


def test_the_answer_has_a_link_and_c_copies_it(page: Page, context: BrowserContext, two: None, site: str) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{ONE}messages/chatcmpl-one-89/")
    for position in (0, 1):
        page.keyboard.press("j")
        expect(page.locator(ANSWERS).nth(position)).to_be_focused()
        page.keyboard.press("c")
        expect_copied(page, f"{site}{ONE}choices/{position}/", "Link copied")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site}{ONE}choices/1/")
    expect(page.locator(LINKED)).to_contain_text("Linked answer")
    expect(page.locator(LINKED)).to_be_focused()
    page.locator(ANSWERS).first.hover()
    page.locator(ANSWERS).first.get_by_role("link", name="copy the link to this answer").click()
    expect_copied(page, f"{site}{ONE}choices/0/", "Link copied")


def test_c_copies_the_link_of_the_ringed_message_when_the_find_bar_is_closed(
    page: Page, context: BrowserContext, two: None, site: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{ONE}choices/1/?find=washer")
    expect(page.locator(".find [role=status]")).to_have_text("1 of 1")
    page.get_by_role("searchbox", name="Find in this conversation").press("Escape")
    page.keyboard.press("c")
    expect_copied(page, f"{site}{ONE}choices/1/", "Link copied")


def test_c_never_copies_another_link_than_that_of_the_message(
    page: Page, context: BrowserContext, alice: User, upstream: Upstream
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("ids-empty")))
    page.goto("/completions/chatcmpl-live-long/")
    page.evaluate("navigator.clipboard.writeText('as before')")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator(TOAST)).to_have_text("No link: the id is missing")
    assert clipboard(page) == "as before"


def test_the_answer_is_copied_and_selected_where_it_stands(
    page: Page, context: BrowserContext, two: None, site: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{ONE}choices/0/")
    second = page.locator(ANSWERS).nth(1)
    second.hover()
    second.get_by_role("button", name="Copy", exact=True).click()
    expect_copied(page, f"The washer is in the second.\n\n-- Assistant, Answer 2 of 2, {site}{ONE}choices/1/\n")
    second.get_by_role("button", name="Select").click()
    bar = page.get_by_role("group", name="Selected messages")
    expect(bar.get_by_role("status")).to_have_text("Messages selected: 1")
    page.locator(MESSAGES).last.get_by_role("checkbox", name="Select #89").check()
    expect(bar.get_by_role("status")).to_have_text("Messages selected: 3")
    second.get_by_role("checkbox", name="Select Answer 2 of 2").uncheck()
    expect(bar.get_by_role("status")).to_have_text("Messages selected: 2")
    forget_what_was_said(page)
    bar.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(TOAST)).to_have_text("Copied")
    assert headings(page) == ["#89 Assistant", "Assistant, Answer 1 of 2"]


@pytest.mark.parametrize("order", ["", "?order=desc"], ids=["ascending", "descending"])
def test_a_selection_that_ends_at_an_answer_goes_on_where_it_is_not_on_the_page(
    page: Page, context: BrowserContext, two: None, order: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{ONE}choices/0/{order}")
    page.locator(".take-along summary").click()
    page.get_by_role("button", name="Select messages").click()
    page.locator('[data-choice="0"]').get_by_role("checkbox").check()
    page.goto(f"{ONE}messages/chatcmpl-one-40/{order}")
    bar = page.get_by_role("group", name="Selected messages")
    page.locator('[data-message-id="chatcmpl-one-45"]').get_by_role("checkbox").check()
    expect(bar.get_by_role("status")).to_have_text("Messages selected: …")
    expect(page.locator('[data-message-id="chatcmpl-one-46"]').get_by_role("checkbox")).to_be_checked()
    expect(page.locator('[data-message-id="chatcmpl-one-44"]').get_by_role("checkbox")).not_to_be_checked()
    bar.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(TOAST)).to_have_text("Copied")
    assert headings(page) == [
        *(f"#{n} {'Assistant' if n % 2 else 'Customer'}" for n in range(45, 90)),
        "Assistant, Answer 1 of 2",
    ]


def headings(page: Page) -> list[str]:
    return re.findall(r"^== (.*) ==$", clipboard(page), re.MULTILINE)


def test_the_address_follows_the_reader_onto_the_answer_and_a_reload_comes_back(
    page: Page, stored: Callable, site: str
) -> None:
    long = make_long("chatcmpl-one", 40) | {"choices": [make_choice("\n\n".join(f"Paragraph {n}." for n in range(99)))]}
    stored(long)
    page.goto(ONE)
    walk_to_the_end(page)
    page.get_by_text("Paragraph 40.").evaluate("one => one.scrollIntoView()")
    page.mouse.wheel(0, 5)
    expect(page).to_have_url(f"{site}{ONE}choices/0/")
    settle(page)
    page.wait_for_function(  # until the wheel has come to rest, and its place was kept
        "() => history.state.reading.top === document.querySelector('[data-choice]').getBoundingClientRect().top"
    )
    read = top_of(page)
    page.reload()
    expect(page.locator(LINKED)).to_have_attribute("data-choice", "0")
    settle(page)
    assert abs(top_of(page) - read) <= 1
    page.get_by_role("button", name="As written").evaluate("button => button.click()")
    expect(page.get_by_role("button", name="As written")).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(f"{site}{ONE}choices/0/")


def top_of(page: Page) -> Any:
    return page.locator(ANSWERS).evaluate("one => one.getBoundingClientRect().top")


def test_the_answer_opens_where_it_stands_also_without_javascript(plain_page: Page, two: None) -> None:
    plain_page.goto("/search/?q=washer")
    plain_page.locator(".found__hit").click()
    expect(plain_page.locator(f'{LINKED}[data-choice="1"]')).to_be_in_viewport()
    plain_page.goto("/search/?q=hb-90417")
    plain_page.locator(".found__hit").click()
    expect(plain_page.locator(".facts mark", has_text="HB-90417")).to_be_in_viewport()
