"""The cost of a page grows linearly with its content, up to a budget that nothing exceeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

import pytest
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django.test import Client
from django.utils.safestring import SafeString
from django.utils.translation import override

from tests.conftest import make_choice, make_completion, say
from tests.costs import assert_linear
from tests.pages import attributes, element, elements, link, message_ids, texts, visible
from tests.traces import kept_in_caches
from viewer.archive import api
from viewer.client.client import Client as ApiClient
from viewer.completions.invisibles import escape_invisible
from viewer.completions.reading import read_message_page
from viewer.completions.source_text import members, pretty
from viewer.completions.types import Citation
from viewer.rendering import limits, prose_html
from viewer.rendering.citations import CitedSource, find_places, list_sources
from viewer.rendering.context import RenderContext
from viewer.rendering.drawing import draw_bubble
from viewer.rendering.limits import PageBudget
from viewer.rendering.markdown_html import Prose, render_prose
from viewer.rendering.messages import build_bubbles
from viewer.rendering.parts import MarkdownView
from viewer.sources.sources import Source

Store = Callable[..., list[Any]]
ONE = "/completions/chatcmpl-one/"
MARKDOWN = "The parcel is on its **way**, see `AB-1`.\n"


def opened(reader: Client, stored: Store, *messages: dict[str, Any], address: str = ONE, **fields: Any) -> str:
    stored(make_completion("chatcmpl-one", *messages, **fields))
    return reader.get(address).content.decode()


def long(length: int, piece: str = MARKDOWN) -> str:
    return (piece * (length // len(piece) + 1))[:length]


def test_texts_beyond_the_budget_are_shown_as_written_then_truncated_with_a_link(reader: Client, stored: Store) -> None:
    text = long(19_000)
    page = opened(reader, stored, *(say("assistant", f"{n}. {text}") for n in range(40)), choices=[])
    second = reader.get(link(page, "later") or "").content.decode()
    for shown in (page, second):  # every page has its own budget
        assert len(message_ids(shown)) == 20
        assert len(elements(shown, "div.prose")) == limits.MAX_MARKDOWN // 19_100
    assert page.count("Show all (19 kB)") == 0
    many = opened(reader, stored, *(say("user", long(19_000)) for _ in range(60)), replace=True, choices=[])
    assert many.count("Show all") == 0  # twenty texts of the longest kind fit


def test_a_page_of_very_long_texts_is_small_and_links_to_all_of_them(reader: Client, stored: Store) -> None:
    page = opened(reader, stored, *(say("assistant", long(250_000)) for _ in range(20)))
    assert page.count("Show all (250 kB)") == 20
    assert len(page) < 300_000
    address = attributes(page, "href", 'a[href$="/parts/0/"]')[7]
    assert reader.get(address).content.decode() == long(250_000)


@pytest.mark.slow
def test_many_long_parts_share_the_budget_of_the_page(reader: Client, stored: Store) -> None:
    parts = [{"type": "text", "text": long(15_000, f"part {n} \U0001f600 <b> ")} for n in range(200)]
    page = opened(reader, stored, say("user", parts), say("user", "after it"))
    assert len(page) < 6 * limits.MAX_TEXT
    assert "after it" in texts(page, "[hx-disable]")  # and whole: one message cannot use the whole budget
    assert page.count("Show all (") > 1
    assert "characters are not shown" in page
    address = attributes(page, "href", "[data-left-out] a")[0]
    whole = json.loads(reader.get(address).content)["content_parts"]
    assert [part["text"] for part in whole] == [part["text"] for part in parts]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"refusal": "r" * 900_000},
        {"name": "n" * 900_000},
        {"new_field": "n" * 900_000},
        {f"field_{n}": n for n in range(20_000)},
        {"audio": {"id": "a", "data": "", "transcript": "t" * 900_000}},
        {"content": [{"type": "new", "x": "n" * 900_000}]},
        {"content": [{"type": "new", "x": [[[[[[[[[1] * 200_000]]]]]]]]}]},
        {"content": [{"type": "text", "text": "x"}] * 20_000},
        {"content": [{"type": "image_url", "image_url": {"url": "https://a.example/", "detail": "d" * 900}}] * 5_000},
        {"annotations": [{"type": "url_citation", "url_citation": {"url": f"https://a.example/{n}"}} for n in range(9_000)]},
        {"tool_calls": [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(9_000)]},
    ],
    ids=lambda fields: next(iter(fields)),
)  # fmt: skip
def test_whatever_a_message_is_full_of_the_page_stays_small_and_says_what_is_missing(
    reader: Client, stored: Store, fields: dict[str, Any]
) -> None:
    page = opened(reader, stored, say("assistant", "before it"), say("assistant", **{"content": "x", **fields}))
    assert len(page) < 6 * limits.MAX_TEXT
    assert "Show all as JSON" in texts(page, f'[data-left-out] a[href="{ONE}messages/chatcmpl-one-1/raw/"]')


def test_long_reasoning_and_json_without_a_url_stay_small_too(reader: Client, stored: Store) -> None:
    page = opened(reader, stored, say("assistant", "x", reasoning_content="r" * 900_000), say("user", "after it"))
    assert len(page) < limits.MAX_TEXT
    assert "Show all as JSON" in texts(page, f'a[href="{ONE}messages/chatcmpl-one-0/raw/"]')
    lost = read_message_page(json.dumps({"data": [say("user", "y" * 900_000, reasoning_content="r" * 900_000)]}))
    (bubble,) = build_bubbles(RenderContext(""), lost.items)
    assert len(bubble.source) + len(bubble.parts[0].text) + len(bubble.reasoning[0].text) < limits.MAX_MESSAGE
    assert bubble.left_out > 1_700_000


def test_exports_have_no_budget() -> None:
    message = say(
        "assistant", [{"type": "text", "text": long(90_000)}] * 9, reasoning_content="r" * 90_000, x="x" * 9_000
    )
    page = read_message_page(json.dumps({"data": [message | {"id": "c-0"}] * 2}))
    for bubble in build_bubbles(RenderContext("c", budget=PageBudget(is_whole=True)), page.items):
        assert [len(part.text) for part in bubble.parts] == [90_000] * 9
        assert len(bubble.reasoning[0].text) == 90_000
        assert len(dict(bubble.other)["x"]) == 9_002
        assert not bubble.left_out


def test_a_linked_message_is_whole_whatever_comes_before_it(reader: Client, stored: Store) -> None:
    messages = [say("assistant", [{"type": "text", "text": long(19_000)}] * 30), say("assistant", long(19_000))]
    page = opened(reader, stored, *messages)
    assert "Show all (19 kB)" in page
    linked = element(reader.get(f"{ONE}messages/chatcmpl-one-1/").text, 'article[aria-current="true"]')
    assert "Show all" not in visible(linked)
    assert texts(linked, "strong").count("way") > 100


def test_a_short_text_is_whole_even_if_the_budget_is_spent(reader: Client, stored: Store) -> None:
    page = opened(reader, stored, *(say("user", [{"type": "text", "text": long(19_000)}] * 9) for _ in range(6)),
                  say("assistant", "Thank you **so** much"))  # fmt: skip
    assert "Thank you **so** much" in texts(page, "[hx-disable]")
    assert "Show all (21 bytes)" not in page


def test_many_answers_share_a_budget_too(reader: Client, stored: Store) -> None:
    page = opened(reader, stored, say("user", "x"), choices=[make_choice(long(19_000), n) for n in range(60)])
    assert len(page) < 6 * limits.MAX_TEXT
    assert len(elements(page, "[data-choice]")) == 60
    assert "Show all (19 kB)" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["a", "<", "\u202e", "\x00", "\u200d", "\U0001f468\u200d", "\U0001f3f4\U000e0067", "\ufe0f"]
)
def test_escaping_takes_linear_time(piece: str) -> None:
    assert_linear(lambda size: escape_invisible((piece * size)[:size]), 400_000)


@pytest.mark.slow
@pytest.mark.parametrize("piece", ['{"a":', "[", "[1,", '"\\\\u00e9",', '"a" ', "1 ", " ", "\\", '"', ",", "-"])
def test_indenting_json_takes_linear_time(piece: str) -> None:
    assert_linear(lambda size: pretty((piece * size)[:size]), 200_000)
    assert_linear(lambda size: pretty(f"[{(piece * size)[:size].rstrip(',')}]"), 200_000)
    assert_linear(lambda size: pretty(json.dumps([piece] * (size // 8))), 200_000)


def test_reading_takes_linear_time() -> None:
    def read(size: int) -> None:
        read_message_page(json.dumps({"data": [say("user", ["a", {"type": "text", "text": "b"}] * 5)] * (size // 200)}))
        members(json.dumps({f"{n}": [n] for n in range(size // 20)}))

    assert_linear(read, 400_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["word ", "([a.example](https://a.example/)) ", "https://a.example/ ", "[" * 9, "- " * 9]
)
@pytest.mark.parametrize("url", ["https://a.example/", "https://{n}.example/", "https://a.example/?utm_source={n}"])
def test_citations_take_linear_time(text: str, url: str) -> None:
    text = long(20_000, text)

    def place(count: int) -> None:
        cited = [Citation(url.replace("{n}", str(n)), "", n, n + 3_000) for n in range(count)]
        find_places(text, cited, list_sources(cited))
        render_prose(text, cited)

    assert_linear(place, 400)


def test_linking_calls_and_results_takes_linear_time() -> None:
    def draw(count: int) -> None:
        call = {"id": "same", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        asked = json.dumps(say("assistant", None, id="c-0", tool_calls=[call] * count))
        told = json.dumps(say("tool", "{}", id="c-1", tool_call_id="same"))
        build_bubbles(RenderContext("c"), read_message_page(f'{{"data": [{asked}, {told}, {told}]}}').items)

    assert_linear(draw, 4_000)


def print_bubble(message: dict[str, Any], **options: Any) -> str:
    (bubble,) = build_bubbles(RenderContext("c", **options), read_message_page(json.dumps({"data": [message]})).items)
    return draw_bubble(bubble)


def test_a_text_is_formatted_once_and_cached_by_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    caches["bubbles"].clear()
    cited = {
        "type": "url_citation",
        "url_citation": {"url": "https://a.example/", "title": "A", "start_index": 0, "end_index": 4},
    }
    message = say("assistant", "Oslo **is**", id="c-1", annotations=[cited])
    first = print_bubble(message)
    monkeypatch.setattr(prose_html, "render_prose", lambda *_: Prose(SafeString("formatted anew"), ()))
    assert print_bubble(message) == first
    for same in (message | {"id": "c-2"}, message | {"name": "x"}):
        assert "<strong>is" in print_bubble(same)
    for other in (
        message | {"content": "Oslo **was**"},
        message | {"annotations": [{**cited, "url_citation": {**cited["url_citation"], "end_index": 11}}]},
        message | {"annotations": [{**cited, "url_citation": {**cited["url_citation"], "title": "B"}}]},
    ):
        assert "formatted anew" in print_bubble(other)
    assert "Oslo **is**" in print_bubble(message, as_source=True)
    with override("de"):
        assert "formatted anew" in print_bubble(message)
    monkeypatch.setattr(prose_html, "_version", lambda: "another release")
    assert "formatted anew" in print_bubble(message)


def views_in(kind: Any) -> set[type]:
    """Return the dataclasses in a type, and those in their fields."""
    if not is_dataclass(kind):
        return set().union(*map(views_in, get_args(kind)))
    hints = get_type_hints(kind)
    return {kind}.union(*(views_in(hints[one.name]) for one in fields(kind)))


def test_everything_that_formats_a_text_is_in_its_cache_key() -> None:
    views = views_in(MarkdownView)
    assert views >= {MarkdownView, Citation, CitedSource}
    left_out = {(view, one.name) for view in views for one in fields(view) if not one.repr}
    assert left_out == {(MarkdownView, "time")}


def test_the_cache_of_texts_is_bounded(settings: Any) -> None:
    caches["bubbles"].clear()
    kept = len(kept_in_caches())
    print_bubble(say("assistant", "&" * 19_000))  # 95 kB of HTML
    assert len(kept_in_caches()) == kept
    print_bubble(say("assistant", "&" * 1_000))
    assert len(kept_in_caches()) == kept + 1
    if not isinstance(caches["bubbles"], RedisCache):  # Redis has its own limit (docs/operations.md)
        assert settings.CACHES["bubbles"]["OPTIONS"]["MAX_ENTRIES"] * prose_html._MAX_BYTES <= 64_000_000


def test_a_page_of_the_archive_ends_early_when_it_is_large_and_nothing_is_lost(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_PAGE", 25_000)
    page = opened(reader, stored, *(say("user", long(10_000)) for _ in range(30)))
    seen = message_ids(page)
    assert len(seen) == 3
    while address := link(page, "later"):
        page = reader.get(address).content.decode()
        seen += message_ids(page)
    assert seen == [f"chatcmpl-one-{n}" for n in range(30)]


@pytest.mark.parametrize("prefix", ["chatcmpl-one-", "other-"])
def test_a_link_opens_at_its_message_where_messages_are_too_large_for_their_context(
    stored: Store, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    stored(make_completion("chatcmpl-one", *(say("user", long(10_000), id=f"{prefix}{n}") for n in range(30))))
    archive = Source(None).client
    small = ApiClient(replace(archive.http, max_bytes=35_000), archive.base_url)
    monkeypatch.setattr(api, "MAX_PAGE", 25_000)
    for client in (archive, small):  # the server ends the page early, or we request a smaller one
        for n in (0, 5, 17, 29):
            window = client.messages_around("chatcmpl-one", f"{prefix}{n}")
            assert f"{prefix}{n}" in [item.id for item in window.items]
            assert window.has_earlier == (window.items[0].id != f"{prefix}0")
        monkeypatch.undo()
