"""Navigation: the sidebar, the next and previous conversation, and messages by their number."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_choice, make_completion, make_key, make_long, say
from tests.pages import (
    attributes,
    completion_ids,
    element,
    elements,
    has,
    link,
    message_ids,
    problems,
    visible,
)
from tests.said import said_in
from tests.shapes import CHOICES, SEEN, UNSEEN
from tests.upstream import COMPLETIONS, LONG, Upstream
from viewer.archive.holdings import holdings_of
from viewer.archive.models import SearchPack, StoredCompletion
from viewer.client import client as asking
from viewer.completions.reading import read_completion, read_message
from viewer.conversations.facts import build_jumps
from viewer.keys.models import ApiKey
from viewer.rendering.answers import place_answers
from viewer.rendering.context import RenderContext
from viewer.rendering.messages import build_bubbles
from viewer.sources.archive_client import ArchiveClient

Store = Callable[..., Any]
FILTERED = "/completions/?model=even&metadata%5Bdesk%5D=n+%26+s"


@pytest.fixture
def forty(stored: Store) -> list[str]:
    """The ids of 40 completions, newest first, made two in a second."""
    for n in range(40):
        model, desk = "even" if n % 2 == 0 else "odd", "n & s" if n % 4 == 0 else "other"
        stored(make_completion(f"c-{n}", say("user", f"Q {n}"), model=model, metadata={"desk": desk}, created=n // 2))
    return [f"c-{n}" for n in reversed(range(40))]


def opened(reader: Client, address: str, came_from: str = "") -> str:
    headers = {"Referer": f"http://testserver{came_from}"} if came_from else {}
    answer = reader.get(address, follow=True, headers=headers)
    assert answer.status_code == 200, visible(answer.content.decode())
    return answer.content.decode()


def way(page: str, rel: str) -> str:
    (address,) = set(attributes(page, "href", f'a[rel="{rel}"]'))
    return address


def beside(reader: Client, address: str) -> str:
    answer = reader.get(address, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def walked(reader: Client, page: str, rel: str) -> list[str]:
    """Follow one way until it ends, and give the conversations that were passed."""
    passed = []
    while True:
        answer = reader.get(way(page, rel))
        address = answer["Location"]
        page = opened(reader, address)
        if "conversation of the" in visible(page):
            return passed
        passed.append(address.split("/")[2])


@pytest.mark.slow
def test_next_and_previous_follow_the_whole_list(reader: Client, forty: list[str]) -> None:
    assert walked(reader, opened(reader, "/completions/c-39/"), "next") == forty[1:]
    assert walked(reader, opened(reader, "/completions/c-0/"), "prev") == forty[-2::-1]


def test_next_and_previous_follow_the_filter_and_order_that_one_came_from(reader: Client, forty: list[str]) -> None:
    page = opened(reader, "/completions/c-36/", came_from=f"{FILTERED}&after=c-38")
    assert way(page, "next") == "/completions/c-36/next/?model=even&metadata%5Bdesk%5D=n+%26+s"
    assert walked(reader, page, "next") == [f"c-{n}" for n in range(32, -1, -4)]
    page = opened(reader, "/completions/c-32/", came_from=f"{FILTERED}&order=asc")
    assert walked(reader, page, "next") == ["c-36"]


def test_the_filter_is_remembered_and_stands_in_no_address_of_the_conversation(
    reader: Client, forty: list[str]
) -> None:
    opened(reader, "/completions/c-36/", came_from=FILTERED)
    page = opened(reader, "/completions/c-32/messages/c-32-0/", came_from="/completions/c-36/")
    assert has(page, '[hx-get^="/completions/c-32/beside/?model=even&metadata"]')
    assert has(page, f'a[href="{FILTERED}"][aria-label="Back to the list"]')
    assert has(page, 'a[href="/completions/c-32/messages/c-32-0/"][title^="Copy the link"]')
    assert reader.get(way(page, "next"))["Location"] == "/completions/c-28/"


def test_a_conversation_that_the_filter_does_not_hold_stands_in_the_whole_list(
    reader: Client, forty: list[str]
) -> None:
    for other in ("c-35", "c-34"):  # of another model, and of another desk
        assert (
            way(opened(reader, f"/completions/{other}/", came_from=FILTERED), "next") == f"/completions/{other}/next/"
        )
    assert "/next/?model=even" in way(opened(reader, "/completions/c-36/"), "next")


def test_each_tab_keeps_the_list_that_it_came_from(reader: Client, forty: list[str]) -> None:
    opened(reader, "/completions/c-36/", came_from=FILTERED)
    opened(reader, "/completions/c-35/", came_from="/search/?q=model:odd")  # in another tab
    page = opened(reader, "/completions/c-32/", came_from="/completions/c-36/")
    assert attributes(page, "href", "back-link a") == [FILTERED]
    page = opened(reader, "/completions/c-33/", came_from="/completions/c-35/messages/c-35-0/")
    assert attributes(page, "href", "back-link a") == ["/search/?q=model%3Aodd"]


@pytest.mark.parametrize("order", ["oldest", "asc"])
def test_the_order_stays_when_a_filter_is_added_or_removed(reader: Client, forty: list[str], order: str) -> None:
    page = opened(reader, f"/completions/?order={order}")
    panel = opened(reader, *attributes(page, "href", '[aria-controls="filter-choices"]'))
    (narrowed,) = (address for address in attributes(panel, "href", ".choices__group a") if "model%3Aodd" in address)
    page = opened(reader, narrowed)
    assert completion_ids(page)[:2] == ["c-1", "c-3"]
    page = opened(reader, *attributes(page, "href", ".filter-chip a"))
    assert completion_ids(page)[:2] == ["c-0", "c-1"]
    assert completion_ids(opened(reader, f"/search/?q=model:odd&order={order}"))[:2] == ["c-1", "c-3"]


def test_a_page_of_another_site_sets_no_filter(reader: Client, forty: list[str]) -> None:
    answer = reader.get("/completions/c-36/", headers={"Referer": f"https://elsewhere.example{FILTERED}"})
    assert way(answer.text, "next") == "/completions/c-36/next/"


def test_at_the_end_of_the_list_the_reader_stays_with_a_notice(reader: Client, forty: list[str]) -> None:
    here = "/completions/c-0/messages/c-0-0/"
    answer = reader.get("/completions/c-0/next/", headers={"Referer": f"http://testserver{here}"})
    assert answer["Location"] == here
    assert "This is the last conversation of the list." in visible(opened(reader, here))
    answer = reader.get("/completions/c-36/previous/?model=even&metadata[desk]=n+%26+s")
    assert answer["Location"] == "/completions/c-36/"
    assert "This is the first conversation of the filtered list." in visible(opened(reader, "/completions/c-36/"))


def test_a_conversation_that_is_not_in_the_list_says_so(reader: Client, forty: list[str]) -> None:
    reader.get("/completions/c-gone/next/")
    assert "This conversation is not in the list." in visible(opened(reader, "/completions/c-0/"))


def test_the_sidebar_shows_the_rows_around_and_continues_both_ways(reader: Client, forty: list[str]) -> None:
    page = opened(reader, "/completions/c-20/")
    fragment = beside(reader, *attributes(page, "hx-get", '[hx-get^="/completions/c-20/beside/"]'))
    shown = completion_ids(fragment)
    assert shown == forty[7:39]
    assert attributes(fragment, "href", 'a[aria-current="page"]') == ["/completions/c-20/"]
    above, below = attributes(fragment, "hx-get")
    before, after = beside(reader, above), beside(reader, below)
    assert completion_ids(before) + shown + completion_ids(after) == forty
    assert not has(before + after, "[hx-get]")


def test_the_list_opens_around_a_row_and_continues_both_ways(reader: Client, forty: list[str]) -> None:
    whole = beside(reader, "/completions/?around=c-20")
    assert completion_ids(whole) == forty[7:39]
    above, below = attributes(whole, "hx-get")
    before, after = beside(reader, above), beside(reader, below)
    assert completion_ids(before) + completion_ids(whole) + completion_ids(after) == forty
    assert not has(before + after, "[hx-get]")
    assert "End of the list" not in before
    assert "End of the list" in after
    page = opened(reader, above)  # without htmx
    assert completion_ids(page) == forty[:7]
    assert link(page, "later")
    assert completion_ids(opened(reader, "/completions/?around=c-gone")) == forty[:20]
    assert completion_ids(opened(reader, f"{FILTERED}&around=c-8")) == [f"c-{n}" for n in range(36, -1, -4)]


def test_the_sidebar_keeps_the_filter(reader: Client, forty: list[str]) -> None:
    fragment = beside(reader, "/completions/c-8/beside/?model=even&metadata[desk]=n+%26+s")
    assert completion_ids(fragment) == [f"c-{n}" for n in range(36, -1, -4)]


def test_the_sidebar_of_a_conversation_from_another_source_begins_at_the_start(
    reader: Client, forty: list[str]
) -> None:
    assert completion_ids(beside(reader, "/completions/c-gone/beside/")) == forty[:20]


def test_the_sidebar_redirects_a_reader_without_htmx_to_the_list(reader: Client, forty: list[str]) -> None:
    assert reader.get("/completions/c-8/beside/?model=even")["Location"] == "/completions/?model=even"


def test_a_conversation_page_does_not_request_the_list_from_upstream(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("ok")))
    model = COMPLETIONS[LONG]["model"]
    page = opened(reader, f"/completions/{LONG}/", came_from=f"/completions/?model={model}")
    assert f"/completions/{LONG}/beside/?model={model}" in attributes(page, "hx-get")
    assert all("chatcmpl-live-long" in asked["path"] for asked in upstream.asked())


def test_the_sidebar_shows_why_the_list_cannot_be_read(reader: Client, alice: User, upstream: Upstream) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("no-list")))
    answer = reader.get("/completions/chatcmpl-live-0001/beside/", headers={"HX-Request": "true"})
    assert problems(answer.text) == ["unsupported"]
    assert answer.content.decode().startswith("<li>")
    reader.get("/completions/chatcmpl-live-0001/next/")
    said = visible(opened(reader, "/completions/chatcmpl-live-0001/"))
    assert "does not support this" in said


# Messages by their number


def test_a_number_redirects_to_the_permalink_without_a_request(reader: Client, alice: User, upstream: Upstream) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("ok")))
    page = opened(reader, "/completions/chatcmpl-live-long/")
    assert has(page, 'input[type="hidden"][name="ids"][value="counted"]')
    upstream.forget()
    answer = reader.get("/completions/chatcmpl-live-long/go/", {"to": " #42 ", "ids": "counted"})
    assert answer["Location"] == "/completions/chatcmpl-live-long/messages/chatcmpl-live-long-42/"
    assert upstream.asked() == []
    assert "chatcmpl-live-long-42" in message_ids(opened(reader, answer["Location"]))
    assert sum("messages" in asked["path"] for asked in upstream.asked()) == 1


@pytest.mark.parametrize("number", [0, 99, 100, 249])
def test_a_number_is_walked_to_where_ids_do_not_count(reader: Client, stored: Store, number: int) -> None:
    long = make_long("chatcmpl-long", 250, prefix="msg_")
    stored(long)
    assert not has(opened(reader, "/completions/chatcmpl-long/"), '[name="ids"]')
    answer = reader.get("/completions/chatcmpl-long/go/", {"to": str(number)})
    assert answer["Location"] == f"/completions/chatcmpl-long/messages/{long['messages'][number]['id']}/"


def test_the_archive_knows_a_number_without_reading_what_comes_before(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(long := make_long("chatcmpl-long", 350, prefix="msg_"))
    monkeypatch.setattr(ArchiveClient, "max_pages", 1)
    answer = reader.get("/completions/chatcmpl-long/go/", {"to": "349"})
    assert answer["Location"] == f"/completions/chatcmpl-long/messages/{long['messages'][349]['id']}/"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("250", "There is no message #250. The last one is #249."),
        ("999999999999", "Enter the number of a message, such as 12."),
        ("-1", "Enter the number of a message, such as 12."),
        ("²", "Enter the number of a message, such as 12."),
        ("", "Enter the number of a message, such as 12."),
    ],
)
def test_a_number_without_a_message_is_explained(reader: Client, stored: Store, given: str, said: str) -> None:
    stored(make_long("chatcmpl-long", 250, prefix="msg_"))
    answer = reader.get("/completions/chatcmpl-long/go/", {"to": given})
    assert answer["Location"] == "/completions/chatcmpl-long/"
    assert said in visible(opened(reader, answer["Location"]))


def test_a_message_without_an_id_has_no_address(reader: Client, alice: User, upstream: Upstream) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("ids-empty")))
    reader.get("/completions/chatcmpl-live-long/go/", {"to": "7"})
    assert "This message has no URL of its own." in visible(opened(reader, "/completions/chatcmpl-live-long/"))


def test_a_number_too_far_in_is_given_up(reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(make_long("chatcmpl-long", 250, prefix="msg_"))
    monkeypatch.setattr(ArchiveClient, "max_pages", 2)
    monkeypatch.setattr(ArchiveClient, "id_at", asking.Client.id_at)  # which other servers do not tell
    reader.get("/completions/chatcmpl-long/go/", {"to": "249"})
    said = "Message #249 is too far in: only the first 200 messages were searched."
    assert said in visible(opened(reader, "/completions/chatcmpl-long/"))


@pytest.mark.parametrize("prefix", [None, "msg_"])
def test_last_leads_to_the_last_answer_else_to_the_last_message(
    reader: Client, stored: Store, prefix: str | None
) -> None:
    long = make_long("chatcmpl-long", 250, prefix=prefix)
    last = long["messages"][249]["id"]
    stored(long, long | {"id": "chatcmpl-none", "choices": []})
    page = opened(reader, "/completions/chatcmpl-long/go/?to=last")
    assert message_ids(page)[-1] == last
    assert has(page, 'article[data-choice="0"][aria-current="true"]')
    page = opened(reader, "/completions/chatcmpl-none/go/?to=last")
    assert has(page, f'article[data-message-id="{last}"][aria-current="true"]')


def test_a_permalink_can_be_read_newest_first(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-long", 60))
    page = opened(reader, "/completions/chatcmpl-long/messages/chatcmpl-long-30/?order=desc")
    assert message_ids(page) == [f"chatcmpl-long-{n}" for n in range(39, 19, -1)]
    above, below = attributes(page, "hx-get", "[data-more]")
    assert message_ids(beside(reader, above))[-1] == "chatcmpl-long-40"
    assert message_ids(beside(reader, below))[0] == "chatcmpl-long-19"


# Facts


def counts(page: str) -> dict[str, int]:
    """What the conversation holds and how many, as far as the jumps are shown."""
    shown = {}
    for jump in elements(page, "jump-to a[data-find]"):
        label, _, number = visible(jump).rpartition(" ")
        assert jump.attributes.get("data-count", number) == number
        assert (number == "0") == ("hidden" in jump.attributes)
        if number != "0":
            shown[label] = int(number)
    return shown


def counts_the_whole(page: str) -> bool:
    """Whether the jumps say so; otherwise they say that they count what is loaded."""
    whole, loaded = element(page, "jump-to [data-whole]"), element(page, "jump-to [data-loaded]")
    assert (visible(whole), visible(loaded)) == ("In the whole conversation", "In the messages loaded so far")
    assert ("hidden" in whole.attributes) != ("hidden" in loaded.attributes)
    return "hidden" in loaded.attributes


def make_mixed() -> dict[str, Any]:
    picture = {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    paper = {"type": "file", "file": {"filename": "a.pdf", "file_id": "file-1"}}
    calls = [{"id": f"call_{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(2)]
    cited = [
        {
            "type": "url_citation",
            "url_citation": {"url": f"https://{n}.example/", "title": "T", "start_index": 0, "end_index": 1},
        }
        for n in range(3)
    ]
    return make_completion(
        "chatcmpl-mixed",
        say("user", None, content_parts=[picture, picture, sound, paper]),
        say("assistant", None, tool_calls=calls),
        say("tool", '{"error": "no such order"}', tool_call_id="call_0"),
        say("tool", "fine", tool_call_id="call_1"),
        say("assistant", "As it says", annotations=cited),
        say("assistant", None, refusal="No."),
        tools=[{"type": "function", "function": {"name": "f"}}],
        response_format={"type": "json_object"},
        seed=9007199254740993,
    )  # fmt: skip


def test_what_the_messages_hold_is_counted_and_can_be_jumped_to(reader: Client, stored: Store) -> None:
    stored(make_mixed())
    page = opened(reader, "/completions/chatcmpl-mixed/")
    assert counts(page) == {
        "Images": 2, "Tool calls": 2, "Tool errors": 1, "Cited sources": 3, "Refusals": 1, "Audio": 1, "Files": 1,
    }  # fmt: skip
    error = element(page, 'jump-to a[href="/completions/chatcmpl-mixed/go/?to=error"][data-find]')
    assert error.attributes["data-count"] == "1"
    assert counts_the_whole(page)


def test_every_counted_kind_is_found_on_the_page_by_its_selector(reader: Client, stored: Store) -> None:
    stored(make_mixed())
    page = opened(reader, "/completions/chatcmpl-mixed/")
    thread = element(page, "reading-place")
    found = {
        visible(jump).rpartition(" ")[0]: len(elements(thread, jump.attributes["data-find"] or ""))
        for jump in elements(page, "jump-to a[data-find]:not([hidden])")
    }
    marks = {
        "Images": '[data-part="image"]', "Tool calls": '[data-part="tool-call"]', "Tool errors": ".call__result--error",
        "Cited sources": ".sources__title", "Refusals": '[data-part="refusal"]', "Audio": '[data-part="audio"]',
        "Files": '[data-part="file"]',
    }  # fmt: skip
    assert {label: len(elements(thread, mark)) for label, mark in marks.items()} == found == counts(page)


def make_mixed_and_long() -> dict[str, Any]:
    mixed = make_mixed()
    mixed["messages"] += make_long("chatcmpl-mixed", 60)["messages"][6:]
    mixed["messages"][40] = say("tool", "Error: too late") | {"id": "chatcmpl-mixed-40"}
    return mixed


@pytest.mark.parametrize("address", ["", "?order=desc", "messages/chatcmpl-mixed-30/", "choices/0/"])
def test_an_archived_conversation_is_counted_as_a_whole(reader: Client, stored: Store, address: str) -> None:
    stored(make_mixed_and_long())
    page = opened(reader, f"/completions/chatcmpl-mixed/{address}")
    assert counts(page) == {
        "Images": 2, "Tool calls": 2, "Tool errors": 2, "Cited sources": 3, "Refusals": 1, "Audio": 1, "Files": 1,
    }  # fmt: skip
    assert counts_the_whole(page)


def test_a_conversation_elsewhere_or_as_the_customer_saw_it_is_counted_as_far_as_it_is_loaded(
    reader: Client, stored: Store
) -> None:
    stored(make_mixed_and_long())
    reader.cookies["audience"] = "customer"
    page = opened(reader, "/completions/chatcmpl-mixed/")
    assert not counts_the_whole(page)
    assert "Tool calls" not in counts(page)
    del reader.cookies["audience"]
    SearchPack.objects.all().delete()  # not indexed yet
    assert counts(opened(reader, "/completions/chatcmpl-mixed/"))["Tool errors"] == 1
    assert counts(opened(reader, "/completions/chatcmpl-mixed/?order=desc")) == {"Tool errors": 1}


def test_where_nothing_can_be_counted_there_is_no_gap(reader: Client, stored: Store) -> None:
    stored(make_completion("c", say("user", "x")))
    page = opened(reader, "/completions/c/")
    assert (counts(page), has(page, "jump-to.jumps[data-counted][hidden]")) == ({}, True)


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("to=error", 2), ("to=error&after=chatcmpl-mixed-2", 40), ("to=error&after=chatcmpl-mixed-40", 2),
        ("to=error&after=chatcmpl-mixed-59&order=desc", 40), ("to=error&after=chatcmpl-mixed-40&order=desc", 2),
        ("to=error&after=chatcmpl-mixed-2&order=desc", 40), ("to=image&after=gone", 0), ("to=refusal", 5),
    ],
)  # fmt: skip
def test_a_kind_leads_to_the_next_message_that_holds_it(reader: Client, stored: Store, asked: str, number: int) -> None:
    stored(make_mixed_and_long())
    answer = reader.get(f"/completions/chatcmpl-mixed/go/?{asked}")
    order = "?order=desc" if "desc" in asked else ""
    assert answer["Location"] == f"/completions/chatcmpl-mixed/messages/chatcmpl-mixed-{number}/{order}"


def test_a_kind_that_only_the_answer_holds_leads_to_it_and_one_that_is_not_there_says_so(
    reader: Client, stored: Store
) -> None:
    stored(make_completion("c", say("user", "x"), choices=[make_choice(None, refusal="No.")]))
    assert reader.get("/completions/c/go/?to=refusal")["Location"] == "/completions/c/choices/0/"
    assert "The conversation contains nothing of this kind." in visible(opened(reader, "/completions/c/go/?to=file"))


CITING = make_choice("As it says", annotations=[{"type": "url_citation", "url": "https://b.example/?utm_source=x"}])


@pytest.mark.parametrize(
    ("messages", "fields"),
    [
        ([message for _, message in UNSEEN], {"choices": CHOICES}), (SEEN, {"choices": []}), (make_mixed()["messages"], {}),
        ([say("user", "x")], {"choices": [CITING], "citations": ["https://a.example"]}),
        ([say("user", "x"), say("assistant", "As it says")], {"choices": [CITING]}),
    ],
)  # fmt: skip
def test_what_is_counted_when_it_is_stored_is_what_the_page_shows(
    stored: Store, messages: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    """One counts in messages, without drawing, the other what is drawn."""
    stored(make_completion("c", *messages, **fields))
    completion = StoredCompletion.objects.get()
    read = tuple(read_message(body) for _, body in said_in())
    context = RenderContext("c")
    drawn = place_answers(context, read_completion(completion.body), read, build_bubbles(context, read))
    assert holdings_of("c", None).counts == {
        jump.kind.name: jump.count for jump in build_jumps(chain(*drawn)) if jump.count
    }


def test_parameters_are_shown_in_words(reader: Client, stored: Store) -> None:
    stored(make_mixed())
    text = visible(opened(reader, "/completions/chatcmpl-mixed/"))
    for said in ("Tools 1", "Response format json_object", "Seed 9007199254740993", "Finish reason stop"):
        assert said in text
