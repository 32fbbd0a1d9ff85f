"""What scripts add to the shapes: pictures large in the lightbox, what is broken said, what is hidden counted."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE
from tests.browser.reading import png, walk_to_the_end
from tests.conftest import make_choice, make_completion, say
from tests.image_host import running_image_host

PICTURES = ".picture > a > img"


def picture(url: str, detail: str = "high") -> dict:
    return {"type": "image_url", "image_url": {"url": url, "detail": detail}}


@pytest.fixture
def three_pictures(stored: Callable) -> None:
    """Two pictures here and, between them, one elsewhere."""
    elsewhere = picture("http://pictures.example/a.png", "low")
    stored(
        make_completion(
            "chatcmpl-one",
            say("user", "two", content_parts=[picture(png(640, 480)), elsewhere]),
            say("assistant", "Seen."),
            say("user", "one", content_parts=[picture(png(300, 900))]),
        )
    )


def lightbox(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Image")


def test_a_picture_opens_large_and_leads_to_the_others_and_back(page: Page, three_pictures: None, site: str) -> None:
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(f"{site}/completions/chatcmpl-one/")
    page.locator(PICTURES).first.locator("..").focus()
    page.keyboard.press("Enter")
    box = lightbox(page)
    expect(box).to_contain_text(re.compile(r"Image 1,\s+\d kB\s+High detail"))
    expect(box).to_contain_text("640 × 480")
    expect(box.get_by_role("img")).to_have_attribute("alt", "Image 1 (Customer), no description given")
    expect(box.get_by_role("link", name="#0")).to_have_attribute(
        "href", f"{site}/completions/chatcmpl-one/messages/chatcmpl-one-0/"
    )
    expect(box.get_by_role("link", name="Open the original")).to_have_attribute(
        "href", f"{site}/completions/chatcmpl-one/messages/chatcmpl-one-0/parts/0/"
    )
    expect(box.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    expect(box).to_contain_text("300 × 900")
    expect(box.get_by_role("link", name="#2")).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(page.locator(".picture > a").last).to_be_focused()
    page.locator(PICTURES).last.click()
    box.get_by_role("button", name="Previous image").click()
    expect(box).to_contain_text("640 × 480")
    box.get_by_role("button", name="Close").click()
    expect(box).to_be_hidden()
    page.locator(PICTURES).first.click()
    box.get_by_role("img").click()
    expect(box).to_be_visible()
    page.mouse.click(5, 5)
    expect(box).to_be_hidden()
    assert refused == []


def test_a_picture_from_elsewhere_joins_them_once_it_is_loaded(
    page: Page, three_pictures: None, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_image_host(monkeypatch) as host:
        host.serve("/a.png", base64.b64decode(png(48, 32).split(",")[1]))
        page.goto(f"{site}/completions/chatcmpl-one/")
        page.get_by_role("link", name="Load image").click()
        expect(page.locator(PICTURES)).to_have_count(3)
        page.locator(PICTURES).nth(1).click()
        box = lightbox(page)
        expect(box).to_contain_text("Image 2 on pictures.example Low detail")
        expect(box).to_contain_text("48 × 32")
        expect(box).to_contain_text("2 / 3")
        assert len(host.asked) == 1


def test_without_javascript_a_picture_is_a_link_to_itself(plain_page: Page, three_pictures: None, site: str) -> None:
    plain_page.goto(f"{site}/completions/chatcmpl-one/")
    with plain_page.expect_response("**/parts/0/") as answer:
        plain_page.locator(".picture > a").first.click()
        plain_page.wait_for_url("**/parts/0/")
    assert answer.value.headers["content-type"] == "image/png"


def test_broken_pictures_and_sounds_say_so_and_give_their_bytes(page: Page, stored: Callable, site: str) -> None:
    whole = base64.b64decode(png(64, 64).split(",")[1])
    broken = "data:image/png;base64," + base64.b64encode(whole[:40] + b"garbage").decode()
    sound = {"type": "input_audio", "input_audio": {"data": base64.b64encode(b"fLaC" * 99).decode(), "format": "flac"}}
    stored(
        make_completion(
            "chatcmpl-one",
            say("user", "see", content_parts=[picture(broken), picture(png(64, 64)), sound]),
            choices=[make_choice("Seen.")],
        )
    )
    page.goto(f"{site}/completions/chatcmpl-one/share/")
    page.get_by_role("button", name="Share", exact=True).click()
    for address in (page.locator("[data-share-url]").input_value(), f"{site}/completions/chatcmpl-one/"):
        page.goto(address)
        tile = page.locator(".picture").first
        expect(tile).to_contain_text("This image cannot be shown")
        assert page.request.get(site + download(tile)).body() == whole[:40] + b"garbage"
        expect(page.locator(PICTURES)).to_have_count(1)
        page.locator("audio").evaluate("audio => audio.play().catch(() => null)")
        part = page.locator("[data-part=audio]")
        expect(part).to_contain_text("This audio cannot be played here")
        assert page.request.get(site + download(part)).body() == b"fLaC" * 99


def download(part: Locator) -> str:
    return part.get_by_role("link", name="Download").evaluate("link => link.hasAttribute('download') && link.pathname")


def test_on_a_phone_the_customers_view_is_behind_a_button_and_counts_what_it_hides_while_scrolling(
    page: Page, stored: Callable, site: str
) -> None:
    stored(make_completion("chatcmpl-one", *[say("user", "Hi"), say("tool", "secret")] * 30))
    page.set_viewport_size(PHONE)
    page.goto(f"{site}/completions/chatcmpl-one/")
    switch = page.get_by_role("button", name="Customer’s view")
    expect(switch).to_be_hidden()
    page.locator("summary", has_text="View").click()
    switch.click()
    expect(page.locator("hidden-count")).to_be_visible()
    walk_to_the_end(page)
    expect(page.locator("hidden-count b")).to_have_text("30")
