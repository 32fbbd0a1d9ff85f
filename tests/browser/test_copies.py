"""Copying into the archive, watched in a browser."""

from __future__ import annotations

from threading import Event

from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.conftest import make_key
from tests.upstream import Upstream
from viewer.sync.models import CopyRun
from viewer.sync.worker import work_on


def work() -> None:
    run = CopyRun.objects.claim()
    assert run
    work_on(run, Event())


def test_a_copy_is_started_and_the_page_follows_it_by_itself(
    page: Page, site: str, alice: User, upstream: Upstream
) -> None:
    make_key(alice, base_url=upstream.base())
    page.goto(f"{site}/imports/")
    page.get_by_label("Only with this metadata").fill("team=returns")
    page.get_by_role("button", name="Start import").click()
    run = page.locator("[data-run]")
    expect(run).to_have_attribute("data-run", "waiting")
    run.get_by_role("button", name="Pause").focus()
    assert Axe().run(page).response["violations"] == []
    page.evaluate("() => { document.body.dataset.kept = 'yes' }")
    work()
    expect(run).to_have_attribute("data-run", "done")
    expect(run).to_contain_text("11 imported")
    expect(page.locator("body")).to_have_attribute("data-kept", "yes")


def test_without_javascript_it_is_paused_and_resumed_by_buttons(
    plain_page: Page, site: str, alice: User, upstream: Upstream
) -> None:
    make_key(alice, base_url=upstream.base())
    plain_page.goto(f"{site}/imports/")
    plain_page.get_by_label("Only with this metadata").fill("team=returns")
    plain_page.get_by_role("button", name="Start import").click()
    run = plain_page.locator("[data-run]")
    run.get_by_role("button", name="Pause").click()
    expect(run).to_have_attribute("data-run", "paused")
    run.get_by_role("button", name="Resume").click()
    expect(run).to_have_attribute("data-run", "waiting")
    work()
    plain_page.reload()
    expect(run).to_have_attribute("data-run", "done")
