"""A real Chromium in front of a real server. A page is signed in as alice by her session cookie."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.servers.basehttp import ServerHandler, WSGIRequestHandler
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.processes import until

# Playwright's synchronous interface runs an event loop of its own, which Django takes for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# As the real server does; otherwise every answer on a kept connection waits 40 ms for the browser to acknowledge its head.
WSGIRequestHandler.disable_nagle_algorithm = True
PATIENCE = 30_000  # milliseconds; longer than SQLite waits for a lock
expect.set_options(timeout=PATIENCE)

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the machine's own Chromium; without one, Playwright's."""
    launch = {**browser_type_launch_args, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
    if chromium := os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium"):
        launch["executable_path"] = chromium
    return launch


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": DESKTOP}


@pytest.fixture(scope="session")
def answering() -> Iterator[set[ServerHandler]]:
    """What the running server has not answered yet."""
    current = set()
    run = ServerHandler.run

    def noted(self: ServerHandler, application: Any) -> None:
        current.add(self)
        try:
            run(self, application)
        finally:
            current.remove(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServerHandler, "run", noted)
        yield current


@pytest.fixture
def site(live_server: LiveServer, answering: set[ServerHandler]) -> Iterator[str]:
    """The address of the running server, without a slash at the end.

    What a page asked for last is answered before the tables are emptied: it would leave rows to the next test.
    """
    yield live_server.url
    until(lambda: not answering)


@pytest.fixture
def open_browser(browser: Browser, site: str) -> Callable[..., BrowserContext]:
    """Open another browser, without a person or signed in as one."""
    opened = []

    def open_one(person: User | None = None, **options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": DESKTOP, "base_url": site, **options})
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        if person is not None:
            sign_in(context, site, person)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def context(open_browser: Callable[..., BrowserContext], alice: User) -> BrowserContext:
    """A browser in which alice is signed in."""
    return open_browser(alice)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of the browser in which alice is signed in."""
    return context.new_page()


@pytest.fixture
def plain_page(open_browser: Callable[..., BrowserContext], alice: User) -> Page:
    """A page without JavaScript, signed in as alice."""
    return open_browser(alice, java_script_enabled=False).new_page()


@pytest.fixture
def strangers_page(open_browser: Callable[..., BrowserContext]) -> Page:
    """A page in which nobody is signed in."""
    return open_browser().new_page()


def sign_in(context: BrowserContext, site: str, person: User) -> None:
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])
