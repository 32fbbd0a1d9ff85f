"""Opening a conversation of 1,000 messages in a cold Chromium, beside a page of the same 20 messages alone."""

from __future__ import annotations

import json
import random
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import comrak
from playwright.sync_api import BrowserContext

from benchmarks.chromium import running_chromium, sign_in
from benchmarks.compared import Figures, Goal, Round
from benchmarks.desk import Checkout, Desk, open_desk
from benchmarks.reading import WATCH, make_conversation

GOALS = {"first bubble, as a multiple of the plain page's": Goal(2.2, is_of_other=False)}
_MESSAGES = 1_000
_SHOWN = 20
_WINDOWS = 8  # in a round, each without cache, with a plain page before it
_SIZE = {"width": 1440, "height": 900}
_STYLE = "body { max-width: 56rem; margin: auto; font: 15px/1.6 system-ui } article { padding: 1rem; background: #eee }"
_IS_PAINTED = "() => benchmark.shown && performance.getEntriesByName('first-contentful-paint').length"
_TIMES = "() => [benchmark.shown, performance.getEntriesByName('first-contentful-paint')[0].startTime]"


@contextmanager
def prepare(checkout: Checkout) -> Iterator[Round]:
    conversation = make_conversation(_MESSAGES, random.Random(5))
    with open_desk(checkout) as desk, _serving(_plain_page(conversation)) as plain:
        desk.import_completions(conversation)
        yield lambda: _measure(desk, f"{desk.url}/completions/{json.loads(conversation)['id']}/", plain)


def _plain_page(conversation: str) -> str:
    shown = json.loads(conversation)["messages"][:_SHOWN]
    texts = (message["content"] or json.dumps(message["tool_calls"]) for message in shown)
    articles = (f"<article data-message-id={n}>{comrak.render_markdown(text)}" for n, text in enumerate(texts))
    return f"<!doctype html><meta charset=utf-8><title>Plain</title><style>{_STYLE}</style>{''.join(articles)}"


@contextmanager
def _serving(page: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def _measure(desk: Desk, conversation: str, plain: str) -> Figures:
    with running_chromium() as browser:
        open_window = sign_in(browser, desk)
        _open(open_window, conversation)  # fills the server's caches
        rounds = [(_open(open_window, plain), _open(open_window, conversation)) for _ in range(_WINDOWS)]
    plain_shown, plain_painted = map(statistics.median, zip(*(each for each, _ in rounds), strict=True))
    shown, painted = map(statistics.median, zip(*(each for _, each in rounds), strict=True))
    return {
        "first bubble, ms": shown,
        "first paint, ms": painted,
        "plain page: first bubble, ms": plain_shown,
        "plain page: first paint, ms": plain_painted,
        "first bubble, as a multiple of the plain page's": shown / plain_shown,
    }


def _open(open_window: Callable[..., BrowserContext], url: str) -> tuple[float, float]:
    """Open a page in a window without cache; give the ms until its first bubble, and until its first paint."""
    with open_window(viewport=_SIZE) as window:
        window.add_init_script(WATCH)
        page = window.new_page()
        page.goto(url)
        page.wait_for_function(_IS_PAINTED)
        shown, painted = page.evaluate(_TIMES)
        return shown, painted
