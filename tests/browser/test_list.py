"""The list of stored completions in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.reading import EARLIER, LATER, LINKED, PROBLEM, Held, arrive, row_ids, walk, walk_to_the_end
from tests.conftest import make_completion, make_long, say
from viewer.archive.labels import Marks, set_marks
from viewer.archive.models import Label, SeenCompletion


@pytest.fixture
def newest_first(stored: Callable) -> list[str]:
    """The ids of 65 completions, some of them made in the same second."""
    stored(
        *(
            make_completion(f"chatcmpl-{n:02}", say("user", f"Question {n}"), created=1_762_000_000 + n // 2)
            for n in range(65)
        )
    )
    return [f"chatcmpl-{n:02}" for n in reversed(range(65))]


def query_of(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def open_by(page: Page, given: str) -> None:
    box = page.get_by_label("Search, or open by id or URL")
    box.fill(given)
    box.press("Enter")


def test_a_row_is_a_link_that_opens_its_conversation(page: Page, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Where is my parcel?")))
    page.goto(f"{site}/completions/")
    page.get_by_role("link", name="Where is my parcel?").click()
    expect(page).to_have_url(f"{site}/completions/chatcmpl-one/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Where is my parcel?")


def test_a_click_on_any_place_of_a_row_opens_its_conversation(page: Page, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Where is my parcel?")))
    page.goto(f"{site}/completions/")
    row = page.locator("[data-completion-id]")
    box = row.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 12, box["y"] + box["height"] / 2)
    expect(page).to_have_url(f"{site}/completions/chatcmpl-one/")


def test_scrolling_loads_every_row_once_newest_first(page: Page, newest_first: list[str], site: str) -> None:
    page.goto(f"{site}/completions/")
    walk_to_the_end(page)
    assert row_ids(page) == newest_first
    expect(page.locator(LATER)).to_have_count(0)


def test_oldest_first_starts_at_the_other_end(page: Page, newest_first: list[str], site: str) -> None:
    page.goto(f"{site}/completions/")
    page.get_by_role("link", name="Oldest first").click()
    expect(page.get_by_role("link", name="Oldest first")).to_have_attribute("aria-current", "true")
    walk_to_the_end(page)
    assert query_of(page) == {"order": ["oldest"]}
    assert row_ids(page) == newest_first[::-1]


def test_rows_that_are_loaded_by_scrolling_keep_the_filter(page: Page, stored: Callable, site: str) -> None:
    stored(*(make_completion(f"chatcmpl-{n}", model="even" if n % 2 == 0 else "odd", created=n) for n in range(90)))
    page.goto(f"{site}/completions/?model=even")
    walk_to_the_end(page)
    assert row_ids(page) == [f"chatcmpl-{n}" for n in reversed(range(0, 90, 2))]


def test_the_list_comes_back_at_the_same_row_where_the_browser_has_not_kept_the_page(
    page: Page, newest_first: list[str], site: str
) -> None:
    row = page.locator('[data-completion-id="chatcmpl-30"]')
    page.goto(f"{site}/completions/")
    walk_to_the_end(page)
    page.wait_for_function(  # the way to the end may still be under way, and scroll once more
        """() => {
            document.querySelector('[data-completion-id="chatcmpl-30"]').scrollIntoView({ behavior: "instant" });
            return history.state?.row?.[0] === "chatcmpl-30";
        }"""
    )
    place = row.evaluate("row => row.getBoundingClientRect().top")
    page.get_by_role("link", name="Question 28").click()
    expect(page).to_have_url(f"{site}/completions/chatcmpl-28/")
    page.go_back()
    page.wait_for_function(
        """top => Math.abs(document.querySelector('[data-completion-id="chatcmpl-30"]')?.getBoundingClientRect().top - top) <= 1""",
        arg=place,
    )
    expect(page).to_have_url(f"{site}/completions/")
    walk(page, EARLIER, "Home")
    walk_to_the_end(page)
    assert row_ids(page) == newest_first


def test_the_way_back_leads_to_the_list_of_the_conversation_not_to_another_that_was_shown_before(
    page: Page, stored: Callable, site: str
) -> None:
    stored(make_completion("chatcmpl-a"))
    page.goto(f"{site}/completions/?order=oldest")
    page.goto(f"{site}/search/?q=model:none")
    open_by(page, "chatcmpl-a")
    arrive(page, f"{site}/completions/chatcmpl-a/")
    page.keyboard.press("u")
    arrive(page, f"{site}/completions/")


def test_filters_are_chosen_from_what_is_stored_and_the_address_says_so(
    page: Page, stored: Callable, site: str
) -> None:
    stored(
        make_completion("chatcmpl-wanted", model="gpt-4o", metadata={"customer": "cus 1 & more", "tier": "gold"}),
        make_completion("chatcmpl-model", model="gpt-4.1", metadata={"customer": "cus 1 & more", "tier": "gold"}),
        make_completion("chatcmpl-tier", model="gpt-4o", metadata={"customer": "cus 1 & more", "tier": "tin"}),
    )
    page.goto(f"{site}/completions/")
    page.get_by_role("link", name="Add filter").click()
    expect(page.get_by_label("Find a value to filter by")).to_be_focused()
    page.get_by_role("link", name="gpt-4o 2 conversations").click()
    expect(page.locator("[data-completion-id]")).to_have_count(2)
    page.wait_for_load_state()  # a link that is followed before the scripts have come leads to a page of its own
    page.get_by_role("link", name="Add filter").click()
    expect(page.get_by_label("Find a value to filter by")).to_be_focused()  # then it is listened to
    page.keyboard.type("gol")
    expect(page.locator(".choices__group")).to_have_count(1)
    page.get_by_role("link", name="gold 1 conversation").click()
    expect(page.locator("[data-completion-id]")).to_have_count(1)
    assert row_ids(page) == ["chatcmpl-wanted"]
    assert query_of(page) == {"q": ["model:gpt-4o meta.tier:gold"]}


def test_enter_takes_the_first_value_of_what_was_typed(page: Page, stored: Callable, site: str) -> None:
    stored(*(make_completion(f"chatcmpl-{n}", metadata={"customer": f"cus_{n}"}) for n in range(3)))
    page.goto(f"{site}/completions/")
    opener, field = page.get_by_role("link", name="Add filter"), page.get_by_label("Find a value to filter by")
    opener.click()
    expect(field).to_be_focused()
    page.get_by_role("button", name="Find").click()
    expect(field).to_be_focused()
    page.keyboard.type("zzz")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No stored value contains this.")).to_be_visible()
    expect(page).to_have_url(f"{site}/completions/")
    held = Held(page, "/filters/")  # the values on the page stay those of the text before
    field.fill("cus_2")
    page.keyboard.press("Enter")
    held.wait()
    held.let_go()
    arrive(page, f"{site}/search/?q=meta.customer%3Acus_2")


def test_the_panel_of_filters_closes_by_key_by_button_and_by_its_link(page: Page, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-a"))
    page.goto(f"{site}/completions/")
    opener, panel = page.get_by_role("link", name="Add filter"), page.get_by_role("region", name="Add filter")
    for close in (
        lambda: page.keyboard.press("Escape"),
        lambda: page.get_by_role("link", name="Close").click(),
        opener.click,
    ):
        opener.click()
        expect(panel).to_be_visible()
        close()
        expect(panel).to_have_count(0)
        expect(opener).to_be_focused()
    expect(page).to_have_url(f"{site}/completions/")


def test_a_filter_can_be_taken_off_again(page: Page, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-a", metadata={"tier": "gold"}), make_completion("chatcmpl-b"))
    page.goto(f"{site}/completions/?model=gpt-4.1&metadata[tier]=gold")
    page.get_by_role("link", name="Remove filter tier gold").click()
    expect(page.locator("[data-completion-id]")).to_have_count(2)
    assert query_of(page) == {"q": ["model:gpt-4.1"]}


def test_a_filter_that_matches_nothing_says_so_and_leads_back(page: Page, stored: Callable, site: str) -> None:
    stored(make_completion("chatcmpl-a"))
    page.goto(f"{site}/completions/?model=GPT-5")
    expect(page.get_by_role("heading", name="No results")).to_be_visible()
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("[data-completion-id]")).to_have_count(1)


def test_days_stand_once_however_many_pages_are_loaded(page: Page, stored: Callable, site: str) -> None:
    stored(*(make_completion(f"chatcmpl-{n}", created=1_762_000_000 + n * 2_000) for n in range(65)))
    page.goto(f"{site}/completions/")
    walk_to_the_end(page)
    days = page.locator(".day h2").all_inner_texts()
    assert days == ["Monday, 3 Nov 2025", "Sunday, 2 Nov 2025", "Saturday, 1 Nov 2025"]


def test_keys_lead_to_what_was_not_seen_and_back_to_the_list(page: Page, stored: Callable, site: str) -> None:
    stored(*(make_completion(f"chatcmpl-{n}", say("user", f"Question {n}"), created=n) for n in range(3)))
    page.goto(f"{site}/completions/")
    page.keyboard.press("N")
    arrive(page, f"{site}/completions/chatcmpl-2/")
    page.keyboard.press("N")
    arrive(page, f"{site}/completions/chatcmpl-1/")
    page.keyboard.press("U")
    arrive(page, f"{site}/completions/")
    expect(page.locator(".row--new")).to_have_count(2)
    expect(page.locator('[data-completion-id="chatcmpl-2"].row--new')).to_have_count(0)


@pytest.mark.parametrize("address", ["/completions/", "/search/?q=Question", "/search/?q=seen%3Ano"])
def test_what_was_opened_is_shown_as_seen_after_going_back_and_the_keys_go_on_from_there(
    page: Page, newest_first: list[str], site: str, address: str
) -> None:
    page.goto(f"{site}/views/")  # it brings the cookies; with others the browser would not show what it has kept
    page.goto(f"{site}{address}")
    expect(page.get_by_role("link", name="Not yet seen 65")).to_be_visible()
    first, second, third = row_ids(page)[:3]
    page.locator(f'[data-completion-id="{first}"] .row__title').click()
    arrive(page, re.compile(f"/completions/{first}/"))
    page.keyboard.press("n")
    arrive(page, re.compile(f"/completions/{second}/"))
    page.keyboard.press("u")
    arrive(page, re.compile(re.escape(address)))
    expect(page.get_by_role("link", name="Not yet seen 63")).to_be_visible()
    expect(page.locator(f'main [data-completion-id="{second}"] .row__title')).to_be_focused()
    for one, is_new in ((first, False), (second, False), (third, True)):
        row = page.locator(f'main [data-completion-id="{one}"]')
        expect(row).to_have_count(1)
        expect(row.get_by_text("Not yet seen:")).to_have_count(int(is_new))
    page.keyboard.press("N")
    arrive(page, re.compile(f"/completions/{third}/"))


def test_a_list_that_the_browser_has_kept_whole_shows_as_seen_what_was_opened(
    page: Page, newest_first: list[str], site: str, alice: User
) -> None:
    page.goto(f"{site}/completions/")
    expect(page.get_by_role("link", name="Not yet seen 65")).to_be_visible()
    SeenCompletion.objects.create(person=alice, completion_id=newest_first[0])
    page.evaluate(
        """id => {
            sessionStorage.opened = JSON.stringify([id]);
            dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
        }""",
        newest_first[0],
    )
    expect(page.get_by_role("link", name="Not yet seen 64")).to_be_visible()
    expect(page.locator(f'[data-completion-id="{newest_first[0]}"].row--new')).to_have_count(0)
    expect(page.locator(f'[data-completion-id="{newest_first[1]}"].row--new')).to_have_count(1)


@pytest.mark.parametrize("has_more", [True, False])
def test_a_key_finds_what_was_not_seen_further_down_the_list_or_says_that_there_is_none(
    page: Page, newest_first: list[str], site: str, alice: User, has_more: bool
) -> None:
    seen = newest_first[:50] if has_more else newest_first
    SeenCompletion.objects.bulk_create(SeenCompletion(person=alice, completion_id=one) for one in seen)
    page.goto(f"{site}/search/?q=model:gpt-4.1")
    page.keyboard.press("N")
    if has_more:
        arrive(page, re.compile(f"/completions/{newest_first[50]}/"))
    else:
        expect(page.get_by_text("You have seen all conversations in this list.")).to_be_visible()
        arrive(page, re.compile("/search/"))


def test_the_keyboard_goes_on_where_a_filter_was_chosen_or_removed(page: Page, stored: Callable, site: str) -> None:
    stored(*(make_completion(f"chatcmpl-{n}", metadata={"tier": "gold"}, created=n) for n in range(3)))
    rows = page.locator("main .row__title")
    page.goto(f"{site}/search/?q=model:gpt-4.1 has:tool seen:no")

    def follow(link: Locator) -> None:
        with page.expect_navigation():
            link.press("Enter")

    follow(page.get_by_role("link", name="Remove filter Contains Tool calls"))
    expect(page.get_by_role("link", name="Remove filter Not yet seen")).to_be_focused()
    follow(page.locator(":focus"))
    expect(page.get_by_role("link", name="Remove filter Model gpt-4.1")).to_be_focused()
    follow(page.locator(":focus"))
    expect(page.get_by_role("link", name="Add filter")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#choice-text")).to_be_focused()  # the panel takes the focus when it is there
    follow(page.get_by_role("link", name="gold 3 conversations"))
    expect(rows.first).to_be_focused()
    page.locator("summary", has_text="Mark all as seen").click()
    follow(page.get_by_role("button", name="Mark as seen"))
    expect(rows.first).to_be_focused()
    follow(rows.nth(1))
    page.wait_for_load_state()
    with page.expect_navigation():
        page.keyboard.press("U")
    expect(rows.nth(1)).to_be_focused()


def test_a_view_is_saved_and_stands_in_the_rail_with_its_count(page: Page, stored: Callable, site: str) -> None:
    stored(*(make_completion(f"chatcmpl-{n}", model="a" if n else "b", created=n) for n in range(3)))
    page.goto(f"{site}/search/?q=model:a")
    page.locator("summary", has_text="Save view").click()
    page.get_by_label("Name").fill("Only a")
    page.get_by_label("For the whole team").check()
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Only a")
    expect(page.get_by_role("navigation", name="Views").get_by_role("link", name="Only a 2")).to_have_attribute(
        "aria-current", "page"
    )


def test_an_empty_archive_says_how_to_fill_it(page: Page, site: str) -> None:
    page.goto(f"{site}/completions/")
    expect(page.get_by_role("heading", name="The archive is empty")).to_be_visible()
    expect(page.locator(".empty").get_by_role("link", name="Import")).to_be_visible()


def test_the_box_opens_a_completion_by_its_id(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 60))
    page.goto(f"{site}/completions/")
    open_by(page, "  chatcmpl-long ")
    expect(page).to_have_url(f"{site}/completions/chatcmpl-long/")


@pytest.mark.parametrize("given", ["msg_abc", "chatcmpl-long-40"])
def test_the_box_opens_a_message_by_its_id(page: Page, stored: Callable, site: str, given: str) -> None:
    long = make_long("chatcmpl-long", 60)
    long["messages"][30]["id"] = "msg_abc"
    stored(long)
    page.goto(f"{site}/completions/")
    open_by(page, given)
    expect(page).to_have_url(f"{site}/completions/chatcmpl-long/messages/{given}/")
    expect(page.locator(LINKED)).to_have_attribute("data-message-id", given)


def test_the_box_opens_a_pasted_address(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 60))
    page.goto(f"{site}/completions/")
    open_by(page, "https://lectern.example/completions/chatcmpl-long/messages/chatcmpl-long-33/?from=mail#top")
    expect(page).to_have_url(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-33/")


def test_the_box_says_when_nothing_has_the_id(page: Page, site: str) -> None:
    page.goto(f"{site}/completions/")
    open_by(page, "chatcmpl-gone")
    expect(page.locator(PROBLEM)).to_have_attribute("data-problem", "not-found")


def test_the_box_searches_for_everything_else_and_a_hit_leads_to_its_message(
    page: Page, stored: Callable, site: str
) -> None:
    long = make_long("chatcmpl-long", 60)
    long["messages"][30]["content"] = "The Café in Zürich is closed."
    stored(long)
    page.goto(f"{site}/completions/")
    open_by(page, "cafe zurich")
    expect(page.locator("mark")).to_have_text(["Café", "Zürich"])
    page.locator("[data-message]").click()
    expect(page).to_have_url(
        f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-30/?find=Z%C3%BCrich&search=cafe+zurich"
    )
    expect(page.locator(LINKED)).to_have_attribute("data-message-id", "chatcmpl-long-30")


def test_scrolling_loads_every_conversation_that_was_found(page: Page, stored: Callable, site: str) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "refund please"), created=n) for n in range(50)))
    page.goto(f"{site}/search/?q=refund")
    walk_to_the_end(page)
    assert row_ids(page) == [f"c-{n}" for n in reversed(range(50))]


NAME, TICKET = "Maximiliane von Hohenstein-Wittgenstein GmbH", "HB-2026-00007"
WHO = {"customer": NAME, "ticket": TICKET, "channel": "chat"}
IS_WHOLE = "one => one.scrollWidth <= one.clientWidth && one.getBoundingClientRect().right <= innerWidth"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_long_name_of_a_customer_gives_way_to_the_ticket(page: Page, stored: Callable, size: Any) -> None:
    caches["guesses"].clear()
    stored(make_completion("chatcmpl-one", say("user", "Where is my parcel?"), metadata=WHO))
    page.set_viewport_size(size)
    page.goto("/completions/")
    places = [f".row__metadata li:has-text('{TICKET}')"]
    assert page.locator(places[0]).evaluate(IS_WHOLE)
    page.goto("/completions/chatcmpl-one/")
    if size == DESKTOP:
        expect(page.locator(places[0])).to_be_visible()
    else:
        places = []
    for place in (*places, f".conversation-head__id:text-is('{TICKET}')", ".conversation-head__id:text-is('chat')"):
        assert page.locator(place).evaluate(IS_WHOLE), place
    assert not page.locator(".conversation-head__id").first.evaluate(IS_WHOLE)


def test_the_find_bar_lies_over_nothing_at_the_top_of_the_page(page: Page, stored: Callable) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Where is my parcel?")))
    page.goto("/completions/chatcmpl-one/?find=parcel")
    expect(page.locator(".find [role=status]")).to_have_text("1 of 1")
    page.get_by_role("button", name="Customer’s view").click()  # fails if something is over it


def test_on_a_phone_status_and_labels_stand_in_one_line_below_the_title(
    page: Page, stored: Callable, alice: User
) -> None:
    shapes = [{"type": "text", "text": "Where is my parcel?"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    stored(make_completion("chatcmpl-one", say("user", None, content_parts=shapes), metadata=WHO))
    label = Label.objects.create(name="Urgent", key="urgent", colour="red")
    set_marks("chatcmpl-one", Marks(labels=(label,), status="escalated", assignee=alice))
    page.set_viewport_size(PHONE)
    page.goto("/completions/")
    tops = [page.locator(f".row {place}").bounding_box()["y"] for place in (".status", ".label", ".row__answer")]
    assert abs(tops[0] - tops[1]) < 4
    assert tops[1] < tops[2]


def test_on_a_phone_the_chosen_view_is_in_sight(page: Page, stored: Callable) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Where is my parcel?")))
    page.set_viewport_size(PHONE)
    with page.expect_response("**/views/?*"):
        page.goto("/search/?q=has:cut-off")
    chosen = page.locator(".rail [aria-current]")
    expect(chosen).to_have_text(re.compile(r"Cut off\s+0"))
    expect(chosen).to_be_in_viewport(ratio=1)


def test_a_row_without_a_date_stands_in_the_same_columns(page: Page, stored: Callable) -> None:
    caches["guesses"].clear()
    stored(*(make_completion(f"chatcmpl-{n}", created=n, metadata=WHO) for n in (1_762_000_000, 10**15)))
    page.goto("/completions/")
    expect(page.locator(".row__time")).to_have_text([re.compile("date unknown"), re.compile(r"\d\d:\d\d")])
    columns = page.locator(".row__metadata").evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
    assert columns[0] == columns[1]


def test_the_time_zone_follows_a_reader_who_travels_and_no_page_waits_for_it(
    open_browser: Callable[..., BrowserContext], alice: User
) -> None:
    window = open_browser(alice, timezone_id="Asia/Tokyo")
    page = window.new_page()
    page.goto("/completions/")
    assert zone_of(window) == "Asia/Tokyo"
    page.evaluate("() => { document.cookie = 'timezone=Europe/Berlin; path=/'; }")
    page.add_init_script("""
        window.isAskedAtOnce = [];
        Intl.DateTimeFormat = new Proxy(Intl.DateTimeFormat, {
            apply(format) {
                isAskedAtOnce.push(document.currentScript !== null);
                return new format();
            },
        });
    """)
    page.reload()
    page.wait_for_function("() => isAskedAtOnce.length")
    assert page.evaluate("() => isAskedAtOnce") == [False]
    assert zone_of(window) == "Asia/Tokyo"


def zone_of(window: BrowserContext) -> str:
    return next(kept["value"] for kept in window.cookies() if kept["name"] == "timezone")
