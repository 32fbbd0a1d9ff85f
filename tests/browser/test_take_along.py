"""Taking a conversation along: a range into the clipboard, a file with its progress, a PDF of all of it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.reading import MESSAGES, Held, walk_to_the_end
from tests.conftest import make_completion, make_long, say

ONE = "/completions/chatcmpl-one/"
TOAST = ".toast"
MENU = ".take-along summary"
POSITIONED = """() => [...document.querySelectorAll(".thread *")].flatMap((one) => ["", "::before", "::after"]
    .map((pseudo) => getComputedStyle(one, pseudo)).filter(({ position }) => position !== "static")).length"""


def clipboard(page: Page) -> str:
    return page.evaluate("() => navigator.clipboard.readText()")


def clipboard_html(page: Page) -> Page:
    """Paste the HTML of the clipboard into a page of its own."""
    html = page.evaluate("async () => (await (await navigator.clipboard.read())[0].getType('text/html')).text()")
    pasted = page.context.new_page()
    pasted.set_content(html)
    page.bring_to_front()
    return pasted


def head(page: Page, n: int) -> Any:
    return page.locator(MESSAGES).nth(n).locator(".message__head")


def selected(page: Page) -> list[int]:
    return page.locator(".message__pick").evaluate_all(
        "boxes => boxes.map((box, n) => (box.checked ? n : -1)).filter((n) => n >= 0)"
    )


def test_a_range_is_selected_by_mouse_and_keyboard_and_copied_as_a_transcript(
    page: Page, context: BrowserContext, stored: Callable[..., Any]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    stored(make_long("chatcmpl-one", 45))
    page.goto(ONE)
    page.locator(MENU).click()
    page.get_by_role("button", name="Select messages").click()
    bar = page.get_by_role("group", name="Selected messages")
    expect(bar.get_by_role("button", name="Copy", exact=True)).to_be_disabled()
    head(page, 2).get_by_role("checkbox").check()
    head(page, 5).locator(".message__number").click(modifiers=["Shift"])
    expect(bar.get_by_role("status")).to_have_text("Messages selected: 4")
    assert selected(page) == [2, 3, 4, 5]
    page.keyboard.press("Shift+ArrowDown")
    expect(bar.get_by_role("status")).to_have_text("Messages selected: 5")
    page.keyboard.press("Shift+ArrowUp")
    assert selected(page) == [2, 3, 4, 5]
    walk_to_the_end(page)
    expect(page.locator(".message__pick")).to_have_count(46)  # what loads later can be selected too, and the answer
    bar.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(TOAST)).to_have_text("Copied")
    text = clipboard(page)
    assert re.findall(r"^== #(\d+)", text, re.MULTILINE) == ["2", "3", "4", "5"]
    assert "by alice" in text
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    expect(page.locator(".message__pick")).to_have_count(0)
    page.locator(MENU).click()
    page.get_by_role("button", name="Select messages").click()
    expect(page.locator(".message__pick:focus")).to_be_in_viewport()
    expect(head(page, 0).locator(".message__pick")).not_to_be_focused()  # it begins where the reader is


def test_a_selection_goes_on_where_its_messages_are_not_on_the_page(
    page: Page, context: BrowserContext, stored: Callable[..., Any]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    stored(make_long("chatcmpl-one", 300))
    page.goto(ONE)
    page.locator(MENU).click()
    page.get_by_role("button", name="Select messages").click()
    head(page, 2).get_by_role("checkbox").check()
    page.goto(f"{ONE}messages/chatcmpl-one-250/")
    bar = page.get_by_role("group", name="Selected messages")
    expect(bar.get_by_role("status")).to_have_text("Messages selected: 1")
    page.locator('[data-message-id="chatcmpl-one-250"]').get_by_role("checkbox").check()
    expect(bar.get_by_role("status")).to_have_text("Messages selected: 249")
    expect(page.locator('[data-message-id="chatcmpl-one-245"]').get_by_role("checkbox")).to_be_checked()
    bar.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(TOAST)).to_have_text("Copied")
    assert re.findall(r"^== #(\d+)", clipboard(page), re.MULTILINE) == [str(n) for n in range(2, 251)]
    bar.get_by_role("button", name="Clear selection").click()
    page.reload()
    expect(page.locator(".message__link").first).to_be_visible()
    expect(bar).to_be_hidden()


def test_one_message_is_copied_where_it_stands(
    page: Page, context: BrowserContext, stored: Callable[..., Any], site: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    stored(make_completion("chatcmpl-one", say("user", "first"), say("assistant", "**second**\n\n- one\n- two")))
    page.goto(ONE)
    page.locator(MESSAGES).nth(1).hover()
    head(page, 1).get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(TOAST)).to_have_text("Copied")
    link = f"{site}{ONE}messages/chatcmpl-one-1/"
    assert clipboard(page) == f"second\n\n- one\n- two\n\n-- Assistant, #1, {link}\n"
    assert clipboard_html(page).locator("blockquote li").all_text_contents() == ["one", "two"]


CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"order": 4711}'}}
HELP = "Your **plan**:\n\n| Plan | Price |\n|---|---|\n| Basic | €5 |\n\nSee [help](https://help.example/)."
WITH_TOOLS = (
    say("system", "You are a desk."),
    say("user", "Which plan?\nThe <b>cheap</b> one?"),
    say("assistant", None, tool_calls=[CALL]),
    say("tool", '{"plan": "Basic"}', tool_call_id="call_1"),
    say("assistant", HELP),
)


def copy_by_menu(page: Page, choice: str = "", button: str = "Copy") -> None:
    page.locator(MENU).click()
    form = page.locator(".take-along form", has_text="Copy for a ticket")
    if choice:
        form.get_by_label(choice).check()
    form.get_by_role("button", name=button, exact=True).click()


def test_a_copy_is_text_and_html_and_leaves_prompts_and_tools_out_until_asked(
    page: Page, context: BrowserContext, stored: Callable[..., Any], site: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    stored(make_completion("chatcmpl-one", *WITH_TOOLS, metadata={"ticket": "HB-90417"}))
    page.goto(ONE)
    page.locator(MENU).click()
    expect(page.get_by_label("Only what the customer saw")).to_have_accessible_description(
        "Prompts and tool calls are left out."
    )
    page.locator(MENU).click()
    copy_by_menu(page)
    expect(page.locator(TOAST)).to_have_text("Copied")
    text = clipboard(page)
    assert "ticket: HB-90417\n" in text
    assert "\n  Prompts and tool calls are left out.\n" in text
    assert "Plan: Basic; Price: €5" in text
    assert "look_up" not in text
    pasted = clipboard_html(page)
    expect(pasted.get_by_text("Prompts and tool calls are left out.")).to_be_visible()
    assert pasted.locator("table tr").all_inner_texts() == ["Plan\tPrice", "Basic\t€5"]
    expect(pasted.get_by_role("link", name="help")).to_have_attribute("href", "https://help.example/")
    expect(pasted.get_by_role("link", name="#1")).to_have_attribute("href", f"{site}{ONE}messages/chatcmpl-one-1/")
    assert pasted.locator("blockquote").first.inner_text() == "Which plan?\nThe <b>cheap</b> one?"
    assert "look_up" not in pasted.content()
    page.reload()
    copy_by_menu(page, "Everything")
    expect(page.locator(TOAST)).to_have_text("Copied")
    assert "You are a desk." in clipboard(page)
    assert "left out" not in clipboard(page)
    expect(clipboard_html(page).locator("pre", has_text="4711")).to_be_visible()


def test_the_tab_keeps_what_to_include_and_a_new_one_begins_with_what_the_customer_saw(
    page: Page, context: BrowserContext, stored: Callable[..., Any]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    stored(make_completion("chatcmpl-one", *WITH_TOOLS), make_completion("chatcmpl-two", *WITH_TOOLS))
    page.goto(ONE)
    copy_by_menu(page, "Everything")
    page.goto("/completions/chatcmpl-two/")
    page.locator(MENU).click()
    expect(page.get_by_label("Everything").first).to_be_checked()
    other = context.new_page()
    other.goto(ONE)
    other.locator(MENU).click()
    expect(other.get_by_label("Only what the customer saw").first).to_be_checked()


WITHOUT = {
    "clipboard items": "delete globalThis.ClipboardItem",
    "a clipboard": "Object.defineProperty(navigator, 'clipboard', { value: undefined })",
}


@pytest.mark.parametrize("missing", WITHOUT)
def test_a_browser_without_it_copies_the_text(
    page: Page, context: BrowserContext, stored: Callable[..., Any], missing: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    stored(make_completion("chatcmpl-one", *WITH_TOOLS))
    reading = context.new_page()
    reading.goto(ONE)
    page.add_init_script(WITHOUT[missing])
    page.goto(ONE)
    copy_by_menu(page)
    expect(page.locator(TOAST)).to_have_text("Copied")
    reading.bring_to_front()
    assert "== #1 Customer ==\n    Which plan?\n" in clipboard(reading)


def test_a_copy_as_markdown_is_text_alone(page: Page, context: BrowserContext, stored: Callable[..., Any]) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    stored(make_completion("chatcmpl-one", *WITH_TOOLS))
    page.goto(ONE)
    copy_by_menu(page, button="Copy as Markdown")
    expect(page.locator(TOAST)).to_have_text("Copied")
    assert "> Your **plan**:\n" in clipboard(page)
    assert page.evaluate("async () => (await navigator.clipboard.read())[0].types") == ["text/plain"]


def test_a_copy_tells_how_far_it_is(page: Page, context: BrowserContext, stored: Callable[..., Any]) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    stored(make_long("chatcmpl-one", 300))
    page.goto(ONE)
    copy_by_menu(page)
    expect(page.locator(TOAST)).to_have_text("Copied")
    assert page.locator("[data-taking] [aria-hidden]").text_content().startswith("301 messages, ")


def test_a_download_tells_how_far_it_is_and_can_be_cancelled(page: Page, stored: Callable[..., Any]) -> None:
    stored(make_long("chatcmpl-one", 300))
    page.goto(ONE)
    held = Held(page, "/transcript/")
    page.locator(MENU).click()
    row = page.locator(".take-along form", has_text="Download or print")
    row.get_by_role("button", name="Plain text").click()
    expect(page.get_by_text("Loading the conversation")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(TOAST)).to_have_text("Cancelled")
    expect(page.get_by_text("Loading the conversation")).to_be_hidden()
    held.let_go()
    with page.expect_download() as download:
        row.get_by_role("button", name="Plain text").click()
    assert download.value.suggested_filename == "chatcmpl-one.txt"
    text = Path(download.value.path()).read_text()
    assert len(re.findall(r"^== #", text, re.MULTILINE)) == 300
    assert page.locator("[data-taking] [aria-hidden]").text_content().startswith("301 messages, ")


def test_the_print_page_becomes_a_pdf_of_the_whole_conversation(page: Page, stored: Callable[..., Any]) -> None:
    stored(make_long("chatcmpl-one", 120))
    page.goto(ONE)
    page.locator(MENU).click()
    page.get_by_role("button", name="Print or save as PDF").click()
    page.wait_for_url("**/print/?*")
    expect(page.get_by_text("End of the conversation")).to_be_attached()
    page.emulate_media(media="print")
    expect(page.get_by_text("Message number 0 of 120.").first).to_be_visible()
    expect(page.get_by_text("Message number 119 of 120.")).to_be_visible()
    expect(page.locator(".topbar")).to_be_hidden()
    assert page.evaluate(POSITIONED) == 0  # Chromium visits each for every page: 10,000 messages would take for ever
    assert pages_of(page.pdf(format="A4", prefer_css_page_size=True)) >= 4


def pages_of(pdf: bytes) -> int:
    """Count the pages, which Chromium may write into packed objects."""
    packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    plain = [pdf]
    for stream in packed:
        try:
            plain.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return sum(len(re.findall(rb"/Type\s*/Page\b", text)) for text in plain)
