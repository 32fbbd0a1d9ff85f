"""Responses and conversations of the Responses API, read as completions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.upstream import (
    ASKED,
    CONVERSATION,
    CONVERSATION_ITEMS,
    FOLLOWING,
    INPUT_ITEMS,
    PICTURE,
    WORKING,
    Upstream,
)
from viewer.client.client import Client, Order, opposite
from viewer.client.http import HttpClient, KeyAuth, new_session
from viewer.client.problems import Problem
from viewer.completions.types import ImagePart, Message, text_of

Open = Callable[[str], Client]


@pytest.fixture
def open_client(upstream: Upstream) -> Open:
    def make(mode: str) -> Client:
        base = upstream.base(mode)
        return Client(HttpClient(new_session(), KeyAuth(lambda: "sk-good-1", base, {})), base)

    return make


def ids_by_pages(client: Client, completion_id: str, order: Order, limit: int) -> list[str]:
    ids, after, has_more = list[str](), "", True
    while has_more:
        page = client.messages(completion_id, after=after, order=order, limit=limit)
        ids += [item.id for item in page.items]
        after, has_more = page.cursor, page.has_more
    return ids


def ids_of(completion_id: str) -> list[str]:
    """What a reader gets: the instructions, the input, and the output but for the answer."""
    if completion_id == CONVERSATION:
        return [item["id"] for item in CONVERSATION_ITEMS[CONVERSATION]]
    after = ["rs_1"] if completion_id == FOLLOWING else []
    return [f"{completion_id}-0", *(item["id"] for item in INPUT_ITEMS[completion_id]), *after]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("completion_id", [ASKED, FOLLOWING, CONVERSATION])
def test_every_message_comes_once_in_both_orders(open_client: Open, completion_id: str, order: Order) -> None:
    expected = ids_of(completion_id)[:: 1 if order == "asc" else -1]
    assert ids_by_pages(open_client("ok"), completion_id, order, 7) == expected


def test_a_message_is_found_with_its_neighbours_wherever_it_stands(open_client: Open) -> None:
    client = open_client("ok")
    for completion_id in (FOLLOWING, CONVERSATION):
        expected = ids_of(completion_id)
        for message_id in (expected[0], expected[1], expected[30], expected[-1]):
            found = [item.id for item in client.messages_around(completion_id, message_id).items]
            assert message_id in found
            start = expected.index(found[0])
            assert found == expected[start : start + len(found)]
            assert client.message(completion_id, message_id).id == message_id


def test_a_response_is_a_completion_with_its_last_output_as_the_answer(open_client: Open) -> None:
    completion = open_client("ok").completion(FOLLOWING)
    (choice,) = completion.choices
    assert isinstance(choice.message, Message)
    assert [call.name for call in choice.message.tool_calls] == ["find"]
    assert choice.finish_reason == "tool_calls"
    assert completion.usage
    assert (completion.usage.prompt, completion.usage.completion) == (18, 17)
    assert completion.metadata == {"team": "returns", "previous_response_id": ASKED}
    assert open_client("ok").completion(CONVERSATION).choices == ()


def test_pictures_come_from_servers_that_understand_either_way_to_include_them(open_client: Open) -> None:
    for mode in ("ok", "ogx"):
        (question,) = open_client(mode).messages(ASKED, after=f"{ASKED}-0").items
        assert isinstance(question, Message)
        assert [part.url for part in question.parts if isinstance(part, ImagePart)] == [PICTURE]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_items_without_ids_get_those_of_the_archive_and_are_not_lost(open_client: Open, order: Order) -> None:
    client = open_client("ogx")
    given = INPUT_ITEMS[FOLLOWING]
    expected = [item["id"] if n % 3 == 0 else f"{FOLLOWING}-{n + 1}" for n, item in enumerate(given)]
    expected = [f"{FOLLOWING}-0", *expected, "rs_1"][:: 1 if order == "asc" else -1]
    assert ids_by_pages(client, FOLLOWING, order, 7) == expected
    assert ids_by_pages(client, FOLLOWING, opposite(order), 100) == expected[::-1]
    assert text_of(client.message(FOLLOWING, f"{FOLLOWING}-12")) == "Item 11 of 45 in following"


def test_what_still_changes_is_read_again_and_what_is_finished_is_not(open_client: Open, upstream: Upstream) -> None:
    client = replace(open_client("ok"), cache_as="key", cache_seconds=60)
    for completion_id, requests in ((ASKED, 1), (WORKING, 2), (CONVERSATION, 2)):
        upstream.forget()
        client.completion(completion_id)
        client.completion(completion_id)
        assert len(upstream.asked()) == requests
    assert client.completion(WORKING).other["status"] == '"in_progress"'


@pytest.mark.parametrize("mode", ["ok", "ogx"])
def test_what_is_missing_is_named(open_client: Open, mode: str) -> None:
    client = open_client(mode)
    for completion_id in ("resp_never", "conv_never"):
        for ask in (client.completion, client.messages):
            with pytest.raises(Problem) as missing:
                ask(completion_id)
            assert missing.value.name == "not-found"
    for completion_id in (FOLLOWING, CONVERSATION):
        with pytest.raises(Problem) as unknown:
            client.messages(completion_id, after="msg_never")
        assert (unknown.value.name, unknown.value.param) == ("bad-request", "after")


def test_no_list_is_asked_to_continue_after_what_it_cannot_contain(open_client: Open, upstream: Upstream) -> None:
    client = open_client("ok")
    upstream.forget()
    for completion_id in (ASKED, CONVERSATION, "resp_never"):
        with pytest.raises(Problem) as unknown:
            client.completions_around(completion_id)
        assert unknown.value.param == "after"
    assert not any("chat/completions" in asked["path"] for asked in upstream.asked())
