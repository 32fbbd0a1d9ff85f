"""What a good reader shows of each odd shape that servers send: one case a line, and what stands on its page.

Each case is an answer of `…/messages` as a server elsewhere gives it, envelope and all. It is asked for through an API
key, so that all of the way from the wire to the page is tried.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from selectolax.lexbor import LexborHTMLParser

from tests.conftest import make_choice, make_completion, make_key, say
from tests.images import make_png
from tests.pages import attributes, element, elements, link, message_ids, part_kinds, texts, visible

ID = "chatcmpl-case"
PNG = base64.b64encode(make_png(6, 5)).decode()
WAV = base64.b64encode(
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0"
).decode()


@dataclass
class Server:
    """Answers for one completion: its messages by the cursor and the order asked for."""

    pages: dict[tuple[str, str], str] = field(default_factory=dict)
    cursors: list[str | None] = field(default_factory=list)
    completion: dict[str, Any] = field(default_factory=lambda: make_completion(ID))

    def answer(self, address: str) -> str | None:
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path == f"/v1/chat/completions/{ID}":
            return json.dumps({name: value for name, value in self.completion.items() if name != "messages"})
        if parts.path != f"/v1/chat/completions/{ID}/messages":
            return None
        if query.get("limit") == "20":
            self.cursors.append(query.get("after"))
        return self.pages.get((query.get("after", ""), query.get("order", "asc")), '{"data": [], "has_more": false}')


@pytest.fixture
def server(reader: Client, alice: User, settings: Any) -> Iterator[Server]:
    """A server elsewhere that alice reads with a key of hers."""
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.answer(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write((body or "{}").encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        settings.API_HOSTS = [f"127.0.0.1:{running.server_port}"]
        make_key(alice, base_url=f"http://127.0.0.1:{running.server_port}/v1")
        yield served
        running.shutdown()


def read(reader: Client, query: str = "") -> str:
    answer = reader.get(f"/completions/{ID}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def thread(page: str) -> str:
    """The words of the messages and the answer, without the frame of the page."""
    column = LexborHTMLParser(element(page, "reading-place").html)
    column.unwrap_tags(["span.k", "span.m", "span.c", "span.s"])  # colours part no words
    column.merge_text_nodes()
    return visible(column.body)


def messages_of(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"{ID}-{n}", **say("user" if n % 2 else "assistant", f"line {n}")} for n in numbers]


def envelope(items: list[Any], **fields: Any) -> str:
    return json.dumps({"object": "list", "data": items, "has_more": False, **fields})


# What the envelope says of pages


def test_pages_follow_each_other_without_gap_or_double(reader: Client, server: Server) -> None:
    server.pages = {
        ("", "asc"): envelope(messages_of(0, 1, 2), has_more=True),
        (f"{ID}-2", "asc"): envelope(messages_of(3, 4), has_more=True),
        (f"{ID}-4", "asc"): envelope(messages_of(5)),
    }
    page, ids = read(reader), []
    while later := link(page, "later"):
        ids += message_ids(page)
        page = reader.get(later).content.decode()
    ids += message_ids(page)
    assert ids == [f"{ID}-{n}" for n in range(6)]
    assert server.cursors == [None, f"{ID}-2", f"{ID}-4"]
    assert "You are welcome." in thread(page)  # the completion's own answer, which the messages do not hold


def test_newest_first_is_labelled_and_continues_from_its_last(reader: Client, server: Server) -> None:
    server.pages = {("", "desc"): envelope(messages_of(5, 4), has_more=True, first_id=f"{ID}-5", last_id=f"{ID}-4")}
    page = read(reader, "?order=desc")
    assert message_ids(page) == [f"{ID}-5", f"{ID}-4"]
    assert "Newest first" in texts(page, '[aria-current="true"]')
    assert (link(page, "earlier") or "").endswith(f"order=desc&after={ID}-4")


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_page_is_an_end(reader: Client, server: Server, nothing: str | None) -> None:
    server.pages = {("", "asc"): envelope([], first_id=nothing, last_id=nothing)}
    page = read(reader)
    assert link(page, "later") is None
    assert server.cursors == [None]
    assert "You are welcome." in thread(page)


def test_reading_continues_from_the_last_item_and_not_from_last_id(reader: Client, server: Server) -> None:
    server.pages = {("", "asc"): envelope(messages_of(0, 1), has_more=True, last_id=f"{ID}-77")}
    assert (link(read(reader), "later") or "").endswith(f"after={ID}-1")


def test_what_is_no_message_is_named_and_costs_its_neighbours_nothing(reader: Client, server: Server) -> None:
    server.pages = {("", "asc"): json.dumps({"data": [{}, [7], "loose", None, *messages_of(3)], "has_more": "true"})}
    page = read(reader)
    assert re.findall(r"unreadable item: ([\w ]+?) (?:\{|\[|&|\"|null)", thread(page)) == [
        "an empty object", "a list", "a string", "null",
    ]  # fmt: skip
    assert "line 3" in thread(page)
    assert link(page, "later") is None


def test_a_hundred_messages_on_one_page_each_have_an_address(reader: Client, server: Server) -> None:
    server.pages = {("", "asc"): envelope(messages_of(*range(100)))}
    page = read(reader)
    assert len(message_ids(page)) == 100
    assert {f"/completions/{ID}/messages/{ID}-{n}/" for n in range(100)} <= {*attributes(page, "href", "a")}


# What stands in a message


def image(url: Any, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "text": None, "image_url": {"url": url, **more} if isinstance(url, str) else url}


def call(name: str, arguments: Any, call_id: str = "t") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def cite(url: Any, start: Any, end: Any, title: Any = "A title") -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url_citation": {"url": url, "start_index": start, "end_index": end, "title": title},
    }


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "image_url": None, "input_audio": None, "file": None}


ASKED = "Is this our van?"
SHOPS = "Two 🚐 shops. ([a.example](https://a.example/x?utm_source=openai)) Open **daily**."
AT = SHOPS.index("([")
TO = SHOPS.index("))") + 2


@dataclass(frozen=True)
class Shape:
    """Messages as they are sent, and what is to be read of them in this order; `absent` is not to be read at all."""

    case: str
    messages: list[dict[str, Any]]
    words: list[str]
    parts: list[str]
    absent: list[str] = field(default_factory=list)


SHOWN = [
    Shape(
        "a bare message",
        messages=[say("user", "a limerick on vans")],
        words=["Customer", "a limerick on vans"],
        parts=["text"],
        absent=["None", "null"],
    ),
    Shape(
        "text and picture",
        messages=[
            say("user", f"{ASKED}  ", content_parts=[text(ASKED), image(f"data:image/png;base64,{PNG}", detail=None)])
        ],
        words=[ASKED, "Image"],
        parts=["text", "image"],
        absent=[f"{ASKED} {ASKED}", " detail"],
    ),
    Shape(
        "a picture that was dropped",
        messages=[say("user", None, content_parts=[image(""), image(None), image({})])],
        words=["Image not stored"] * 3,
        parts=["image"] * 3,
        absent=["null"],
    ),
    Shape(
        "addresses that are no picture",
        messages=[
            say(
                "user",
                None,
                content_parts=[
                    image(url)
                    for url in (
                        "data:image/svg+xml,<svg onload=a()>",
                        "data:text/html,<b>",
                        "javascript:a()",
                        "data:image/png;base64,%%",
                        "/up.png",
                        "file:///x",
                    )
                ],
            )
        ],
        words=["<svg onload=a()>", "data:text/html,<b>", "javascript:a()", "base64,%%", "/up.png", "file:///x"],
        parts=["image"] * 6,
        absent=["Load image"],
    ),
    Shape(
        "pictures elsewhere",
        messages=[
            say(
                "user",
                None,
                content_parts=[
                    image("https://b.example/van\u202egnp.jpg?a=1&b=2", detail="low"),
                    {"type": "image_url", "image_url": "http://c.example/"},
                ],
            )
        ],
        words=["Image on b.example, not loaded", "van[U+202E]gnp.jpg?a=1&b=2", "Low detail", "Image on c.example"],
        parts=["image"] * 2,
    ),
    Shape(
        "pictures by their bytes",
        messages=[
            say(
                "user",
                None,
                content_parts=[
                    image(f"DATA:IMAGE/PNG;BASE64,{PNG}"),
                    image(PNG),
                    image(f"data:image/gif;base64,{PNG}"),
                ],
            )
        ],
        words=["Image 1", "Image 2", "Image 3"],
        parts=["image"] * 3,
        absent=["Not an image"],
    ),
    Shape(
        "content of other types",
        messages=[
            say("user", [{"type": "text", "text": "As list"}]),
            say("assistant", {"words": "in an object"}),
            say("user", 3.50),
            say("user", ["loose", "strings"]),
        ],
        words=["As list", "an object", "in an object", "a number", "3.5", "loose", "strings"],
        parts=["text", "unknown", "unknown", "text", "text"],
    ),
    Shape(
        "content beside other parts",
        messages=[say("user", "flat words", content_parts=[text("first"), text("second")])],
        words=["first", "second", "Other fields", "content", "flat words"],
        parts=["text", "text", "unknown"],
    ),
    Shape(
        "roles",
        messages=[say(role, f"by {role}") for role in ("judge", "", None, "User", "<b>", 9)],
        words=["Role “judge”", "No role", "No role", "User", "Role “<b>”", "Role “9”"],
        parts=["text"] * 6,
        absent=["Assistant"],
    ),
    Shape(
        "calls and their results",
        messages=[
            say(
                "assistant",
                None,
                tool_calls=[
                    call("find_van", '{"plate":"B-1","near":true}', "c1"),
                    call("find_van", '{"plate":"B-2"}', "c2"),
                ],
            ),
            say("tool", '{"km":2}', tool_call_id="c2"),
            say("tool", '{"km":1}', tool_call_id="c1"),
        ],
        words=["find_van", '"plate": "B-1", "near": true', '"km": 1', "find_van", '"plate": "B-2"', '"km": 2'],
        parts=["tool-call", "tool-result", "tool-call", "tool-result"],
        absent=["null"],
    ),
    Shape(
        "odd arguments",
        messages=[
            say(
                "assistant",
                None,
                tool_calls=[
                    call("cut", '{"from": "Bergen", "to": ['),
                    call("none", None),
                    call("word", '"now"'),
                    call("object", {"seats": 2}),
                    call("digits", '{"n": 98765432109876543210, "m": 2.50, "e": 1e999}'),
                    call("twice", '{"k":1,"k":2}'),
                    call("python", "{'ok': None}"),
                    call("after", '{"k":3} done'),
                    call("escapes", '{"p":"\\w"}'),
                ],
            )
        ],
        words=[
            "cut",
            '{"from": "Bergen", "to": [',
            "none",
            "word",
            '"now"',
            "object",
            '"seats": 2',
            "digits",
            "98765432109876543210",
            "2.50",
            "1e999",
            "twice",
            '"k": 1',
            '"k": 2',
            "python",
            "{'ok': None}",
            "after",
            '{"k":3} done',
            "escapes",
            '{"p":"\\w"}',
        ],
        parts=["tool-call"] * 9,
    ),
    Shape(
        "other calls",
        messages=[
            say(
                "assistant",
                None,
                tool_calls=[
                    {"id": "c9", "type": "custom", "custom": {"name": "shell", "input": "ls -l\n  <i>x</i> && y"}},
                    {"id": "c8", "type": "remote", "host": "h1"},
                    {"type": "function", "function": {"name": "nameless_id", "arguments": "{}"}},
                ],
            ),
            say("tool", "nobody asked", tool_call_id="c0"),
        ],
        words=["shell", "<i>x</i> && y", "unknown type “remote”", '"host": "h1"', "nameless_id", "nobody asked"],
        parts=["tool-call"] * 3 + ["tool-result"],
        absent=["Invalid JSON"],
    ),
    Shape(
        "results of tools",
        messages=[
            say("tool", json.dumps([{"row": n, "cell": "<td onclick=a()>"} for n in range(900)]), tool_call_id="t"),
            say("tool", None, content_parts=[text("one half "), text("and the other")], tool_call_id="t"),
            say("tool", "<title>mine</title><h1>x", tool_call_id="t"),
        ],
        words=["<td onclick=a()>", "Show all", "one half", "and the other", "<title>mine</title><h1>x"],
        parts=["tool-result"] * 3,
    ),
    Shape(
        "spoken answers",
        messages=[
            say(
                "assistant",
                None,
                audio={"id": "audio_1", "expires_at": 1_600_000_000, "data": WAV, "transcript": "Good <i>day</i>"},
            ),
            say("assistant", None, audio={"id": "audio_2"}),
            say(
                "assistant",
                "in writing",
                audio={"id": "audio_3", "data": "***", "transcript": "", "expires_at": 4_000_000_000},
            ),
        ],
        words=[
            "Good <i>day</i>",
            "Expired at OpenAI on 13 Sep 2020",
            "audio_2",
            "in writing",
            "The data is corrupt",
        ],
        parts=["audio", "audio", "text", "audio"],
    ),
    Shape(
        "a citation",
        messages=[
            say("assistant", SHOPS, annotations=[cite("https://a.example/x?utm_source=openai", AT, TO, "Shop A")])
        ],
        words=["Two 🚐 shops. 1 Open daily", "1 source", "Shop A", "a.example"],
        parts=["text"],
        absent=["([", "a.example a.example", "2 sources"],
    ),
    Shape(
        "broken citations",
        messages=[
            say(
                "assistant",
                "Two shops are open.",
                annotations=[
                    cite("https://z.example/", 0, 0, "zero"),
                    cite("https://r.example/", 9, 2, "reversed"),
                    cite("https://f.example/", 700, 800, "far"),
                    cite("https://n.example/", -3, 4, "negative"),
                    cite("https://o.example/1", 0, 9, "over"),
                    cite("https://o.example/2", 4, 13, "lap"),
                    cite("javascript:a()", 0, 3, "script"),
                    cite("https://s.example/", "0", "3", "strings"),
                    {"type": "url_citation", "url_citation": {"url": "https://m.example/"}},
                    None,
                    {"type": "url_citation", "url_citation": None},
                    {"type": "file_citation", "file_citation": {"file_id": "file-7"}},
                ],
            ),
            say("assistant", "no list", annotations=None),
            say("assistant", "empty list", annotations=[]),
        ],
        words=[
            "9 sources",
            "zero",
            "reversed",
            "far",
            "negative",
            "over",
            "lap",
            "script",
            "javascript:a()",
            "strings",
            "m.example",
            "annotations[10]: url_citation",
            "annotations[11]: file_citation",
            "file-7",
            "no list",
            "empty list",
        ],
        parts=["text", "unknown", "text", "text"],
    ),
    Shape(
        "reasoning and other fields",
        messages=[
            say(
                "assistant",
                "42",
                reasoning_content="six times seven",
                reasoning_details=[{"text": "a step"}],
                signature={"by": [1, 2]},
                weight=0,
            )
        ],
        words=[
            "42",
            "Reasoning",
            "six times seven",
            "a step",
            "Other fields",
            "signature, weight",
            "by",
        ],
        parts=["text", "reasoning", "reasoning", "unknown"],
    ),
    Shape(
        "what hides",
        messages=[
            say("user", "bill_\u202efdp.exe \u2067x\u2069", name="m\u202en"),
            say("user", "nul \0 esc \x1b[1m bel \x07 del \x7f c1 \x9f ls \u2028 bom \ufeff"),
            say("assistant", "half \ud83d end \uffff, tag\U000e0061\U000e0062, wide\u200bspace"),
        ],
        words=[
            "m[U+202E]n",
            "bill_[U+202E]fdp.exe [U+2067]x[U+2069]",
            "nul ␀ esc ␛[1m bel ␇ del ␡ c1 [U+009F] ls [U+2028] bom [U+FEFF]",
            "half \ufffd end [U+FFFF], tag[U+E0061][U+E0062], wide[U+200B]space",
        ],
        parts=["text"] * 3,
    ),
    Shape(
        "markup",
        messages=[
            say(
                "user",
                "<script>a()</script><img src=x onerror=a()></textarea><!-- {{ 6*7 }} {% now %} &lt;i&gt; &amp;amp;",
            ),
            say(
                "assistant",
                "![pixel](https://spy.example/p.gif?q=1) [go](javascript:a()) [page](data:text/html,x) [shop](https://b.example)\n\n<iframe src=//spy.example></iframe>",
            ),
        ],
        words=[
            "<script>a()</script><img src=x onerror=a()></textarea><!-- {{ 6*7 }} {% now %} &lt;i&gt; &amp;amp;",
            "Image “pixel” on spy.example, not loaded",
            "go (javascript:a())",
            "page (data:text/html,x)",
            "shop (b.example)",
            "<iframe src=//spy.example></iframe>",
        ],
        parts=["text"] * 2,
    ),
    Shape(
        "Markdown",
        messages=[
            say(
                "assistant",
                "## Steps\n\n1. *one*\n   - `two`\n\n| h | i |\n|--|--|\n| `p|q` | r | s |\n\n~~~sh\nls <x>\n~~~\n\n```py\nnever closed <y>\n",
            ),
            say("user", "# no heading\n  * no list"),
            say("assistant", "W" * 20_000),
        ],
        words=[
            "Steps",
            "one",
            "two",
            "h",
            "p|q",
            "r",
            "s",
            "ls <x>",
            "never closed <y>",
            "# no heading",
            "* no list",
            "W" * 20_000,
        ],
        parts=["text"] * 3,
    ),
    Shape(
        "scripts of the world",
        messages=[
            say("user", "سلام (v2) — ۱۰۰"),
            say("assistant", "שלום x(y)"),
            say("user", "你好 안녕 हिन्दी 👩‍👩‍👦 🇮🇸"),
        ],
        words=["سلام (v2) — ۱۰۰", "שלום x(y)", "你好 안녕 हिन्दी 👩‍👩‍👦 🇮🇸"],
        parts=["text"] * 3,
        absent=["[U+"],
    ),
]


@pytest.mark.parametrize("shape", SHOWN, ids=[shape.case for shape in SHOWN])
def test_a_shape_is_shown_whole_and_in_order(reader: Client, server: Server, shape: Shape) -> None:
    numbered = [{"id": f"{ID}-{n}", **message} for n, message in enumerate(shape.messages)]
    server.pages = {("", "asc"): envelope(numbered)}
    server.completion["choices"] = []
    page = read(reader)
    shown, at = thread(page), 0
    for word in shape.words:
        at = shown.find(word, at)
        assert at >= 0, (word, shown[:4000])
        at += len(word)
    assert part_kinds(page) == shape.parts
    assert [word for word in shape.absent if word in shown] == []
    assert len(elements(page, '[dir="auto"]')) >= shape.parts.count("text")
    for n, message in enumerate(numbered):  # the JSON of each is one click away, as received
        assert reader.get(f"/completions/{ID}/messages/{ID}-{n}/raw/").json() == message


def test_choices_that_a_server_appends_stand_once_each(reader: Client, stored: Callable, server: Server) -> None:
    said = [say("user", "Heads?"), say("assistant", "Tails."), say("assistant", "Edge.")]
    server.pages = {("", "asc"): envelope([{"id": f"{ID}-{n}", **message} for n, message in enumerate(said)])}
    server.completion["choices"] = [make_choice("Tails."), make_choice("Edge.", 1)]
    page = read(reader)
    assert message_ids(page) == [f"{ID}-{n}" for n in range(3)]
    assert thread(page).count("Tails.") == thread(page).count("Edge.") == 1
