"""Measures what a page of 20 messages costs, from the bytes of the API's response to its HTML.

It is compared with a floor that no such page can avoid: `json.loads`, comrak and nh3 of all its texts. Both run in
turns in one process, and only its own processor time counts, so that the ratio holds on a busy machine. The pages are
made up from a seed. Large pages are then opened in a running Lectern, to see how much memory its worker takes.
"""

from __future__ import annotations

import argparse
import http.server
import json
import random
import re
import statistics
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
from django.core.cache import caches
from django.template.loader import render_to_string

from benchmarks.desk import Desk, Person, open_desk
from benchmarks.rendering_pages import HOSTILE, ID, LARGE_PAGES, PAGES, Message, longest_text
from viewer.completions.markdown import MARKDOWN_LIMIT
from viewer.completions.reading import read_message_page
from viewer.rendering.context import RenderContext
from viewer.rendering.markdown_html import render_prose
from viewer.rendering.messages import build_bubbles

_MOST_RATIO, _MOST_MS, _MOST_MB = 3.0, 10.0, 300
_EXTENSIONS = comrak.ExtensionOptions()
_EXTENSIONS.table = _EXTENSIONS.strikethrough = _EXTENSIONS.tasklist = _EXTENSIONS.autolink = True


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench rendering", description=__doc__)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument(
        "--large", nargs="*", choices=LARGE_PAGES, default=list(LARGE_PAGES), metavar="PAGE",
        help=f"large pages to open: {', '.join(LARGE_PAGES)}; without a name none, and no server is started",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    chance = random.Random(options.seed)
    print(f"seed {options.seed}, median of {options.rounds} rounds, milliseconds for one page")
    goals = [
        _compare(name, make(chance), options.rounds, is_reference=name == "reference") for name, make in PAGES.items()
    ]
    _time_hostile_texts()
    if options.large:
        goals.append(_measure_memory({name: LARGE_PAGES[name](chance) for name in options.large}))
    print("All goals are met." if all(goals) else "Not all goals are met.")


def _compare(name: str, messages: list[Message], rounds: int, *, is_reference: bool) -> bool:
    """Time one page uncached, cached, and at the floor, in turns; return whether the goals are met."""
    body = _response(messages)
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
    print(
        f"  {name:10} {len(messages)} messages, {len(body) / 1000:6.0f} kB  cold {cold:6.2f}  cached {cached:5.2f}"
        f"  floor {floor:6.2f}  cold/floor {cold / floor:4.2f} ({most}: {_verdict(met)})"
    )
    return met


def _time_hostile_texts() -> None:
    """Render texts of the longest kind that is rendered as Markdown, made to be slow."""
    slowest, piece = max((_time(partial(render_prose, longest_text(piece))), piece) for piece in HOSTILE)
    size = MARKDOWN_LIMIT // 1000
    print(f"  slowest of {len(HOSTILE)} hostile texts of {size} kB each: {piece!r} repeated, {slowest:.0f} ms")


def _measure_memory(conversations: dict[str, list[Message]]) -> bool:
    """Open large pages in a running Lectern, from its archive and from an upstream; read its worker's peak memory."""
    with _upstream(conversations) as upstream, open_desk(API_HOSTS=urlsplit(upstream).netloc) as desk:
        desk.import_completions("\n".join(_line(f"{ID}-{name}", conversations[name]) for name in conversations))
        person = Person(desk)
        print(f"large pages in one process, whose peak before was {_peak(desk)} MB")
        for source, key in (("archive", ""), ("upstream", person.add_key("upstream", upstream))):
            person.choose(key)
            for name in conversations:
                began = time.perf_counter()
                response = person.get(f"/completions/{ID}-{name}/")
                seconds = time.perf_counter() - began
                print(
                    f"  {name:9} {source:8} {response.status_code}, {len(response.content) / 1000:5.0f} kB of HTML "
                    f"in {seconds:5.2f} s; peak so far {_peak(desk)} MB"
                )
        peak = _peak(desk)
    met = peak < _MOST_MB
    print(f"  peak memory of the worker: {peak} MB (under {_MOST_MB}: {_verdict(met)})")
    return met


def _peak(desk: Desk) -> int:
    """Read the peak memory of the server's largest process, in MB."""
    children = Path(f"/proc/{desk.process.pid}/task/{desk.process.pid}/children").read_text().split()
    found = [re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{child}/status").read_text()) for child in children]
    return max(int(one[1]) // 1000 for one in found if one)


@contextmanager
def _upstream(conversations: dict[str, list[Message]]) -> Iterator[str]:
    """Serve each conversation as one page, however large."""
    responses = {f"{ID}-{name}": _response(messages) for name, messages in conversations.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].removeprefix("/v1/chat/completions/")
            completion_id = path.removesuffix("/messages")
            body = _line(path, []).encode() if path == completion_id else responses[completion_id]
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
    context = {"bubbles": build_bubbles(RenderContext(ID), page.items), "order": "asc", "ends_here": True}
    return render_to_string("rendering/_bubbles.html", context | {"above": None, "below": None})


def _floor(body: bytes, texts: list[str]) -> None:
    """Do what no such page can avoid, and nothing else."""
    json.loads(body)
    for text in texts:
        nh3.clean(comrak.render_markdown(text, _EXTENSIONS))


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


def _time(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return (time.process_time() - began) * 1000


def _response(messages: list[Message]) -> bytes:
    return json.dumps({"object": "list", "data": messages, "has_more": False}, ensure_ascii=False).encode()


def _line(completion_id: str, messages: list[Message]) -> str:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Done."}, "finish_reason": "stop"}
    completion = {"id": completion_id, "object": "chat.completion", "model": "gpt-4.1", "created": 1_762_000_000}
    messages = [message | {"id": f"{completion_id}-{n}"} for n, message in enumerate(messages)]
    return json.dumps(completion | {"metadata": {}, "choices": [choice], "messages": messages})


def _texts(messages: list[Message]) -> list[str]:
    parts = [message["content_parts"] or [{"text": message["content"]}] for message in messages]
    return [part["text"] for several in parts for part in several if part.get("text")]
