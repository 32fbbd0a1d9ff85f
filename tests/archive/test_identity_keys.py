"""The keys of the customer and the ticket: those of the settings, else guessed from the archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from tests.conftest import make_completion, say
from tests.pages import texts
from viewer.archive.identity_keys import IdentityKeys, identity_keys

Store = Callable[..., Any]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ([], ("", "")),
        ([{"a": "1", "tier": "gold"}], ("", "")),
        ([{"user_id": "1", "Customer": "2", "case": "3"}], ("Customer", "case")),
        ([{"customer": "1"}, {"customer_id": "1"}, {"customer_id": "2"}], ("customer_id", "")),
        ([{"kundennummer": "1", "order": "4", "ticket_no": "5"}], ("kundennummer", "ticket_no")),
    ],
)
def test_keys_are_guessed_by_their_names_and_the_commonest_is_taken(
    stored: Store, metadata: list[dict[str, str]], expected: tuple[str, str]
) -> None:
    stored(*(make_completion(f"c-{n}", metadata=pairs) for n, pairs in enumerate(metadata)))
    caches["guesses"].clear()
    assert identity_keys() == IdentityKeys(*expected)


def test_the_settings_decide_and_customer_and_ticket_come_first(reader: Client, stored: Store, settings: Any) -> None:
    pairs = {"channel": "chat", "who": "cus_1", "customer": "other", "TT": "7"}
    stored(make_completion("c-1", say("user", "refund"), metadata=pairs))
    settings.CUSTOMER_KEY, settings.TICKET_KEY = "who", "TT"
    caches["guesses"].clear()
    for address in ("/completions/", "/search/?q=refund"):
        shown = texts(reader.get(address).content.decode(), ".row__metadata li")
        assert shown[:2] == ["who: cus_1", "TT: 7"], address
