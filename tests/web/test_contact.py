"""The contact of the administrator, where a page tells a reader to ask."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from tests.pages import element, elements, visible
from viewer.conversations.views import conversation_list


@pytest.mark.parametrize(
    ("contact", "url"),
    [
        ("help@example.org", "mailto:help@example.org"),
        ("https://chat.example.org/help?a=1&b=2", "https://chat.example.org/help?a=1&b=2"),
        ("#lectern-help, <ask> Ann", ""),
        ("javascript:alert(1)", ""),
        ("http://chat.example.org/", ""),
    ],
)
def test_a_mail_address_or_an_https_url_becomes_a_link(client: Client, settings: Any, contact: str, url: str) -> None:
    settings.CONTACT = contact
    for address in ("/password/forgotten/", "/inactive/"):
        shown = element(client.get(address).text, "main p.muted")
        assert visible(shown) == f"Contact: {contact}"
        assert [(link.attributes["href"], link.text()) for link in elements(shown, "a")] == (
            [(url, contact)] if url else []
        )


def test_nothing_is_shown_without_a_contact(client: Client) -> None:
    assert "Contact" not in client.get("/password/forgotten/").text


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
@pytest.mark.parametrize(("cause", "is_shown"), [("connection refused", True), ("database is locked", False)])
def test_a_failure_that_needs_the_administrator_shows_the_contact(
    reader: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, cause: str, is_shown: bool, headers: dict[str, str]
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError(cause)

    settings.CONTACT = "help@example.org"
    reader.raise_request_exception = False
    monkeypatch.setattr(conversation_list, "page_or_fragment", fails)
    assert ("mailto:help@example.org" in reader.get("/completions/", headers=headers).text) is is_shown
