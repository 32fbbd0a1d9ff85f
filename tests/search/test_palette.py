"""The palette: one box for searches, ids, views, customers, conversations and pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from tests.conftest import make_completion, say
from tests.pages import elements, has, visible
from viewer.conversations.models import SavedView

Store = Callable[..., Any]


@pytest.fixture
def desk(stored: Store, alice: User) -> None:
    caches["guesses"].clear()
    stored(
        make_completion(
            "chatcmpl-1",
            say("user", "Where is my refund?"),
            metadata={"customer_id": "cus_20933", "ticket": "TK-7719"},
        ),
        make_completion("chatcmpl-2", say("user", "Reset my password")),
    )
    SavedView.objects.create(owner=alice, name="Refund promises", query="q=refund+role%3Aassistant")


def offered(reader: Client, text: str) -> dict[str, list[tuple[str, str]]]:
    page = reader.get("/palette/", {"text": text}, headers={"HX-Request": "true"}).content.decode()
    groups = {}
    for group in elements(page, "section"):
        html = group.html or ""
        title = visible(elements(html, "h2")[0]) if has(html, "h2") else ""
        groups[title] = [(visible(link), link.attributes["href"] or "") for link in elements(html, "a")]
    return groups


def test_words_lead_to_a_search_to_views_and_to_conversations(reader: Client, desk: None) -> None:
    assert offered(reader, "refun") == {
        "": [("Search the archive for “refun”", "/search/?q=refun")],
        "Views": [("Refund promises", "/search/?q=refund+role%3Aassistant")],
        "Conversations": [
            (
                "Where is my refund? cus_20933, TK-7719",
                "/completions/chatcmpl-1/messages/chatcmpl-1-0/?find=refun&search=refun%2A",
            )
        ],
    }


@pytest.mark.parametrize("text", ["chatcmpl-9", "https://x.example/completions/chatcmpl-1/", "chatcmpl-2"])
def test_an_id_or_a_url_is_opened(reader: Client, desk: None, text: str) -> None:
    assert offered(reader, text)[""][0][0] == f"Open {text}"


def test_customers_and_tickets_are_found_by_a_part(reader: Client, desk: None) -> None:
    assert offered(reader, "2093")["Customers and tickets"] == [("cus_20933 customer_id", "/customers/cus_20933/")]
    assert offered(reader, "tk-7")["Customers and tickets"] == [("TK-7719 ticket", "/search/?q=meta.ticket%3ATK-7719")]


def test_pages_are_found_by_name(reader: Client, desk: None) -> None:
    assert offered(reader, "passw")["Go to"] == [("Change password", "/password/")]


def test_without_words_it_offers_what_came_last(reader: Client, desk: None) -> None:
    reader.get("/completions/chatcmpl-2/")
    reader.get("/completions/chatcmpl-1/")
    for text in ("refund", "nothing at all", "password", "refund"):
        reader.get("/search/", {"q": text})
    page = reader.get("/palette/").content.decode()
    links = [visible(link) for link in elements(page, ".palette a")]
    assert links[:4] == ["Where is my refund?", "Reset my password", "refund", "password"]
    assert "Keyboard shortcuts" in links
