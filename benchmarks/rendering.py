"""Measures what a page of 20 messages costs, from the bytes of the API's answer to its HTML.

It is held against a floor, what no such page can do without: `json.loads`, comrak and nh3 of all its texts. Both run in
turns in one process, and what is counted is its own time, so that the ratio holds on a busy machine. The pages are made
up from a seed.
"""

from __future__ import annotations

import argparse
import base64
import http.server
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import comrak
import nh3
import requests
from django.conf import settings
from django.core.cache import caches
from django.core.management.base import BaseCommand
from django.template.loader import render_to_string

from benchmarks.proxy import free_port, running, submit, wait_for
from viewer.completions.markdown import MARKDOWN_LIMIT
from viewer.completions.reading import read_message_page
from viewer.rendering.context import RenderContext
from viewer.rendering.markdown_html import render_prose
from viewer.rendering.messages import build_bubbles

_ID = "chatcmpl-benchmark"
_MOST_RATIO, _MOST_MS, _MOST_MB = 3.0, 10.0, 300
_TOPICS = ["the refund", "your parcel", "the invoice", "the subscription", "a kettle", "the address", "this seat"]
_PLACES = ["the warehouse", "Oslo", "our carrier", "the billing team", "your bank", "gate B12", "the returns desk"]
_SITES = ["help.example", "carrier.example", "bank.example", "status.example"]
_SENTENCES = (
    "I have looked at {topic} and it left {place} on **Tuesday**, so it should be with you by Friday.",
    "Thank you for your patience; {place} has confirmed {topic}, and nothing more is needed from you.",
    "If you would rather cancel, please tell me *today*: after that {topic} is out of our hands.",
    "The reference is `{number}`; quote it when you write to {place} about {topic}.",
)
_BLOCKS = (
    "- {topic}: **{number}.00 EUR**\n- from {place}, 2-3 days\n- see [the terms](https://{site}/terms?id={number})",
    "1. Open **Settings**\n2. Choose {topic}\n3. Send the form to {place}",
    "### About {topic}\n\nIt was booked on 3 March and paid by card.",
    "| item | price | days |\n|---|---:|---:|\n| {topic} | {number}.90 | 3 |\n| postage | 4.90 | 2 |",
)
_CODE = """```python
def total(rows: list[dict], currency: str = "EUR") -> float:
    # only what was paid in {number} counts
    return sum(row["amount"] for row in rows if row["currency"] == currency)
```"""
_HOSTILE = (
    "[", "![a](", "*", "a**b", "**a*_b_ ", "`", "~~a", ">", "> - ", "1. a\n", "|a|b|\n|-|-|\n", "|a", "<a ", "&amp;",
    "\\[a", "http://a.b ", "<http://a.b>", "a@b.c ", "[^1]\n\n[^1]: a\n", "([a.b](http://x.y))", "\u202e", "\U000f0000",
)  # fmt: skip
Message = dict[str, Any]


class Command(BaseCommand):
    help = "Measure what drawing a page of messages costs, in time and in memory."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=4)
        parser.add_argument("--rounds", type=int, default=60)
        parser.add_argument("--without-memory", action="store_true", help="start no server to measure its memory")

    def handle(self, *args: Any, **options: Any) -> None:
        chance = random.Random(options["seed"])  # noqa: S311
        self.stdout.write(f"seed {options['seed']}, median of {options['rounds']} rounds, milliseconds for one page")
        goals = [
            self._compare(name, make(chance), options["rounds"], is_reference=name == "reference")
            for name, make in _PAGES.items()
        ]
        self._try_pathological()
        if not options["without_memory"]:
            goals.append(self._weigh(chance))
        self.stdout.write("All goals are met." if all(goals) else "Not all goals are met.")

    def _compare(self, name: str, messages: list[Message], rounds: int, *, is_reference: bool) -> bool:
        """Time one page cold, cached, and at the floor, in turns; tell whether the goals are met."""
        body = _answer(messages)
        texts = _texts(messages)
        ways: dict[str, Callable[[], object]] = {
            "cold": lambda: _draw(body), "cached": lambda: _draw(body), "floor": lambda: _floor(body, texts),
        }  # fmt: skip
        milliseconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            caches["bubbles"].clear()
            for way, run in ways.items():
                milliseconds[way].append(_time(run))
        cold, cached, floor = (statistics.median(taken) for taken in milliseconds.values())
        met = cold <= _MOST_RATIO * floor and (cold <= _MOST_MS or not is_reference)
        most = f"at most {_MOST_RATIO:.0f}{f', in {_MOST_MS:.0f} ms' if is_reference else ''}"
        self.stdout.write(
            f"  {name:10} {len(messages)} messages, {len(body) / 1000:6.0f} kB  cold {cold:6.2f}  cached {cached:5.2f}"
            f"  floor {floor:6.2f}  cold/floor {cold / floor:4.2f} ({most}: {_verdict(met)})"
        )
        return met

    def _try_pathological(self) -> None:
        """Draw texts of the longest kind that is drawn as Markdown, made to be slow."""
        taken = [(_time(partial(render_prose, _again(piece))), piece) for piece in _HOSTILE]
        slowest, piece = max(taken)
        self.stdout.write(
            f"  of {len(taken)} hostile texts of {MARKDOWN_LIMIT // 1000} kB each the slowest, {piece!r} without end, "
            f"takes {slowest:.0f} ms"
        )

    def _weigh(self, chance: random.Random) -> bool:
        """Open large pages in the server that `./run` starts, and read how much memory its worker ever had."""
        conversations = {name: make(chance) for name, make in _LARGE_PAGES.items()}
        with _serving(conversations) as lectern:
            self.stdout.write(f"large pages in one process, which has had {lectern.peak()} MB at most before")
            for source in ("archive", "upstream"):
                lectern.choose(source)
                for name in conversations:
                    status, kilobytes, seconds = lectern.open(name)
                    self.stdout.write(
                        f"  {name:9} {source:8} {status}, {kilobytes:5.0f} kB of HTML in {seconds:5.2f} s; "
                        f"so far {lectern.peak()} MB at most"
                    )
            peak = lectern.peak()
        met = peak < _MOST_MB
        self.stdout.write(f"  the worker had {peak} MB at most (under {_MOST_MB}: {_verdict(met)})")
        return met


class _Lectern:
    """A running Lectern with somebody signed in who has a key for an upstream."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, upstream: str) -> None:
        self._process = process
        self._url = url
        self._browser = requests.Session()
        self._browser.trust_env = False
        submit(self._browser, f"{url}/login/", login="demo", password="benchmark")  # noqa: S106
        submit(self._browser, f"{url}/keys/", label="upstream", key="sk-benchmark", base_url=upstream)
        page = self._browser.get(f"{url}/tokens/").text
        self._keys = {"archive": ""}
        self._keys |= {label: key for key, label in re.findall(r'<option value="([^"]+)">(\w+)', page)}

    def choose(self, source: str) -> None:
        submit(self._browser, f"{self._url}/keys/", f"{self._url}/keys/choose/", key=self._keys[source])

    def open(self, name: str) -> tuple[int, float, float]:
        """Open a conversation; give the status, the size of the page in kB and the seconds it took."""
        began = time.perf_counter()
        answer = self._browser.get(f"{self._url}/completions/{_ID}-{name}/")
        return answer.status_code, len(answer.content) / 1000, time.perf_counter() - began

    def peak(self) -> int:
        """Read how many MB of memory a worker has had at most."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return max(_peak(Path(f"/proc/{child}/status").read_text()) for child in children)


def _peak(status: str) -> int:
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(found[1]) // 1000 if found else 0


@contextmanager
def _serving(conversations: dict[str, list[Message]]) -> Iterator[_Lectern]:
    """Start Lectern on a data folder that is thrown away, and an upstream that has the same conversations."""
    with tempfile.TemporaryDirectory() as folder, _upstream(conversations) as upstream:
        lines = Path(folder, "large.jsonl")
        lines.write_text("\n".join(_line(f"{_ID}-{name}", messages) for name, messages in conversations.items()))
        url = f"http://127.0.0.1:{(port := free_port())}"
        environment = os.environ | {
            "DATA_DIR": folder, "PORT": str(port), "SITE_URL": url, "API_HOSTS": urlsplit(upstream).netloc,
            "DEMO_PASSWORD": "benchmark",
        }  # fmt: skip
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        with running([*manage, "start"], environment) as process:
            wait_for(f"{url}/health/")
            importing = [*manage, "import_completions", str(lines)]
            subprocess.run(importing, env=environment, check=True, capture_output=True)
            yield _Lectern(process, url, upstream)


@contextmanager
def _upstream(conversations: dict[str, list[Message]]) -> Iterator[str]:
    """Serve each conversation as one page, however large."""
    answers = {f"{_ID}-{name}": _answer(messages) for name, messages in conversations.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].removeprefix("/v1/chat/completions/")
            completion_id = path.removesuffix("/messages")
            body = _line(path, []).encode() if path == completion_id else answers[completion_id]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()


def _draw(body: bytes) -> str:
    page = read_message_page(body.decode())
    context = {"bubbles": build_bubbles(RenderContext(_ID), page.items), "order": "asc", "ends_here": True}
    return render_to_string("rendering/_bubbles.html", context | {"above": None, "below": None})


def _floor(body: bytes, texts: list[str]) -> None:
    """Do what no such page can do without, and nothing else."""
    json.loads(body)
    for text in texts:
        nh3.clean(comrak.render_markdown(text, _EXTENSIONS))


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


def _time(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return (time.process_time() - began) * 1000


def _answer(messages: list[Message]) -> bytes:
    return json.dumps({"object": "list", "data": messages, "has_more": False}, ensure_ascii=False).encode()


def _line(completion_id: str, messages: list[Message]) -> str:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Done."}, "finish_reason": "stop"}
    completion = {"id": completion_id, "object": "chat.completion", "model": "gpt-4.1", "created": 1_762_000_000}
    messages = [message | {"id": f"{completion_id}-{n}"} for n, message in enumerate(messages)]
    return json.dumps(completion | {"metadata": {}, "choices": [choice], "messages": messages})


def _texts(messages: list[Message]) -> list[str]:
    parts = [message["content_parts"] or [{"text": message["content"]}] for message in messages]
    return [part["text"] for several in parts for part in several if part.get("text")]


def _say(n: int, role: str, content: str | None, **fields: Any) -> Message:
    return {"id": f"{_ID}-{n}", "role": role, "content": content, "content_parts": None, "name": None, **fields}


def _text(chance: random.Random, length: int, blocks: tuple[str, ...] = _BLOCKS) -> str:
    """Write Markdown as a support desk does, of about a length."""
    written = ""
    while len(written) < length:
        sentences = " ".join(chance.choices(_SENTENCES, k=3))
        block = f"{sentences}\n\n{chance.choice(blocks)}\n\n"
        for slot, words in (("{topic}", _TOPICS), ("{place}", _PLACES), ("{site}", _SITES)):
            while slot in block:
                block = block.replace(slot, chance.choice(words), 1)
        written += block.replace("{number}", str(chance.randrange(10, 99)))
    return written[:length].rstrip()


def _cited(chance: random.Random, text: str) -> tuple[str, list[Message]]:
    """Put two citations behind a text, each with OpenAI's marker."""
    notes = []
    for site in chance.sample(_SITES, 2):
        url = f"https://{site}/answers/{chance.randrange(10_000)}?utm_source=openai"
        marker = f" ([{site}]({url}))"
        cite = {"url": url, "title": f"Answers of {site}", "start_index": len(text) + 1}
        text += marker
        notes.append({"type": "url_citation", "url_citation": cite | {"end_index": len(text)}})
    return text, notes


def _reference(chance: random.Random) -> list[Message]:
    """Question and answer in turns, 1.5 kB each; every second answer cites."""
    messages = []
    for n in range(20):
        if n % 4 == 3:
            text, notes = _cited(chance, _text(chance, 1_350))
            messages.append(_say(n, "assistant", text, annotations=notes))
        else:
            messages.append(_say(n, "assistant" if n % 2 else "user", _text(chance, 1_500)))
    return messages


def _tools(chance: random.Random) -> list[Message]:
    """Three calls, their results, an answer, and so on."""
    messages: list[Message] = []
    while len(messages) < 20:
        calls = [(f"call_{len(messages)}_{i}", _arguments(chance, 12)) for i in range(3)]
        asked = [
            {"id": call_id, "type": "function", "function": {"name": "look_up_order", "arguments": arguments}}
            for call_id, arguments in calls
        ]
        messages.append(_say(len(messages), "assistant", None, tool_calls=asked))
        messages += [
            _say(len(messages) + i, "tool", _arguments(chance, 40), tool_call_id=call_id)
            for i, (call_id, _) in enumerate(calls)
        ]
        messages.append(_say(len(messages), "assistant", _text(chance, 800)))
    return messages


def _arguments(chance: random.Random, keys: int) -> str:
    pairs = {f"{chance.choice(('order', 'parcel', 'invoice'))}_{n}": chance.choice(_PLACES) for n in range(keys)}
    return json.dumps(pairs | {"amount": chance.randrange(10_000) / 100, "lines": [{"sku": "K-1", "n": 2}] * 3})


def _code(chance: random.Random) -> list[Message]:
    return [_say(n, "assistant", _text(chance, 1_500, (_CODE,))) for n in range(20)]


def _images(chance: random.Random, each: int = 60_000) -> list[Message]:
    """A picture with every question. Only its first bytes are a picture's: nobody decodes the rest on the server."""
    messages = []
    for n in range(20):
        text = _text(chance, 300)
        parts: list[Message] | None = None
        if n % 2 == 0:
            picture = {"type": "image_url", "image_url": {"url": _picture(chance, each)}}
            parts = [{"type": "text", "text": text}, picture]
        messages.append(_say(n, "assistant" if n % 2 else "user", text) | {"content_parts": parts})
    return messages


def _picture(chance: random.Random, size: int) -> str:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x80\x00\x00\x01\xe0\x08\x02\x00\x00\x00"
    return f"data:image/png;base64,{base64.b64encode(head + chance.randbytes(size)).decode()}"


def _long(chance: random.Random) -> list[Message]:
    """A hundred messages of 250 kB, which the upstream sends as one page."""
    text = _text(chance, 250_000)
    return [_say(n, "assistant", f"{n}. {text}") for n in range(100)]


def _hostile(chance: random.Random) -> list[Message]:
    """Twenty times the longest text that is drawn as Markdown, made to be slow, with as many citations as it takes."""
    cites = [{"url": f"https://{n}.example/", "start_index": n * 30, "end_index": n * 30 + 9} for n in range(600)]
    notes = [{"type": "url_citation", "url_citation": cite} for cite in cites]
    pieces = chance.sample(_HOSTILE, 20)
    return [_say(n, "assistant", _again(piece), annotations=notes) for n, piece in enumerate(pieces)]


def _again(piece: str) -> str:
    return (piece * MARKDOWN_LIMIT)[:MARKDOWN_LIMIT]


def _deep(chance: random.Random) -> list[Message]:
    """Calls with 400 keys, with a thousand levels, and with results of 250 kB."""
    deep = "[" * 900 + "1" + "]" * 900
    kinds = (_arguments(chance, 400), f'{{"deep": {deep}}}', f"[[[[[[[[{'1,' * 50_000}1]]]]]]]]")
    return [
        message
        for n in range(10)
        for message in (
            _say(2 * n, "assistant", None, tool_calls=[
                {"id": f"call_{n}_{i}", "type": "function", "function": {"name": "look_up", "arguments": kinds[i % 3]}}
                for i in range(30)
            ]),
            _say(2 * n + 1, "tool", _arguments(chance, 5_000), tool_call_id=f"call_{n}_0"),
        )
    ]  # fmt: skip


_EXTENSIONS = comrak.ExtensionOptions()
_EXTENSIONS.table = _EXTENSIONS.strikethrough = _EXTENSIONS.tasklist = _EXTENSIONS.autolink = True
_PAGES = {"reference": _reference, "tools": _tools, "code": _code, "images": _images}
_LARGE_PAGES: dict[str, Callable[[random.Random], list[Message]]] = {
    "pictures": lambda chance: _images(chance, 2_200_000),
    "long": _long,
    "hostile": _hostile,
    "deep": _deep,
}
