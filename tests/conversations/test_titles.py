"""The titles of pages: what tells one tab from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.conftest import make_choice, make_completion, say
from tests.pages import element, visible

LONG = "My parcel has not come, and nobody at the shop answers the telephone, whatever the hour. " * 3
CALL = {"id": "a", "type": "function", "function": {"name": "find_parcel", "arguments": "{}"}}


@pytest.fixture(autouse=True)
def _keys(settings: LazySettings) -> None:
    settings.CUSTOMER_KEY, settings.TICKET_KEY = "customer_id", "ticket"


@pytest.fixture
def conversation(stored: Callable[..., Any]) -> str:
    messages = [
        say("user", LONG), say("assistant", None, tool_calls=[CALL]), say("tool", "lost in Bergen", tool_call_id="a"),
        say("assistant", "I am **sorry** about this."),
    ]  # fmt: skip
    metadata = {"customer_id": "cus_20933", "ticket": "TK-7719", "channel": "chat"}
    stored(make_completion("c-1", *messages, metadata=metadata, choices=[make_choice("A new one is on its way.")]))
    return "/completions/c-1/"


def title(reader: Client, address: str) -> str:
    return visible(element(reader.get(address).getvalue().decode(), "title"))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("", "TK-7719 · My parcel has not come, and nobody at the shop answe… · Lectern"),
        ("messages/c-1-0/", "TK-7719 · #0 Customer: My parcel has not come, and nobody at t… · Lectern"),
        ("messages/c-1-1/", "TK-7719 · #1 Assistant: find_parcel · Lectern"),
        ("messages/c-1-2/", "TK-7719 · #2 Tool result: lost in Bergen · Lectern"),
        ("messages/c-1-3/", "TK-7719 · #3 Assistant: I am sorry about this. · Lectern"),
        ("choices/0/", "TK-7719 · Answer: A new one is on its way. · Lectern"),
    ],
)
def test_a_title_names_the_ticket_and_what_is_linked(
    reader: Client, conversation: str, place: str, expected: str
) -> None:
    assert title(reader, f"{conversation}{place}") == expected


def test_a_title_names_the_customer_where_there_is_no_ticket(reader: Client, stored: Callable[..., Any]) -> None:
    stored(
        make_completion("c-1", say("user", "Hello"), metadata={"ticket": "TK-1", "customer_id": "cus_1"}),
        make_completion("c-2", say("user", "Hello"), metadata={"customer_id": "cus_2"}),
        make_completion("c-3", say("user", "Hello")),
    )
    assert [title(reader, f"/completions/c-{n}/") for n in (1, 2, 3)] == [
        "TK-1 · Hello · Lectern", "cus_2 · Hello · Lectern", "Hello · Lectern",
    ]  # fmt: skip


def test_a_title_has_some_60_characters_and_the_heading_has_more(reader: Client, conversation: str) -> None:
    page = reader.get(conversation).content.decode()
    assert len(visible(element(page, "title"))) <= 60 + len(" ·  · Lectern")
    assert len(visible(element(page, "h1"))) > 200
    assert len(title(reader, f"{conversation}print/")) <= 60 + len(" · Lectern")
