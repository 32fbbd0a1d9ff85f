"""A desk that needs no mouse: the single keys, the help sheet, the switch that turns the keys off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.reading import LATER, MESSAGES, Held, arrive, expect_copied, make_varied, settle
from tests.conftest import make_completion, make_key, make_long, say
from tests.upstream import LIVE, Upstream
from viewer.keys.models import ApiKey

SEARCH_BOX = "Search, or open by id or URL"


def focused(page: Page, n: int) -> None:
    """The message is focused and begins right below what is stuck to the top."""
    message = page.locator(f'{MESSAGES}[data-message-id$="-{n}"]')
    expect(message).to_be_focused()
    page.wait_for_function(
        """(message) => {
            const stuck = parseFloat(getComputedStyle(document.documentElement).scrollPaddingBlockStart);
            const { top } = message.getBoundingClientRect();
            const isAtEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
            return Math.abs(top - stuck) <= 1 || (isAtEnd && top > stuck && top < innerHeight);
        }""",
        arg=message.element_handle(),
    )


def press(page: Page, *keys: str) -> None:
    """Press keys one after another, as soon as the page listens."""
    page.wait_for_function("() => customElements.get('theme-switch')")
    for key in keys:
        page.keyboard.press(key)


def test_from_signing_in_to_a_copied_link_and_back_without_a_mouse(
    open_browser: Callable, alice: User, stored: Callable, site: str
) -> None:
    stored(make_varied("chatcmpl-a", 30), make_completion("chatcmpl-b", say("user", "Another"), created=1))
    context = open_browser()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto("/")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("alice")
    press(page, "Tab")
    page.keyboard.type("alice reads 1")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Conversations")).to_be_visible()
    press(page, "j", "j", "k")
    row = page.locator('[data-completion-id="chatcmpl-a"] a')
    expect(row).to_be_focused()
    press(page, "Enter")
    expect(page).to_have_url(f"{site}/completions/chatcmpl-a/")
    expect(page.locator(MESSAGES).first).to_be_visible()
    press(page, "j", "j")
    focused(page, 1)
    press(page, "c")
    expect(page.locator(".toast")).to_have_text("Link copied")
    permalink = f"{site}/completions/chatcmpl-a/messages/chatcmpl-a-1/"
    assert page.evaluate("() => navigator.clipboard.readText()") == permalink
    press(page, "Enter")
    expect(page).to_have_url(permalink)
    expect(page.locator(f"{MESSAGES}[aria-current]")).to_be_focused()
    press(page, "j", "k", "k")
    focused(page, 0)
    press(page, "n")
    expect(page).to_have_url(f"{site}/completions/chatcmpl-b/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Another")
    press(page, "u")
    expect(page).to_have_url(f"{site}/completions/")


def test_j_and_k_and_g_reach_every_message_and_what_is_not_loaded_is_waited_for(
    page: Page, stored: Callable, site: str
) -> None:
    stored(make_long("chatcmpl-long", 120))
    held = Held(page, "after=")
    page.goto("/completions/chatcmpl-long/")
    for n in range(page.locator(MESSAGES).count()):
        press(page, "j")
        focused(page, n)
    held.wait()
    press(page, "j")
    held.let_go()
    focused(page, n + 1)
    press(page, "G")
    expect(page).to_have_url(f"{site}/completions/chatcmpl-long/choices/0/")
    expect(page.locator(LATER)).to_have_count(0)
    expect(page.locator("[data-choice][aria-current]")).to_be_focused()
    press(page, "k")  # the answer stands after the last message
    expect(page.locator(MESSAGES).last).to_be_focused()
    press(page, "g", "g")
    expect(page).to_have_url(f"{site}/completions/chatcmpl-long/")
    press(page, "g", "g")
    focused(page, 0)


def test_e_opens_the_tools_and_v_shows_the_customers_view(page: Page, stored: Callable) -> None:
    stored(make_varied("chatcmpl-a", 12))
    page.goto("/completions/chatcmpl-a/messages/chatcmpl-a-4/")
    tools = page.locator("details[data-part^=tool]")
    own = page.locator('[data-message-id="chatcmpl-a-4"] details[data-part^=tool]')
    expect(page.locator('[data-message-id="chatcmpl-a-4"]')).to_be_focused()
    press(page, "e")
    expect(own).to_have_attribute("open", "")
    assert tools.evaluate_all("all => all.filter((one) => one.open).length") == 1
    press(page, "e")
    expect(own).not_to_have_attribute("open", "")
    press(page, "Escape", "e")
    assert tools.evaluate_all("all => all.length > 1 && all.every((one) => one.open)")
    press(page, "v")
    expect(page.get_by_text("Messages hidden on this page")).to_be_visible()
    press(page, "v")
    expect(page.get_by_text("Messages hidden on this page")).to_have_count(0)


def test_keys_are_letters_in_a_field_and_nothing_with_ctrl_or_while_composing(page: Page, stored: Callable) -> None:
    stored(make_long("chatcmpl-long", 30))
    page.goto("/completions/chatcmpl-long/")
    press(page, "/")
    box = page.get_by_label(SEARCH_BOX)
    expect(box).to_be_focused()
    press(page, "j", "?", "u", "g", "g")
    expect(box).to_have_value("j?ugg")
    expect(page.get_by_role("dialog")).to_have_count(0)
    box.blur()
    press(page, "Control+j", "Alt+j")
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', isComposing: true, bubbles: true }))"
    )
    assert page.evaluate("document.activeElement === document.body")
    press(page, "j")
    focused(page, 0)


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_the_help_sheet_opens_by_key_and_by_menu_and_switches_the_keys_off(
    page: Page, stored: Callable, viewport: dict | None
) -> None:
    stored(make_long("chatcmpl-long", 30))
    if viewport:
        page.set_viewport_size(viewport)
    page.goto("/completions/chatcmpl-long/")
    held = Held(page, "desk.js")
    press(page, "?")
    held.wait()
    held.let_go()  # what was pressed before the tools came is not lost
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    press(page, "j")
    assert sheet.evaluate("sheet => sheet.contains(document.activeElement)")
    sheet.get_by_role("switch", name="Single-key shortcuts").uncheck()
    press(page, "Escape")
    expect(sheet).to_be_hidden()
    press(page, "j", "?")
    settle(page)
    expect(page.locator(f"{MESSAGES}:focus")).to_have_count(0)
    expect(sheet).to_be_hidden()
    page.goto("/completions/chatcmpl-long/")
    page.get_by_label("Account menu of alice").click()
    page.get_by_role("link", name="Keyboard shortcuts").click()
    switch = sheet.get_by_role("switch", name="Single-key shortcuts")
    expect(switch).not_to_be_checked()
    switch.check()
    sheet.get_by_role("button", name="Close").click()
    press(page, "j")
    focused(page, 0)


def test_the_keys_are_a_page_without_javascript(plain_page: Page) -> None:
    plain_page.goto("/tokens/")
    plain_page.get_by_label("Account menu of alice").click()
    plain_page.get_by_role("link", name="Keyboard shortcuts").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("Keyboard shortcuts")
    expect(plain_page.get_by_role("switch")).to_have_count(0)
    expect(plain_page.get_by_text("These shortcuts need JavaScript.")).to_be_visible()


def test_the_keys_go_over_a_row_that_is_no_link(page: Page, alice: User, upstream: Upstream) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("hostile")))
    page.goto("/completions/")
    press(page, "j", "j")
    expect(page.locator('[data-completion-id="a/b"] a')).to_be_focused()
    press(page, "Enter", "k")
    expect(page.locator(f'[data-completion-id="{LIVE[0]}"] a')).to_be_focused()


def test_j_and_k_reach_the_searches_that_are_proposed_when_nothing_is_found(
    page: Page, stored: Callable, site: str
) -> None:
    stored(make_completion("c-0", say("user", "Where is my refund?")))
    page.goto(f"{site}/search/?q=refund+model:gpt-9")
    proposed = page.locator(".suggestions a")
    press(page, "j", "j", "k")
    expect(proposed.first).to_be_focused()
    press(page, "c")
    expect(page.locator(".toast")).to_have_text("Nothing copied: choose a conversation with j or k first")
    press(page, "Enter")
    arrive(page, f"{site}/search/?q=refund")
    press(page, "j")
    expect(page.locator(".found__hit")).to_be_focused()


def test_c_copies_the_link_of_the_row_that_has_the_focus_and_of_no_other(
    page: Page, alice: User, stored: Callable, upstream: Upstream, site: str
) -> None:
    caches["guesses"].clear()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    who = {"metadata": {"customer_id": "cus_1"}}
    stored(
        *(
            make_completion(f"c-{n}", say("user", f"Refund {n}"), say("user", "Refund!"), created=1_762_000_000 - n, **who)
            for n in range(3)
        )
    )  # fmt: skip
    toast = page.locator(".toast")
    for address, steps, link in [
        ("/search/?q=refund", 2, "c-0/messages/c-0-0/"),
        ("/search/?q=refund", 4, "c-1/messages/c-1-0/"),
        ("/search/?q=seen:no", 3, "c-2/"),
        ("/completions/", 3, "c-2/"),
        ("/customers/cus_1/", 2, "c-1/"),
    ]:
        page.goto(site + address)
        press(page, "c")
        expect(toast).to_have_text("Nothing copied: choose a conversation with j or k first")
        press(page, *["j"] * steps, "c")
        expect_copied(page, f"{site}/completions/{link}")
    page.goto(f"{site}/search/?q=refund")
    press(page, "j", "Enter")
    arrive(page, f"{site}/completions/c-0/messages/c-0-1/?find=Refund")
    for row in (".side--list .row__title", ".history a"):  # beside the conversation
        page.locator(row).last.focus()
        press(page, "c")
        expect_copied(page, f"{site}/completions/c-2/" + ("messages/c-2-1/" if "side" in row else ""))
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("hostile")))
    page.goto(f"{site}/completions/")
    page.locator('[data-completion-id="a/b"] a').focus()
    press(page, "c")
    expect(toast).to_have_text("No link: the id contains a slash")


def test_one_box_leads_everywhere_by_keys_alone(page: Page, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Where is my refund?")), make_completion("chatcmpl-two"))
    page.goto(f"{site}/completions/")
    box = page.get_by_role("searchbox", name="Search, open or go to")
    page.keyboard.press("Control+k")
    expect(box).to_be_focused()
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    page.keyboard.press("Meta+k")
    expect(box).to_be_focused()
    page.keyboard.type("refund")
    # What was found for the first letters may stand there before.
    expect(page.get_by_role("link", name="Search the archive for “refund”")).to_be_visible()
    expect(page.get_by_role("link", name="Where is my refund?")).to_have_count(2)  # one is in the list below
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Search the archive for “refund”")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    arrive(page, f"{site}/completions/chatcmpl-one/messages/chatcmpl-one-0/?find=refund&search=refund%2A")
    page.keyboard.press("Control+k")
    expect(box).to_be_focused()
    page.keyboard.type("refund")
    page.keyboard.press("Enter")  # at once
    expect(page).to_have_url(f"{site}/search/?q=refund")


def test_commas_and_full_stops_step_through_the_conversations_with_a_customer(
    page: Page, stored: Callable, site: str
) -> None:
    caches["guesses"].clear()
    who = {"metadata": {"customer_id": "cus_1"}}
    stored(*(make_completion(f"chatcmpl-{n}", created=1_762_000_000 + n, **who) for n in range(3)))
    page.goto(f"{site}/completions/chatcmpl-1/")
    page.keyboard.press(",")
    arrive(page, f"{site}/completions/chatcmpl-0/")
    page.keyboard.press(".")
    arrive(page, f"{site}/completions/chatcmpl-1/")
    page.keyboard.press(".")
    arrive(page, f"{site}/completions/chatcmpl-2/")


def test_the_box_does_what_the_page_can_do(page: Page, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Where is my refund?")))
    page.goto(f"{site}/completions/chatcmpl-one/")
    page.keyboard.press("Control+k")
    page.get_by_role("searchbox", name="Search, open or go to").press_sequentially("view")
    commands = page.get_by_role("dialog").locator("section", has_text="On this page")
    expect(commands.get_by_role("button")).to_have_text(["Customer’s view"])
    commands.get_by_role("button").click()
    expect(page.get_by_text("Customer’s view. Messages hidden on this page:")).to_be_visible()
