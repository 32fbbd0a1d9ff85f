"""What can be measured of the looks: no page is wider than the window, and axe finds nothing to complain about."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.reading import LINKED, draw, make_varied, settle, walk_to_the_end
from tests.conftest import make_choice, make_completion, make_key, say
from viewer.accounts.roles import ADMINISTRATOR, give_role
from viewer.keys.models import AccessToken
from viewer.review.models import Note, Verdict
from viewer.sources.archive_client import ArchiveClient
from viewer.sync.models import CopyRun
from viewer.uploads.models import Upload

TABLET = {"width": 1024, "height": 768}
STANDARDS = [
    "wcag2a",
    "wcag2aa",
    "wcag21a",
    "wcag21aa",
    "wcag22aa",
    "best-practice",
]  # by default, axe asks no rule of 2.2
# Some folds are closed, and shown by their style on a wide screen. axe does not look into what is closed.
OPEN_WHAT_IS_SHOWN = """() => {
    window.opened = [...document.querySelectorAll("details:not([open])")].filter((fold) => fold.lastElementChild.checkVisibility());
    for (const fold of opened) fold.open = true;
}"""
# A link half under a bar that stays in view is no small target: the reader scrolls on. So the bars scroll along.
LET_BARS_SCROLL = """() => {
    const bars = [...document.querySelectorAll("body *")].filter((one) => getComputedStyle(one).position === "sticky");
    for (const bar of bars) Object.assign(bar.style, { position: "relative", inset: "auto" });
}"""
WIDE = "W" * 20_000
KEY_ID = "3f6c1c1e-8f2a-4a52-9d3e-0c5a2b7e9f10"
LONG_ID = "chatcmpl-" + "a1b2c3d4e5" * 20
TOOL = json.dumps({"wide_" + "key_" * 60: {"inner": ["value" * 400, WIDE]}, "n": list(range(200))})
PAGES = {
    "list": "/completions/",
    "filtered list": f"/completions/?model=gpt-4.1&metadata[order]={'9' * 120}",
    "empty list": "/completions/?model=none",
    "search": "/search/?q=a*+has:tool",
    "search results": "/search/?q=one+-nothing",
    "nothing found": "/search/?q=zebra+has:wings",
    "empty search": "/search/",
    "copies": "/imports/",
    "what failed": "/imports/1/",
    "files": "/import/",
    "what is in a file": "/import/1/",
    "key to delete": f"/keys/{KEY_ID}/delete/",
    "conversation": "/completions/chatcmpl-all/",
    "newest first": "/completions/chatcmpl-few/?order=desc",
    "permalink": "/completions/chatcmpl-few/messages/chatcmpl-few-4/",
    "hit": "/completions/chatcmpl-few/messages/chatcmpl-few-4/?find=look",
    "print": "/completions/chatcmpl-all/print/",
    "keyboard": "/shortcuts/",
    "API keys": "/keys/",
    "no message": "/completions/chatcmpl-all/messages/none/",
    "hits": "/completions/chatcmpl-all/find/?q=paragraph",
    "wide conversation": f"/completions/{LONG_ID}/",
    "tokens": "/tokens/",
    "change password": "/password/",
    "problem": f"/completions/{LONG_ID}-gone/",
    "not found": "/nowhere/",
}


@pytest.fixture
def filled(stored: Callable, alice: User) -> None:
    """Completions with every kind of part, one of them as wide as can be, and an access token with a long name."""
    stored(make_everything("chatcmpl-all", 30), make_everything("chatcmpl-few", 10), wide())
    key = make_key(alice, id=KEY_ID)
    AccessToken.objects.issue(alice, "n" * 100, key)
    told = {"person": alice, "api_key": key, "label": "work", "wanted": 9, "copied": 4, "listed": 12}
    CopyRun.objects.create(**told, pk=1, state=CopyRun.DONE, is_listed=True, finished_at=timezone.now())
    CopyRun.objects.create(**told, state=CopyRun.PAUSED, problem="rate-limited", said=WIDE[:300])
    counts = {"imported": 5, "unchanged": 1_234_567, "kept": 1, "erased": 2, "bad": 3}
    upload = Upload.objects.create(
        pk=1, person=alice, state=Upload.PREVIEW, name=f"{'n' * 250}.json", size=10**9, place=uuid4(), counts=counts,
        refusals=[{"reason": WIDE[:500], "count": 3, "places": [f"{'f' * 200}, line 1"]}], changed=[LONG_ID],
        first_id="chatcmpl-first", first_body=json.dumps(make_completion("chatcmpl-first")), first_length=3,
    )  # fmt: skip
    upload.first_messages.create(position=0, message_id="m-0", body=json.dumps(say("user", WIDE)))
    failure = {"problem": "unreadable", "said": WIDE[:300], "completion_id": LONG_ID}
    CopyRun.objects.get(pk=1).failures.create(**failure)


def make_everything(completion_id: str, count: int) -> dict:
    """A conversation with every kind of part, all of them in its first ten messages."""
    varied = make_varied(completion_id, count)
    varied["metadata"] = {"customer": f"cus_{completion_id}", "tier": "gold"}
    cited = [
        {
            "type": "url_citation",
            "url_citation": {"url": "https://docs.example/a", "title": "Docs", "start_index": 0, "end_index": 3},
        }
    ]
    remote = {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png", "detail": "high"}}
    varied["messages"][0] |= say("system", "You are kind.")
    varied["messages"][2] |= say("user", None, content_parts=[{"type": "text", "text": "See"}, remote, {"type": "odd"}])
    varied["messages"][6] |= say("assistant", "As the docs say.", annotations=cited)
    varied["messages"][9] |= say("assistant", "As said.\n\n| | a |\n|---|---|\n| b | c |", annotations=cited)
    varied["messages"][7] |= say("assistant", None, refusal="I cannot help with that.")
    varied["messages"][8] |= say("critic", "A role that nobody knows")
    varied["choices"] = [make_choice("One answer"), make_choice("Another answer", 1, finish_reason="length")]
    return varied


def wide() -> dict:
    call = {"id": "call_" + "x" * 300, "type": "function", "function": {"name": "look_up_" * 30, "arguments": TOOL}}
    messages = [
        say("system", WIDE, name="n" * 300),
        say("user", WIDE, name="n" * 300),
        say("assistant", None, tool_calls=[call, {**call, "id": "call_2"}]),
        say("tool", TOOL[:3_900], tool_call_id="call_" + "x" * 300),
        say("tool", TOOL, tool_call_id="call_2"),
        say(
            "assistant",
            None,
            content_parts=[{"type": "image_url", "image_url": {"url": f"https://{'h' * 60}.example/{WIDE}"}}],
        ),
        say(
            "assistant",
            None,
            content_parts=[{"type": "file", "file": {"filename": WIDE[:500] + ".pdf"}}, {"type": WIDE}],
        ),
        say("assistant", WIDE, refusal=WIDE, reasoning_content=WIDE, strange_field=WIDE),
        say(WIDE[:400], WIDE),
        say(
            "assistant",
            "x",
            annotations=[
                {
                    "type": "url_citation",
                    "url_citation": {
                        "url": f"https://a.example/{WIDE}",
                        "title": WIDE,
                        "start_index": 0,
                        "end_index": 1,
                    },
                }
            ],
        ),
    ]
    return make_completion(
        LONG_ID, *messages, model="m" * 200, metadata={"order": "9" * 120, "k" * 64: "v" * 512, "w": WIDE[:512]},
        choices=[make_choice(WIDE, finish_reason="r" * 200), make_choice(None, 1, tool_calls=[call])],
    )  # fmt: skip


def open_page(page: Page, address: str) -> None:
    page.goto(address)
    if page.locator("reading-place").count():
        walk_to_the_end(page)
    settle(page)


def widest(page: Page) -> list[str]:
    """Name what sticks out of the window to the right, unless it scrolls in a box of its own."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
            .map((one) => `${one.tagName}.${one.className} ${Math.round(one.getBoundingClientRect().right)}`)
            .slice(0, 12)"""
    )


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_a_phone_nor_with_letters_twice_as_large_and_axe_finds_nothing(
    page: Page, filled: None, site: str, name: str
) -> None:
    page.set_viewport_size(PHONE)
    open_page(page, site + PAGES[name])
    if name not in ("wide conversation", "newest first"):
        page.evaluate(LET_BARS_SCROLL)
        assert complaints(page) == []
    sticking_out = {}
    for width, letters in ((390, "100%"), (320, "100%"), (390, "200%")):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("size => (document.documentElement.style.fontSize = size)", letters)
        for folds in ("as they are", "open"):
            if folds == "open":
                page.evaluate("document.querySelectorAll('main details').forEach((fold) => (fold.open = true))")
            draw(page, 3)
            fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            if not fits:
                sticking_out[f"{width} px, letters {letters}, folds {folds}"] = widest(page)
    assert sticking_out == {}


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_grid_is_wider_than_its_box_whatever_the_titles_and_the_metadata(
    page: Page, stored: Callable, site: str, viewport: dict
) -> None:
    long = "Where is the refund of what was charged twice? " * 9
    customer = "cus_" + "1" * 90
    who = {"metadata": {"customer_id": customer, "ticket": "T" * 300}}
    stored(*(make_completion(f"c-{n}", say("user", f"{n} {long}"), created=1_762_000_000 + n, **who) for n in range(3)))
    page.set_viewport_size(viewport)
    wide = {}
    for address in ("/completions/c-1/", f"/customers/{customer}/", "/search/?q=refund", "/filters/?q=refund"):
        open_page(page, site + address)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
        draw(page, 3)
        wide[address] = page.evaluate(
            """() => [...document.querySelectorAll("body *")].filter((one) => {
                const { display, gridTemplateColumns } = getComputedStyle(one);
                const widths = gridTemplateColumns.split(" ").map((width) => parseFloat(width) || 0);
                return display.endsWith("grid") && widths.reduce((sum, width) => sum + width) > one.clientWidth + 1;
            }).map((one) => one.className)"""
        )
    assert {address: grids for address, grids in wide.items() if grids} == {}


@pytest.mark.parametrize("width", [320, 390, 1024, 1440, 1700])
def test_the_search_box_and_the_heading_keep_a_usable_width_with_letters_twice_as_large(
    page: Page, filled: None, alice: User, site: str, width: int
) -> None:
    make_key(alice, "Billing project of the northern team", is_chosen=True)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(site + PAGES["wide conversation"])
    for letters in ("100%", "150%", "200%"):
        page.evaluate("size => (document.documentElement.style.fontSize = size)", letters)
        draw(page, 3)
        for selector, least in (("#search-box", 100), (".conversation-head h1", 8 * 16)):
            box = page.locator(selector).bounding_box()
            assert box is not None
            assert box["width"] >= least, (letters, selector)
        page.locator("#search-box").focus()
        assert page.locator("#search-box").evaluate("box => box.clientWidth") >= 80, letters
        page.evaluate("scrollTo(0, 900)")
        draw(page, 3)
        heads = page.locator(".conversation-head").bounding_box()
        assert heads is not None
        assert heads["y"] + heads["height"] <= 800 / 3  # what stays in view leaves room to read
        page.evaluate("scrollTo(0, 0)")


def test_the_sign_in_page_is_not_wider_than_a_phone(strangers_page: Page, site: str) -> None:
    strangers_page.set_viewport_size({"width": 320, "height": 640})
    strangers_page.goto(f"{site}/login/")
    assert widest(strangers_page) == []


def complaints(page: Page, *more_viewports: dict[str, int]) -> list[str]:
    """Run axe in light and dark, wide and narrow; give one line per rule and place that it complains about.

    The dark page differs in its colours alone, so only the rules about colour are asked again, and in no further width.
    """
    found = []
    page.evaluate(Axe().axe_script)
    of_colour = ["color-contrast", "link-in-text-block"]
    for theme, rules, viewports in (
        ("light", STANDARDS, (DESKTOP, PHONE, *more_viewports)),
        ("dark", of_colour, (DESKTOP, PHONE)),
    ):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for viewport in viewports:
            page.set_viewport_size(viewport)
            draw(page, 3)
            page.evaluate(OPEN_WHAT_IS_SHOWN)
            options = {"resultTypes": ["violations"], "runOnly": rules}
            for violation in page.evaluate("async (options) => (await axe.run(options)).violations", options):
                places = {str(node["target"]) for node in violation["nodes"]}
                found.append(
                    f"{theme} {viewport['width']}: {violation['id']} ({violation['help']}): {sorted(places)[:6]}"
                )
            page.evaluate("opened.forEach((fold) => (fold.open = false))")
    return found


def press(page: Page, key: str, shown: str) -> None:
    page.keyboard.press(key)
    expect(page.locator(shown)).to_be_visible()


def select_a_message(page: Page) -> None:
    page.locator(".take-along summary").press("Enter")
    page.get_by_role("button", name="Select messages").press("Enter")
    page.locator(".message__pick").first.press("Space")
    expect(page.get_by_text("Messages selected: 1")).to_be_visible()


def find_words(page: Page) -> None:
    page.get_by_role("link", name="Find in this conversation").press("Enter")
    expect(page.get_by_role("searchbox", name="Find in this conversation")).to_be_focused()
    page.keyboard.type("paragraph")
    page.keyboard.press("Enter")
    expect(page.locator("mark[aria-current]")).to_be_visible()
    page.get_by_role("button", name="List").press("Enter")


def test_axe_finds_nothing_when_everything_is_unfolded(page: Page, filled: None, site: str) -> None:
    open_page(page, site + PAGES["conversation"])
    page.evaluate("document.querySelectorAll('main details').forEach((fold) => (fold.open = true))")
    assert complaints(page) == []


# What a reader opens over a conversation, by keys alone.
STATES = {
    "account menu": lambda page: page.get_by_label("Account menu of alice").press("Enter"),
    "help sheet": lambda page: press(page, "?", "dialog.sheet"),
    "transcript menu": lambda page: page.locator(".take-along summary").press("Enter"),
    "selected messages": select_a_message,
    "find": find_words,
    "picture": lambda page: page.locator(".picture > a").first.press("Enter"),
    "chosen message": lambda page: press(page, "j", "article:focus"),
    "customer's view": lambda page: press(page, "v", "hidden-count"),
    "offline": lambda page: page.context.set_offline(True),
}


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_in_what_is_opened_over_a_conversation(
    page: Page, filled: None, site: str, state: str
) -> None:
    page.goto(site + PAGES["permalink"])
    expect(page.locator(".side--list [aria-current]")).to_be_visible()
    STATES[state](page)
    settle(page)
    assert complaints(page, TABLET) == []


def test_axe_finds_nothing_on_a_token_that_was_just_made(page: Page, site: str) -> None:
    page.goto(f"{site}/tokens/")
    page.get_by_label("Name").fill("night export")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_label("New access token")).to_be_visible()
    assert complaints(page) == []


def test_axe_finds_nothing_when_something_failed_here(page: Page, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ArchiveClient, "listed", lambda *asked: 1 / 0)
    page.goto(f"{site}/completions/")
    expect(page.get_by_role("alert")).to_contain_text("Try again")
    assert complaints(page) == []


def test_axe_finds_nothing_on_the_way_in(strangers_page: Page, alice: User, site: str) -> None:
    strangers_page.goto(f"{site}/login/?next=/tokens/")
    assert complaints(strangers_page) == []
    strangers_page.get_by_label("Name").fill("alice")
    strangers_page.get_by_label("Password").fill("wrong")
    strangers_page.get_by_role("button", name="Sign in").click()
    expect(strangers_page.get_by_role("alert")).to_be_visible()
    assert complaints(strangers_page) == []


def test_the_theme_that_was_chosen_is_kept(page: Page, filled: None, site: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{site}/completions/")
    ink = "getComputedStyle(document.querySelector('h1')).color"
    light = page.evaluate(ink)
    page.get_by_role("button", name="Switch between light and dark").click()
    page.wait_for_function(f"given => {ink} !== given", arg=light)
    page.goto(f"{site}{PAGES['permalink']}")
    expect(page.locator(LINKED)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ink) != light


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_a_key_says_its_state_in_full_and_has_its_buttons_in_one_line(
    page: Page, alice: User, site: str, viewport: dict[str, int]
) -> None:
    findings = ("works", "invalid-key", "not-found", "unavailable", "unreadable")
    for finding in findings:
        make_key(alice, finding, base_url="https://desk-of-the-north.openai.azure.com/openai/v1", finding=finding)
    make_key(alice, "A label as long as one may be, for the billing project again")
    page.set_viewport_size(viewport)
    page.goto(f"{site}/keys/")
    keys = page.locator(".run")
    expect(keys).to_have_count(len(findings) + 1)
    expect(keys.filter(has_text="not-found")).to_contain_text("check the base URL, which usually ends in /v1.")
    cut = (
        page.locator(".run, .run *")
        .filter(visible=True)
        .evaluate_all(
            "all => all.filter((it) => it.clientWidth && it.scrollWidth > it.clientWidth"
            " && !it.matches('.visually-hidden, :has(> .visually-hidden)')).map((it) => it.outerHTML)"
        )
    )
    assert cut == []
    for key in keys.all():
        tops = key.locator("form .button").evaluate_all("all => all.map((it) => it.getBoundingClientRect().top)")
        assert len(set(tops)) == 1


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_button_over_a_block_of_code_covers_nothing_of_its_caption(
    page: Page, stored: Callable, site: str, viewport: dict[str, int]
) -> None:
    info = 'ts title="src/some/path/that/is/longer/than/a/phone/is/wide/and/as/long/as/a/bubble/on/a/desk/is/format.ts"'
    stored(make_completion("chatcmpl-code", say("assistant", f"```{info} {{3}}\nx\n```"), choices=[]))
    page.set_viewport_size(viewport)
    page.goto(f"{site}/completions/chatcmpl-code/")
    caption, button = page.locator("figcaption"), page.locator(".copy-code__button")
    expect(caption).to_have_text(info + " {3}")
    end_of_words = caption.evaluate(
        "(it) => { const words = document.createRange(); words.selectNodeContents(it);"
        " return Math.max(...[...words.getClientRects()].map((line) => line.right)); }"
    )
    box = button.bounding_box()
    assert box is not None
    assert end_of_words <= box["x"]


def test_printed_pages_name_what_was_chosen_and_show_nothing_to_press_and_nothing_of_colleagues(
    page: Page, stored: Callable, alice: User, bob: User
) -> None:
    give_role(alice, ADMINISTRATOR)
    stored(make_completion("chatcmpl-one", say("user", "Where is my parcel?")))
    Note.objects.create(completion_id="chatcmpl-one", author=bob, text="Between ourselves", written_at=timezone.now())
    page.emulate_media(media="print")
    for _ in ("so that it was read", "and says so"):
        page.goto("/completions/chatcmpl-one/")
    expect(page.get_by_text("Where is my parcel?").last).to_be_visible()
    for hidden in ("Between ourselves", "Read by", "Erase this conversation"):
        expect(page.get_by_text(hidden)).to_be_attached()
        expect(page.get_by_text(hidden)).to_be_hidden()
    page.goto("/read-log/?person=alice")
    expect(page.get_by_label("Person")).to_be_visible()
    for hidden in (page.get_by_label("Conversation id"), page.locator(".segments")):
        expect(hidden).to_be_hidden()
    page.goto("/verdicts/?by=model&days=30")
    for shown in ("Model", "30 days"):
        expect(page.get_by_role("link", name=shown)).to_be_visible()
    for hidden in (page.get_by_role("link", name="Week"), page.get_by_label("From")):
        expect(hidden).to_be_hidden()


def test_the_chart_and_addresses_are_whole_from_right_to_left(page: Page, stored: Callable, alice: User) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Where is my parcel?")))
    for verdict, person in (("good", alice), ("wrong", User.objects.create_user("carol"))):
        Verdict.objects.create(
            completion_id="chatcmpl-one", position=0, person=person, verdict=verdict, model="gpt-4.1"
        )
    page.goto("/verdicts/?by=model")
    page.evaluate("document.documentElement.dir = 'rtl'")
    chart, name, good, wrong = (
        page.locator(f".chart{part}").bounding_box()
        for part in ("", " .chart__name", " .chart__bar--good", " .chart__bar--wrong")
    )
    right = chart["x"] + chart["width"]
    assert abs(name["x"] + name["width"] - right) < 3
    assert abs(good["x"] + good["width"] - right) < 3
    assert wrong["x"] < good["x"]
    page.goto("/completions/chatcmpl-one/share/")
    page.get_by_role("button", name="Share", exact=True).click()
    address = page.locator("[data-share-url]")
    address.wait_for()  # between two pages there is no document whose direction could be changed
    page.evaluate("document.documentElement.dir = 'rtl'")
    expect(address).to_have_css("direction", "ltr")
