"""A Chromium without a window, signed in at a throw-away Lectern."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright

from benchmarks.desk import PASSWORD, Desk

_NAMES = ("chromium", "chromium-headless-shell", "google-chrome")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start the machine's own Chromium, else Playwright's."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        try:
            flags = ["--no-sandbox", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=found, args=flags)
        except Error as error:
            sys.exit(f"Chromium could not be started; `./run test` installs one. {error.message}")
        with browser:
            yield browser


def sign_in(browser: Browser, desk: Desk) -> Callable[..., BrowserContext]:
    """Sign in by the form; give a function that opens further windows of the same person, each with its own options."""
    always: dict[str, Any] = {"base_url": desk.url, "locale": "en-GB", "timezone_id": "UTC"}
    context = browser.new_context(**always)
    page = context.new_page()
    page.goto("/login/")
    page.fill("input[name=login]", "demo")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/completions/")
    kept = context.storage_state()
    context.close()
    return partial(browser.new_context, **always, storage_state=kept)
