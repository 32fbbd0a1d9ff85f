"""Finding words in a conversation: the hits, the marks, the way from one to the next."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import count

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.reading import LINKED, SHOWN, Held, settle
from tests.conftest import make_choice, make_completion, make_long, say
from tests.pages import texts
from tests.shapes import UNSEEN, numbered

PLACE = ".find [role=status]"
CURRENT = "mark[aria-current]"


def find(page: Page, words: str) -> None:
    page.get_by_role("link", name="Find in this conversation").click()
    page.get_by_role("searchbox", name="Find in this conversation").fill(words)
    page.keyboard.press("Enter")


def expect_hit(page: Page, place: str, message_id: str) -> None:
    """The hit is named, its message is the linked one and the words are marked where they can be seen."""
    expect(page.locator(PLACE)).to_have_text(place)
    expect(page.locator(LINKED)).to_have_attribute("data-message-id", message_id)
    expect(page.locator(f"{SHOWN} {CURRENT}")).to_be_in_viewport()


def test_enter_goes_from_hit_to_hit_through_the_whole_conversation_and_the_address_says_where(
    page: Page, stored: Callable, site: str
) -> None:
    long = make_long("chatcmpl-long", 900)
    for n in (150, 450, 880):
        long["messages"][n]["content"] = f"In **Zür**ich, number {n}."
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-long/")
    find(page, "zurich")
    expect_hit(page, "1 of 3", "chatcmpl-long-150")
    field = page.get_by_role("searchbox", name="Find in this conversation")
    for key, place, n in [("Enter", 2, 450), ("Enter", 3, 880), ("Enter", 1, 150), ("Shift+Enter", 3, 880)]:
        page.keyboard.press(key)
        expect_hit(page, f"{place} of 3", f"chatcmpl-long-{n}")
        expect(field).to_be_focused()
    expect(page).to_have_url(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-880/?find=zurich")
    page.reload()
    expect_hit(page, "3 of 3", "chatcmpl-long-880")
    field.press("Escape")
    expect(page.locator("mark")).to_have_count(0)
    # Without the words; the address follows the line being read again.
    expect(page).to_have_url(re.compile(r"/completions/chatcmpl-long/messages/chatcmpl-long-\d+/$"))
    expect(page.get_by_role("link", name="Find in this conversation")).to_be_focused()


def test_what_counts_as_the_same_is_marked_as_it_stands(page: Page, stored: Callable, site: str) -> None:
    call = {"id": "call_9a8b", "type": "function", "function": {"name": "track", "arguments": "{}"}}
    stored(
        make_completion(
            "chatcmpl-one",
            say("user", "Order TK‑30582, Ærøskøbing, pay\u200bload, cafe\u0301s"),
            say("assistant", None, tool_calls=[call]),
            say("tool", "sent", tool_call_id="call_9a8b"),
        )
    )
    for words, shown, place in [
        ("tk-30582", "TK‑30582", "1 of 1"),
        ("aeroskobing", "Ærøskøbing", "1 of 1"),
        ("payload", "pay[U+200B]load", "1 of 1"),
        ("cafe", "cafe\u0301", "1 of 1"),
        ("call_9a8b", "call_9a8b", "1 of 2"),
    ]:
        page.goto(f"{site}/completions/chatcmpl-one/")
        find(page, words)
        expect(page.locator(PLACE)).to_have_text(place)
        expect(page.locator(CURRENT)).to_have_text(shown)
        expect(page.locator(CURRENT)).to_be_in_viewport()
        expect(page.locator("mark:not(.hit mark)")).to_have_count(int(place[-1]))


FOLDED = [
    say("system", "Be kind. " * 60 + "Never name the needle."),
    say("user", "x " * 12_000 + "a needle at the very end"),
    say(
        "assistant",
        None,
        tool_calls=[
            {"id": "call_1", "type": "function", "function": {"name": "sew", "arguments": '{"with": "needle"}'}}
        ],
    ),
    say("tool", json.dumps({"lines": [*range(2000), "needle"]}), tool_call_id="call_1"),
    say("assistant", "Done.", reasoning_content="Which needle?"),
]


@pytest.mark.parametrize("stretch", [UNSEEN[:18], UNSEEN[18:36], UNSEEN[36:54], UNSEEN[54:]])
def test_what_is_found_in_any_shape_is_marked(
    page: Page, reader: Client, stored: Callable, site: str, stretch: list[tuple[str, dict]]
) -> None:
    """All but what only the JSON of a message holds, which find names so."""
    held = [numbered(message, count(1000 + 100 * n)) for n, (_, message) in enumerate(stretch)]
    stored(make_completion("chatcmpl-odd", *held, choices=[]))
    page.goto(f"{site}/completions/chatcmpl-odd/")
    page.get_by_role("link", name="Find in this conversation").click()
    page.wait_for_function("() => typeof markWords === 'function'")
    unmarked = []
    for word in sorted(set(re.findall(r"SECRET-\d+z", str(held)))):
        page.evaluate("(word) => markWords(document.querySelector('reading-place'), word)", word)
        found = reader.get("/completions/chatcmpl-odd/find/", {"q": word}).content.decode()
        hits = texts(found, "a.hit")
        if page.locator("mark").count() < sum("JSON" not in hit for hit in hits) or not hits:
            unmarked.append((word, hits))
    assert unmarked == []


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_what_is_folded_over_a_hit_is_opened(page: Page, stored: Callable, site: str, viewport: dict | None) -> None:
    stored(make_completion("chatcmpl-one", *FOLDED, choices=[make_choice("The needle is found.")]))
    if viewport:
        page.set_viewport_size(viewport)
    page.goto(f"{site}/completions/chatcmpl-one/")
    find(page, "needle")
    for n in range(5):
        expect_hit(page, f"{n + 1} of 6", f"chatcmpl-one-{n}")
        page.keyboard.press("Enter")
    expect(page.locator(PLACE)).to_have_text("6 of 6")
    expect(page.locator(f"article[data-choice][aria-current] {CURRENT}")).to_be_in_viewport()
    page.reload()
    expect(page.locator(PLACE)).to_have_text("6 of 6")
    expect(page.locator(f"article[data-choice][aria-current] {CURRENT}")).to_be_in_viewport()


def test_the_next_hit_is_looked_for_from_where_the_reader_is(page: Page, stored: Callable, site: str) -> None:
    long = make_long("chatcmpl-long", 90)
    for n in (3, 70):  # neither is on the page
        long["messages"][n]["content"] = f"A parcel, number {n}."
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-50/")
    expect(page.locator(LINKED)).to_be_in_viewport()
    settle(page)
    # Playwright would scroll before it clicks something in a sticky head; a reader's click does not.
    page.get_by_role("link", name="Find in this conversation").evaluate("link => link.click()")
    field = page.get_by_role("searchbox", name="Find in this conversation")
    expect(field).to_be_focused()
    field.fill("number")
    page.keyboard.press("Enter")
    expect_hit(page, "51 of 90", "chatcmpl-long-50")  # which landed with what comes before it in sight
    page.get_by_role("searchbox", name="Find in this conversation").fill("parcel")
    page.keyboard.press("Enter")
    expect_hit(page, "2 of 2", "chatcmpl-long-70")
    page.get_by_role("searchbox", name="Find in this conversation").fill("number")
    page.keyboard.press("Enter")
    expect(page.locator(PLACE)).to_have_text(re.compile("^(6[0-9]|7[01]) of 90$"))
    page.get_by_role("button", name="List").click()
    page.get_by_role("link", name=re.compile("^Customer #88")).click()
    expect_hit(page, "89 of 90", "chatcmpl-long-88")


def test_progress_is_shown_and_new_words_end_the_reading_for_the_old_ones(
    page: Page, stored: Callable, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.find.views._STEP_SECONDS", 0)
    stored(make_long("chatcmpl-long", 450))
    page.goto(f"{site}/completions/chatcmpl-long/")
    held = Held(page, "after=chatcmpl-long-199")
    find(page, "message number")
    held.wait()
    expect(page.locator(".find__line")).to_have_text(
        re.compile("200 matches so far. 200 messages searched."), use_inner_text=True
    )
    expect(page.locator(PLACE)).to_have_text("1 of 200+")
    page.get_by_role("searchbox", name="Find in this conversation").fill("number 3")
    page.keyboard.press("Enter")
    expect(page.locator(PLACE)).to_have_text("1 of 11+")
    held.let_go()
    expect(page.locator(".find__line")).to_have_text("111 matches. 450 messages searched.")
    expect(page.locator(".hit")).to_have_count(111)


def test_all_words_of_a_search_are_marked_in_the_message_that_a_result_opens(
    page: Page, stored: Callable, site: str
) -> None:
    far = "Nothing here. " * 40
    stored(
        make_completion(
            "chatcmpl-one",
            say("user", "I was charged at fuelpoint."),
            say("user", f"Charged **twice** at FuelPoint 7. {far} The charges, charged at TK-30582 batter."),
        )
    )
    page.goto(f"{site}/search/?q=charged+twice+fuelpoint+at+tk30582")
    page.locator('[data-message="chatcmpl-one-1"]').click()
    others = page.locator("mark[data-also]")
    for is_fresh in (False, True):
        if is_fresh:
            page.goto(page.url)
        expect(page.locator(PLACE)).to_have_text("2 of 2")
        expect(page.locator(f"{SHOWN} {CURRENT}")).to_have_text("FuelPoint")
        found = ["Charged", "twice", "charges", "charged", "TK-30582"]
        expect(others).to_have_text(found)
        expect(page.locator(f"{SHOWN} mark")).to_have_count(len(found) + 1)
    page.get_by_role("button", name="Previous match").click()
    expect_hit(page, "1 of 2", "chatcmpl-one-0")
    find(page, "nothing")
    expect(page.locator(PLACE)).to_have_text("1 of 40")
    expect(others).to_have_count(0)


def test_finding_without_javascript_is_a_page_of_links(plain_page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 300))
    plain_page.goto(f"{site}/completions/chatcmpl-long/")
    plain_page.get_by_role("link", name="Find in this conversation").click()
    plain_page.get_by_role("searchbox", name="Words").fill("NUMBER 250")
    plain_page.keyboard.press("Enter")
    expect(plain_page.get_by_text("1 match. 300 messages searched.")).to_be_visible()
    plain_page.get_by_role("link", name=re.compile("number 250")).click()
    expect(plain_page.locator(LINKED)).to_have_attribute("data-message-id", "chatcmpl-long-250")
    plain_page.get_by_role("link", name="Close").click()
    expect(plain_page.get_by_role("searchbox", name="Find in this conversation")).to_be_hidden()
