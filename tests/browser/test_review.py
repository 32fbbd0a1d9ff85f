"""Notes, labels and verdicts without a mouse, and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.reading import MESSAGES, settle, turn
from tests.conftest import make_completion, make_long, say
from viewer.archive.labels import marks_of
from viewer.archive.models import Label
from viewer.review.models import Mention, Note, Verdict


def press(page: Page, *keys: str) -> None:
    page.wait_for_function("() => globalThis.lectern?.keys?.m && customElements.get('mention-names')")
    for key in keys:
        page.keyboard.press(key)


def test_a_conversation_is_talked_about_by_keyboard_and_the_line_stays_in_its_place(
    page: Page, alice: User, bob: User, stored: Callable, site: str
) -> None:
    label = Label.objects.create(name="Urgent", key="urgent", colour="red")
    stored(make_long("chatcmpl-one", 60))
    page.goto(f"{site}/completions/chatcmpl-one/messages/chatcmpl-one-50/")
    message = page.locator(f'{MESSAGES}[data-message-id="chatcmpl-one-50"]')
    expect(message).to_be_in_viewport()
    press(page, "j", "k")
    settle(page)
    focused = page.locator(f"{MESSAGES}:focus")
    place = focused.get_attribute("data-message-id")
    top = focused.bounding_box()["y"]
    press(page, "m")
    field = page.locator(f'[data-message-id="{place}"] + [data-notes] textarea')
    expect(field).to_be_focused()
    page.keyboard.type("Look, @bo")
    expect(page.get_by_role("option", name="@bob")).to_be_visible()
    press(page, "Enter")
    page.keyboard.type("please")
    press(page, "Control+Enter")
    note = page.locator(".note")
    expect(note).to_be_focused()
    expect(note.locator(".note__text")).to_have_text("Look, @bob please")
    assert abs(page.locator(f'article[data-message-id="{place}"]').bounding_box()["y"] - top) < 2
    assert Note.objects.get().place == place
    assert Mention.objects.get().person == bob

    scrolled = page.evaluate("scrollY")
    press(page, "l")
    expect(page.get_by_role("checkbox", name="Urgent")).to_be_focused()
    expect(page.get_by_role("checkbox", name="Urgent")).to_be_in_viewport()
    press(page, "Space", "Enter")
    expect(page.locator("[data-marks] .label")).to_have_text("Urgent")
    expect(note).to_be_focused()
    assert page.evaluate("scrollY") == scrolled
    press(page, "a")
    expect(page.locator("select[name=assignee]")).to_be_focused()
    page.locator("select[name=assignee]").select_option(label="alice (you)")
    press(page, "Tab", "Enter")
    expect(page.locator("[data-marks] .assignee")).to_contain_text("@alice")
    marks = marks_of("chatcmpl-one")
    assert (marks.labels, marks.assignee) == ((label,), alice)

    press(page, "x")
    expect(page.get_by_role("radio", name="Good")).to_be_focused()
    press(page, "ArrowRight", "Enter")
    expect(page.locator("[data-verdict]")).to_contain_text("Wrong alice")
    assert Verdict.objects.get().verdict == "wrong"
    expect(page.locator("[data-verdict] [data-review]")).to_be_focused()  # what had the focus is far up the page
    expect(page.locator("[data-verdict]")).to_be_in_viewport()


def test_what_is_being_written_outlives_a_mistake_and_a_second_press(page: Page, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Hello")))
    page.goto(f"{site}/completions/chatcmpl-one/")
    press(page, "j", "m")
    field = page.locator("article + [data-notes] textarea")
    field.fill("x" * 4001)
    press(page, "Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="at most 4000")).to_be_visible()
    expect(field).to_have_value("x" * 4001)
    field.fill("short")
    page.locator("article .message__raw").first.evaluate("(link) => link.click()")
    expect(field).to_be_focused()
    expect(field).to_have_value("short")


def test_talking_about_a_conversation_without_javascript(
    plain_page: Page, open_browser: Callable, bob: User, stored: Callable, site: str
) -> None:
    Label.objects.create(name="Urgent", key="urgent", colour="red")
    stored(make_completion("chatcmpl-one", say("user", "Late?"), say("assistant", "A moment.")))
    one = f"{site}/completions/chatcmpl-one/"
    plain_page.goto(one)
    turn(plain_page.locator('[data-message-id="chatcmpl-one-0"]').get_by_role("link", name="Note"))
    plain_page.get_by_label("Note on #0").fill("Look, @bob")
    turn(plain_page.get_by_role("button", name="Save note"))
    expect(plain_page).to_have_url(f"{one}messages/chatcmpl-one-0/#note-{Note.objects.get().pk}")
    expect(plain_page.locator('[data-message-id="chatcmpl-one-0"] + [data-notes] .note')).to_be_visible()
    turn(plain_page.get_by_role("link", name="Edit"))
    plain_page.get_by_label("Note on #0").fill("Look, @bob, again")
    turn(plain_page.get_by_role("button", name="Save note"))
    turn(plain_page.get_by_role("link", name="Label, assign"))
    plain_page.get_by_role("checkbox", name="Urgent").check()
    plain_page.get_by_role("radio", name="Escalated").check()
    turn(plain_page.get_by_role("button", name="Save"))
    expect(plain_page).to_have_url(one)
    expect(plain_page.locator("[data-marks] .row__marks")).to_have_text("Escalated Urgent")
    turn(plain_page.get_by_role("link", name="Give a verdict"))
    plain_page.get_by_role("radio", name="Unsafe").check()
    turn(plain_page.get_by_role("button", name="Save verdict"))
    expect(plain_page.locator("[data-verdict]")).to_contain_text("Unsafe alice")

    bobs = open_browser(bob, java_script_enabled=False).new_page()
    bobs.goto(f"{site}/completions/")
    turn(bobs.get_by_role("link", name="For you: 1 unread"))
    turn(bobs.get_by_role("link", name="Open #0"))
    expect(bobs.locator(".note__text")).to_have_text("Look, @bob, again")
    expect(bobs.get_by_role("link", name="For you: 0 unread")).to_be_visible()
    bobs.goto(f"{site}/verdicts/?by=model")
    turn(bobs.get_by_role("link", name="gpt-4.1, Unsafe: 1"))
    turn(bobs.get_by_role("link", name="Late?"))
    expect(bobs.locator("[data-verdict]")).to_contain_text("Unsafe alice")
