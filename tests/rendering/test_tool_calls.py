"""Tool calls and their results: what a card shows, which result belongs to which call, and notes on missing ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from selectolax.lexbor import LexborNode

from tests.conftest import make_choice, make_completion, make_long, say
from tests.pages import attributes, element, elements, has, message_ids, part_kinds, texts, visible

Store = Callable[..., Any]
HTMX = {"HX-Request": "true"}
HOME = "/completions/chatcmpl-one/"


def call(call_id: str | None = "call_a", name: str = "look_up", arguments: Any = "{}") -> dict[str, Any]:
    named = {"id": call_id} if call_id is not None else {}
    return {**named, "type": "function", "function": {"name": name, "arguments": arguments}}


def asking(*calls: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return say("assistant", None, **({"tool_calls": list(calls)} if calls else {}), **fields)


def saying(text: Any, call_id: str | None = "call_a", **fields: Any) -> dict[str, Any]:
    return say("tool", text, **({"tool_call_id": call_id} if call_id is not None else {}), **fields)


def opened(reader: Client, address: str = HOME, **headers: str) -> str:
    answer = reader.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def shown(reader: Client, stored: Store, *messages: dict[str, Any], **fields: Any) -> str:
    stored(make_completion("chatcmpl-one", *messages, **fields))
    return opened(reader)


def cards(page: str) -> list[LexborNode]:
    return elements(page, 'details.call[data-part="tool-call"]')


def results(page: str) -> list[LexborNode]:
    """All results: those in the cards of their calls, and those in their own messages."""
    return elements(page, '[data-part="tool-result"]')


def rows(page: str) -> list[LexborNode]:
    """The results in their own messages."""
    return elements(page, "article > details.result")


def is_in_card(result: LexborNode) -> bool:
    return "data-shows" in result.attributes


def is_open(part: LexborNode) -> bool:
    return "open" in part.attributes


def state(card: LexborNode) -> str:
    """Return the texts of the chips of a card."""
    return visible(element(card, ".call__state"))


# Arguments


def test_a_card_shows_the_name_a_line_of_the_arguments_and_all_of_them_as_they_were_written(
    reader: Client, stored: Store
) -> None:
    page = shown(reader, stored, asking(call(arguments='{"b":1.10,"a":[1,2],"b":12345678901234567890,"e":1e400}')))
    (card,) = cards(page)
    assert "look_up b: 1.10, a: [1,2], b: 12345678901234567890, e: 1e400" in visible(card)
    assert element(card, "pre").text() == (
        '{\n  "b": 1.10,\n  "a": [\n    1,\n    2\n  ],\n  "b": 12345678901234567890,\n  "e": 1e400\n}'
    )
    assert "Invalid JSON" not in visible(card)


def test_json_is_highlighted_and_nothing_in_it_is_active(reader: Client, stored: Store) -> None:
    page = shown(reader, stored, asking(call(arguments='{"k<b>": ["<img src=x>", -1.5, null]}')))
    (card,) = cards(page)
    assert texts(card, "pre span.k") == ['"k<b>"', "null"]
    assert texts(card, "pre span.s") == ['"<img src=x>"']
    assert texts(card, "pre span.m") == ["1.5"]
    assert "-1.5" in element(card, "pre").text()
    assert "&lt;img src=x&gt;" in page
    assert "style=" not in str(card.html)


@pytest.mark.parametrize("arguments", ['{"city": "Os', "{'ok': True}", '{"a":1} I hope this helps', '{"re":"\\d+"}'])
def test_invalid_json_is_marked_and_shown_unchanged(reader: Client, stored: Store, arguments: str) -> None:
    (card,) = cards(shown(reader, stored, asking(call(arguments=arguments))))
    assert "Invalid JSON" in state(card)
    assert element(card, "pre").text() == arguments


@pytest.mark.parametrize("arguments", ["", None])
def test_a_call_without_arguments_says_so(reader: Client, stored: Store, arguments: Any) -> None:
    (card,) = cards(shown(reader, stored, asking(call(arguments=arguments))))
    assert "Invalid JSON" not in visible(card)
    assert "Empty" in visible(card)


def test_arguments_may_be_an_object_and_a_custom_call_is_text(reader: Client, stored: Store) -> None:
    custom = {"id": "call_b", "type": "custom", "custom": {"name": "sql", "input": 'SELECT 1\n  -- <b> {"a":1}'}}
    strange = {"id": "call_c", "type": "mcp", "server": "files"}
    page = shown(reader, stored, asking(call(arguments={"n": 10**30}), custom, strange))
    as_object, as_text, unknown = cards(page)
    assert f'"n": {10**30}' in as_object.text()
    assert "SELECT 1\n  -- &lt;b&gt; {&quot;a&quot;:1}</pre>" in page
    assert element(as_text, "pre").text() == 'SELECT 1\n  -- <b> {"a":1}'
    assert "Input of a custom tool" in visible(as_text)
    assert "unknown type “mcp”" in visible(unknown)
    assert '"server": "files"' in unknown.text()
    assert "3 tool calls in parallel" in visible(page)
    assert "tool calls in parallel" not in shown_again(reader, stored, asking(call()))


def shown_again(reader: Client, stored: Store, *messages: dict[str, Any]) -> str:
    stored(make_completion("chatcmpl-two", *messages))
    return opened(reader, "/completions/chatcmpl-two/")


@pytest.mark.parametrize(
    "arguments",
    [json.dumps({f"key_{n}": n for n in range(400)}), "[" * 300 + "]" * 300, "[" * 100_000 + "]" * 100_000],
    ids=["400 keys", "300 deep", "100,000 deep"],
)
def test_large_arguments_are_truncated_with_a_link_to_all_of_them(
    reader: Client, stored: Store, arguments: str
) -> None:
    page = shown(reader, stored, asking(call(arguments=arguments)))
    (card,) = cards(page)
    assert "Show all (" in visible(card)
    assert len(page) < 60_000
    address = f"{HOME}messages/chatcmpl-one-0/calls/0/"
    assert has(card, f'a[href="{address}"]')
    whole = element(opened(reader, address, **HTMX), "body")
    assert "".join(whole.text().split()) == "".join(arguments.split())
    assert reader.get(address).content.decode() == f"look_up\n{arguments}"


# Results


def test_a_result_is_in_the_card_of_its_call_and_its_message_takes_no_room(reader: Client, stored: Store) -> None:
    page = shown(
        reader, stored, asking(call("call_a", "first"), call("call_b", "second")),
        saying('{"answer":1.0}', "call_b"), saying("plain words", "call_a"), say("user", "Thanks"),
    )  # fmt: skip
    first, second = cards(page)
    assert "plain words" in visible(first)
    assert '"answer": 1.0' in second.text()
    assert [visible(element(card, ".call__number")) for card in (first, second)] == ["#2", "#1"]
    assert state(first) == state(second) == "Result"
    assert not any(map(is_open, [first, second]))
    assert message_ids(page) == [f"chatcmpl-one-{n}" for n in range(4)]
    assert part_kinds(page).count("tool-result") == 2
    for card, n in ((first, 2), (second, 1)):
        (result,) = elements(card, f'[data-shows="chatcmpl-one-{n}"]')
        assert has(result, f'copy-link a[href="{HOME}messages/chatcmpl-one-{n}/"]')
        assert has(result, f'a.message__raw[href="{HOME}messages/chatcmpl-one-{n}/raw/"]')
        (message,) = elements(page, f'article[data-message-id="chatcmpl-one-{n}"]')
        assert "message--in-card" in str(message.attributes["class"])
        assert message.attributes["data-role"] == "tool"
        assert visible(message) == ""


def test_a_permalink_to_a_result_opens_its_card(reader: Client, stored: Store) -> None:
    shown(reader, stored, asking(call()), saying("words of the tool"), asking(call("call_b")), saying("more", "call_b"))
    page = opened(reader, f"{HOME}messages/chatcmpl-one-3/")
    assert [is_open(card) for card in cards(page)] == [False, True]
    assert attributes(page, "data-message-id", 'article[aria-current="true"]') == ["chatcmpl-one-3"]
    assert attributes(page, "data-shows", 'section[aria-current="true"]') == ["chatcmpl-one-3"]
    assert texts(page, ".chip--accent") == ["Linked message"]
    assert has(page, 'section[aria-current="true"] > [autofocus]')


def test_as_written_every_result_is_in_its_own_message(reader: Client, stored: Store) -> None:
    reader.cookies["texts"] = "source"
    page = shown(reader, stored, asking(call()), saying("words of the tool"))
    (row,) = rows(page)
    assert is_open(row)
    assert "Result of the call in #0" in visible(row)
    assert "words of the tool" in visible(row)
    assert not has(page, ".message--in-card")
    (card,) = cards(page)
    assert "Result in #1" in visible(card)
    assert "words of the tool" not in visible(card)


def test_a_result_beyond_those_that_a_card_shows_is_in_its_own_message(reader: Client, stored: Store) -> None:
    parts = [{"type": "tool_result", "tool_use_id": "call_a", "content": f"result {n}"} for n in range(23)]
    page = shown(reader, stored, asking(call()), say("user", parts))
    assert [visible(element(row, "pre")) for row in rows(page)] == [f"result {n}" for n in (20, 21, 22)]
    assert len(results(page)) == 23


def test_a_result_of_a_call_that_does_not_fit_is_in_its_own_message(reader: Client, stored: Store) -> None:
    calls = [call(f"call_{n}", arguments="x" * 1000) for n in range(400)]
    page = shown(reader, stored, asking(*calls), saying("first words", "call_0"), saying("last words", "call_399"))
    assert len(cards(page)) < 400
    assert [visible(element(row, "pre")) for row in rows(page)] == ["last words"]
    assert "first words" in visible(cards(page)[0])


def test_a_message_with_results_in_several_cards_takes_no_room(reader: Client, stored: Store) -> None:
    parts = [
        {"type": "tool_result", "tool_use_id": tool_id, "content": words}
        for tool_id, words in (("b", "of the second"), ("a", "of the first"))
    ]
    calls = [{"type": "tool_use", "id": tool_id, "name": tool_id * 3, "input": {}} for tool_id in "ab"]
    page = shown(reader, stored, say("assistant", calls), say("user", parts))
    first, second = cards(page)
    assert "of the first" in visible(first)
    assert "of the second" in visible(second)
    assert attributes(page, "data-index", '[data-shows="chatcmpl-one-1"]') == ["1", "0"]
    assert not rows(page)
    assert attributes(page, "data-message-id", ".message--in-card") == ["chatcmpl-one-1"]


def test_what_else_a_message_holds_stays_where_it_is(reader: Client, stored: Store) -> None:
    parts = [{"type": "tool_result", "tool_use_id": "a", "content": "of the tool"}, {"type": "text", "text": "By me"}]
    calls = [{"type": "tool_use", "id": "a", "name": "look_up", "input": {}}]
    page = shown(reader, stored, say("assistant", calls), say("user", parts))
    assert "of the tool" in visible(cards(page)[0])
    (message,) = elements(page, 'article[data-message-id="chatcmpl-one-1"]')
    assert "By me" in visible(message)
    assert "of the tool" not in visible(message)


def test_the_customers_view_shows_a_linked_result_in_its_own_message(reader: Client, stored: Store) -> None:
    shown(reader, stored, say("user", "Hello"), asking(call()), saying("words of the tool"))
    reader.cookies["audience"] = "customer"
    page = opened(reader, f"{HOME}messages/chatcmpl-one-2/")
    assert message_ids(page) == ["chatcmpl-one-0", "chatcmpl-one-2"]
    assert not cards(page)
    (linked,) = elements(page, 'article[aria-current="true"]')
    assert "words of the tool" in visible(linked)
    assert "Not seen by the customer" in visible(linked)


@pytest.mark.parametrize(
    ("said", "is_error"),
    [
        ('{"error": {"code": 7}}', True),
        (' {"error": "x"}', True),
        ('{"error": null}', False),
        ('[{"error": 1}]', False),
        ("error: 500", True),
        ("error 500 is a code", False),
        ('{"error": 1', False),
    ],
)
def test_an_error_is_marked_and_its_card_is_open(reader: Client, stored: Store, said: str, is_error: bool) -> None:
    page = shown(reader, stored, asking(call(), call("call_b")), saying(said), saying("fine", "call_b"))
    card, other = cards(page)
    assert is_open(card) == has(card, ".call--error") == ("Error" in state(card)) == is_error
    assert has(results(page)[0], ".call__result--error[data-failed]") == is_error
    assert not is_open(other)


def test_a_call_that_nothing_answers_and_a_result_that_answers_nothing_say_so(reader: Client, stored: Store) -> None:
    page = shown(reader, stored, asking(call(), call(None)), saying("orphan", "call_z"), saying("nameless", None))
    unanswered, nameless_call = cards(page)
    assert state(unanswered) == "No result"
    assert state(nameless_call) == "Missing ids"
    assert "The call has no id, so no result can refer to it" in visible(nameless_call)
    orphan, nameless = results(page)
    assert is_open(orphan)
    assert "No call No call has this id" not in visible(orphan)
    assert "No call" in visible(orphan)
    assert "No call has this id" in visible(orphan)
    assert "its call is unknown" in visible(nameless)


def test_a_result_without_an_id_is_not_linked_to_either_of_two_calls(reader: Client, stored: Store) -> None:
    page = shown(reader, stored, asking(call(), call("call_b")), saying("one", None), saying("two", None))
    assert [state(card) for card in cards(page)] == ["Missing ids"] * 2


def test_media_in_a_result_is_shown_in_its_message(reader: Client, stored: Store) -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}, {"type": "strange"}]
    page = shown(reader, stored, asking(call()), saying(None, content_parts=parts))
    (card,) = cards(page)
    assert "one\ntwo" in card.text()
    assert "Its message contains more than text" in visible(card)
    assert "Unsupported content: strange" in visible(page)


def test_a_large_result_is_truncated_and_can_be_opened_and_downloaded(reader: Client, stored: Store) -> None:
    said = json.dumps({"rows": [{"id": n, "price": "1.10", "script": "<script>alert(1)</script>"} for n in range(900)]})
    page = shown(reader, stored, asking(call()), saying(said))
    address = f"{HOME}messages/chatcmpl-one-1/results/0/"
    for drawn in (*cards(page), *results(page)):
        assert texts(drawn, f'a[hx-get="{address}"]') == [f"Show all ({len(said) / 1000:.0f} kB)"]
    assert len(page) < 40_000
    fragment = reader.get(address, headers=HTMX)
    assert json.loads(element(fragment.text, "body").text()) == json.loads(said)
    kept = reader.get(address)
    assert kept.content.decode() == said
    assert kept["Content-Type"] == "text/plain; charset=utf-8"
    assert kept["Content-Disposition"].startswith("attachment")
    assert kept["X-Content-Type-Options"] == "nosniff"
    assert kept["Content-Security-Policy"] == fragment["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "HX-Request" in kept["Vary"]
    assert "HX-Request" in fragment["Vary"]


def test_calls_and_results_have_addresses_and_nothing_else_has(reader: Client, stored: Store) -> None:
    choices = [make_choice(None, tool_calls=[call(name="last", arguments='{"a":1.0}')])]
    page = shown(reader, stored, asking(call()), saying("x"), choices=choices)
    address = f"{HOME}choices/0/calls/0/"
    assert has(page, f'a[href="{address}"]')
    assert state(cards(page)[-1]) == "No result"
    assert reader.get(address).content == b'last\n{"a":1.0}'
    for nothing in ("messages/chatcmpl-one-0/calls/1/", "messages/chatcmpl-one-0/results/0/", "choices/0/calls/1/"):
        assert reader.get(HOME + nothing).status_code == 404


# Links between results and calls


def test_ids_that_restart_in_every_turn_link_each_result_to_the_last_call(reader: Client, stored: Store) -> None:
    page = shown(reader, stored, asking(call("0")), saying("one", "0"), asking(call("0")), saying("two", "0"))
    first, second = cards(page)
    assert attributes(first, "data-shows") == ["chatcmpl-one-1"]
    assert attributes(second, "data-shows") == ["chatcmpl-one-3"]
    assert "two" not in visible(first)
    assert all("2 calls have this id" in visible(card) for card in (first, second))


def test_duplicate_ids_in_one_message_are_linked_in_order_with_a_note(reader: Client, stored: Store) -> None:
    page = shown(reader, stored, asking(call(), call()), saying("one"), saying("two"), saying("three"))
    first, second = cards(page)
    assert attributes(first, "data-shows") == ["chatcmpl-one-1"]
    assert attributes(second, "data-shows") == ["chatcmpl-one-2", "chatcmpl-one-3"]
    assert state(second) == "2 results"
    assert "2 results have this id" in visible(second)
    assert all("2 calls have this id" in visible(part) for part in (first, second, *results(page)))


def test_duplicate_ids_do_not_multiply_the_size_of_a_page(reader: Client, stored: Store) -> None:
    page = shown(reader, stored, asking(*[call()] * 50), *[saying("word " * 500)] * 15)
    assert page.count("word word") < 500 * 15 * 2
    assert len(page) < 300_000


def test_legacy_calls_are_linked_by_position_and_marked(reader: Client, stored: Store) -> None:
    def old(name: str) -> dict[str, Any]:
        return asking(function_call={"name": name, "arguments": '{"city": "Oslo"}'})

    page = shown(
        reader, stored, old("weather"), say("function", "rain", name="weather"),
        old("weather"), say("function", "news!", name="news"), say("user", "x"), say("function", "late", name="weather"),
    )  # fmt: skip
    first, second = cards(page)
    assert state(first) == "Legacy Result"
    assert "rain" in visible(first)
    assert "Matched by position" in visible(first)
    assert "Arguments (legacy function_call)" in visible(first)
    assert state(second) == "Legacy No result"
    assert all("Legacy" in visible(result) for result in results(page))
    assert ["its call is unknown" in visible(result) for result in results(page)] == [False, True, True]


@pytest.mark.parametrize(
    ("calls", "said", "tied"),
    [
        ([call("a", "f")], [saying("x", None)], [True]),
        ([call("a", "f")], [saying("x", None), saying("y", None)], [False, False]),
        ([call("a", "f"), call("b", "g")], [saying("x", None)], [False]),
        ([call("a", "f"), call("b", "g")], [saying("x", None, name="g"), saying("y", None, name="f")], [True, True]),
        ([call("a", "f"), call("b", "g")], [saying("x", "a"), saying("y", None)], [True, True]),
        ([call("a", "f"), call("b", "f")], [saying("x", None, name="f")], [False]),
    ],
)
def test_a_result_without_an_id_is_linked_only_if_one_call_is_possible(
    reader: Client, stored: Store, calls: list[Any], said: list[Any], tied: list[bool]
) -> None:
    page = shown(reader, stored, asking(*calls), *said)
    assert sum(map(is_in_card, results(page))) == sum(tied)
    assert [not visible(message) for message in elements(page, "article[data-role=tool]")] == tied


# Across pages


@pytest.fixture
def long(stored: Store) -> None:
    """45 messages: the calls are in #19 on the first page, the results in #20 on the second and #44 on the third."""
    made = make_long("chatcmpl-one", 45)
    made["messages"][19] |= asking(call("call_a"), call("call_b"), call("call_c"))
    made["messages"][20] |= saying("over the border")
    made["messages"][44] |= saying("much later", "call_b")
    stored(made)


def test_a_card_names_and_links_a_result_on_the_next_page(reader: Client, long: None) -> None:
    near, far, never = cards(opened(reader))
    assert state(near) == "Result in #20"
    assert has(near, f'a[href="{HOME}messages/chatcmpl-one-20/"]')
    assert "over the border" not in visible(near)
    assert state(far) == state(never) == "Result not loaded"
    assert attributes(near, "data-call") == ["call_a"]
    assert attributes(never, "data-call") == ["call_c"]


def test_a_result_names_and_links_a_call_on_the_page_before(reader: Client, long: None) -> None:
    (result,) = results(opened(reader, f"{HOME}?after=chatcmpl-one-19"))
    assert is_open(result)
    assert "Result of the call in #19 , on another page" in visible(result)
    assert has(result, f'a[href="{HOME}messages/chatcmpl-one-19/"]')
    assert attributes(result, "data-result") == ["call_a"]
    (far,) = results(opened(reader, f"{HOME}?after=chatcmpl-one-39"))
    assert is_open(far)
    assert "The call is not on this page" in visible(far)


def test_newest_first_links_across_pages_too(reader: Client, long: None) -> None:
    page = opened(reader, f"{HOME}?order=desc&after=chatcmpl-one-20")
    assert [state(card) for card in cards(page)] == ["Result in #20", "Result not loaded", "Result not loaded"]
    page = opened(reader, f"{HOME}?order=desc&after=chatcmpl-one-40")
    assert "Result of the call in #19" in visible(results(page)[0])
    page = opened(reader, f"{HOME}?order=desc&after=chatcmpl-one-25")
    assert [state(card) for card in cards(page)] == ["Result", "Result in #44", "Result not loaded"]


def test_a_cached_bubble_never_shows_a_stale_link(reader: Client, long: None) -> None:
    for _ in range(2):
        assert state(cards(opened(reader))[0]) == "Result in #20"
        assert state(cards(opened(reader, f"{HOME}?after=chatcmpl-one-9"))[0]) == "Result"
        assert state(cards(opened(reader, **HTMX))[0]) == "Result not loaded"


def test_a_fragment_leaves_links_to_the_page_that_it_is_added_to(reader: Client, long: None) -> None:
    (result,) = results(opened(reader, f"{HOME}?after=chatcmpl-one-19", **HTMX))
    assert "The call is not on this page" in visible(result)
    assert attributes(result, "data-result") == ["call_a"]
