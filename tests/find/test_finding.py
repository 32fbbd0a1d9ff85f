from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from tests.conftest import make_choice, make_completion, make_key, make_long, say
from tests.costs import assert_linear
from tests.pages import attributes, element, elements, has, message_ids, problems, texts, visible
from tests.upstream import Upstream
from viewer.archive.search.texts import shown_texts
from viewer.client import client as asking
from viewer.client.problems import Problem
from viewer.completions.folding import compile_pattern
from viewer.completions.markdown import MARKDOWN_LIMIT
from viewer.completions.reading import read_message
from viewer.completions.types import Page
from viewer.find import finding, views
from viewer.find.fields import text_fields
from viewer.find.hits import Hit, matches_in_message
from viewer.keys.models import ApiKey

Store = Callable[..., Any]
HTMX = {"HX-Request": "true"}
LONG = "chatcmpl-live-long"
CALL = {"id": "call_1", "type": "function", "function": {"name": "find_ship", "arguments": '{"port":"Z\\u00fcrich"}'}}
CITED = {"type": "url_citation", "url_citation": {"url": "https://docs.example/ferry", "title": "Sailing times"}}


@pytest.fixture(autouse=True)
def _nothing_is_kept_and_nothing_is_hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    caches["guesses"].clear()
    monkeypatch.setattr(views, "_STEP_SECONDS", 600)
    monkeypatch.setattr(views, "_STEP_SECONDS_WITHOUT_JAVASCRIPT", 600)


def opened(reader: Client, address: str, status: int = 200, **headers: Any) -> str:
    answer = reader.get(address, **headers)
    assert answer.status_code == status
    return answer.content.decode()


def finds(reader: Client, words: str, completion_id: str = "chatcmpl-one") -> list[tuple[str, str]]:
    """Find words without JavaScript; return the URL and the text of each hit."""
    answer = reader.get(f"/completions/{completion_id}/find/", {"q": words})
    assert answer.status_code == 200
    return hits_of(answer.content.decode())


def hits_of(page: str) -> list[tuple[str, str]]:
    return [(hit.attributes["href"] or "", visible(hit)) for hit in elements(page, "a.hit")]


def next_step(page: str) -> str:
    return "".join(attributes(page, "hx-get", "p.find__line"))


@pytest.mark.parametrize(
    ("message", "words", "line"),
    [
        (say("user", "Where is my PÂRCEL?"), "parcel", "Customer #0 Where is my PÂRCEL ?"),
        (say("user", "x", name="dora"), "dora", "Customer #0 Name dora"),
        (say("critic", "odd"), "odd", "Role “critic” #0 odd"),
        (say("assistant", "a [guide](https://x.example/y)"), "a guide", "Assistant #0 a guide"),
        (say("assistant", "a [guide](https://x.example/y)"), "x.example", "Assistant #0 Link https:// x.example /y"),
        (say("assistant", "# **Two** `cups`, *both*"), "cups", "Assistant #0 Two cups , both"),
        (say("user", "**Two** cups"), "cups", "Customer #0 **Two** cups"),
        (say("assistant", None, tool_calls=[CALL]), "ship", "Assistant #0 Tool find_ ship"),
        (say("assistant", None, tool_calls=[CALL]), "zurich", 'Assistant #0 Arguments { "port": " Zürich " }'),
        (say("tool", '{"a":1}', tool_call_id="call_1"), '"a": 1', 'Tool result #0 Result { "a": 1 }'),
        (say("tool", "plain words", tool_call_id="call_1"), "plain", "Tool result #0 Result plain words"),
        (say("assistant", "So.", annotations=[CITED]), "sailing", "Assistant #0 Source Sailing times"),
        (say("assistant", "So.", annotations=[CITED]), "/ferry", "Assistant #0 Source https://docs.example /ferry"),
        (say("assistant", None, refusal="I will not"), "will", "Assistant #0 Refusal I will not"),
        (say("assistant", "x", reasoning_content="Hm, ok"), "hm", "Assistant #0 Reasoning Hm , ok"),
        (say("assistant", "x", mood="merry"), "merry", 'Assistant #0 Other fields mood " merry "'),
        (
            say("assistant", None, audio={"id": "a", "data": "", "transcript": "Good day"}),
            "good day",
            "Assistant #0 Transcript Good day",
        ),
        (
            say("user", None, content_parts=[{"type": "file", "file": {"filename": "bill.pdf"}}]),
            "bill",
            "Customer #0 File name bill .pdf",
        ),
        (
            say("user", None, content_parts=[{"type": "image_url", "image_url": {"url": "https://p.example/cat.png"}}]),
            "cat.png",
            "Customer #0 Image URL https://p.example/ cat.png",
        ),
        (
            say("user", None, content_parts=[{"type": "hologram", "depth": 3}]),
            "hologram",
            'Customer #0 Unsupported content {"type": " hologram ", "depth": 3}',
        ),
        (say("user", "pay\u202eload"), "[U+202E]", "Customer #0 pay [U+202E] load"),
        (say("user", "pay\u202eload"), "payload", "Customer #0 pay[U+202E]load"),
        (say("assistant", "Left on 2026‑11‑03."), "2026-11-03", "Assistant #0 Left on 2026‑11‑03 ."),
        (say("assistant", None, tool_calls=[CALL]), "call_1", "Assistant #0 Call id call_1"),
        (say("tool", "done", tool_call_id="call_1"), "call_1", "Tool result #0 Call id call_1"),
        (
            say(
                "user", None, content_parts=[{"type": "image_url", "image_url": {"url": "data:,", "data": "Page two"}}]
            ),
            "page two",
            'Customer #0 Other fields content_parts[0].image_url.data " Page two "',
        ),
        (
            say("user", [{"type": "document", "source": {"type": "text", "data": "Page three"}}]),
            "page three",
            "Customer #0 JSON Page three",
        ),
        (say("user", "<b>bold</b>"), "<b>", "Customer #0 <b> bold</b>"),
    ],
)
def test_everything_that_a_message_holds_is_found_and_named(
    reader: Client, stored: Store, message: dict, words: str, line: str
) -> None:
    stored(make_completion("chatcmpl-one", message, choices=[]))
    [(address, found)] = finds(reader, words)
    assert found == line
    assert address.startswith("/completions/chatcmpl-one/messages/chatcmpl-one-0/?find=")


@pytest.mark.slow
def test_what_the_search_shows_of_a_message_is_counted_there() -> None:
    """Whatever a result marks is what its link looks for. Every fifth text, as each takes a pattern of its own."""
    lines = (settings.BASE_DIR / "viewer/archive/samples.jsonl").read_text().splitlines()
    messages = [read_message(json.dumps(message)) for line in lines for message in json.loads(line)["messages"]]
    looked_for = [
        (message, text[: finding.MAX_LENGTH].strip()) for message in messages for text in shown_texts(message)
    ][::5]
    assert len(looked_for) > 100
    missed = [
        text
        for message, text in looked_for
        if not finding.is_too_short(text) and not matches_in_message(message, compile_pattern(text))
    ]
    assert missed == []


def test_the_answer_is_looked_through_after_the_last_message(reader: Client, stored: Store) -> None:
    answers = [make_choice("A parcel"), make_choice("Another parcel", 1)]
    stored(make_completion("chatcmpl-one", say("user", "My parcel"), choices=answers))
    addresses = [address for address, _ in finds(reader, "parcel")]
    assert addresses == [
        f"/completions/chatcmpl-one/{place}/?find=parcel"
        for place in ("messages/chatcmpl-one-0", "choices/0", "choices/1")
    ]
    assert has(opened(reader, addresses[2]), 'article[data-choice="1"][aria-current="true"]')


def test_an_answer_that_stands_among_the_messages_is_found_once(reader: Client, stored: Store) -> None:
    messages = [say("user", "Hello"), say("assistant", "Your parcel")]
    stored(make_completion("chatcmpl-one", *messages, choices=[make_choice("Your parcel")]))
    assert len(finds(reader, "parcel")) == 1


def test_every_place_in_a_message_is_a_hit_with_an_address_of_its_own(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "one two one"), say("user", "one"), choices=[]))
    found = [address.removeprefix("/completions/chatcmpl-one/messages/") for address, _ in finds(reader, "one")]
    assert found == ["chatcmpl-one-0/?find=one", "chatcmpl-one-0/?find=one&hit=2", "chatcmpl-one-1/?find=one"]


def test_an_item_without_an_address_is_opened_at_the_message_before_it(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make_completion("chatcmpl-one", choices=[]))
    items = (read_message('{"id": "msg_1", "role": "user"}'), read_message('["strange words"]'))
    monkeypatch.setattr(asking.Client, "messages", lambda *_, **__: Page(items, False, ""))
    [(address, line)] = finds(reader, "strange")
    assert address == "/completions/chatcmpl-one/messages/msg_1/?find=strange"
    assert line.startswith("Unreadable item")


def test_the_page_of_a_hit_holds_the_words_and_the_message(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 300))
    [(address, _)] = finds(reader, "number 250 of")
    page = opened(reader, address)
    assert "chatcmpl-one-250" in message_ids(page)
    assert has(page, 'input[name="q"][type="search"][required][maxlength="200"][value="number 250 of"]')


@pytest.mark.parametrize("words", ["", " ", "x", "*", "\u0301"])
def test_words_that_are_too_short_are_not_searched(reader: Client, stored: Store, words: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "x * \u0301")))
    page = opened(reader, f"/completions/chatcmpl-one/find/?q={words}")
    assert not hits_of(page)
    assert "No matches." not in page


def test_a_line_of_a_long_text_is_cut_between_words(reader: Client, stored: Store) -> None:
    text = "before " * 20 + "the parcel" + " behind" * 20
    stored(make_completion("chatcmpl-one", say("user", text), choices=[]))
    [(_, line)] = finds(reader, "parcel")
    assert re.fullmatch(r"Customer #0 …(before ){2,}the parcel( behind){2,}…", line)


def test_a_single_ideograph_is_enough(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "我的包裹在哪里")))
    assert len(finds(reader, "包")) == 1


def test_nothing_found_says_how_much_was_read(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 1_234))
    assert "No matches. 1,234 messages searched." in visible(opened(reader, "/completions/chatcmpl-one/find/?q=zebra"))


def test_an_unknown_conversation_is_a_named_problem(reader: Client) -> None:
    assert problems(opened(reader, "/completions/chatcmpl-none/find/?q=zebra", 404)) == ["not-found"]


def test_words_of_a_stranger_stay_words(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "<script>alert(1)</script>")))
    page = opened(reader, "/completions/chatcmpl-one/find/?q=%3Cscript%3E%22%26")
    assert 'value="&lt;script&gt;&quot;&amp;"' in page
    assert "<mark>&lt;script&gt;</mark>" in opened(reader, "/completions/chatcmpl-one/find/?q=%3Cscript%3E")


@pytest.mark.parametrize(("start", "bad"), [("", "(["), ("[](", "a"), ("", "[](a "), ("", "\\["), ("", "![")])
def test_no_text_makes_finding_slow(start: str, bad: str) -> None:
    def find(size: int) -> None:
        text = start + bad * (size // len(bad))
        message = read_message(json.dumps(say("assistant", text, annotations=[CITED])))
        for _ in range(20):
            list(text_fields(message))

    assert_linear(find, MARKDOWN_LIMIT - len(start))


# The customer's view


def test_what_the_customer_did_not_see_is_counted_apart(reader: Client, stored: Store) -> None:
    messages = [
        say("system", "parcel rules"),
        say("user", "my parcel"),
        say("assistant", "Let me look up the parcel.", tool_calls=[{**CALL, "function": {"name": "parcel"}}]),
        say("tool", "parcel: lost", tool_call_id="call_1"),
    ]
    stored(make_completion("chatcmpl-one", *messages, choices=[]))
    assert len(finds(reader, "parcel")) == 5
    reader.cookies["audience"] = "customer"
    assert [line for _, line in finds(reader, "parcel")] == [
        "Customer #1 my parcel",
        "Assistant #2 Let me look up the parcel .",
    ]
    page = visible(opened(reader, "/completions/chatcmpl-one/find/?q=parcel"))
    assert "2 matches. 4 messages searched. 3 matches in content that the customer did not see." in page


# Step by step


def test_steps_find_every_hit_once_and_show_how_far_they_are(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_STEP_SECONDS", 0)
    stored(make_long("chatcmpl-one", 450))
    address, found, told = "/completions/chatcmpl-one/find/?q=message+number", [], []
    while address:
        step = opened(reader, address, headers=HTMX)
        assert "<html" not in step
        found += [each for each, _ in hits_of(step)]
        told += texts(step, "p.find__line")
        address = next_step(step)
    assert len(found) == len(set(found)) == 450
    assert told[0] == "100 matches so far. 100 messages searched."
    assert told[-1] == "450 matches. 450 messages searched."


def test_many_hits_pause_until_the_reader_continues(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(finding.PAUSES, "hits", 150)
    stored(make_long("chatcmpl-one", 450))
    page = opened(reader, "/completions/chatcmpl-one/find/?q=message+number", headers=HTMX)
    assert len(hits_of(page)) == 200
    assert next_step(page) == ""
    assert "Paused. 200 matches so far. 200 messages searched." in visible(page)
    page = opened(reader, go_on(page), headers=HTMX)
    assert hits_of(page)[0][1].startswith("Customer #200 ")
    page = opened(reader, go_on(page))
    assert "450 matches. 450 messages searched." in visible(page)


def go_on(page: str) -> str:
    link = element(page, ".find__line a")
    assert visible(link) == "Continue"
    return link.attributes["href"] or ""


def test_after_a_problem_the_hits_stay_and_the_next_step_continues_from_there(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make_long("chatcmpl-one", 250))
    read = asking.Client.messages

    def messages(self: asking.Client, completion_id: str, *, after: str = "", **more: Any) -> Any:
        if after:
            raise Problem("rate-limited", retry_after=7)
        return read(self, completion_id, **more)

    with monkeypatch.context() as broken:
        broken.setattr(asking.Client, "messages", messages)
        page = opened(reader, "/completions/chatcmpl-one/find/?q=message+number", headers=HTMX)
    assert len(hits_of(page)) == 200  # what is stored here is read without requests, but for the last page
    assert problems(page) == ["rate-limited"]
    again = element(page, '[data-problem] a[hx-target="closest [data-problem]"]')
    page = opened(reader, again.attributes["hx-get"] or "", headers=HTMX)
    assert len(hits_of(page)) == 50
    assert "250 matches. 250 messages searched." in visible(page)


@pytest.mark.parametrize("bad", ["read=x", "hits=-4", "asked=" + "9" * 30, "hidden=1e3", "read=²"])
def test_counts_that_nobody_wrote_are_none(reader: Client, stored: Store, bad: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "hello"), choices=[]))
    page = visible(opened(reader, f"/completions/chatcmpl-one/find/?q=hello&{bad}"))
    assert "1 match. 1 message searched." in page


# From a server elsewhere


@pytest.fixture
def browsing(alice: User, upstream: Upstream) -> Upstream:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("ok")))
    return upstream


def test_requests_are_limited_and_none_is_sent_twice(
    reader: Client, browsing: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(finding.PAUSES, "asked", 7)
    address = f"/completions/{LONG}/find/?q=message+4"
    page = opened(reader, address, headers=HTMX)
    assert "Paused. 111 matches so far. 700 messages searched." in visible(page)
    assert [asked["query"].split("&")[0] for asked in browsing.asked()] == ["limit=100"] * 7
    assert hits_of(opened(reader, address, headers=HTMX))[:111] == hits_of(page)
    assert len(browsing.asked()) == 14  # what was kept costs nothing, and seven more are allowed


def test_what_is_imported_again_is_found_at_once(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 60))
    assert len(finds(reader, "number")) == 60
    stored(make_long("chatcmpl-one", 90), replace=True)
    assert len(finds(reader, "number")) == 90


def test_another_person_is_given_nothing_that_was_kept(
    reader: Client, client: Client, mallory: User, browsing: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(finding.PAUSES, "asked", 1)
    opened(reader, f"/completions/{LONG}/find/?q=message+4")
    key = make_key(mallory, secret="sk-other-mallory-0002", base_url=browsing.base("ok"))
    ApiKey.objects.choose(mallory, key)
    client.force_login(mallory)
    opened(client, f"/completions/{LONG}/find/?q=message+4", 404)


def test_hits_of_another_shape_are_kept_under_another_name() -> None:
    """A server of the version before or after, which shares the cache, could not read them: the page would fail."""
    shape = (Hit.__module__, Hit.__base__, Hit._fields, [field.name for field in fields(finding.Stretch)])
    names = ("url", "place", "nth", "who", "number", "where", "part", "before", "words", "behind", "is_hidden")
    known = {"hits-2": ("viewer.find.hits", tuple, names, ["hits", "read", "cursor", "is_end"])}
    assert known[finding._CACHED_AS] == shape
