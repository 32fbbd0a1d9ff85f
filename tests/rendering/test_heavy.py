"""Whatever is stored, a page is limited before it is rendered, and says what it leaves out."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils.http import parse_header_parameters

from tests.conftest import make_choice, make_completion, say
from tests.costs import assert_linear
from tests.heavy import HEAVY, HOME, ID, PAGES, WORD, make_heavy
from tests.pages import attributes, completion_ids, elements, texts
from tests.traces import kept_in_caches
from viewer.archive.search import reading
from viewer.completions.folding import compile_pattern
from viewer.completions.markdown import to_html
from viewer.completions.reading import read_completion, read_message_page
from viewer.completions.source_text import MAX_ITEMS, pretty
from viewer.completions.types import Citation
from viewer.conversations import rows
from viewer.find import fields, finding
from viewer.find.fields import text_fields
from viewer.find.hits import matches_in_message
from viewer.rendering import limits, messages
from viewer.rendering import markdown_html as prose
from viewer.rendering import tool_calls as tools
from viewer.rendering.answers import place_answers
from viewer.rendering.context import RenderContext
from viewer.rendering.limits import MAX_CITATIONS, PageBudget, TimeBudget
from viewer.rendering.markdown_html import render_prose
from viewer.rendering.messages import build_bubbles

Store = Callable[..., list[Any]]
SMALL = 1  # MB, of 30 that a completion has at most: limits apply from this size on
SHOWN = ("list", "search", "page", "newest", "customer", "as written", "message", "answer", "find")


def page_of(*messages: dict[str, Any]) -> Any:
    numbered = [{"id": f"c-{n}", **message} for n, message in enumerate(messages)]
    return read_message_page(json.dumps({"data": numbered, "has_more": False}))


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_every_page_of_a_heavy_completion_is_small(reader: Client, stored: Store, name: str) -> None:
    caches["bubbles"].clear()
    (outcome,) = stored(make_heavy(name, SMALL))
    assert outcome.status == "imported"
    for page in SHOWN:
        address, _, view = PAGES[page].partition("|")
        reader.cookies.load(view)
        answer = reader.get(address, follow=True)
        assert answer.status_code in (200, 404 if page == "answer" else 200), page
        assert len(answer.content) < 3 * limits.MAX_TEXT, page


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_reading_rendering_and_finding_take_linear_time(name: str) -> None:
    def run(size: int) -> None:
        heavy = make_heavy(name, size)
        messages = heavy.pop("messages")
        completion = read_completion(json.dumps(heavy))
        page = read_message_page(json.dumps({"data": messages, "has_more": False}))
        drawn = build_bubbles(RenderContext(ID), page.items)
        for bubble in place_answers(RenderContext(ID), completion, page.items, drawn)[1] + drawn:
            repr(bubble)
        for item in page.items:
            matches_in_message(item, compile_pattern(WORD))

    assert_linear(run, 4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("numbers", "numbers said", "numbers beside", "text", "answer", "long choice", "text without the word"),
        *("accents", "one word", "a field", "log probabilities", "reasoning", "transcript", "refusal", "errors"),
        *("lines", "hidden characters"),
    ],
)
def test_reading_and_finding_take_a_few_times_the_stored_size_in_memory(name: str) -> None:
    """Of 30 MB that is under 200 MB. Many small items take more memory for each, but are fewer MB."""
    fields = make_heavy(name, 4)
    messages = json.dumps({"data": fields.pop("messages"), "has_more": False}, ensure_ascii=False)
    completion = json.dumps(fields, ensure_ascii=False)
    stored = sys.getsizeof(messages) + sys.getsizeof(completion)
    tracemalloc.start()
    try:
        choices = read_completion(completion).choices  # type: ignore[union-attr]
        for item in (*read_message_page(messages).items, *(choice.message for choice in choices)):
            matches_in_message(item, compile_pattern(WORD))
        assert tracemalloc.get_traced_memory()[1] < 7 * stored
    finally:
        tracemalloc.stop()


def test_the_size_of_tables_is_limited_before_they_are_rendered() -> None:
    """Each line can widen the one above it: 20 kB grew to 16 MB."""
    assert len(to_html("x|b\n-|\n" * 2_500) or "") < 200_000
    assert "<table>" in (to_html("a|b\n-|-\n1|2|3\n") or "")
    assert_linear(lambda size: to_html(("x|b\n-|\n" * size)[:size]), 20_000)


@pytest.mark.slow
def test_calls_are_truncated_before_they_are_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(
        tools, "build_tool_text", lambda given, *_, **__: drawn.append(given) or tools.ToolTextView("", False)
    )
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    build_bubbles(RenderContext("c"), page_of(say("assistant", None, tool_calls=[call] * 5_000)).items)
    assert 0 < len(drawn) <= limits.MAX_MESSAGE // 500
    drawn.clear()
    result = {"type": "tool_result", "tool_use_id": "x", "content": "r"}
    build_bubbles(RenderContext("c"), page_of(say("user", [result] * 5_000)).items)
    assert 0 < len(drawn) <= limits.MAX_MESSAGE // 500


def test_a_card_shows_the_first_of_very_many_results_and_every_error_counts() -> None:
    call = {"id": "same", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    results = [say("tool", "fine", tool_call_id="same") for _ in range(40)]
    items = page_of(say("assistant", None, tool_calls=[call]), *results, say("tool", "Error: no", tool_call_id="same"))
    (card,) = build_bubbles(RenderContext("c"), items.items)[0].calls
    assert len(card.results) == tools._MAX_IN_CARD
    assert card.state == "error"
    assert "41" in card.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize("ids", [("", ""), ("c{n}", ""), ("same", "same"), ("", "r{n}")])
@pytest.mark.parametrize("name", ["f", "f{n}", ""])
def test_linking_many_calls_and_results_takes_linear_time(ids: tuple[str, str], name: str) -> None:
    def draw(count: int) -> None:
        calls = [
            {"id": ids[0].format(n=n), "type": "function", "function": {"name": name.format(n=n), "arguments": "{}"}}
            for n in range(count)
        ]
        results = [
            {"type": "tool_result", "tool_use_id": ids[1].format(n=n), "name": name.format(n=n), "content": "r"}
            for n in range(count)
        ]
        build_bubbles(RenderContext("c"), page_of(say("assistant", None, tool_calls=calls), say("user", results)).items)

    assert_linear(draw, 4_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example/"}}]},
        {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"content": [{"type": "text", "text": "x"}]},
        {"images": [{"type": "image_url", "image_url": {"url": "https://a.example/"}}]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_items_after_the_first_ten_thousand_of_a_list_are_kept_as_json(fields: dict[str, Any]) -> None:
    ((name, (one,)),) = fields.items()
    (message,) = page_of(say("assistant", "") | {name: [one] * (MAX_ITEMS + 3)}).items
    assert max(len(message.citations), len(message.tool_calls), len(message.parts)) == MAX_ITEMS
    assert json.loads(message.other[f"{name}[{MAX_ITEMS}…]"]) == [one] * 3


def test_only_the_first_of_very_many_citations_are_processed(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    monkeypatch.setattr(messages, "list_sources", lambda cited: looked_at.append(len(cited)) or ())
    cited = [{"type": "url_citation", "url_citation": {"url": f"https://{n}.example/"}} for n in range(3_000)]
    (bubble,) = build_bubbles(RenderContext("c"), page_of(say("assistant", "x", annotations=cited)).items)
    assert max(looked_at) == len(bubble.parts[0].citations) == MAX_CITATIONS
    assert bubble.left_out > 2_000 * len("https://1.example/")


def test_only_the_beginning_of_very_large_json_is_indented() -> None:
    numbers = "[" + "1,2," * 300_000 + "3]"
    assert pretty(numbers) == numbers
    assert (pretty(numbers, 100) or "").startswith("[\n  1,\n  2,")
    assert pretty(numbers[1:]) is None


def test_a_page_of_very_many_answers_shows_the_first_and_the_linked_one(reader: Client, stored: Store) -> None:
    stored(make_completion(ID, say("user", "x"), choices=[make_choice(f"said {n}", n) for n in range(300)]))
    page = reader.get(HOME).content.decode()
    assert len(elements(page, "[data-choice]")) == 100
    assert "200 more answers are not shown." in page
    assert "Show all as JSON" in texts(page, f'a[href="{HOME}raw/"]')
    linked = reader.get(f"{HOME}choices/250/").content.decode()
    assert "said 250" in linked
    assert "199 more answers" in linked
    found = reader.get(f"{HOME}find/?q=said 299").content.decode()
    assert "choices/299/" in found


def test_facts_are_truncated_with_a_note_except_for_the_pair_that_was_found(reader: Client, stored: Store) -> None:
    pairs = {f"key{n}": f"value {n}" for n in range(2_000)}
    stored(make_completion(ID, say("user", "x"), metadata=pairs, **{f"field{n}": n for n in range(2_000)}))
    page = reader.get(f"{HOME}?pair=key1999").content.decode()
    assert "value 1" in texts(page, ".facts__pairs a")
    assert texts(page, ".facts__pairs mark") == ["value 1999"]
    assert "value 1500" not in page
    assert "characters are not shown" in page
    row = reader.get("/completions/").content.decode()
    assert row.count("key") < 3 * rows._MAX_PAIRS


def test_a_text_that_there_was_no_time_to_format_is_shown_as_written_and_not_cached(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    caches["bubbles"].clear()
    stored(make_completion(ID, say("assistant", "This **is** it"), choices=[]))
    monkeypatch.setattr(limits, "MAX_SECONDS", 0)
    page = reader.get(HOME).content.decode()
    assert "This **is** it" in page
    assert "Shown as written, because formatting would take too long" in page
    monkeypatch.undo()
    assert texts(reader.get(HOME).text, '[data-part="text"] strong') == ["is"]
    assert any("<strong>is" in kept for kept in kept_in_caches().values())


def test_the_time_of_a_page_is_shared_by_its_texts() -> None:
    budget = TimeBudget(0.000_001)
    assert "<strong>" in render_prose("**a**", time_budget=budget).html
    assert render_prose("**a**", time_budget=budget).is_unformatted
    assert not PageBudget(is_whole=True).time.is_spent


def test_places_that_take_too_long_to_try_are_only_in_the_list_of_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "1. a\n2. b\n" * 20
    cited = [Citation(f"https://{n}.example/", "", n * 5, n * 5 + 5) for n in range(30)]
    tried: list[int] = []
    real = prose._insert_and_render
    monkeypatch.setattr(prose, "_insert_and_render", lambda *args: tried.append(1) or real(*args))
    monkeypatch.setattr(prose, "_SECONDS_FOR_PLACES", -1)
    monkeypatch.setattr(prose, "remove_marks", lambda *_: ("changed", ""))  # as if every mark changed the text
    drawn = render_prose(text, cited)
    assert len(tried) == 2
    assert len(drawn.sources) == 30


def test_find_goes_through_a_slow_page_in_steps(reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(make_completion(ID, *(say("user", f"{WORD} {n}") for n in range(7)), choices=[make_choice(WORD)]))
    address = f"{HOME}find/?q={WORD}"
    whole = attributes(reader.get(address).text, "data-message", "a.hit")
    assert len(whole) == 8
    monkeypatch.setattr(finding, "_MAX_SECONDS", 0)
    read: list[int] = []
    real = finding._read_stretch
    monkeypatch.setattr(finding, "_read_stretch", lambda *given: read.append(1) or real(*given))
    assert attributes(reader.get(address).text, "data-message", "a.hit") == whole
    assert len(read) == 7


def test_of_many_parts_as_many_are_found_as_words_of_markdown_as_the_page_formats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    formatted: list[str] = []
    monkeypatch.setattr(fields, "markdown_to_text", lambda text: formatted.append(text) or text)
    parts = [{"type": "text", "text": f"{n} " + "x" * 10_000} for n in range(40)]
    (message,) = page_of(say("assistant", None, content_parts=parts)).items
    assert len([field for field in text_fields(message) if "xxx" in field.text]) == 40
    assert len(formatted) == limits.MAX_MESSAGE // 10_002


def test_results_for_which_there_is_no_room_are_named(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MAX_READ", 3_000)
    stored(*(make_completion(f"c{n}", say("user", f"{WORD} " + "x" * 2_000), choices=[]) for n in range(3)))
    found = reader.get(f"/search/?q={WORD}").content.decode()
    assert len(completion_ids(found)) == 3
    assert texts(found, "mark") == [WORD]
    assert texts(found, "a.found__hit b").count("Message") == 2
    links = attributes(found, "href", "a.found__hit")
    assert sorted(link.partition("?")[0] for link in links) == [f"/completions/c{n}/messages/c{n}-0/" for n in range(3)]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("x" * 200_000 + ".pdf", "x" * 196 + ".pdf"),
        ("é" * 300 + ".tar", "é" * 196 + ".tar"),
        ("x" * 300, "x" * 200),
        ("." + "x" * 300, "." + "x" * 199),
        ("short name.pdf", "short name.pdf"),
    ],
)
def test_a_file_with_a_very_long_name_can_be_downloaded(reader: Client, stored: Store, name: str, kept: str) -> None:
    file = {"type": "file", "file": {"filename": name, "file_data": "JVBERi0xLjc="}}
    stored(make_completion(ID, say("user", [file])))
    header = reader.get(f"{HOME}messages/{ID}-0/parts/0/").headers["Content-Disposition"]
    assert len(header) < 2_000
    assert parse_header_parameters(header) == ("attachment", {"filename": kept})
