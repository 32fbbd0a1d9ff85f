"""The customer of a conversation: their history, their page, and links to and from other software."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from tests.conftest import make_choice, make_completion, say
from tests.pages import attributes, completion_ids, element, elements, has, texts, visible
from viewer.deployment.metadata_urls import read_url_pattern, read_url_patterns

Store = Callable[..., Any]


def opened(reader: Client, address: str, **data: str) -> str:
    answer = reader.get(address, data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def history(stored: Store) -> None:
    """Ten conversations of one customer, the sixth refused, and one of another."""
    caches["guesses"].clear()
    refused = [make_choice(None, refusal="I cannot.")]
    stored(
        *(
            make_completion(
                f"c-{n}",
                say("user", f"Question {n}"),
                metadata={"customer_id": "cus 1/a", "ticket": f"T-{n // 2}", "channel": "chat"},
                created=1_762_000_000 + n * 86_400,
                **({"choices": refused} if n == 5 else {}),
            )
            for n in range(10)
        ),
        make_completion("other", say("user", "Hello"), metadata={"customer_id": "cus_2", "ticket": "T-9"}),
    )


def test_the_history_of_the_customer_stands_beside_a_conversation(reader: Client, history: None) -> None:
    page = opened(reader, "/completions/c-6/")
    shown = [visible(visit) for visit in elements(page, ".history li")]
    assert shown == [
        "10 Nov 2025 Question 9", "9 Nov 2025 Question 8", "8 Nov 2025 Question 7", "7 Nov 2025 This conversation",
        "6 Nov 2025 Refusal Question 5", "5 Nov 2025 Question 4", "4 Nov 2025 Question 3",
    ]  # fmt: skip
    assert attributes(page, "href", '[data-of-customer="later"]') == ["/completions/c-7/"]
    assert attributes(page, "href", '[data-of-customer="earlier"]') == ["/completions/c-5/"]
    assert (
        visible(element(page, f'a[href="/customers/{quote("cus 1/a")}/"]:not(.facts__value)')) == "All 10 conversations"
    )


def test_a_customer_with_one_conversation_has_no_history(reader: Client, history: None) -> None:
    assert not has(opened(reader, "/completions/other/"), ".history")


def test_the_facts_begin_with_who_it_is_each_with_a_button_that_copies_it(reader: Client, history: None) -> None:
    page = opened(reader, "/completions/c-6/")
    assert texts(page, ".facts__pairs dt")[:3] == ["customer_id", "ticket", "channel"]
    assert attributes(page, "value", ".facts copy-text button[value]") == ["cus 1/a", "T-3", "chat"]


def test_a_customer_has_a_page_with_all_conversations(reader: Client, history: None) -> None:
    page = opened(reader, f"/customers/{quote('cus 1/a')}/")
    assert completion_ids(page) == [f"c-{n}" for n in range(9, -1, -1)]
    assert visible(element(page, "h1")) == "cus 1/a"
    assert "customer_id · 10 conversations" in visible(page)
    assert completion_ids(opened(reader, "/customers/nobody/")) == []


def test_filters_are_added_to_the_conversations_of_the_customer(reader: Client, history: None) -> None:
    page = opened(reader, f"/customers/{quote('cus 1/a')}/")
    panel = opened(reader, *attributes(page, "href", '[aria-controls="filter-choices"]'))
    (refusals,) = (one for one in elements(panel, ".choices__group a") if visible(one).startswith("Refusals"))
    assert visible(refusals) == "Refusals 1 1 conversation"
    assert "cus_2" not in visible(panel)
    narrowed = opened(reader, refusals.attributes["href"] or "")
    assert completion_ids(narrowed) == ["c-5"]
    assert texts(narrowed, ".filter-chip b") == ["cus 1/a", "Refusals"]


def test_a_conversation_leads_back_to_the_page_of_the_customer(reader: Client, history: None) -> None:
    customer = f"/customers/{quote('cus 1/a')}/"
    for came_from in ("/completions/", customer):
        page = reader.get("/completions/c-6/", headers={"Referer": f"http://testserver{came_from}"}).text
        assert attributes(page, "href", "back-link a") == attributes(page, "href", ".side__head a") == [came_from]
    here = {"Referer": "http://testserver/completions/c-6/"}
    (beside,) = attributes(page, "hx-get", "[hx-get*='/beside/']")
    assert completion_ids(reader.get(beside, headers={"HX-Request": "true"}).text) == [
        f"c-{n}" for n in range(9, -1, -1)
    ]
    (following,) = {*attributes(page, "href", "[rel=next]")}
    assert reader.get(following, headers=here)["Location"] == "/completions/c-5/"
    assert reader.post("/completions/c-6/unseen/", headers=here)["Location"] == customer


def test_the_page_of_a_customer_goes_on(reader: Client, stored: Store) -> None:
    caches["guesses"].clear()
    stored(*(make_completion(f"c-{n}", metadata={"customer": "a"}, created=n) for n in range(45)))
    address, seen = "/customers/a/", []
    while address:
        page = opened(reader, address)
        seen += completion_ids(page)
        address = next(iter(attributes(page, "href", '[data-more="later"] a')), "")
    assert seen == [f"c-{n}" for n in range(44, -1, -1)]


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ({"ticket": "T-9"}, "/completions/other/"),
        ({"customer": "cus_2"}, "/completions/other/"),
        ({"customer_id": "cus_2"}, "/completions/other/"),
        ({"customer": "cus 1/a"}, "/customers/cus%201/a/"),
        ({"ticket": "T-3"}, "/search/?q=meta.ticket%3AT-3"),
        ({"ticket": "T-4", "channel": "mail"}, "/search/?q=T-4+mail"),
        ({"order": "TK-30582"}, "/search/?q=TK-30582"),
        ({"ticket": " "}, "/completions/"),
        ({}, "/completions/"),
    ],
)
@pytest.mark.parametrize("path", ["/go", "/go/"])
def test_a_help_desk_can_link_to_a_conversation(
    reader: Client, history: None, path: str, asked: dict[str, str], leads_to: str
) -> None:
    assert reader.get(path, asked)["Location"] == leads_to


def test_metadata_leads_to_other_software(reader: Client, history: None, settings: Any) -> None:
    settings.TICKET_URL = "https://help.example/tickets/{value}"
    settings.CUSTOMER_URL = "https://crm.example/?id={value}&tab=chat"
    settings.METADATA_URLS = {"channel": "https://status.example/{value}"}
    page = opened(reader, "/completions/c-6/")
    links = elements(page, '.facts a[target="_blank"]')
    assert [link.attributes["href"] for link in links] == [
        "https://crm.example/?id=cus%201%2Fa&tab=chat",
        "https://help.example/tickets/T-3",
        "https://status.example/chat",
    ]
    assert {link.attributes["rel"] for link in links} == {"noopener noreferrer"}
    assert has(opened(reader, "/customers/cus_2/"), 'a[href="https://crm.example/?id=cus_2&tab=chat"]')


@pytest.mark.parametrize(
    "pattern",
    ["help.example/{value}", "https://help.example/", "javascript:alert({value})", "https://{value}.example/"],
)
def test_a_pattern_that_leads_nowhere_stops_the_start(pattern: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="write a URL like"):
        read_url_pattern("TICKET_URL", pattern)


def test_patterns_are_read_by_key() -> None:
    text = "order=https://shop.example/{value}\n store=http://s.example/?{value}"
    assert read_url_patterns("METADATA_URLS", text) == {
        "order": "https://shop.example/{value}",
        "store": "http://s.example/?{value}",
    }
    assert read_url_pattern("TICKET_URL", " ") == ""
    with pytest.raises(ImproperlyConfigured, match="write key="):
        read_url_patterns("METADATA_URLS", "https://shop.example")


@pytest.mark.parametrize("value", ["line1\nline2", "../keys", "x/../../views", "..", ".", "a\\b"])
def test_a_value_that_no_url_can_have_is_a_search(reader: Client, stored: Store, value: str) -> None:
    caches["guesses"].clear()
    stored(*(make_completion(f"c-{n}", say("user", "Hi"), metadata={"customer": value}) for n in range(2)))
    page = opened(reader, "/completions/c-0/")
    assert not [url for url in attributes(page, "href", "a") if "/customers/" in (url or "")]
    answer = reader.get("/go", {"customer": value}, follow=True)
    assert sorted(completion_ids(answer.content.decode())) == ["c-0", "c-1"]
    assert reader.get("/palette/", {"text": value[:3]}).status_code == 200


def test_the_page_of_a_customer_is_of_this_one_alone_however_they_are_spelled(reader: Client, stored: Store) -> None:
    """As a filter finds them: the page, the count, the history, the list beside and what is marked as seen agree."""
    caches["guesses"].clear()
    names = ("Bob", "BOB", "Böb", "Bob*", "Bobby")
    stored(*(make_completion(f"c-{name}", metadata={"customer": name}, created=1) for name in names))
    same = {"c-Bob", "c-BOB", "c-Böb"}
    page = opened(reader, "/customers/Bob/")
    assert {*completion_ids(page)} == same == {*completion_ids(opened(reader, "/search/?q=meta.customer:bob"))}
    assert "3 conversations " in visible(page)
    referer = {"Referer": "http://testserver/customers/Bob/"}
    page = reader.get("/completions/c-BOB/", headers=referer).content.decode()
    assert visible(element(page, ".side__head")) == "Bob Newest first"
    assert len(elements(page, ".history li")) == 3
    beside = reader.get(attributes(page, "hx-get", ".side [hx-get]")[0] or "", headers={"HX-Request": "true"})
    assert {*completion_ids(beside.content.decode())} == same
    assert reader.get("/go", {"customer": "bob"})["Location"] == "/customers/bob/"
    listed = element(opened(reader, "/customers/bob/"), 'form[action="/seen/"] [name="list"]').attributes["value"]
    answer = reader.post("/seen/", {"list": listed or ""}, headers=referer, follow=True)
    assert answer.redirect_chain == [("/customers/Bob/", 302)]
    assert "2 conversations were marked as seen." in visible(answer.content.decode())  # one was opened
    assert "No archived conversation has this value as its customer." in visible(opened(reader, "/customers/nobody/"))


@pytest.mark.parametrize(
    ("ticket", "leads_to"),
    [
        ("hb-1005", "/completions/one/"),
        ("HB-1004", "/search/?q=meta.ticket%3AHB-1004"),
        ("HB-100", "/search/?q=HB-100"),
    ],
)
def test_a_ticket_is_opened_whatever_its_capitals(reader: Client, stored: Store, ticket: str, leads_to: str) -> None:
    caches["guesses"].clear()
    tickets = {"one": "HB-1005", "two": "HB-1004", "three": "HB-1004"}
    stored(*(make_completion(name, metadata={"ticket": value}) for name, value in tickets.items()))
    assert reader.get("/go", {"ticket": ticket})["Location"] == leads_to


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ({"ticket": "T-9", "utm_source": "mail"}, "/completions/other/"),
        ({"ticket": "seen:no"}, "/search/?q=%22seen%3Ano%22"),
        ({"ticket": "-x"}, "/search/?q=%22-x%22"),
    ],
)
def test_a_link_from_elsewhere_is_no_query(reader: Client, history: None, asked: dict[str, str], leads_to: str) -> None:
    assert reader.get("/go", asked)["Location"] == leads_to


def test_a_key_named_customer_is_meant_if_there_is_one(reader: Client, stored: Store, settings: Any) -> None:
    caches["guesses"].clear()
    settings.CUSTOMER_KEY = "customer_id"
    stored(
        make_completion("c-1", metadata={"customer": "only here"}),
        make_completion("c-2", metadata={"customer_id": "cus_2"}),
    )
    assert reader.get("/go", {"customer": "only here"})["Location"] == "/completions/c-1/"
