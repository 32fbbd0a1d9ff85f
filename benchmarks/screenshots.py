"""Takes the pictures of the README from the real pages, so that they stay true: `docs/pictures/*.webp`.

The samples, the clock of the server, the window and the zone are the same on every run, and so are the pictures as long
as the pages and the fonts of the machine are.
"""

from __future__ import annotations

import argparse
import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand

from benchmarks.real_pages import own_chromium, own_lectern, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FOLDER = settings.BASE_DIR / "docs" / "pictures"
_LIST = "/completions/?model=gpt-4.1"  # where the reader came from
_CUPS = "/completions/chatcmpl-CLHysUnTiAg79Bi3itn5Dx2vkLQJt/"
_OUTAGE = "/completions/chatcmpl-mMgBvbJlanPjZPF5VATayrULrNdvJ/"
_LOOKS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1360, "height": 700}, "device_scale_factor": 1.4},
    "phone": {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2, "is_mobile": True},
}
# The server's clock: half an hour after the newest sample was stored. Python runs it at its start as sitecustomize.py.
_FIXED_CLOCK = """
from datetime import UTC, datetime
from django.utils import timezone
timezone.now = lambda: datetime(2026, 11, 20, 11, 21, tzinfo=UTC)
"""
_STILL = """async () => {
    await document.fonts.ready;
    await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
    for (let still = 0, last = ""; still < 30; ) {
        await new Promise(requestAnimationFrame);
        const now = `${scrollY} ${document.body.scrollHeight} ${document.body.innerHTML.length}`;
        still = now === last && !document.querySelector(".htmx-request") ? still + 1 : 0;
        last = now;
    }
}"""


class Command(BaseCommand):
    help = "Take the pictures of the README anew, from the real pages with the samples."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--into", type=Path, default=_FOLDER, help="folder for the pictures")

    def handle(self, *args: Any, **options: Any) -> None:
        into: Path = options["into"]
        into.mkdir(parents=True, exist_ok=True)
        total = 0
        with tempfile.TemporaryDirectory() as clock:
            Path(clock, "sitecustomize.py").write_text(_FIXED_CLOCK)
            with own_chromium() as browser, own_lectern(PYTHONPATH=clock) as url:
                open_window = sign_in(browser, url)
                for scheme in ("light", "dark"):
                    for name, (looks, path, act) in _PICTURES.items():
                        context = open_window(color_scheme=scheme, reduced_motion="reduce", **_LOOKS[looks])
                        page = context.new_page()
                        page.goto(path, wait_until="networkidle", referer=f"{url}{_LIST}")
                        act(page)
                        picture = _take(page)
                        context.close()
                        (into / f"{name}-{scheme}.webp").write_bytes(picture)
                        self.stdout.write(f"  {name}-{scheme}.webp  {len(picture) / 1000:.0f} kB")
                        total += len(picture)
        self.stdout.write(f"{total / 1000:.0f} kB in all, in {into}")


def _take(page: Page) -> bytes:
    """Take the window as it is, once nothing moves any more; as WebP, for which Playwright itself has no word."""
    page.evaluate(_STILL)
    devtools = page.context.new_cdp_session(page)
    taken = devtools.send("Page.captureScreenshot", {"format": "webp", "quality": 82})
    return base64.b64decode(taken["data"])


def _look(page: Page) -> None:
    """Leave the page as it opens."""


def _open_tool(page: Page) -> None:
    page.locator("[data-part=tool-call] summary").last.click()
    page.locator("[data-part=tool-call]").last.evaluate("(call) => call.scrollIntoView({ block: 'center' })")


def _open_citation(page: Page) -> None:
    page.locator("[data-citation]").first.click()


# Of each picture its window, its page, and what is done there first.
_PICTURES: dict[str, tuple[str, str, Callable[[Page], None]]] = {
    "list": ("wide", "/completions/", _look),
    "conversation": ("wide", _CUPS, _look),
    "permalink": ("wide", f"{_OUTAGE}messages/{_OUTAGE.split('/')[2]}-210/", _look),
    "tool": ("wide", _CUPS, _open_tool),
    "citation": ("wide", _CUPS, _open_citation),
    "search": ("wide", "/search/?q=refund", _look),
    "phone": ("phone", _CUPS, _look),
    "phone-list": ("phone", "/completions/", _look),
}
