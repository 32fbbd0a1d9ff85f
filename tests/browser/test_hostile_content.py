"""What stands in a conversation is text: it asks nothing of other hosts, runs nothing, and changes nothing.

Three walls stand between a text and the browser: escaping, comrak's included; nh3; and the policy in the header. They
are tried together, and each with the other two taken down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.core.cache import caches
from django.utils.safestring import mark_safe
from playwright.sync_api import Page, Request, expect

from tests.browser.reading import MESSAGES, draw, settle, walk_to_the_end
from tests.conftest import make_completion, say
from tests.hostile import PAYLOADS, hold_everywhere
from viewer.completions import markdown
from viewer.rendering import markdown_html as prose
from viewer.rendering import prose_html
from viewer.rendering.markdown_html import Prose
from viewer.web.middleware import headers_of_pages

MARKUP = " ".join(
    ["\"'></title></textarea></script></pre></details>", *PAYLOADS[:25], "<script>window.pwned = 1</script>"]
)
SCRIPT_ADDRESS = "javascript:window.pwned=1"
MESSAGE_ID = "m\"autofocus=''onfocus='window.pwned=1'x=<b>&amp;"
COMPLETION_ID = "chatcmpl-<img&src=x&onerror=window.pwned=1>'\""
ADDRESSES = [
    "http://evil.invalid/remote.png",
    "//evil.invalid/without-a-scheme.png",
    " HTTP://evil.invalid/blank.png",
    SCRIPT_ADDRESS,
    " java\tscript:window.pwned=1",
    "data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:text/html,<script>parent.pwned=1</script>",
    '" onerror="window.pwned=1',
    *PAYLOADS,
]
# More messages, "Show all", the list beside, the form for a note, and the counts of the views.
OUR_FRAGMENT = re.compile(
    r"/completions/[^?]+/(?:\?after=.+|(?:parts|calls|results)/\d+/(?:output/)?|beside/|note/)$|/views/(?:\?|$)"
)
CANARY = '<i class="canary"></i>'
# Space may fall on a button of ours that leads to another page, as that of a share: where Tab comes to depends on what
# has come in.
STAY = "addEventListener('submit', (event) => event.preventDefault(), true)"
# Links to scripts are followed, the others not; nothing is fetched for the reader, and nothing copied.
USE_EVERYTHING = """() => {
    addEventListener("click", (event) => {
        if (event.target.closest("a")?.protocol !== "javascript:") event.preventDefault();
    }, true);
    const types = ["load", "error", "toggle", "begin", "start", "mouseover", "mouseenter", "pointerover", "keydown",
        "focus", "blur", "animationstart", "wheel"];
    for (const one of document.querySelectorAll("article, article *, .facts *, h1")) {
        if (one.closest(".picture__blocked > a, copy-link, .copy-code__button")) continue;
        for (const type of types) one.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }));
        one.focus?.();
        one.click?.();
    }
}"""


def hostile() -> dict[str, Any]:
    """A completion with the payloads of HTML in every slot, and each of all where a message holds many of a kind."""
    completion = hold_everywhere(MARKUP, COMPLETION_ID)
    texts = [{"type": "text", "text": payload} for payload in PAYLOADS]
    pictures = [{"type": "image_url", "image_url": {"url": url, "detail": url}} for url in ADDRESSES]
    sounds = [{"type": "input_audio", "input_audio": {"data": url, "format": url}} for url in ADDRESSES]
    files = [{"type": "file", "file": {"filename": url, "file_data": url}} for url in ADDRESSES]
    cited = [
        {"type": "url_citation", "url_citation": {"url": url, "title": url, "start_index": n, "end_index": n + 4}}
        for n, url in enumerate(["https://cited.invalid/", *ADDRESSES])
    ]
    calls = [
        {"id": payload, "type": "function", "function": {"name": payload, "arguments": payload}} for payload in PAYLOADS
    ]
    each = [
        say("assistant", None, content_parts=texts),
        say("user", None, content_parts=[*texts, *pictures, *sounds, *files]),
        say("assistant", f"Cited: {MARKUP}", annotations=cited, tool_calls=calls),
        *(say("tool", payload, tool_call_id=payload) for payload in PAYLOADS[:9]),
    ]
    completion["messages"] += [{"id": f"each-{n}", **message} for n, message in enumerate(each)]
    completion["messages"].append({"id": MESSAGE_ID, **say("user", f"last {MARKUP}")})
    return completion


class Watched:
    """Notes what a browser asks for, whether or not it gets it, where its page goes, and what is said and broken."""

    def __init__(self, page: Page, site: str) -> None:
        self.site = site
        self.foreign: list[Request] = []
        self.acted: list[str] = []
        self.visited: list[str] = []
        self.wrongs: list[str] = []
        page.context.on("request", self._note_request)
        page.on("dialog", lambda dialog: (self.wrongs.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: self.wrongs.append(f"page error: {error}"))
        page.on("console", lambda said: self._note_warning(said.type, said.text, said.location["url"]))
        page.on("popup", lambda opened: self.wrongs.append(f"window: {opened.url}"))

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob", "about"):
            return
        if request.is_navigation_request() and request.redirected_from is None:
            self.visited.append(request.url)
        if parts.netloc != urlsplit(self.site).netloc:
            self.foreign.append(request)
        elif request.method != "GET" or ("hx-request" in request.headers and not OUR_FRAGMENT.search(request.url)):
            self.acted.append(f"{request.method} {request.url}")

    def _note_warning(self, kind: str, text: str, url: str) -> None:
        if kind in ("error", "warning") and not url.endswith(
            "/favicon.ico"
        ):  # Chromium asks for it where there is no page
            self.wrongs.append(text)


@pytest.fixture
def watched(page: Page, stored: Callable, site: str) -> Watched:
    assert stored(hostile())[0].status == "imported"
    return Watched(page, site)


@pytest.fixture
def drawn_afresh() -> Iterator[None]:
    caches["bubbles"].clear()
    yield
    caches["bubbles"].clear()


@pytest.fixture(params=["escaping", "nh3"])
def one_wall(request: pytest.FixtureRequest, drawn_afresh: None, monkeypatch: Any) -> None:
    """Take down the policy, and one of the two walls that a text passes on its way into the page."""
    monkeypatch.delitem(headers_of_pages(), "Content-Security-Policy")
    if request.param == "escaping":
        monkeypatch.setattr(prose, "_sanitise", lambda html: html)
    else:
        monkeypatch.setattr(markdown._RENDER, "escape", False)


def open_everything_that_folds(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
    settle(page)


def use_everything(page: Page) -> None:
    """Open all folds and the card of a citation, press keys that move, then point at everything and click it."""
    open_everything_that_folds(page)
    chip = page.locator("a.chip-citation").first
    chip.hover()
    chip.click()
    expect(page.locator(".citation-card")).to_be_visible()
    page.evaluate(STAY)
    for key in ("Escape", "Tab", "Shift+Tab", "PageUp", "PageDown", "Home", "End", "ArrowDown", "Space"):
        page.keyboard.press(key)
    page.evaluate(USE_EVERYTHING)
    settle(page)


def expect_only_text(page: Page) -> None:
    walk_to_the_end(page)
    expect(page.locator(MESSAGES)).to_have_count(len(hostile()["messages"]))
    expect(page.locator("[data-choice]")).to_have_count(2)
    use_everything(page)
    active = "script, iframe, svg, math, form, input, link, style, meta, video"
    own = "header > .message__pick, header > .message__tools, header > .message__tools > *"  # of a result in a card
    expect(page.locator(f"[data-part] :is({active}):not({own})")).to_have_count(0)
    acting = "[hx-post], [hx-delete], [data-hx-get], [hx-trigger], [hx-boost], [autofocus], [style], [ping]"
    expect(page.locator(f"[data-part] :is({acting})")).to_have_count(0)


def expect_nothing_happened(page: Page, watched: Watched, visits: int = 1) -> None:
    page.wait_for_load_state("networkidle")
    assert [request.url for request in watched.foreign] == []
    assert watched.acted == []
    assert watched.wrongs == []
    assert len(watched.visited) == visits
    expect_nothing_ran(page, watched)
    ids = page.locator("[id]").evaluate_all("found => found.map(one => one.id)")
    assert len(ids) == len(set(ids))
    assert page.locator("article[id], article [id]").count() == 0


def expect_nothing_ran(page: Page, watched: Watched) -> None:
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.baseURI").startswith(watched.site)


def test_the_list_shows_hostile_text_as_text(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/")
    expect(page.locator(".row__title")).to_contain_text("<script>alert(1)</script>")
    expect_nothing_happened(page, watched)


def test_a_filter_shows_hostile_text_as_text(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/?model={quote(MARKUP)}&metadata[{quote(MARKUP)}]={quote(MARKUP)}")
    expect(page.locator(".filter-chip")).to_have_count(2)
    expect_nothing_happened(page, watched)


def test_a_conversation_shows_hostile_text_as_text(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/")
    page.locator(".row__title").click()
    expect(page.locator(MESSAGES).first).to_be_visible()
    expect_only_text(page)
    expect_nothing_happened(page, watched, visits=2)
    assert page.locator(f"{MESSAGES} [data-part=text]").last.text_content() == f"last {MARKUP}"
    schemes = page.locator("[href], [src], [action]").evaluate_all(
        "found => [...new Set(found.flatMap(one => [one.href, one.src, one.action])"
        ".filter(url => typeof url === 'string' && url).map(url => new URL(url).protocol))]"
    )
    assert set(schemes) == {"http:", "https:", "mailto:"}


@pytest.mark.usefixtures("one_wall")
def test_escaping_and_nh3_hold_alone(page: Page, watched: Watched, site: str) -> None:
    """Neither needs the other, nor the policy. What is not Markdown passes through escaping only, in both cases."""
    answer = page.goto(f"{site}/completions/{quote(COMPLETION_ID, safe='')}/")
    assert "content-security-policy" not in answer.headers
    expect_only_text(page)
    expect_nothing_happened(page, watched)


@pytest.mark.usefixtures("drawn_afresh")
def test_the_policy_holds_alone(page: Page, site: str, stored: Callable, monkeypatch: Any) -> None:
    """Raw markup in the page runs no script, loads nothing from elsewhere, sends no form and moves no base.

    A policy cannot keep a page from going elsewhere: `<meta http-equiv=refresh>` is left out here, and is for the other
    two walls. Nor does it know what htmx is: `hx-disable` around a text keeps it from acting, unless the text closes
    that box first and goes on.
    """
    monkeypatch.setattr(prose_html, "render_prose", lambda text, *_: Prose(mark_safe(f"{text}{CANARY}"), ()))
    watched = Watched(page, site)
    payloads = [payload for payload in PAYLOADS if "http-equiv" not in payload]
    opened = 0
    while payloads:  # one that is never closed swallows those after it, which then get a page of their own
        opened += 1
        texts = [{"type": "text", "text": payload} for payload in payloads]
        stored(make_completion(f"chatcmpl-{opened}", say("assistant", None, content_parts=texts), choices=[]))
        page.goto(f"{site}/completions/chatcmpl-{opened}/")
        payloads = payloads[page.locator("i.canary").count() + 1 :]
        page.evaluate(USE_EVERYTHING)
        page.wait_for_load_state("networkidle")
        expect_nothing_ran(page, watched)
    assert len(watched.foreign) > 5  # or nothing was tried
    for _ in range(300):
        if all(request.failure for request in watched.foreign):
            break
        draw(page, 1)
    # "origin" is the browser's own rule for the <use> of an SVG.
    assert {"csp"} <= {request.failure for request in watched.foreign} <= {"csp", "origin"}
    assert watched.acted == []
    assert len(watched.visited) == opened
    assert [wrong for wrong in watched.wrongs if wrong.startswith(("dialog", "window"))] == []


def test_a_permalink_with_a_hostile_id_opens_at_its_message(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/{quote(COMPLETION_ID, safe='')}/messages/{quote(MESSAGE_ID, safe='')}/")
    linked = page.locator('article[aria-current="true"]')
    expect(linked).to_have_attribute("data-message-id", MESSAGE_ID)
    open_everything_that_folds(page)
    expect_nothing_happened(page, watched)


def test_the_raw_json_is_not_read_as_a_page(page: Page, watched: Watched, site: str) -> None:
    page.goto(f"{site}/completions/{quote(COMPLETION_ID, safe='')}/raw/")
    expect_nothing_happened(page, watched)


def test_a_problem_page_shows_a_hostile_id_as_text(page: Page, watched: Watched, site: str) -> None:
    answer = page.goto(f"{site}/completions/{quote('<script>window.pwned=1<script>')}/")
    assert answer.status == 404
    expect(page.locator("main code").first).to_have_text("<script>window.pwned=1<script>")
    watched.wrongs = [wrong for wrong in watched.wrongs if "404" not in wrong]
    expect_nothing_happened(page, watched)


@pytest.mark.parametrize(
    "path", ["/login/", "/tokens/", "/password/", "/account/", "/account/app/", "/completions/open/?id=%3Cscript%3E/"]
)
def test_no_other_page_breaks_our_own_policy(page: Page, watched: Watched, site: str, path: str) -> None:
    page.goto(site + path)
    expect_nothing_happened(page, watched)
