"""After signing out nobody reads what was open: not by Back, with or without the browser's own memory, nor in a tab."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserType, Page, expect

from tests.browser.conftest import DESKTOP, PATIENCE
from tests.browser.reading import MESSAGES
from tests.conftest import make_long
from viewer.accounts.models import Session

# What is seen of a page that comes back: whether the browser had kept it, and whether it was ever painted.
SEEN = """
addEventListener("pageshow", ({ persisted }) => {
    globalThis.wasKept = persisted;
    if (persisted) localStorage.kept = location.pathname;
    const look = () => {
        if (getComputedStyle(document.body).visibility === "visible") localStorage.painted += ` ${location.pathname}`;
        requestAnimationFrame(look);
    };
    look();
});
"""
OF_HTMX = "htmx-current-path-for-history"  # the address of the page that is open
READ = "/completions/chatcmpl-long/"


@pytest.fixture(scope="module")
def keeping_browser(browser_type: BrowserType, browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    """A browser that keeps pages for the way back, as everybody's does; Chromium's headless shell cannot."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    whole: dict[str, Any] = (
        {"executable_path": program} if program else {"executable_path": None, "channel": "chromium"}
    )
    kept = {"ignore_default_args": ["--disable-back-forward-cache"]}
    browser = browser_type.launch(**{**browser_type_launch_args, **whole, **kept})
    yield browser
    browser.close()


@pytest.fixture
def desk(site: str, alice: User, stored: Callable) -> Iterator[Callable[[Browser], Page]]:
    """Open a browser in which alice has signed in by the form and reads a conversation."""
    stored(make_long("chatcmpl-long", 30))
    contexts = []

    def open_one(browser: Browser) -> Page:
        context = browser.new_context(viewport=DESKTOP, base_url=site)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(SEEN)
        contexts.append(context)
        page = context.new_page()
        page.goto(READ)
        sign_in(page, "alice")
        expect(page.locator(MESSAGES).first).to_be_visible()
        page.wait_for_load_state("networkidle")  # a page that still asks for something is not kept
        return page

    yield open_one
    for context in contexts:
        context.close()


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(f"{name} reads 1")
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.locator(".avatar").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def go_back(page: Page) -> None:
    """Go back and see whether the page was painted; Playwright's own `go_back` waits for a load that never comes."""
    page.evaluate("localStorage.painted = localStorage.kept = ''")
    page.evaluate("globalThis.isLeft = true; setTimeout(() => history.back())")
    page.wait_for_function("() => !globalThis.isLeft")  # the page that is left may look like the one to come


def expect_nothing_is_shown(page: Page, *, was_kept: bool) -> None:
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.locator(MESSAGES).count() == 0
    assert page.evaluate("localStorage.kept") == (READ if was_kept else "")
    assert READ not in page.evaluate("localStorage.painted").split()


def test_the_way_back_stays_fast_while_signed_in(keeping_browser: Browser, desk: Callable[[Browser], Page]) -> None:
    page = desk(keeping_browser)
    page.goto("/tokens/")
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    go_back(page)
    page.wait_for_function("() => globalThis.wasKept")
    expect(page.locator(MESSAGES).first).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="Your session has ended")).to_have_count(0)
    assert READ not in asked


def test_back_after_signing_out_shows_nothing_that_the_browser_kept(
    keeping_browser: Browser, desk: Callable[[Browser], Page]
) -> None:
    page = desk(keeping_browser)
    page.evaluate("sessionStorage.rows = '[]'")
    sign_out(page)
    page.wait_for_function(f"() => Object.keys(sessionStorage).every((key) => ['person', '{OF_HTMX}'].includes(key))")
    go_back(page)
    expect_nothing_is_shown(page, was_kept=True)


def test_back_after_signing_out_shows_nothing_from_the_disk(browser: Browser, desk: Callable[[Browser], Page]) -> None:
    page = desk(browser)
    sign_out(page)
    go_back(page)
    expect_nothing_is_shown(page, was_kept=False)


def test_back_to_what_somebody_else_read_shows_nothing(
    keeping_browser: Browser, desk: Callable[[Browser], Page]
) -> None:
    page = desk(keeping_browser)
    page.evaluate("globalThis.isOfAlice = true")
    page.goto("/tokens/")
    page.evaluate("document.cookie = 'person=0123456789abcdef; path=/'")  # as if bob had signed in meanwhile
    go_back(page)
    page.wait_for_function("() => localStorage.kept && !globalThis.isOfAlice")


@pytest.mark.parametrize("keeps", [True, False])
def test_back_after_the_session_was_ended_elsewhere_shows_nothing(
    request: pytest.FixtureRequest, browser: Browser, desk: Callable[[Browser], Page], keeps: bool
) -> None:
    page = desk(request.getfixturevalue("keeping_browser") if keeps else browser)
    page.goto("/tokens/")
    Session.objects.all().delete()
    go_back(page)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("localStorage.kept") == (READ if keeps else "")


def test_other_tabs_show_nothing_any_more(browser: Browser, desk: Callable[[Browser], Page]) -> None:
    page = desk(browser)
    shared, other = page.context.new_page(), page.context.new_page()
    other.goto(f"{READ}share/")
    other.get_by_role("button", name="Share", exact=True).click()
    shared.goto(other.locator("[data-share-url]").input_value())
    expect(shared.locator(MESSAGES).first).to_be_visible()
    sign_out(other)
    for tab in (page, shared):
        tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
        assert tab.locator(MESSAGES).count() == 0


def test_who_signs_in_again_finds_the_other_tab_as_it_was(browser: Browser, desk: Callable[[Browser], Page]) -> None:
    page = desk(browser)
    page.evaluate("globalThis.isTheSame = true")
    other = page.context.new_page()
    other.goto("/tokens/")
    Session.objects.all().delete()
    other.goto("/tokens/")
    sign_in(other, "alice")
    expect(other.get_by_role("heading", name="Sign in")).to_have_count(0)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    assert page.evaluate("globalThis.isTheSame")
