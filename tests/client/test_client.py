from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
import requests
import responses

from tests.conftest import make_completion, make_long, say
from viewer.client.client import Client, index_of
from viewer.client.http import HttpClient, Response
from viewer.client.problems import Problem
from viewer.completions.reading import read_message
from viewer.completions.types import Page
from viewer.sources.sources import Source

BASE = "https://upstream.example/v1"


class Counting:
    """The archive's client, which records its requests."""

    def __init__(self) -> None:
        archive = Source(None).client
        self.requests: list[str] = []
        self.client = replace(archive, http=self)

    def get(self, url: str) -> Response:
        self.requests.append(url)
        return Source(None).client.http.get(url)


@pytest.mark.slow
def test_a_window_opens_anywhere_in_ten_thousand_messages_by_one_request(stored: Callable[..., Any]) -> None:
    stored(make_long("chatcmpl-long", 10_000))
    for position in (0, 1, 9, 10, 11, 5000, 9990, 9999):
        counting = Counting()
        window = counting.client.messages_around("chatcmpl-long", f"chatcmpl-long-{position}")
        ids = [item.id for item in window.items]
        start = max(0, position - 10)
        assert ids == [f"chatcmpl-long-{n}" for n in range(start, min(start + 20, 10_000))]
        assert window.has_earlier == (start > 0)
        assert window.has_later == (start + 20 < 10_000)
        assert len(counting.requests) == 1


@pytest.mark.parametrize("position", [0, 1, 9, 10, 11, 150, 290, 299])
def test_a_window_opens_by_two_requests_where_ids_do_not_count(stored: Callable[..., Any], position: int) -> None:
    conversation = make_long("chatcmpl-odd", 300, prefix="msg_")
    stored(conversation)
    ids = [message["id"] for message in conversation["messages"]]
    counting = Counting()
    window = counting.client.messages_around("chatcmpl-odd", ids[position])
    start = max(0, position - 10)
    assert [item.id for item in window.items] == ids[start : start + 20]
    assert window.has_earlier == (start > 0)
    assert window.has_later == (start + 20 < 300)
    assert len(counting.requests) == 2


def test_one_message_is_found_by_one_request(stored: Callable[..., Any]) -> None:
    stored(make_long("chatcmpl-long", 300))
    counting = Counting()
    for position in (0, 1, 299):
        assert counting.client.message("chatcmpl-long", f"chatcmpl-long-{position}").id == f"chatcmpl-long-{position}"
    assert len(counting.requests) == 3


def test_ids_that_look_counted_but_are_not_are_still_found(stored: Callable[..., Any]) -> None:
    messages = [say("user", str(n), id=f"chatcmpl-gap-{n * 10}") for n in range(40)]
    stored(make_completion("chatcmpl-gap", *messages))
    window = Source(None).client.messages_around("chatcmpl-gap", "chatcmpl-gap-250")
    assert [item.id for item in window.items] == [f"chatcmpl-gap-{n * 10}" for n in range(15, 35)]
    assert Source(None).client.message("chatcmpl-gap", "chatcmpl-gap-250").id == "chatcmpl-gap-250"


@pytest.mark.parametrize("message_id", ["nope", "chatcmpl-long-300", "chatcmpl-long--1", "chatcmpl-long-٣"])
def test_an_unknown_message_is_a_problem_of_its_own(stored: Callable[..., Any], message_id: str) -> None:
    stored(make_long("chatcmpl-long", 300))
    for find in (Source(None).client.messages_around, Source(None).client.message):
        with pytest.raises(Problem) as caught:
            find("chatcmpl-long", message_id)
        assert (caught.value.name, caught.value.param) == ("not-found", "message_id")


@pytest.mark.parametrize("completion_id", ["nope", "", ".", "..", "a/b", "x?y=1", "#", "%2e%2e", "\ud83d", "\x00"])
def test_an_unknown_completion_is_not_found_whatever_its_id(db: None, completion_id: str) -> None:
    client = Source(None).client
    for read in (client.completion, client.messages, lambda name: client.messages_around(name, f"{name}-3")):
        with pytest.raises(Problem) as caught:
            read(completion_id)
        assert caught.value.name == "not-found"


@pytest.mark.parametrize(
    ("completion_id", "message_id", "index"),
    [
        ("c", "c-0", 0),
        ("c", "c-12", 12),
        ("c", "c-01", None),
        ("c", "d-1", None),
        ("a.c", "abc-1", None),
        ("c", "c-", None),
    ],
)
def test_the_position_is_read_only_from_an_id_that_counts(
    completion_id: str, message_id: str, index: int | None
) -> None:
    assert index_of(completion_id, message_id) == index


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "bad-request"), (401, "invalid-key"), (403, "forbidden"), (404, "not-found"), (405, "unsupported"),
        (408, "timeout"), (418, "bad-request"), (429, "rate-limited"), (500, "unavailable"), (501, "unsupported"),
        (503, "unavailable"), (504, "timeout"),
    ],
)  # fmt: skip
@responses.activate
def test_an_error_response_becomes_one_named_problem_with_the_servers_message(status: int, name: str) -> None:
    body = {"error": {"message": "because", "type": "x", "param": None, "code": None}}
    responses.get(f"{BASE}/chat/completions/one", status=status, json=body)
    with pytest.raises(Problem) as caught:
        Client(HttpClient(requests.Session()), BASE).completion("one")
    assert (caught.value.name, caught.value.message, caught.value.status) == (name, "because", status)


@pytest.mark.parametrize("body", ["<html>", "", "[]", '{"data": {}}', '{"data": null}', "null", "[" * 100_000])
@responses.activate
def test_a_response_that_is_not_a_list_is_unreadable(body: str) -> None:
    responses.get(f"{BASE}/chat/completions/one/messages", body=body)
    with pytest.raises(Problem) as caught:
        Client(HttpClient(requests.Session()), BASE).messages("one")
    assert caught.value.name == "unreadable"


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (requests.ConnectTimeout(), "timeout"),
        (requests.ReadTimeout(), "timeout"),
        (requests.ConnectionError(), "unavailable"),
    ],
)
@responses.activate
def test_no_response_is_a_problem_too(failure: Exception, name: str) -> None:
    responses.get(f"{BASE}/chat/completions", body=failure)
    with pytest.raises(Problem) as caught:
        Client(HttpClient(requests.Session()), BASE).completions()
    assert caught.value.name == name


def test_a_server_that_leads_in_a_circle_shows_no_message_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = {"": ("a", "b"), "b": ("c", "d"), "d": ("a", "b")}

    def messages(_: Client, _id: str, *, after: str = "", **_more: Any) -> Page[Any]:
        items = tuple(read_message(json.dumps({"id": one})) for one in ring[after])
        return Page(items, True, items[-1].id)

    monkeypatch.setattr(Client, "messages", messages)
    pages = Client(HttpClient(requests.Session()), BASE).every_message("one")
    assert [item.id for page in islice(pages, 2) for item in page] == ["a", "b", "c", "d"]
    with pytest.raises(Problem, match="sent the same page again"):
        next(pages)


@responses.activate
def test_paging_continues_after_the_last_item_and_requests_nothing_twice() -> None:
    items = [{"id": f"m{n}", "role": "user", "content": "x"} for n in range(2)]
    responses.get(
        f"{BASE}/chat/completions/one/messages",
        body=json.dumps({"object": "list", "data": items, "last_id": "m0", "has_more": True}),
    )
    page = Client(HttpClient(requests.Session()), BASE).messages("one")
    assert (page.cursor, page.has_more) == ("m1", True)
    assert "after=" not in responses.calls[0].request.url
