"""Measures what Lectern adds to an upstream: the JSON proxy and the HTML page against asking it directly.

Everything runs on this machine in one go, in turns, so that the ratios hold when its speed drifts. The upstream is a
plain server in a process of its own; Lectern is the one that `./run` starts, on a data folder that is thrown away.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import re
import socket
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand

_ID = "chatcmpl-benchmark"
_KEY = "sk-benchmark"
_TEXT = "The parcel left the warehouse on Tuesday and **should** arrive by Friday. " * 20
_MESSAGES = [
    {"id": f"{_ID}-{n}", "role": "user", "content": _TEXT, "content_parts": None, "name": None} for n in range(20)
]
_PAGE = json.dumps({"object": "list", "data": _MESSAGES, "has_more": True}).encode()
_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
_COMPLETION = json.dumps({"id": _ID, "model": "gpt-4.1", "created": 1762000000, "choices": [_CHOICE]}).encode()
Ask = Callable[[], None]


class Command(BaseCommand):
    help = "Measure the proxy and the pages against asking the upstream directly."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--requests", type=int, default=400, help="requests of each kind in each round")
        parser.add_argument("--rounds", type=int, default=5)
        parser.add_argument("--serve-upstream", type=int, metavar="PORT", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["serve_upstream"]:
            _Server(("127.0.0.1", options["serve_upstream"]), _Upstream).serve_forever()
        with _everything() as (upstream, lectern):
            self._compare(upstream, lectern, options["requests"], options["rounds"])
            self._stall(upstream, lectern)

    def _compare(self, upstream: str, lectern: _Lectern, count: int, rounds: int) -> None:
        path = f"/chat/completions/{_ID}/messages?limit=20"
        direct = _get(f"{upstream}{path}", {"Authorization": f"Bearer {_KEY}"})
        proxied = _get(f"{lectern.url}/v1{path}", {"Authorization": f"Bearer {lectern.token}"})
        page = _get(f"{lectern.url}/completions/{_ID}/", {"Cookie": lectern.cookie})
        nothing = _get(f"{lectern.url}/health/", {})
        for connections in (1, 8):
            seconds: dict[str, list[float]] = {}
            for _ in range(rounds):
                for name, ask in (("direct", direct), ("proxy", proxied), ("page", page), ("health", nothing)):
                    seconds.setdefault(name, []).append(_time(ask, count, connections))
            median = {name: statistics.median(taken) for name, taken in seconds.items()}
            self.stdout.write(f"{connections} connection(s), {count} requests a round, median of {rounds} rounds")
            for name, taken in median.items():
                each = taken * 1000 / count
                self.stdout.write(
                    f"  {name:8} {count / taken:7.0f} requests/s  {each * connections:6.2f} ms each"
                    f"  {median['direct'] / taken:5.2f} of direct"
                )
            if connections == 1:
                added = (median["proxy"] - median["direct"]) * 1000 / count
                rendering = (median["page"] - median["health"]) * 1000 / count
                self.stdout.write(
                    f"  the proxy adds {added:.2f} ms; the cached page takes {rendering:.2f} ms more than /health/"
                )

    def _stall(self, upstream: str, lectern: _Lectern) -> None:
        """Time a page of the archive alone, and while fifty questions hang on an upstream that never answers."""
        archive = _get(f"{lectern.url}/completions/{lectern.stored}/", {"Cookie": lectern.cookie})
        stalled = {"Authorization": f"Bearer {lectern.stalled_token}"}
        alone, beside = [], []
        for _ in range(3):
            alone.append(_time(archive, 100, 1))
            hanging = [
                threading.Thread(target=lambda: _quietly(f"{lectern.url}/v1/chat/completions", stalled), daemon=True)
                for _ in range(50)
            ]
            for thread in hanging:
                thread.start()
            time.sleep(0.2)
            beside.append(_time(archive, 100, 1))
            for thread in hanging:
                thread.join()
        ratio = statistics.median(beside) / statistics.median(alone)
        self.stdout.write(
            f"archive page alone {statistics.median(alone) * 10:.2f} ms, beside 50 questions that hang "
            f"{statistics.median(beside) * 10:.2f} ms: ratio {ratio:.2f}"
        )


class _Lectern:
    """The running server, as the benchmark knows it."""

    def __init__(self, url: str, cookie: str, token: str, stalled_token: str, stored: str) -> None:
        self.url = url
        self.cookie = cookie
        self.token = token
        self.stalled_token = stalled_token
        self.stored = stored


class _Upstream(http.server.BaseHTTPRequestHandler):
    """Answers every question at once, from memory; under `/stalled` never."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path.startswith("/stalled"):
            time.sleep(3600)
        body = _PAGE if "/messages" in self.path else _COMPLETION
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def _everything() -> Iterator[tuple[str, _Lectern]]:
    """Start the upstream and Lectern, each in a process of its own, with a person, two keys and two tokens."""
    with tempfile.TemporaryDirectory() as folder:
        upstream_port, port = free_port(), free_port()
        environment = os.environ | {
            "DATA_DIR": folder, "PORT": str(port), "SITE_URL": f"http://127.0.0.1:{port}", "API_HOSTS": "127.0.0.1",
            "DEMO_PASSWORD": "benchmark", "UPSTREAM_DEADLINE": "5",
        }  # fmt: skip
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        serving = [*manage, "benchmark_proxy", "--serve-upstream", str(upstream_port)]
        with running(serving, environment), running([*manage, "start"], environment):
            upstream = f"http://127.0.0.1:{upstream_port}/v1"
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{upstream}/chat/completions")
            wait_for(f"{url}/health/")
            yield upstream, _prepare(url, upstream)


def _prepare(url: str, upstream: str) -> _Lectern:
    """Do by forms what a person does: sign in, add two keys, choose one, make a token for each."""
    browser = requests.Session()
    submit(browser, f"{url}/login/", login="demo", password="benchmark")  # noqa: S106
    listed = browser.get(f"{url}/completions/").text
    for label, base in (("quick", upstream), ("stalled", upstream.replace("/v1", "/stalled/v1"))):
        submit(browser, f"{url}/keys/", label=label, key=_KEY, base_url=base)
    page = browser.get(f"{url}/tokens/").text
    ids = dict(re.findall(r'<option value="([^"]+)">(\w+)', page))
    tokens = {}
    for key_id, label in ids.items():
        made = submit(browser, f"{url}/tokens/", name=label, source=key_id)
        tokens[label] = re.findall(r'value="(lectern_[^"]+)"', made)[0]
    quick = next(key_id for key_id, label in ids.items() if label == "quick")
    submit(browser, f"{url}/keys/", f"{url}/keys/choose/", key=quick)
    stored = re.findall(r'data-completion-id="([^"]+)"', listed)[0]
    cookie = "; ".join(f"{kept.name}={kept.value}" for kept in browser.cookies)
    return _Lectern(url, cookie, tokens["quick"], tokens["stalled"], stored)


def submit(browser: requests.Session, page: str, action: str = "", **fields: str) -> str:
    """Send the form that stands on a page, to another address where one is given."""
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(page).text)[-1]
    return browser.post(action or page, data={"csrfmiddlewaretoken": token, **fields}, headers={"Referer": page}).text


def _get(url: str, headers: dict[str, str]) -> Ask:
    """Ask with a pooled session, one to each thread, and read the whole answer."""
    local = threading.local()

    def ask() -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.trust_env = False
        answer = local.session.get(url, headers=headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{url} answered {answer.status_code}")

    return ask


def _time(ask: Ask, count: int, connections: int) -> float:
    """Ask `count` times from as many threads as there are connections; give the seconds it took in all."""

    def work() -> None:
        ask()
        barrier.wait()
        for _ in range(count // connections):
            ask()

    barrier = threading.Barrier(connections + 1)
    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _quietly(url: str, headers: dict[str, str]) -> None:
    with suppress(requests.RequestException):
        requests.get(url, headers=headers, timeout=30)


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a process running for a while."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str) -> None:
    """Wait until somebody answers."""
    for _ in range(600):
        try:
            requests.get(url, timeout=5)
            return
        except requests.RequestException:
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
