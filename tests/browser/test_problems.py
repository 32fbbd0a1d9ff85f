"""When a page of messages does not come, the reader is told so where it would stand, and can try again there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reading import (
    LATER,
    MESSAGES,
    PROBLEM,
    Held,
    expect_problem,
    ids_of,
    message_ids,
    press_until,
    row_ids,
    walk_to_the_end,
    walk_to_the_start,
)
from tests.conftest import make_completion, make_long
from viewer.archive.models import StoredCompletion
from viewer.client.client import Client
from viewer.client.problems import Problem
from viewer.sources.archive_client import ArchiveClient


def refuse(problem: Exception) -> Callable[..., Any]:
    def answer(*asked: Any, **more: Any) -> Any:
        raise problem

    return answer


@pytest.fixture
def long(page: Page, stored: Callable, site: str) -> dict[str, Any]:
    """A conversation of 140 messages, opened at its start and read up to the sixtieth or so."""
    long = make_long("chatcmpl-long", 140)
    stored(long)
    page.goto(f"{site}/completions/chatcmpl-long/")
    walk_to_the_end(page, until=60)
    return long


@pytest.mark.parametrize("name", ["unavailable", "rate-limited", "timeout"])
def test_a_page_that_fails_says_so_in_its_place_and_try_again_goes_on(
    page: Page, long: dict[str, Any], name: Any
) -> None:
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(Client, "messages", refuse(Problem(name)))
        press_until(page, "End", page.locator(PROBLEM).count)
        expect_problem(page, name)
        expect(page.locator(f"{MESSAGES} ~ {PROBLEM}")).to_be_visible()
        expect(page.locator(LATER)).to_have_count(0)
    page.locator(PROBLEM).get_by_role("link", name="Try again").click()
    expect(page.locator(PROBLEM)).to_have_count(0)
    walk_to_the_end(page)
    assert message_ids(page) == ids_of(long)


def test_earlier_messages_that_fail_say_so_above_and_try_again_goes_on(
    page: Page, long: dict[str, Any], site: str
) -> None:
    above = page.locator(f"{PROBLEM}:has(~ {MESSAGES})")
    held, below = Held(page, "before="), Held(page, "after=")
    page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-80/")
    held.wait("Home")
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(Client, "messages", refuse(Problem("unavailable")))
        held.release()
        expect(above).to_have_count(1)
    held.let_go()
    below.let_go()
    above.get_by_role("link", name="Try again").click()
    expect(above).to_have_count(0)
    walk_to_the_start(page)
    walk_to_the_end(page)
    assert message_ids(page) == ids_of(long)


def test_a_second_failure_replaces_the_first(page: Page, long: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(Client, "messages", refuse(Problem("unavailable")))
        press_until(page, "End", page.locator(PROBLEM).count)
        expect_problem(page, "unavailable")
        broken.setattr(Client, "messages", refuse(Problem("timeout")))
        page.locator(PROBLEM).get_by_role("link", name="Try again").click()
        expect_problem(page, "timeout")


def test_a_conversation_that_is_deleted_meanwhile_says_so_and_keeps_what_is_shown(
    page: Page, long: dict[str, Any]
) -> None:
    shown = message_ids(page)
    StoredCompletion.objects.all().delete()
    press_until(page, "End", page.locator(PROBLEM).count)
    expect_problem(page, "not-found")
    assert set(shown) <= set(message_ids(page))


def test_an_accident_in_our_own_server_is_told_in_the_feed_too(page: Page, long: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(Client, "messages", refuse(RuntimeError("an accident that the test makes")))
        press_until(page, "End", page.locator(PROBLEM).count)
        expect(page.locator(f"{MESSAGES} ~ {PROBLEM}")).to_be_visible()
    page.locator(PROBLEM).get_by_role("link", name="Try again").click()
    expect(page.locator(PROBLEM)).to_have_count(0)
    walk_to_the_end(page)
    assert message_ids(page)[-1] == "chatcmpl-long-139"


def test_a_page_of_the_list_that_fails_says_so_and_try_again_goes_on(page: Page, stored: Callable, site: str) -> None:
    stored(*(make_completion(f"chatcmpl-{n}", created=n) for n in range(130)))
    page.goto(f"{site}/completions/")
    walk_to_the_end(page, until=60)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(ArchiveClient, "listed", refuse(Problem("unavailable")))
        press_until(page, "End", page.locator(PROBLEM).count)
        expect_problem(page, "unavailable")
    page.locator(PROBLEM).get_by_role("link", name="Try again").click()
    expect(page.locator(PROBLEM)).to_have_count(0)
    walk_to_the_end(page)
    assert row_ids(page) == [f"chatcmpl-{n}" for n in reversed(range(130))]


def test_a_connection_that_breaks_leaves_a_link_that_asks_again_in_its_place(page: Page, long: dict[str, Any]) -> None:
    page.route("**/*after=*", lambda route: route.abort())
    again = page.locator(LATER).get_by_role("link", name="Try again")
    press_until(page, "End", again.count)
    again.click()
    expect(again).to_be_visible()
    page.unroute("**/*after=*")
    again.click()
    expect(again).to_have_count(0)
    walk_to_the_end(page)
    assert message_ids(page) == ids_of(long)


def test_offline_is_told_and_reading_goes_on_by_itself_when_it_ends(page: Page, long: dict[str, Any]) -> None:
    shown = message_ids(page)
    page.context.set_offline(True)
    bar = page.get_by_role("status").filter(has_text="You are offline. You can go on reading this page.")
    expect(bar).to_be_visible()
    press_until(page, "End", page.locator(LATER).get_by_role("link", name="Try again").count)
    assert set(shown) <= set(message_ids(page))
    page.context.set_offline(False)
    expect(bar).to_have_count(0)
    expect(page.get_by_role("link", name="Try again")).to_have_count(0)
    walk_to_the_end(page)
    assert message_ids(page) == ids_of(long)


def test_what_has_come_is_told_in_one_polite_line(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 140))
    held = Held(page, "after=")
    page.goto(f"{site}/completions/chatcmpl-long/messages/chatcmpl-long-70/")
    line = page.locator("load-status")
    held.wait("End")
    expect(line).not_to_contain_text("Later")
    held.release()
    expect(line).to_have_text("Later messages loaded: 20")
    focus = page.evaluate("document.activeElement.closest('article').dataset.messageId")
    assert focus == "chatcmpl-long-70"


def test_a_whole_page_that_fails_can_be_tried_again(page: Page, stored: Callable, site: str) -> None:
    stored(make_long("chatcmpl-long", 30))
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(Client, "messages", refuse(Problem("unavailable", "upstream is resting")))
        answer = page.goto(f"{site}/completions/chatcmpl-long/")
        assert answer.status == 503
        expect_problem(page, "unavailable")
    page.get_by_role("link", name="Try again").click()
    expect(page.locator(MESSAGES).first).to_be_visible()
