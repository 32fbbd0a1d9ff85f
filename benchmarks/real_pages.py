"""Real pages for commands: a Lectern on a data folder that is thrown away, and a Chromium that is signed in there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError

from benchmarks.proxy import free_port, running, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

_PASSWORD = "real pages 1"


@contextmanager
def own_lectern(lines: str = "", **environment: str) -> Iterator[str]:
    """Start what `./run` starts, with the samples and these lines imported; give its address."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"http://127.0.0.1:{(port := free_port())}"
        own = {"DATA_DIR": folder, "PORT": str(port), "SITE_URL": url, "DEMO": "true", "DEMO_PASSWORD": _PASSWORD}
        inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "CACHE_URL")}
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        with running([*manage, "start"], inherited | own | environment):
            wait_for(f"{url}/health/")
            if lines:
                file = Path(folder, "lines.jsonl")
                file.write_text(lines)
                importing = [*manage, "import_completions", str(file)]
                subprocess.run(importing, env=inherited | own, check=True, capture_output=True)
            yield url


@contextmanager
def own_chromium() -> Iterator[Browser]:
    """Start a Chromium without a window: the machine's own, else Playwright's."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise CommandError("Playwright is not installed here; `./run test` installs it, and a Chromium.") from None
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-headless-shell", "google-chrome"))), None
    )
    with sync_playwright() as playwright:
        try:
            flags = ["--no-sandbox", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=found, args=flags)
        except Error as error:
            raise CommandError(f"No Chromium starts here; `./run test` installs one. {error.message}") from None
        with browser:
            yield browser


def sign_in(browser: Browser, url: str) -> Callable[..., BrowserContext]:
    """Sign in by the form; give what opens further windows, each with its looks, in which the person is signed in."""
    always: dict[str, Any] = {"base_url": url, "locale": "en-GB", "timezone_id": "UTC"}
    context = browser.new_context(**always)
    page = context.new_page()
    page.goto("/login/")
    page.fill("input[name=login]", "demo")
    page.fill("input[name=password]", _PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/completions/")
    kept = context.storage_state()
    context.close()
    return partial(browser.new_context, **always, storage_state=kept)
