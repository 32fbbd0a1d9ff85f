"""What the browser tests do again and again: scroll as a reader does, and say what stands on the page."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from playwright.sync_api import Error, Locator, Page, Request, Route, expect

from tests.browser.conftest import PATIENCE
from tests.conftest import make_completion, say

MESSAGES = "article[data-message-id]"
EARLIER = '[data-more="earlier"]'
LATER = '[data-more="later"]'
LINKED = 'article[aria-current="true"]'
SHOWN = ':is(article:not(.message--in-card), [data-shows])[aria-current="true"]'  # where the linked message is shown
PROBLEM = '[role="alert"][data-problem]'
ID_READ = "decodeURIComponent(location.pathname.split('/').at(-2))"


def message_ids(page: Page) -> list[str]:
    return page.locator(MESSAGES).evaluate_all("found => found.map(message => message.dataset.messageId)")


def row_ids(page: Page) -> list[str]:
    return page.locator("[data-completion-id]").evaluate_all("found => found.map(row => row.dataset.completionId)")


def ids_of(completion: dict[str, Any]) -> list[str]:
    return [message["id"] for message in completion["messages"]]


def walk(page: Page, more: str, key: str, *, until: int = 0) -> None:
    """Press End or Home until nothing more can be loaded there, or until so many messages or rows are on the page.

    One press may stop short of the end: bubbles get their real height only when they are first drawn. A page that is
    still coming in has no end yet.
    """
    page.wait_for_load_state()
    shown, end = count_items(page), _in_time()
    while page.locator(more).count() and (not until or shown < until):
        page.keyboard.press(key)
        draw(page, 3)
        shown, before = count_items(page), shown
        end = _in_time() if shown > before else end
        assert monotonic() < end, f"nothing more comes after {shown}, and {more} is still there"


def _in_time() -> float:
    """When, by `monotonic()`, what is waited for should have come at the latest."""
    return monotonic() + PATIENCE / 1000


def turn(link: Locator) -> None:
    """Follow a link to another page, and wait until all of it is there: a page that comes in shows its first rows."""
    with link.page.expect_navigation():
        link.click()


def press_until(page: Page, key: str, has_happened: Callable[[], object]) -> None:
    """Press End or Home until something has happened, such as a locator that counts more than none."""
    end = _in_time()
    while monotonic() < end:
        with suppress(Error):  # what happens may take the reader to another page meanwhile
            if has_happened():
                return
            page.keyboard.press(key)
            draw(page, 3)
    raise AssertionError("it does not happen")


def count_items(page: Page) -> int:
    return page.locator(f"{MESSAGES}, [data-completion-id]").count()


def draw(page: Page, frames: int) -> None:
    """Wait until the page has been drawn so many times."""
    page.evaluate(
        "async (frames) => { while (frames--) await new Promise(requestAnimationFrame); }",
        frames,
    )


def walk_to_the_end(page: Page, *, until: int = 0) -> None:
    walk(page, LATER, "End", until=until)


def walk_to_the_start(page: Page) -> None:
    walk(page, EARLIER, "Home")


def settle(page: Page) -> None:
    """Wait until the page has been drawn some times over and no picture in view is still on its way."""
    page.evaluate(
        """async () => {
            for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
            const seen = [...document.images].filter((image) => {
                const { top, bottom } = image.getBoundingClientRect();
                return bottom > 0 && top < innerHeight;
            });
            await Promise.all(seen.map((image) => image.decode().catch(() => null)));
            for (let frame = 0; frame < 5; frame++) await new Promise(requestAnimationFrame);
        }"""
    )


def place_of_the_message_read(page: Page) -> tuple[str, float]:
    """Wait until the address names a message in view, and give it with its distance from the top of the window."""
    page.wait_for_function(
        f"() => history.state?.reading?.id === {ID_READ} && "
        f"history.state.reading.top === document.querySelector(`[data-message-id='${{{ID_READ}}}']`)?.getBoundingClientRect().top"
    )
    return page.evaluate(f"[{ID_READ}, history.state.reading.top]")


def expect_copied(page: Page, text: str, told: str = "Copied") -> None:
    """Wait for a text in the clipboard. The note alone does not tell: it may still be that of the copy before."""
    expect(page.locator(".toast")).to_have_text(told)
    # `wait_for_function` takes the promise that such a function gives for an answer.
    copied = page.evaluate(
        """async ([text, end]) => {
            const read = () => navigator.clipboard.readText();
            for (end += performance.now(); performance.now() < end && (await read()) !== text;) {
                await new Promise(requestAnimationFrame);
            }
            return read();
        }""",
        [text, PATIENCE],
    )
    assert copied == text


def forget_what_was_said(page: Page) -> None:
    """Empty the note of what was copied, so that the next one is of what is done next."""
    page.locator(".toast").evaluate("(toast) => { toast.textContent = ''; }")


def arrive(page: Page, address: str) -> None:
    """Expect that a key or click led to an address, and wait until the scripts of that page hear keys."""
    expect(page).to_have_url(address)
    page.wait_for_load_state()


def tops_in_view(page: Page) -> dict[str, float]:
    """Say for every message that can be seen where it begins, in pixels from the top of the window."""
    return page.evaluate(
        """() => {
            const head = document.querySelector(".conversation-head").getBoundingClientRect();
            const hidden = Math.max(0, head.bottom);
            return Object.fromEntries([...document.querySelectorAll("article[data-message-id]")]
                .map((message) => [message.dataset.messageId, message.getBoundingClientRect()])
                .filter(([, { top, bottom }]) => bottom > hidden && top < innerHeight)
                .map(([id, { top }]) => [id, top]));
        }"""
    )


class Held:
    """Keeps the answers to matching requests back until they are released, so that a reader can scroll meanwhile."""

    def __init__(self, page: Page, fragment: str) -> None:
        self._page = page
        self._routes: list[Route] = []
        self._is_meant = lambda url: fragment in url
        page.route(self._is_meant, self._hold)

    def wait(self, key: str = "") -> None:
        """Wait until a request is held, pressing End or Home meanwhile."""
        end = _in_time()
        while monotonic() < end:
            if self._routes:
                return
            if key:
                self._page.keyboard.press(key)
            draw(self._page, 2)
        raise AssertionError("nothing was asked for")

    def release(self) -> None:
        """Answer what is held, and hold what comes next."""
        self._routes.pop(0).continue_()

    def let_go(self) -> None:
        """Answer everything from now on."""
        while self._routes:
            self.release()
        self._page.unroute(self._is_meant)

    def _hold(self, route: Route, request: Request) -> None:
        self._routes.append(route)


def expect_problem(page: Page, name: str) -> None:
    expect(page.locator(PROBLEM)).to_have_attribute("data-problem", name)


def make_varied(completion_id: str, count: int) -> dict[str, Any]:
    """A conversation whose messages are of very different heights: a word, many paragraphs, pictures, tools."""
    return make_completion(completion_id, *(_varied(n) for n in range(count)))


def _varied(n: int) -> dict[str, Any]:
    match n % 7:
        case 1:
            return say(
                "assistant", "\n\n".join(f"Paragraph {p} of message {n}. " + "Long words. " * 30 for p in range(9))
            )
        case 3:
            picture = {"type": "image_url", "image_url": {"url": png(120 + n % 50 * 12, 90 + n % 40 * 11)}}
            return say("user", None, content_parts=[{"type": "text", "text": f"Picture {n}"}, picture])
        case 4:
            call = {
                "id": f"call_{n}",
                "type": "function",
                "function": {"name": "look_up", "arguments": f'{{"order": {n}, "deep": {{"a": [1, 2, 3]}}}}'},
            }
            return say("assistant", None, tool_calls=[call])
        case 5:
            return say(
                "tool", '{"lines": [' + ", ".join(str(n) for n in range(n % 60)) + "]}", tool_call_id=f"call_{n - 1}"
            )
    return say("user" if n % 2 == 0 else "assistant", f"Short {n}")


def png(width: int, height: int) -> str:
    """A picture of one colour, as a data URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + b"\x3a\x7c\x6f" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(body).decode()
