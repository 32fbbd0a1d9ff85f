"""Signing in through the form, and what happens when a session ends while somebody reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.reading import LINKED, MESSAGES, place_of_the_message_read, press_until, settle, walk_to_the_end
from tests.conftest import make_completion, make_long
from viewer.accounts.models import Session

PASSWORD = "alice reads 1"


def fill_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_signing_in_lands_on_the_filtered_list_that_was_asked_for(
    strangers_page: Page, alice: User, stored: Callable, site: str
) -> None:
    stored(
        make_completion("chatcmpl-mine", metadata={"team": "north desk"}),
        make_completion("chatcmpl-other", metadata={"team": "south"}),
    )
    asked = f"{site}/completions/?" + urlencode({"model": "gpt-4.1", "metadata[team]": "north desk"})
    strangers_page.goto(asked)
    expect(strangers_page.get_by_role("heading", name="Sign in")).to_be_visible()
    fill_in(strangers_page)
    expect(strangers_page.get_by_role("link", name="Remove filter team north desk")).to_be_visible()
    expect(strangers_page.locator("[data-completion-id]")).to_have_count(1)


@pytest.mark.parametrize("place", ["messages/chatcmpl-long-31", "choices/0"])
def test_signing_in_lands_on_the_permalink_that_was_asked_for(
    strangers_page: Page, alice: User, stored: Callable, site: str, place: str
) -> None:
    stored(make_long("chatcmpl-long", 60))
    asked = f"{site}/completions/chatcmpl-long/{place}/"
    strangers_page.goto(asked)
    fill_in(strangers_page)
    expect(strangers_page).to_have_url(asked)
    expect(strangers_page.locator(f'{LINKED}:has(a[href$="/{place}/"])')).to_be_in_viewport()


def test_signing_in_without_a_page_asked_for_lands_on_the_list(strangers_page: Page, alice: User, site: str) -> None:
    strangers_page.goto(f"{site}/")
    fill_in(strangers_page)
    expect(strangers_page).to_have_url(f"{site}/completions/")


def test_a_wrong_password_says_so_and_the_right_one_still_lands_on_the_page_asked_for(
    strangers_page: Page, alice: User, stored: Callable, site: str
) -> None:
    stored(make_completion("chatcmpl-one"))
    strangers_page.goto(f"{site}/completions/chatcmpl-one/")
    fill_in(strangers_page, "a guess")
    expect(strangers_page.get_by_role("alert")).to_contain_text("Wrong username or password.")
    expect(strangers_page.get_by_label("Name")).to_have_value("alice")
    expect(strangers_page.get_by_label("Password")).to_have_value("")
    fill_in(strangers_page)
    expect(strangers_page).to_have_url(f"{site}/completions/chatcmpl-one/")


def test_signing_in_never_leads_to_another_site(strangers_page: Page, alice: User, site: str) -> None:
    strangers_page.goto(f"{site}/login/?" + urlencode({"next": "http://elsewhere.invalid/"}))
    fill_in(strangers_page)
    expect(strangers_page).to_have_url(f"{site}/completions/")


def test_signing_out_closes_the_pages(page: Page, site: str) -> None:
    page.goto(f"{site}/completions/")
    page.locator(".account .menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="You have signed out.")).to_be_visible()
    page.goto(f"{site}/completions/")
    expect(page).to_have_url(f"{site}/login/?next=/completions/")


ENDED = "Your session has ended. You can go on reading this page."


@pytest.mark.parametrize(
    "asked", ["/completions/chatcmpl-long/", "/completions/chatcmpl-long/messages/chatcmpl-long-9/"]
)
def test_a_session_that_ends_while_reading_leaves_the_page_and_a_way_to_sign_in_and_back(
    page: Page, stored: Callable, site: str, asked: str
) -> None:
    stored(make_long("chatcmpl-long", 300))
    page.goto(site + asked)
    walk_to_the_end(page, until=60)
    Session.objects.all().delete()
    bar = page.get_by_role("alert").filter(has_text=ENDED)
    press_until(page, "End", bar.count)
    assert page.locator(MESSAGES).count() >= 60
    settle(page)
    read, _ = place_of_the_message_read(page)  # the address follows the reader, and the way back with it
    bar.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Your session has ended. Sign in to continue where you left off.")).to_be_visible()
    fill_in(page)
    expect(page).to_have_url(re.compile(re.escape(site) + r"/completions/chatcmpl-long/messages/chatcmpl-long-\d+/$"))
    expect(page.locator(LINKED)).to_have_attribute("data-message-id", read)


def test_after_signing_in_elsewhere_the_page_goes_on(
    page: Page, alice: User, stored: Callable, site: str, context: BrowserContext
) -> None:
    stored(make_long("chatcmpl-long", 140))
    page.goto(f"{site}/completions/chatcmpl-long/")
    Session.objects.all().delete()
    bar = page.get_by_role("alert").filter(has_text=ENDED)
    again = page.get_by_role("main").get_by_role("link", name="Try again")
    press_until(page, "End", again.count)
    expect(bar).to_be_visible()
    sign_in(context, site, alice)
    again.click()
    expect(bar).to_have_count(0)
    walk_to_the_end(page)
    assert page.locator(MESSAGES).count() == 140


def test_finding_after_the_session_has_ended_leaves_the_page(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 140))
    page.goto(f"{site}/completions/chatcmpl-long/")
    page.get_by_role("link", name="Find in this conversation").click()
    field = page.get_by_role("searchbox", name="Find in this conversation")
    field.fill("number")
    field.press("Enter")
    expect(page.locator(".hit")).to_have_count(140)
    expect(page.locator("mark[aria-current]")).to_be_visible()
    Session.objects.all().delete()
    page.get_by_role("button", name="Previous match").click()  # the last, which is not on the page
    bar = page.get_by_role("alert").filter(has_text=ENDED)
    expect(bar).to_be_visible()
    assert page.locator(MESSAGES).count() >= 20


def test_looking_for_words_after_the_session_has_ended_leaves_the_page(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 30))
    page.goto(f"{site}/completions/chatcmpl-long/")
    page.get_by_role("link", name="Find in this conversation").click()
    Session.objects.all().delete()
    field = page.get_by_role("searchbox", name="Find in this conversation")
    field.fill("number")
    field.press("Enter")
    expect(page.get_by_role("alert").filter(has_text=ENDED)).to_be_visible()
    assert page.locator(MESSAGES).count() >= 20


def test_a_session_that_ends_in_the_list_keeps_the_filter(page: Page, stored: Callable, site: str) -> None:
    stored(*(make_completion(f"chatcmpl-{n}", metadata={"team": "n & s"}) for n in range(130)))
    asked = "/completions/?" + urlencode({"metadata[team]": "n & s"})
    page.goto(site + asked)
    walk_to_the_end(page, until=60)
    Session.objects.all().delete()
    bar = page.get_by_role("alert").filter(has_text=ENDED)
    press_until(page, "End", bar.count)
    assert page.locator("[data-completion-id]").count() >= 60
    bar.get_by_role("button", name="Sign in").click()
    fill_in(page)
    expect(page.get_by_role("link", name="Remove filter team n & s")).to_be_visible()
