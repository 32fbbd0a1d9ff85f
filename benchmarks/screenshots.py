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
from typing import Any

from playwright.sync_api import BrowserContext, Page

from benchmarks.chromium import running_chromium, sign_in
from benchmarks.desk import ROOT, open_desk

_FOLDER = ROOT / "docs" / "pictures"
_LIST = "/completions/?model=gpt-4.1"  # where the reader came from
_CUPS = "/completions/chatcmpl-CLHysUnTiAg79Bi3itn5Dx2vkLQJt/"
_OUTAGE = "/completions/chatcmpl-mMgBvbJlanPjZPF5VATayrULrNdvJ/"
_LOOKS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1360, "height": 700}, "device_scale_factor": 1.4},
    "phone": {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2, "is_mobile": True},
}
# The server's clock: half an hour after the newest sample was stored. Python runs it at its start, as sitecustomize.py.
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


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench screenshots", description=__doc__)
    parser.add_argument("--into", type=Path, default=_FOLDER, help="folder for the pictures")
    parser.add_argument(
        "--only", nargs="+", choices=_PICTURES, default=list(_PICTURES), metavar="NAME",
        help=f"pictures to take: {', '.join(_PICTURES)}",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    options.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as clock:
        Path(clock, "sitecustomize.py").write_text(_FIXED_CLOCK)
        with running_chromium() as browser, open_desk(PYTHONPATH=clock) as desk:
            total = _take_all(options.only, sign_in(browser, desk), f"{desk.url}{_LIST}", options.into)
    print(f"{total / 1000:.0f} kB in all, in {options.into}")


def _take_all(names: list[str], open_window: Callable[..., BrowserContext], referer: str, into: Path) -> int:
    """Take each picture in light and dark; give how many bytes they have together."""
    total = 0
    for scheme in ("light", "dark"):
        for name in names:
            look, path, act = _PICTURES[name]
            context = open_window(color_scheme=scheme, reduced_motion="reduce", **_LOOKS[look])
            page = context.new_page()
            page.goto(path, wait_until="networkidle", referer=referer)
            act(page)
            picture = _take(page)
            context.close()
            (into / f"{name}-{scheme}.webp").write_bytes(picture)
            print(f"  {name}-{scheme}.webp  {len(picture) / 1000:.0f} kB")
            total += len(picture)
    return total


def _take(page: Page) -> bytes:
    """Take the window once nothing moves any more; as WebP, which Playwright itself does not offer."""
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


# For each picture its window, its page, and what is done there first.
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
