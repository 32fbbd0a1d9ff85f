"""The search over the archive. Nothing here knows which database answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from itertools import chain, product
from typing import Any

import pytest
import snowballstemmer
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.conftest import make_choice, make_completion, make_long, say
from tests.hostile import hold_everywhere
from viewer.archive.management.commands import rebuild_search
from viewer.archive.models import SearchDocument, SearchPack, StoredCompletion
from viewer.archive.packing import pack, unpack
from viewer.archive.search import index, indexed, matching, tokens
from viewer.archive.search.indexed import Facts, words_to_index
from viewer.archive.search.query import Query, read_query, with_operator
from viewer.archive.search.reading import Hit
from viewer.archive.search.results import Results, search
from viewer.archive.search.values import values_of
from viewer.archive.search.words import query_words, words_of
from viewer.completions.origin import KEY
from viewer.completions.source_text import Piece

Store = Callable[..., Any]

pytestmark = pytest.mark.django_db


def results(question: str, **how: Any) -> Results:
    return search(read_query(question), **how)


def found(question: str, **how: Any) -> list[str]:
    """Name what is found: messages by their id, what else by the completion's with the position or key."""
    return [
        name
        for group in results(question, **how).groups
        for name in [_name(group.completion.id, hit) for hit in group.hits] or [group.completion.id]
    ]


def _name(completion_id: str, hit: Hit) -> str:
    return hit.message_id or f"{completion_id} {hit.pair or hit.field if hit.answer is None else hit.answer}"


def snippet(question: str) -> str:
    """Write the first snippet with its marks as [brackets]."""
    hit = results(question).groups[0].hits[0]
    return "".join(f"[{text}]" if is_marked else text for text, is_marked in hit.snippet)


def call(name: str, arguments: str, call_id: str = "call_1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.fixture
def desk(stored: Store) -> None:
    """A conversation with everything that can be searched, and one with other words."""
    cited = {"url": "https://docs.example/returns", "title": "Returning a kettle", "start_index": 0, "end_index": 2}
    stored(
        make_completion(
            "chatcmpl-a",
            say("system", "You are a polite agent."),
            say("user", "Where is my refund for order TK-30582?"),
            say("assistant", None, tool_calls=[call("lookup_order", '{"name": "Jos\\u00e9", "city": "Genève"}')]),
            say("tool", '{"error": "warehouse offline"}', tool_call_id="call_1"),
            say("assistant", "As the page says.", annotations=[{"type": "url_citation", "url_citation": cited}]),
            say("user", None, content_parts=[{"type": "file", "file": {"filename": "Quittung.pdf", "file_data": "QUJD" * 100}}]),
            say("assistant", None, refusal="That would be unwise."),
            say("assistant", None, audio={"id": "audio_1", "data": "c2VjcmV0" * 100, "transcript": "Spoken tangerine"}),
            say("user", None, content_parts=[{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]),
            say("critic", "Nobody knows this role", verdict={"why": "peculiar"}),
            model="gpt-4.1-2025-04-14",
            metadata={"Customer": "cus 42", "tier": "gold"},
            choices=[make_choice("The parcel is in Paris.")],
            created=1_762_000_000,
        ),
        make_completion(
            "chatcmpl-b",
            say("user", "A refund, please"),
            model="o4-mini",
            metadata={"tier": "tin"},
            created=1_763_000_000,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("refund", ["chatcmpl-b-0", "chatcmpl-a-1"]),
        ("REFUND order", ["chatcmpl-a-1"]),
        ('"my refund"', ["chatcmpl-a-1"]),
        ('"refund my"', []),
        ("tk-30582", ["chatcmpl-a-1"]),
        ("refun*", ["chatcmpl-b-0", "chatcmpl-a-1"]),
        ("refun", []),
        ("refund -order", ["chatcmpl-b-0"]),
        ("refund -ord*", ["chatcmpl-b-0"]),
        ('refund -"my refund"', ["chatcmpl-b-0"]),
        ('refund -"refund my"', ["chatcmpl-b-0", "chatcmpl-a-1"]),
        ('-"my refund" meta.tier:gold', []),
        ('-"refund my" meta.tier:gold', ["chatcmpl-a"]),
        ('same: refund -"my refund"', ["chatcmpl-b-0"]),
        ("lookup_order", ["chatcmpl-a-2"]),
        ("jose geneve", ["chatcmpl-a-2"]),
        ("warehouse", ["chatcmpl-a-3"]),
        ("kettle", ["chatcmpl-a-4"]),
        ("docs.example/returns", ["chatcmpl-a-4"]),
        ("quittung", ["chatcmpl-a-5"]),
        ("unwise", ["chatcmpl-a-6"]),
        ("tangerine", ["chatcmpl-a-7"]),
        ("peculiar", ["chatcmpl-a-9"]),
        ("paris", ["chatcmpl-a 0"]),
        ("cus 42", ["chatcmpl-a Customer"]),
        ("QUJD*", []),
        ("c2VjcmV0*", []),
        ("role:system", ["chatcmpl-a-0"]),
        ("role:Critic", ["chatcmpl-a-9"]),
        ("tool:LOOKUP_order", ["chatcmpl-a-2", "chatcmpl-a-3"]),
        ("has:tool -has:error", []),
        ("has:tool -has:image -refund", []),
        ("tangerine kettle", ["chatcmpl-a-7", "chatcmpl-a-4"]),
        ("tangerine kettle elephant", []),
        ('"spoken kettle"', []),
        ("same: tangerine kettle", []),
        ("same: spoken tangerine", ["chatcmpl-a-7"]),
        ("same:spoken -tangerine", []),
        ("tk 30582 same:ab", []),
        ("polite", []),
        ("polite role:prompts", ["chatcmpl-a-0"]),
        ("refund polite role:all", ["chatcmpl-a-1", "chatcmpl-a-0"]),
        ("role:customer refund", ["chatcmpl-b-0", "chatcmpl-a-1"]),
        ("role:assistant refund", []),
        ("role:tools warehouse", ["chatcmpl-a-3"]),
        ("role:tools geneve", ["chatcmpl-a-2"]),
        ("role:assistant geneve", []),
        ("refund -role:user", []),
        ("role:user role:tool warehouse refund", ["chatcmpl-a-1", "chatcmpl-a-3"]),
        ("refunds", ["chatcmpl-b-0", "chatcmpl-a-1"]),
        ('"refunds"', []),
        ("kettles", ["chatcmpl-a-4"]),
        ("tangerine OR kettle", ["chatcmpl-a-7", "chatcmpl-a-4"]),
        ("elephant OR kettle", ["chatcmpl-a-4"]),
        ("refund NOT order", ["chatcmpl-b-0"]),
        ("refund AND order", ["chatcmpl-a-1"]),
        ("tk30582", ["chatcmpl-a-1"]),
        ("tk 30582", ["chatcmpl-a-1"]),
        ("gpt-4.1 kettle", ["chatcmpl-a-4"]),
        ("Nov 2025 kettle", ["chatcmpl-a-4"]),
        ("01.11.2025", ["chatcmpl-a "]),
        ("2025-11-01", ["chatcmpl-a "]),
        ("1. November", ["chatcmpl-a "]),
        ("model:gpt-4*", ["chatcmpl-a"]),
        ("tool:order", ["chatcmpl-a-2", "chatcmpl-a-3"]),
        ("tool:look*", ["chatcmpl-a-2", "chatcmpl-a-3"]),
        ("meta.tier:go*", ["chatcmpl-a"]),
        ("has:error", ["chatcmpl-a-3"]),
        ("has:citation", ["chatcmpl-a-4"]),
        ("has:file", ["chatcmpl-a-5"]),
        ("has:refusal", ["chatcmpl-a-6"]),
        ("has:audio", ["chatcmpl-a-7"]),
        ("has:image", ["chatcmpl-a-8"]),
        ("refund model:gpt-4.1", ["chatcmpl-a-1"]),
        ("refund model:GPT-4.1-2025-04-14", ["chatcmpl-a-1"]),
        ("refund model:gpt-4", []),
        ("refund -model:o4-mini", ["chatcmpl-a-1"]),
        ('refund meta.customer:"cus 42"', ["chatcmpl-a-1"]),
        ("refund meta.tier:tin", ["chatcmpl-b-0"]),
        ("refund meta.tier:gol", []),
        ("refund after:2025-11-10", ["chatcmpl-b-0"]),
        ("refund before:2025-11-10", ["chatcmpl-a-1"]),
        ("refund after:2025-11-02 before:2025-11-13", []),
        ("refund -after:2025-11", []),
        ("refund after:2025 before:2026", ["chatcmpl-b-0", "chatcmpl-a-1"]),
        ("refund id:chatcmpl-a", ["chatcmpl-a-1"]),
        ("id:chatcmpl-b", ["chatcmpl-b-0", "chatcmpl-b 0"]),
        ("id:chatcmpl-a-4", ["chatcmpl-a-4"]),
        ("id:nothing refund", []),
        ("-refund -role:assistant meta.tier:tin", []),
        ("-elephant meta.tier:tin", ["chatcmpl-b"]),
        ('ƻ*', []),
    ],
)  # fmt: skip
def test_what_is_asked_is_found_and_nothing_else(desk: None, question: str, expected: list[str]) -> None:
    assert found(question) == expected
    assert sorted(found(question, order="best")) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "questions", "misses"),
    [
        ("我想退款，东京的天气怎么样", ["退款", "退", "东京的天气", "样", '"想退款"', "天*"], ["京东", "款退"]),
        ("返金をお願いします。ガスです", ["お願い", "返金", "ガス"], ["カス", "金返"]),
        ("환불해 주세요", ["환불", "불", "주세요"], ["불환"]),
        ("ขอเงินคืนหน่อย", ["เงินคืน"], ["คืนเงิน"]),
        ("手机abc", ["手机", '"手机abc"', "abc"], ["机手"]),
        ("Straße ĳs Ærø ﬁne ｆｕｌｌ", ["strasse", "ijs", "aero", "fine", "full"], ["stras"]),
        ("TK‑30582 ISIK ẞ pay\xadload m²", ["tk-30582", "ışık", "ss", "payload", '"TK–30582"', "m2"], ["pay"]),
        ("カ\u3099ス ｶﾞｽ", ["ガス"], ["カス"]),
        ("\u1100\u1161\u11a8오", ["각오"], ["가오"]),
        ("سَـلام", ["سلام"], []),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनि*"], ["दुन"]),
    ],
)
def test_every_script_is_found_by_its_own_words(
    stored: Store, text: str, questions: list[str], misses: list[str]
) -> None:
    stored(make_completion("c", say("user", text), choices=[]))
    assert {question: found(question) for question in questions} == {question: ["c-0"] for question in questions}
    assert {question: found(question) for question in misses} == {question: [] for question in misses}


USE = {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": "fig"}}
GOOGLES = {"functionCall": {"name": "look", "args": {"a": "fig"}}}
SAID = {"type": "tool_result", "tool_use_id": "t1", "content": "a fig"}
MCP = {"id": "m", "type": "mcp", "name": "look", "arguments": "{}"}


@pytest.mark.parametrize(
    ("messages", "question", "expected"),
    [
        ([say("human", "a fig")], "role:user", [0]),
        ([say("Human", "a fig")], "role:HUMAN fig", [0]),
        ([say("model", "a fig"), say("ai", "fig")], "role:assistant", [0, 1]),
        ([say("user", [SAID])], "role:tool", [0]),
        ([say("user", [SAID])], "role:user", []),
        ([say("user", [SAID, {"type": "text", "text": "mine"}])], "role:user role:tool", [0]),
        ([say("function", "a fig", name="look")], "role:function role:tool tool:look", [0]),
        ([say("assistant", [USE]), say("user", [SAID])], "tool:look has:tool fig", [0, 1]),
        ([say("assistant", None, tool_calls=[call("look", "{}", "t1")]), say("tool", "fig", tool_call_id="t1__thought__x")], "tool:look", [0, 1]),
        ([say("assistant", None, tool_calls=[call("look", "{}", "")]), say("tool", "fig")], "tool:look", [0]),
        ([say("model", [GOOGLES]), say("user", [{"functionResponse": {"name": "look", "response": {"a": 1}}}])], "tool:look", [0, 1]),
        ([say("assistant", None, tool_calls=[MCP])], "tool:look", [0]),
        ([say("user", [SAID | {"is_error": True}])], "has:error", [0]),
        ([say("tool", "fig", is_error=True)], "has:error", [0]),
        ([say("tool", "fig", status="error")], "has:error", [0]),
        ([say("tool", "fig", error=None)], "has:error", []),
        ([say("tool", None, content_parts=[{"type": "text", "text": "Error: no fig"}])], "has:error", [0]),
        ([say("tool", [{"type": "text", "text": '{"isError": true}'}])], "has:error", [0]),
        ([say("assistant", None, tool_calls=[MCP | {"error": "gone"}])], "has:error", [0]),
        ([say("assistant", None, tool_calls=[MCP | {"output": "Error: gone"}])], "has:error", [0]),
        ([say("assistant", "fig", error={"message": "quota"})], "has:error quota", [0]),
        ([say("assistant", "Error: the word alone")], "has:error", []),
        ([say("user", [{"type": "image", "data": "QUJD", "mimeType": "image/png"}])], "has:image", [0]),
        ([say("user", "fig", images=[{"type": "image_url", "image_url": {"url": "data:,"}}])], "has:image", [0]),
        ([say("user", [{"type": "audio", "data": "QUJD", "mimeType": "audio/wav"}])], "has:audio", [0]),
        ([say("user", [{"type": "document", "title": "Fig", "source": {"type": "file", "file_id": "f"}}])], "has:file", [0]),
        ([say("assistant", "fig", context={"citations": [{"title": "Fig", "url": None}]})], "has:citation", [0]),
        ([say("assistant", "<think>a fig</think>Plum")], "has:reasoning fig", [0]),
        ([say("assistant", [{"type": "thinking", "thinking": "a fig"}])], "has:reasoning fig", [0]),
        ([say("assistant", "Plum")], "has:reasoning", []),
        ([say("assistant", "Plum", content_parts=[{"type": "text", "text": "Fig"}])], "plum", [0]),
    ],
)  # fmt: skip
def test_what_operators_find_is_what_the_page_calls_it(
    stored: Store, messages: list[dict[str, Any]], question: str, expected: list[int]
) -> None:
    stored(make_completion("c", *messages, choices=[]))
    assert found(question) == [f"c-{n}" for n in expected]


@pytest.mark.parametrize(
    ("fields", "question", "hit"),
    [
        ({"choices": [{"delta": {"content": "A fig"}}]}, "fig role:assistant", "0"),
        ({"choices": [{"text": "A fig", "logprobs": {"tokens": ["plum"]}}]}, "fig role:assistant -plum", "0"),
        ({"citations": ["https://fig.example/a"]}, "fig.example has:citation", "0"),
        ({"search_results": [{"title": "Fig", "url": "https://a.example"}]}, "fig has:citation", "0"),
        ({"choices": [make_choice("x", annotations=[])], "citations": ["https://fig.example"]}, "fig", "0"),
        ({"choices": [{**make_choice("x"), "verdict": "fig"}]}, "fig", "0"),
        ({"choices": [{**make_choice("x"), "error": {"message": "fig"}}]}, "fig has:error", "0"),
        ({"choices": [], "error": {"message": "fig"}}, "fig has:error", "error"),
        ({"related_questions": ["What is a fig?"]}, "fig", "related_questions"),
        ({"metadata": {"fruit": "fig"}}, "fig", "fruit"),
    ],
)  # fmt: skip
def test_what_stands_in_the_answer_and_beside_it_is_found(
    stored: Store, fields: dict[str, Any], question: str, hit: str
) -> None:
    stored(make_completion("c", say("user", "x"), **fields))
    assert found(question) == [f"c {hit}"]


LONG_BYTES = "QUJD" * 100
IN_LINES = "\n".join(["QUJD" * 19] * 6)


@pytest.mark.parametrize("key", ["data", "format", "detail", "type", "object", "id", "file_data", "any", "text"])
def test_a_text_is_found_under_any_key_and_bytes_under_none(stored: Store, key: str) -> None:
    stored(
        make_completion("words", say("user", "x", note={key: "A tangerine"}), choices=[]),
        make_completion("bytes", say("user", "x", note={key: LONG_BYTES}), choices=[]),
        make_completion("lines", say("user", "x", note={key: IN_LINES}), choices=[]),
        make_completion("url", say("user", f"![a](data:image/png;base64,{LONG_BYTES}) peach"), choices=[]),
        make_completion("prose", say("user", "data: an apple, a pear"), choices=[]),
    )
    assert found("tangerine") == ["words-0"]
    assert found("QUJD*") == []
    assert (found("peach"), found("pear")) == (["url-0"], ["prose-0"])


def test_a_call_is_found_by_its_id_and_the_names_of_kinds_are_no_words(desk: None) -> None:
    assert found("call_1") == ["chatcmpl-a-3", "chatcmpl-a-2"]
    assert {word: found(word) for word in ("image_url", "function", "assistant", "input_audio")} == {
        "image_url": [], "function": [], "assistant": [], "input_audio": [],
    }  # fmt: skip


def test_the_snippet_shows_json_as_its_page_does(desk: None) -> None:
    assert snippet('"name jose city"') == '{ "[name": "José", "city]": "Genève" }'


def test_the_snippet_marks_the_words_in_the_text_as_it_was_written(stored: Store) -> None:
    stored(
        make_completion("a", say("user", "x " * 3000 + "The Cafe\u0301 of Zürich,\n\tand cafés too. " + "y " * 300)),
        make_completion("b", say("user", "まず東京の天気を見ます"), choices=[]),
        make_completion("d", say("assistant", None, content_parts=[{"type": "text", "text": "first"}, {"type": "text", "text": "İstanbul ist schön"}])),
    )  # fmt: skip
    assert "The [Cafe\u0301] of [Zürich], and [cafés] too. y" in snippet("cafe ZURICH")
    assert snippet("cafe").startswith("…x x")
    assert snippet("cafe").endswith("y…")
    assert snippet("東京の天気") == "まず[東京の天気]を見ます"
    assert snippet("istanbul SCHON") == "[İstanbul] ist [schön]"


def test_the_snippet_of_an_assistant_shows_no_marks_of_markdown(stored: Store) -> None:
    text = (
        "## Your **refund** is *on* its `way`\n\n- see [the guide](https://docs.example/money)\n\n| a | b |\n|---|---|"
    )
    cited = {"type": "url_citation", "url_citation": {"url": "https://docs.example/x", "title": "X"}}
    stored(
        make_completion("a", say("assistant", text), choices=[make_choice("A **second** refund")]),
        make_completion("b", say("user", "a **starred** question"), say("assistant", "Paid ([site](https://s.example)). Twice", annotations=[cited]), choices=[]),
    )  # fmt: skip
    assert snippet("refund on role:assistant id:a-0") == "Your [refund] is on its way see the guide a b"
    assert snippet("money") == "https://docs.example/[money]"
    assert snippet("second") == "A [second] refund"
    assert snippet("starred") == "a **[starred]** question"
    assert snippet("paid") == "[Paid]. Twice"


def test_the_snippet_of_json_and_of_thoughts_keeps_what_looks_like_markdown(stored: Store) -> None:
    stored(
        make_completion("a", say("assistant", '{"a": "5 * 3 * 2 figs"}'), choices=[]),
        make_completion("b", say("ai", "<think>**plum** first</think>**Pear**"), choices=[]),
    )
    assert snippet("figs") == '{ "a": "5 * 3 * 2 [figs]" }'
    assert snippet("plum") == "**[plum]** first"
    assert snippet("pear") == "[Pear]"


def test_newest_first_pages_give_every_conversation_once(stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "a refund please"), choices=[], created=n // 4) for n in range(65)))
    assert pages('"refund please"') == pages("refund please -no") == pages("refund") == [[f"c-{n}-0" for n in range(64 - start, max(-1, 44 - start), -1)] for start in (0, 20, 40, 60)]  # fmt: skip
    ranked = pages("refund", order="best")
    assert sorted(chain.from_iterable(ranked)) == sorted(f"c-{n}-0" for n in range(65))


def pages(question: str, **how: Any) -> list[list[str]]:
    """Read page after page to the end."""
    after, read = "", []
    while True:
        page = results(question, after=after, **how)
        read.append([hit.message_id for group in page.groups for hit in group.hits])
        assert (page.overview is None) == bool(after)
        if not (after := page.cursor):
            return read


@pytest.mark.slow
def test_a_talkative_conversation_does_not_flood(stored: Store) -> None:
    stored(
        make_completion("before", say("user", "number"), created=1),
        make_long("talkative", 1500) | {"created": 2},
        make_completion("after", say("user", "number"), created=3),
    )
    for order in ("newest", "best"):
        page = results("number", order=order)
        assert {group.completion.id for group in page.groups} >= {"after", "talkative"}
        assert [len(group.hits) for group in page.groups if group.completion.id == "talkative"] == [3]
    page = results("number")
    assert [(group.completion.id, group.more) for group in page.groups] == [("after", 0), ("talkative", 1497), ("before", 0)]  # fmt: skip
    assert page.overview
    assert page.overview.conversations == 3
    inside = pages("number id:talkative")
    assert [len(page) for page in inside] == [20] * 75
    assert list(chain.from_iterable(inside)) == [f"talkative-{n}" for n in range(1500)]


def test_the_best_match_comes_first_when_asked(stored: Store) -> None:
    stored(
        make_completion("much", say("user", "refund refund refund"), choices=[], created=1),
        make_completion("little", say("user", "A refund among " + "many other words " * 30), choices=[], created=2),
    )
    assert found("refund", order="best") == ["much-0", "little-0"]
    assert found("refund") == ["little-0", "much-0"]


def test_facets_count_conversations_and_narrow_the_question(stored: Store) -> None:
    for n in range(5):
        metadata = {"tier": "gold" if n < 3 else "tin", "the plan": "b: 2", "order": str(n)}
        stored(make_completion(f"c-{n}", say("user", "refund"), say("user", "refund"), model="m 1", metadata=metadata))
    overview = results("refund").overview
    assert overview
    assert (overview.conversations, overview.is_capped) == (5, False)
    assert {(facet.name, facet.value): facet.count for facet in overview.facets} == {
        ("model", "m 1"): 5, ("meta.tier", "gold"): 3, ("meta.tier", "tin"): 2, ("meta.the plan", "b: 2"): 5,
    }  # fmt: skip
    for facet in overview.facets:
        narrowed = results(facet.query).overview
        assert narrowed
        assert narrowed.conversations == facet.count
        assert (facet.name, facet.value) not in {(again.name, again.value) for again in narrowed.facets}


def test_spellings_that_a_filter_finds_together_are_counted_together(stored: Store) -> None:
    spellings = ["Chat"] * 2 + ["chat"] * 3 + ["Café", "CAFE", "café"]
    models = ["gpt-4.1", "gpt-4.1-2025-04-14", "GPT-4.1-2025-04-14", *["o3"] * 5]
    for n, (channel, model) in enumerate(zip(spellings, models, strict=True)):
        stored(make_completion(f"c-{n}", say("user", "refund"), model=model, metadata={"channel": channel}))
    overview = results("refund").overview
    assert overview
    offered = [(each.name, each.value, each.count) for each in values_of(Query()).values if each.name != "has"]
    assert sorted(offered) == [
        ("meta.channel", "Café", 3), ("meta.channel", "chat", 5), ("model", "gpt-4.1", 3), ("model", "o3", 5),
    ]  # fmt: skip
    assert {(facet.name, facet.value, facet.count) for facet in overview.facets} == {*offered}
    for name, value, count in offered:
        narrowed = read_query(with_operator(Query(), name, value.upper()))
        assert len(found(narrowed.text)) == count
        again = results(narrowed.text).overview
        assert again
        assert all(each.name != name for each in (*again.facets, *values_of(narrowed).values))


def test_the_last_days_move_with_the_day_of_the_reader(stored: Store) -> None:
    with timezone.override("Asia/Tokyo"):
        today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        moments = [today, today - timedelta(seconds=1), today - timedelta(days=6), today - timedelta(days=7)]
        stored(
            *(
                make_completion(f"c-{n}", say("user", "hi"), choices=[], created=int(moment.timestamp()))
                for n, moment in enumerate(moments)
            )
        )
        assert found("hi after:1d") == ["c-0-0"]
        assert found("hi after:7d") == ["c-0-0", "c-1-0", "c-2-0"]
        assert found("hi before:7d") == ["c-3-0"]


def test_a_date_of_a_model_can_be_asked_for(stored: Store) -> None:
    stored(*(make_completion(name, model=name) for name in ("m-2025-04-14", "m-2025-05-01", "m")))
    assert [(each.value, each.count) for each in values_of(Query(), "2025-05").values] == [("m-2025-05-01", 1)]
    assert [(each.value, each.count) for each in values_of(Query(), "M").values] == [("m", 3)]


def test_results_that_are_each_on_a_day_of_their_own_are_counted_by_month(stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "refund"), created=1_764_000_000 + n * 172_800) for n in range(8)))
    overview = results("refund").overview
    assert overview
    assert [(facet.name, facet.value, facet.count) for facet in overview.days] == [
        ("month", "2025-12-01", 4), ("month", "2025-11-01", 4),
    ]  # fmt: skip


def test_what_is_not_understood_is_said() -> None:
    query = read_query('has:cheese before:soon re* -id:x "unfinished')
    assert [remark.split()[0] for remark in query.remarks] == ["has:cheese", "before:soon", "re*", "id:"]
    assert [term.words for term in query.terms] == [("re",), ("unfinished",)]
    assert read_query("word " * 300).remarks == (
        "Only the first 1000 characters were used.", "Only the first 40 words were used.",
    )  # fmt: skip
    assert read_query("“refund order” -“x”").terms == read_query('"refund order" -"x"').terms


def test_days_are_the_readers(stored: Store) -> None:
    stored(make_completion("c", say("user", "refund"), choices=[], created=1_761_951_600))  # 31 October, 23:00 UTC
    assert found("refund after:2025-11-01") == []
    with timezone.override("Europe/Berlin"):
        assert found("refund after:2025-11-01") == ["c-0"]


HOSTILE = some.one_of(
    some.text(),
    some.text(alphabet='"\'*:-()^+~|&!<>\\% \x00ƻ手', max_size=40),
    some.lists(
        some.sampled_from(["NOT", "AND", "OR", "NEAR(", '"', "*", "-", "--", "id:", "has:", "meta.", "meta.a:", "model:", ":", "'", ";", "before:", "after:0000", "before:9999-99", "after:9999", "手", "refund", "\ud800", "ƻ"]),
        max_size=12,
    ).map(" ".join),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(question=HOSTILE, after=some.one_of(some.just(""), some.text(max_size=20), some.from_regex(r"[0-9]{1,5}-[0-9]{1,20}", fullmatch=True)))  # fmt: skip
def test_any_question_has_an_answer(desk: None, question: str, after: str) -> None:
    for order in ("newest", "best"):
        results(question, order=order, after=after)


@settings(max_examples=200)
@given(text=some.text(), before=some.text(), behind=some.text())
def test_a_text_is_found_by_any_text_that_it_holds(text: str, before: str, behind: str) -> None:
    """Searched words occur in the same order among the words of a text that contains them as whole words."""
    asked, goes_on = query_words(text)
    held = words_of(f"{before} \n{text}\n {behind}").split()
    places = [at for at in range(len(held)) if held[at : at + len(asked)] == asked]
    if goes_on and not places:
        places = [at for at, word in enumerate(held) if word.startswith(asked[-1])]
    assert places or not asked


def packed() -> list[tuple[Any, ...]]:
    """Give what the index has of every message, in order."""
    columns = ("completion_id", "first", "is_last", "held", "words")
    return [(*row, unpack(words)) for *row, words in SearchPack.objects.order_by(*columns[:2]).values_list(*columns)]


def test_the_index_follows_every_change(stored: Store) -> None:
    stored(make_completion("c", say("user", "aardvark"), say("user", "aardwolf"), metadata={"k": "v"}))
    assert found("aard*") == ["c-0", "c-1"]
    stored(make_completion("c", say("user", "buffalo")), replace=True)
    assert (found("aard*"), found("buffalo")) == ([], ["c-0"])
    StoredCompletion.objects.all().delete()
    assert (found("buffalo"), SearchPack.objects.count()) == ([], 0)


def test_what_changes_behind_our_back_is_not_found_until_it_is_filled_in(stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "aardvark")) for n in range(4)))
    with connection.cursor() as cursor:
        body = json.dumps(say("user", "buffalo", id="c-0-0"))
        of = "completion_id = (SELECT id FROM archive_storedcompletion WHERE completion_id = %s)"
        cursor.execute(f"UPDATE archive_messagepack SET packed = %s WHERE {of}", [pack(f"\x00{body}"), "c-0"])
        cursor.execute(f"DELETE FROM archive_messagepack WHERE {of}", ["c-1"])
        cursor.execute("UPDATE archive_storedcompletion SET created = 5 WHERE completion_id = 'c-2'")
        cursor.execute(
            "INSERT INTO archive_messagepack (completion_id, first, count, packed) "
            "SELECT id, 1, 1, %s FROM archive_storedcompletion WHERE completion_id = 'c-3'",
            [pack("\x00" + json.dumps(say("user", "cassowary", id="c-3-1")))],
        )
    assert (found("aardvark"), found("buffalo"), found("cassowary")) == ([], [], [])
    call_command("rebuild_search", missing=True)
    assert (found("aardvark"), found("buffalo"), found("cassowary")) == (["c-3-0", "c-2-0"], ["c-0-0"], ["c-3-1"])
    assert found("aardvark before:1971") == ["c-2-0"]


def test_a_journal_sees_how_far_the_index_is(stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "aardvark")) for n in range(120)))
    SearchPack.objects.all().delete()
    monkeypatch.setattr(rebuild_search, "_REPORT_EVERY", -1)
    said = StringIO()
    call_command("rebuild_search", missing=True, stderr=said)
    assert said.getvalue().splitlines() == [
        "making 120 conversations searchable",
        "50 of 120 conversations are searchable",
        "100 of 120 conversations are searchable",
        "120 of 120 conversations are searchable",
    ]


@pytest.mark.django_db(transaction=True)
def test_rebuilding_mends_the_index_and_gives_what_importing_gave(stored: Store, desk: None) -> None:
    stored(make_completion("alone", metadata={"k": "v"}, choices=[]), make_long("long", 30))
    imported = packed()
    index.drop(connection)
    SearchPack.objects.update(words=b"spoilt")
    for _ in range(2):
        call_command("rebuild_search")
        rebuilt = packed()
        assert rebuilt == imported
        assert found("refund") == ["chatcmpl-b-0", "chatcmpl-a-1"]


@pytest.mark.django_db(transaction=True)
def test_an_index_of_a_version_with_another_folding_is_written_anew_by_the_next_start(
    stored: Store, desk: None, capsys: pytest.CaptureFixture[str]
) -> None:
    indexed = packed()
    call_command("migrate", "archive", "0003", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO archive_searchentry (id, completion_id, words) "
            "SELECT 1, min(id), 'folded in another way' FROM archive_storedcompletion"
        )
    call_command("migrate", verbosity=0)  # also what needs its newest tables
    call_command("rebuild_search", missing=True)
    assert "2 conversations made searchable" in capsys.readouterr().out
    assert packed() == indexed
    assert found("refund") == ["chatcmpl-b-0", "chatcmpl-a-1"]


@pytest.mark.django_db(transaction=True)
def test_rebuilding_gives_of_any_shape_what_importing_gave(stored: Store) -> None:
    shapes = hold_everywhere("a fig", "c")
    shapes["messages"] += [
        say("user", [SAID]),
        say("model", [GOOGLES, {"text": "x", "thought": True}]),
        say("ai", None, tool_calls=[MCP]),
    ]
    assert [outcome.status for outcome in stored(shapes)] == ["imported"]
    imported = packed()
    call_command("rebuild_search")
    assert packed() == imported


@settings(max_examples=300)
@given(
    role=some.sampled_from(["user", "Human", " AI", "model", "system", "tool", "critic", "", 7]),
    content=some.sampled_from(["a fig", "", "<think>a</think>b", "![a](data:image/png;base64,QUJD)", '{"error": "x"}', None, ["a"]]),
    more=some.dictionaries(some.sampled_from(["name", "id", "refusal", "annotations", "error", "x"]), some.sampled_from([None, "a", [], {}, 0, ""])),
)  # fmt: skip
def test_a_message_that_need_not_be_read_has_the_words_that_reading_gives(role: Any, content: Any, more: Any) -> None:
    values = {"role": role, "content": content, **more}
    message = Piece(json.dumps(values), values)
    quick = [one for portion in words_to_index(Facts("m", 0, {}), [message], "{}") for one in portion.entries]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexed, "role_of_plain_text", lambda values: "")
        read = [one for portion in words_to_index(Facts("m", 0, {}), [message], "{}") for one in portion.entries]
    assert [(set(one.words.split()), one.held) for one in quick] == [(set(one.words.split()), one.held) for one in read]
    assert [one.question for one in quick] == [one.question for one in read]


_LAST = [
    [], [say("user", "a fig")], [say("AI", "a fig")], [say("assistant", "a fig", name="n")], [say("assistant", "figs")],
    [say("assistant", "a fig", annotations=[1])], [say("tool", "a fig")],
]  # fmt: skip


def _completions_nearly_plain() -> Iterator[dict[str, Any]]:
    """Yield completions whose only answer is a text, but for one field."""
    names_and_values = {
        "message": (("content", "name", "role", "refusal", "annotations", "x"),
                    ("", "<think>a</think>b", "[a](b)", '{"error": "x"}', "user", ["a fig"], None)),
        "choice": (("index", "finish_reason", "logprobs", "error", "message", "x"), (None, 0, "stop", "length", "a b", {"a": "c d"})),
        "completion": (("id", "request_id", "created", "metadata", "usage", "tools", "seed", "service_tier", "instructions", "error", "citations", "choices", KEY, "x"),
                       (None, 7, "a b", "2026-11-20", {"type": "c"}, {"a": ["d"]}, ["http://e.com"])),
    }  # fmt: skip
    for where, (names, values) in names_and_values.items():
        for name, value in product(names, values):
            message = say("assistant", "a fig") | ({name: value} if where == "message" else {})
            choice = {"index": 0, "message": message} | ({name: value} if where == "choice" else {})
            yield {"choices": [choice]} | ({name: value} if where == "completion" else {})
    yield {"choices": [{"message": say("assistant", text)} for text in ("a fig", "figs")]}


def test_a_completion_that_need_not_be_read_has_the_words_that_reading_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [json.dumps(completion) for completion in _completions_nearly_plain()]

    def indexed_of_each() -> Iterator[tuple[str, Any, list[Any]]]:
        for body, last in product(bodies, _LAST):
            pieces = [Piece(json.dumps(message), message) for message in last]
            entries = [one for portion in words_to_index(Facts("m", 0, {}), pieces, body) for one in portion.entries]
            yield body, last, [(sorted(one.words.split()), one.held) for one in entries]

    quick = [*indexed_of_each()]
    monkeypatch.setattr(indexed, "plain_completion_in", lambda values: None)
    assert quick == [*indexed_of_each()]


def test_rebuilding_goes_on_where_it_was_interrupted(stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "refund")) for n in range(5)))
    SearchPack.objects.all().delete()
    monkeypatch.setattr(index, "_BATCH", 2)
    interrupted = index.index_missing()
    assert (next(interrupted), len(found("refund"))) == (2, 2)
    interrupted.close()
    assert list(index.index_missing()) == [2, 1]
    assert found("refund") == [f"c-{n}-0" for n in reversed(range(5))]


@pytest.mark.django_db(transaction=True)
def test_others_may_write_while_words_are_split_and_what_they_change_is_indexed_as_it_is_then(
    stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make_completion("c", say("user", "refund"), model="gpt-old"))
    SearchPack.objects.all().delete()
    read = index._read_entries
    held: list[bool] = []

    def read_and_change(completion: StoredCompletion) -> Any:
        entries = read(completion)
        held.append(connection.in_atomic_block)
        StoredCompletion.objects.update(model="gpt-new")
        return entries

    monkeypatch.setattr(index, "_read_entries", read_and_change)
    assert list(index.index_missing()) == [1]
    assert held == [False, True]  # read again, for it has changed
    assert (found("refund model:gpt-new"), found("refund model:gpt-old")) == (["c-0"], [])


@pytest.mark.slow
def test_strange_times_and_shapes_are_stored_and_found(stored: Store) -> None:
    statuses = stored(
        make_completion("old", say("user", "refund"), created=-5),
        make_completion("late", say("user", "refund"), created=2**52),
        make_completion("empty", choices=[make_choice("refund")]),
        make_completion("odd", say("user", {"deep": [{"er": "refund"}]}), choices=[7, {"message": None}]),
        make_completion("huge", say("user", "refund " + "".join(chr(0x10000 + n % 5000) for n in range(400_000)))),
        make_completion("wide", say("user", "refund " + "ä" * 5000 + " \x00 end"), metadata={"k": "x" * 9000}),
    )
    assert {outcome.status for outcome in statuses} == {"imported"}
    assert found("refund")[0] == "late-0"
    assert found("refund")[-1] == "old-0"
    assert set(found("refund")) == {"old-0", "late-0", "empty 0", "odd-0", "huge-0", "wide-0"}
    assert found("ä" * 5000) == ["wide-0"]


def test_no_word_is_longer_than_the_databases_take_wherever_it_stands() -> None:
    for before, length in product(range(70), (63, 64, 65, 100)):
        longest = max(words_of(f"{'b ' * before}{'a' * length} c").split(), key=len)
        assert longest == "a" * min(length, 64)


def test_an_answer_that_a_server_appended_is_found_once(stored: Store) -> None:
    answer = say("assistant", "The parcel is in Paris.")
    stored(make_completion("c", say("user", "Where?"), answer, choices=[make_choice("The parcel is in Paris.")]))
    assert found("parcel") == ["c-1"]


def test_a_hit_names_the_answer_or_the_pair_that_holds_the_most_of_the_words(stored: Store) -> None:
    choices = [make_choice("A red parcel"), None, make_choice("A **blue** parcel", 1)]
    stored(
        make_completion("c", say("user", "x"), choices=choices, metadata={"desk": "north", "note": "a green parcel"}),
        make_completion("none", choices=[], metadata={"tier": "tin"}),
    )
    assert found("parcel") == ["c 0"]
    assert found("blue parcel") == ["c 2"]
    assert snippet("blue parcel") == "A [blue] [parcel]"
    assert found("parcel green") == ["c note"]
    assert found("tin") == ["none tier"]
    assert found("tier") == []  # a key is in every conversation
    assert found("north blue parcel") == ["c 2"]  # the pair stands for the whole conversation
    assert found("id:none") == ["none "]  # neither an answer nor a pair shows why


@pytest.mark.parametrize(
    ("text", "questions", "misses"),
    [
        ("We refunded you, refunds take days", ["refund", "refunding", "Refunds"], ["refuse", '"refund"', "refun"]),
        ("The order was cancelled", ["cancel", "cancelling", "canceled", "cancels"], ["cancer"]),
        ("Die Erstattungen der Rechnungen", ["Erstattung", "rechnung"], ["erstaunen", "recht"]),
        ("Frau Müller, Rücksendeetikett", ["Mueller", "muller", "MÜLLER", "Ruecksendeetikett"], ["Meller"]),
        ("Frau Mueller", ["Müller", "mueller"], ["Möller"]),
        ("Mr O'Brien, don't", ["OBrien", "o'brien", "O’Brien", "dont"], ["brie"]),
        ("Order TK-30582 of HAT 136", ["TK30582", "tk 30582", "TK_30582", "HAT136", "hat 136", "hat-136", "30582"], ["TK3058", "AT136"]),
        ("Order TK30582, HAT136", ["TK-30582", "tk 30582", "HAT 136", "HAT-136"], ["30582", "136"]),
        ("We paid $5,169.13 and 1.234,00 EUR", ["5169.13", "5,169.13", "5.169,13", "5169", "1234.00", "1234"], ["51.69", "51.6913", "516913"]),
        ("Call +44 20 7946 0958 or (030) 123-4567", ["+442079460958", "020 7946 0958", "02079460958", "0301234567", "030/1234567"], ["020 7946 0959"]),
        ("mia.li+x@example.com", ["mia.li+x@example.com", "mia.li", "example.com"], ["mia@example.com"]),
        ("On 2026-11-20", ["20261120", "2026-11-20", "2026/11/20"], ["2026-11-02"]),
        ("IBAN DE89 3704 0044 0532 0130 00", ["DE89370400440532013000", "DE89 37040044 0532013000", "37040044"], ["370400", "DE8937040045"]),
        ("LS6 3HT, parcel SG 4410 2298 7 GB", ["ls63ht", "LS6 3HT", "SG441022987GB", "sg 44102298 7 gb"], ["ls6 4ht", "SG441022987DE"]),
        ("report BGONV31877", ["BGO NV 31877", "BGONV 31877"], ["BGO NV 3187"]),
        ("report BGONV 31877", ["BGONV31877", "BGO NV 31877"], ["NV31877"]),
        ("It costs 9,50 and 1 234 EUR", ["9.5", "9,50", "9.50 euros"], ["9.05", "950"]),
        ("My e-mail and the wi-fi", ["email", "e-mail", "wifi", "wi-fi"], ["mail box"]),
        ("A late checkout, by email", ["late check out", "check-out", "e-mail"], ["check in"]),
        ("Die Ersatzkarte am Glasfaseranschluss", ["Ersatz Karte", "Glasfaser"], ["Karte", "Glas faser"]),
        ("gesperrt, die Kündigung, der Nachbarn", ["Sperrung", "sperren", "gekündigt", "Nachbar"], ["spert"]),
        ("lost and paid at the delivery", ["lose", "pay", "payment", "delivered"], ["deliveroo"]),
        ("the customer and an internal note", ["customers"], ["customs", "intern"]),
        ("On 28 October it broke", ["Oct 28", "28th October", "october 28th", "28. Oktober"], ["28 November", "18 October"]),
        ("Why was I charged twice", ["why was I charged", "what is charged", '"was I charged"', "twice"], ['"is charged"', "why was I refunded"]),
        ("750 euros of compensation", ["750 eur compensation", "compensation of 750"], ["750 gbp OR zzz"]),
    ],
)  # fmt: skip
def test_words_are_found_in_their_forms_and_numbers_as_people_type_them(
    stored: Store, text: str, questions: list[str], misses: list[str]
) -> None:
    stored(make_completion("c", say("user", text), choices=[], model="", created=1))
    assert {question: found(question) for question in questions} == {question: ["c-0"] for question in questions}
    assert {question: found(question) for question in misses} == {question: [] for question in misses}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("fiona grady bench", ["c-1", "c-2", "c-4"]),  # and not the answer, because the metadata stand beside it
        ("fiona grady", ["c customer"]),
        ("TAM-1130 screws", ["c-1"]),
        ("gpt-4.1 bench", ["c-1", "c-2", "c-4"]),
        ("receipts", ["c 0"]),
        ("receipts fiona", ["c 0"]),
        ("bench 2217", ["c-2", "c-3", "c-4"]),  # what was said comes before what was looked up
        ("look_up 2217", ["c-3"]),
    ],
)
def test_a_customer_and_a_topic_lead_to_the_message_about_it(stored: Store, question: str, expected: list[str]) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"bench": "2217"}'}}
    stored(
        make_completion(
            "c",
            say("system", "You are a desk for garden furniture"),
            say("user", "The bench came without screws"),
            say("user", "It is the bench with number 2217"),
            say("assistant", None, tool_calls=[call]),
            say("tool", "2217: bench, sold", tool_call_id="call_1"),
            choices=[make_choice("Keep the receipts for us")],
            metadata={"customer": "Fiona Grady", "ticket": "TAM-1130"},
        )
    )
    assert found(question) == expected


def test_a_snippet_shows_the_place_with_the_most_of_the_words(stored: Store) -> None:
    text = "The card is here. " + "Nothing of note. " * 40 + "The card was charged twice at Fuelpoint."
    call = {"id": "call_1", "type": "function", "function": {"name": "card", "arguments": '{"card": "charged twice"}'}}
    stored(
        make_completion("a", say("user", text), choices=[]),
        make_completion("b", say("assistant", None, tool_calls=[call]), choices=[]),
        make_completion("c", say("tool", "Call 0171 / 555 23 90", tool_call_id="call_1"), choices=[]),
        make_completion("d", say("tool", '{"number": "+49 171 5552390"}', tool_call_id="call_1"), choices=[]),
    )
    assert "[card] was [charged] [twice] at" in snippet("card charged twice id:a")
    assert "[charged] [twice]" in snippet("card charged twice id:b")
    assert snippet("01715552390 id:c") == "Call [0171 / 555 23 90]"
    assert "[+49 171 5552390]" in snippet("01715552390 id:d")


def test_other_languages_take_effect_without_a_new_index(stored: Store, settings: Any) -> None:
    stored(make_completion("c", say("user", "Compraron dos"), choices=[]))
    assert found("comprar") == []
    settings.SEARCH_LANGUAGES = ["spanish"]
    assert found("comprar") == ["c-0"]


def test_every_language_at_once_takes_the_longest_search(stored: Store, settings: Any) -> None:
    settings.SEARCH_LANGUAGES = snowballstemmer.algorithms()
    asked = [f"{first}{second}aeoeuesings" for first in "bcdfghjk" for second in "lmnpr"]  # 14 stems of each
    stored(make_completion("c", say("user", " ".join(asked)), choices=[]))
    assert found(" ".join(asked)) == ["c-0"]


def test_the_form_that_was_typed_comes_first(stored: Store) -> None:
    said = ["they refunded it", "a refund of it", "we refunds it"]
    stored(*(make_completion(f"c-{n}", say("user", text), choices=[], created=n) for n, text in enumerate(said)))
    assert {word: found(word, order="best")[0] for word in ("refund", "refunds", "refunded")} == {
        "refund": "c-1-0", "refunds": "c-2-0", "refunded": "c-0-0",
    }  # fmt: skip


def test_words_that_stand_together_come_before_those_that_do_not(stored: Store) -> None:
    stored(
        make_completion("together", say("user", "x"), say("user", "a safe account, they said"), choices=[], created=1),
        make_completion("apart", say("user", "safe"), say("user", "account"), choices=[], created=2),
        make_completion("turned", say("user", "my account is safe, they said"), choices=[], created=3),
    )
    assert found("safe account", order="best") == ["together-1", "turned-0", "apart-0", "apart-1"]
    assert found('"safe account"') == ["together-1"]
    assert found("same: safe account") == ["turned-0", "together-1"]


def test_a_conversation_opens_at_the_words_and_not_at_the_order_number(stored: Store) -> None:
    talk = ["My order is TK-30582", "Thank you", "The refund is on its way", "Great, TK-30582 it is"]
    stored(make_completion("c", *(say("user", text) for text in talk), choices=[]))
    assert found("TK-30582 refund") == ["c-2", "c-0", "c-3"]


def test_a_conversation_of_more_words_than_a_document_takes_has_several(
    stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_MAX_BYTES", 2_000)
    monkeypatch.setattr(indexed, "_AT_ONCE", 500)
    talk = [say("user", " ".join(f"word{n}x{m}" for m in range(20))) for n in range(40)]
    stored(make_completion("c", say("user", "the beginning"), *talk, choices=[], metadata={"k": "v"}))
    assert SearchDocument.objects.count() > 3
    assert found("word0x3") == ["c-1"]
    assert found("word39x3") == ["c-40"]
    assert found("beginning meta.k:v model:gpt-4.1 -model:o4-mini") == ["c-0"]
    assert found('"the beginning"') == ["c-0"]  # also where the newest document is another one
    assert found('"word0x3 word0x4"') == ["c-1"]
    assert results("word*").overview.conversations == 1  # type: ignore[union-attr]


def test_a_conversation_too_long_to_be_read_hides_no_other(stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_MAX_ROWS", 5)
    stored(
        make_completion("before", say("user", "number one"), choices=[], created=1),
        make_long("long", 30) | {"created": 2},
        make_completion("after", say("user", "number one"), choices=[], created=3),
    )
    for question in ("number", '"number one"', "same: number one"):
        assert {name.split("-")[0] for name in found(question)} >= {"before", "after"}
    assert "long" in {name.split("-")[0] for name in found("number")}


def test_a_long_search_goes_on_where_it_stopped(stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only reading shows whether a phrase stands there: some are read, and the cursor leads to the rest."""
    monkeypatch.setattr(matching, "_MAX_LOOKED_AT", 10)
    monkeypatch.setattr(matching, "_MAX_READ", 5)
    monkeypatch.setattr(matching, "_BATCH", 5)
    said = ["safe account" if n % 9 == 0 else "account safe" for n in range(60)]
    stored(*(make_completion(f"c-{n}", say("user", text), choices=[], created=n) for n, text in enumerate(said)))
    expected = [f"c-{n}-0" for n in reversed(range(0, 60, 9))]
    for order in ("newest", "best"):
        assert list(chain.from_iterable(pages('"safe account"', order=order))) == expected
    overview = results('"safe account"').overview
    assert overview
    assert overview.is_capped
