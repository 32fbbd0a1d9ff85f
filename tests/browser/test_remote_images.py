"""Pictures elsewhere, as a reader meets them: the browser asks no other host, and the server asks once."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.reading import png, settle
from tests.conftest import make_choice, make_completion, say
from tests.image_host import ImageHost, running_image_host

PICTURE = base64.b64decode(png(48, 32).split(",")[1])
TILE = "load-image"
URLS = ["http://pictures.example/a.png", "http://pictures.example/gone.png", "http://169.254.169.254/latest/"]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, stored: Callable[..., Any]) -> Iterator[ImageHost]:
    parts = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in URLS]
    stored(make_completion("chatcmpl-one", say("user", "see", content_parts=parts), choices=[make_choice("Seen.")]))
    with running_image_host(monkeypatch) as host:
        host.serve("/a.png", PICTURE)
        yield host


@pytest.fixture
def hosts(page: Page) -> set[str]:
    """The hosts that the page asks for anything."""
    seen: set[str] = set()

    def note(request: Request) -> None:
        seen.add(urlsplit(request.url).netloc)

    page.on("request", note)
    return seen


def load(page: Page, n: int) -> None:
    page.locator("figure[data-part=image]").nth(n).get_by_role("link", name="Load image").click()


def test_opening_asks_no_other_host_and_pressing_asks_once(
    page: Page, host: ImageHost, hosts: set[str], site: str
) -> None:
    page.goto(f"{site}/completions/chatcmpl-one/")
    expect(page.locator(TILE)).to_have_count(3)
    expect(page.locator(TILE).first).to_contain_text("Image on pictures.example, not loaded")
    settle(page)
    assert (host.asked, host.looked_up) == ([], [])
    load(page, 0)
    figure = page.locator("figure[data-part=image]").first
    expect(figure.locator("a > img")).to_be_visible()
    expect(figure.locator("figcaption")).to_have_text("Image 1 on pictures.example Low detail")
    expect(figure.locator(TILE)).to_have_count(0)
    page.wait_for_function("() => document.querySelector('figure img').naturalWidth === 48")
    settle(page)
    assert [asked.path for asked in host.asked] == ["/a.png"]
    assert hosts == {urlsplit(site).netloc}


def test_what_went_wrong_stands_in_the_tile_and_the_link_stays(page: Page, host: ImageHost, site: str) -> None:
    page.goto(f"{site}/completions/chatcmpl-one/")
    load(page, 1)
    tiles = page.locator(TILE)
    expect(tiles.nth(1).get_by_role("status")).to_have_text(
        "Image on pictures.example, not loaded. The host responded with status 404."
    )
    load(page, 2)
    expect(tiles.nth(2).get_by_role("status")).to_contain_text("This URL cannot be loaded.")
    assert [asked.path for asked in host.asked] == ["/gone.png"]
    host.serve("/gone.png", PICTURE)
    load(page, 1)
    expect(page.locator("figure[data-part=image]").nth(1).locator("img")).to_be_visible()


def test_the_keyboard_does_it_and_keeps_its_place(page: Page, host: ImageHost, site: str) -> None:
    page.goto(f"{site}/completions/chatcmpl-one/")
    page.locator(TILE).first.get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.locator("figure[data-part=image] > a").first).to_be_focused()


def test_who_was_signed_out_is_told_so_and_keeps_the_page(page: Page, host: ImageHost, site: str) -> None:
    page.goto(f"{site}/completions/chatcmpl-one/")
    expect(page.locator("list-place [data-completion-id]")).to_be_visible()
    page.context.clear_cookies()
    load(page, 0)
    expect(page.get_by_role("alert").filter(has_text="Your session has ended.")).to_be_visible()
    expect(page.locator(TILE)).to_have_count(3)
    assert host.asked == []


def test_without_javascript_the_link_opens_the_picture(plain_page: Page, host: ImageHost, site: str) -> None:
    plain_page.goto(f"{site}/completions/chatcmpl-one/")
    expect(plain_page.locator(TILE)).to_have_count(3)
    with plain_page.expect_response("**/remote/") as answer:
        load(plain_page, 0)
    assert answer.value.status == 200
    assert answer.value.headers["content-type"] == "image/png"
    assert [asked.path for asked in host.asked] == ["/a.png"]
    plain_page.go_back()
    load(plain_page, 2)
    expect(plain_page.locator("body")).to_contain_text("This URL cannot be loaded.")
