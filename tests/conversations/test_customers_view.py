"""The customer's view fails closed: what the customer did not see is nowhere in it, and what they saw is all there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.conftest import make_completion, say
from tests.pages import attributes, completion_ids, element, elements, has, link, visible
from tests.shapes import CHOICES, SEEN, UNSEEN, numbered

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/"


def everything() -> dict[str, Any]:
    numbers = iter(range(1000, 9999))
    messages = [message for _, message in UNSEEN] + SEEN
    return make_completion(
        "chatcmpl-one", *(numbered(message, numbers) for message in messages), choices=numbered(CHOICES, numbers),
        provider="SECRET-provider",
    )  # fmt: skip


def seen_in(given: Any) -> set[str]:
    return set(re.findall(r"SEEN-\d+z", str(given)))


@pytest.fixture
def leaky(reader: Client, stored: Store) -> dict[str, Any]:
    reader.cookies["audience"] = "customer"
    completion = everything()
    assert [outcome.status for outcome in stored(completion)] == ["imported"]
    return completion


def body(reader: Client, address: str, headers: dict[str, str] | None = None, **asked: str) -> str:
    answer = reader.get(address, asked, headers=headers)
    assert answer.status_code == 200
    return b"".join(answer).decode()


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_no_secret_is_on_a_page_and_all_that_was_seen_is(
    reader: Client, leaky: dict[str, Any], headers: dict[str, str]
) -> None:
    pages = [body(reader, ONE, headers)]
    while following := link(pages[-1], "later"):
        pages.append(body(reader, following, headers))
    assert len(pages) > 2
    text = "".join(pages)
    assert re.findall(r"SECRET[^\s<]*", text) == []
    assert set(re.findall(r"SEEN-\d+z", text)) == seen_in(leaky)


@pytest.mark.parametrize(
    "address",
    ["print/?include=customer", "transcript/?include=customer&format=text", "transcript/?include=customer&format=markdown",
     "transcript/?format=text", "transcript/?bare&format=text", "transcript/?bare&format=markdown", "print/"],
)  # fmt: skip
def test_no_secret_is_taken_along_and_all_that_was_seen_is(reader: Client, leaky: dict[str, Any], address: str) -> None:
    text = body(reader, f"{ONE}{address}")
    assert re.findall(r"SECRET[^\s<]*", text) == []
    assert set(re.findall(r"SEEN-\d+z", text.replace("\\-", "-"))) == seen_in(leaky)


def test_finding_lists_no_secret_and_counts_it_apart(reader: Client, leaky: dict[str, Any]) -> None:
    assert "in content that the customer did not see" not in visible(body(reader, f"{ONE}find/", q="SEEN"))
    page = body(reader, f"{ONE}find/", q="SECRET")
    assert not has(page, "a.hit")
    assert re.search(r"No matches\. \d+ messages searched\.", visible(page))
    assert "SECRET-" not in page
    found = body(reader, f"{ONE}find/", q="SEEN")
    assert len(elements(found, "a.hit")) == len(seen_in(leaky))
    assert "SECRET" not in found


@pytest.mark.parametrize(("kind", "message"), UNSEEN)
def test_what_is_hidden_is_counted_and_named(reader: Client, stored: Store, kind: str, message: dict[str, Any]) -> None:
    reader.cookies["audience"] = "customer"
    hidden = numbered(message, iter(range(1000, 9999)))
    stored(make_completion("chatcmpl-one", say("user", "Hello"), hidden, say("user", "Still there?"), choices=[]))
    page = body(reader, ONE)
    assert "SECRET" not in page
    assert attributes(page, "data-hidden") == ["1"]
    assert f"1 message not seen by the customer: {kind}" in visible(page)
    said = body(reader, f"{ONE}transcript/", format="text", include="customer")
    assert "SECRET" not in said
    assert f"(1 not seen by the customer: {kind}" in said


@pytest.mark.slow
def test_a_row_and_a_title_say_what_the_customer_saw(reader: Client, stored: Store) -> None:
    numbers = iter(range(1000, 9999))
    hidden = [numbered(message, numbers) for _, message in UNSEEN]
    stored(
        *(
            make_completion(f"c-{n}", message, choices=[{"message": message}] if message["role"] else [])
            for n, message in enumerate(hidden)
        ),
        make_completion("c-seen", say("tool", "SECRET-1z"), say("human", "SEEN-1z"), choices=[{"text": "SEEN-2z"}]),
    )
    reader.cookies["audience"] = "customer"
    listed = [body(reader, "/completions/")]
    while following := link(listed[-1], "later"):
        listed.append(body(reader, following))
    rows = re.sub(r"<b>Tool call</b>[^<]*", "", "".join(listed))  # which names the tool as one
    assert sum(len(completion_ids(page)) for page in listed) == len(UNSEEN) + 1
    assert re.findall(r"SECRET[^\s<]*", rows) == []
    assert {"SEEN-1z", "SEEN-2z"} <= set(re.findall(r"SEEN-\d+z", rows))
    for n in range(len(UNSEEN)):
        assert "SECRET" not in element(body(reader, f"/completions/c-{n}/print/"), "title").text()


def test_why_there_is_no_answer_is_told_to_staff(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Hello"), choices=[], error={"message": "SECRET"}))
    addresses = [ONE, f"{ONE}print/", f"{ONE}transcript/?format=text"]
    assert all("SECRET" in body(reader, address) for address in addresses)
    reader.cookies["audience"] = "customer"
    for address in addresses:
        page = body(reader, address)
        assert "No answer is stored." in page
        assert "SECRET" not in page
