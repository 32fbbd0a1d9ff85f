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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.management.base import BaseCommand

_ID = "chatcmpl-benchmark"
_DRIP, _LARGE = "chatcmpl-drip", "chatcmpl-large"
_KEY, _PASSWORD = "sk-benchmark", "benchmark reads 1"
_PEOPLE = ("ann", "ben", "cem", "dora")
_CROWDS, _PAGES = 3, 100
_TEXT = "The parcel left the warehouse on Tuesday and **should** arrive by Friday. " * 20
_MESSAGES = [
    {"id": f"{_ID}-{n}", "role": "user", "content": _TEXT, "content_parts": None, "name": None} for n in range(20)
]
_PAGE = json.dumps({"object": "list", "data": _MESSAGES, "has_more": True}).encode()
_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
_COMPLETION = json.dumps({"id": _ID, "model": "gpt-4.1", "created": 1762000000, "choices": [_CHOICE]}).encode()
_LARGE_MESSAGES = [{**_MESSAGES[0], "id": f"{_LARGE}-{n}", "content": _TEXT * 60} for n in range(100)]  # 9 MB
Ask = Callable[[], None]


class Command(BaseCommand):
    help = "Measure the proxy and the pages against asking the upstream directly."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--requests", type=int, default=400, help="requests of each kind in each round")
        parser.add_argument("--rounds", type=int, default=5)
        parser.add_argument("--serve-upstream", type=int, nargs="+", metavar="PORT", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["serve_upstream"]:
            servers = [_Server(("127.0.0.1", port), _Upstream) for port in options["serve_upstream"]]
            for server in servers[1:]:
                threading.Thread(target=server.serve_forever, daemon=True).start()
            servers[0].serve_forever()
        with _everything() as (upstream, lectern):
            self._compare(upstream, lectern, options["requests"], options["rounds"])
            self._crowd(lectern)

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

    def _crowd(self, lectern: _Lectern) -> None:
        """Time a page of the archive alone, and in the worst company: 50 questions that hang on three hosts, 8 streams
        that drip, 20 clients that read slowly.
        """
        archive = _get(f"{lectern.url}/completions/{lectern.stored}/", {"Cookie": lectern.cookie})
        alone, beside = list[float](), list[float]()
        for tokens in lectern.crowds:
            alone += _each(archive, _PAGES)
            with _company(lectern, tokens):
                beside += _each(archive, _PAGES)
        ratio = statistics.median(beside) / statistics.median(alone)
        self.stdout.write(
            f"archive page alone {_told(alone)}; beside 50 questions that hang on three hosts, 8 streams that drip and "
            f"20 clients that read slowly {_told(beside)}: ratio of medians {ratio:.2f} (the aim is 1.5 at most)"
        )


@dataclass(frozen=True)
class _Lectern:
    """The running server, as the benchmark knows it."""

    url: str
    cookie: str
    token: str  # bound to the upstream that answers
    archive_token: str
    stored: str
    crowds: list[list[str]]  # for every round the tokens of several people, each bound to one of three hosts


@contextmanager
def _company(lectern: _Lectern, tokens: list[str]) -> Iterator[None]:
    """Keep questions, streams and readers busy for a while."""
    is_over = threading.Event()
    completions = f"{lectern.url}/v1/chat/completions"

    def hang(token: str) -> None:
        with suppress(requests.RequestException):
            requests.get(completions, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def read(path: str, token: str, size: int) -> None:
        """Read so many bytes every tenth of a second, and no more."""
        with suppress(OSError), socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.connect(("127.0.0.1", urlsplit(lectern.url).port or 80))
            host = urlsplit(lectern.url).netloc
            lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}"]
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            while not is_over.wait(0.1) and connection.recv(size):
                pass

    large = f"/v1/chat/completions/{_LARGE}/messages?limit=100"
    busy = [partial(read, large, lectern.archive_token, 400) for _ in range(20)]
    busy += [partial(read, f"/v1/chat/completions/{_DRIP}", token, 1) for token in (tokens * 8)[:8]]
    busy += [partial(hang, token) for token in (tokens * 50)[:50]]
    threads = [threading.Thread(target=one, daemon=True) for one in busy]
    for thread in threads:
        thread.start()
    time.sleep(2)  # the large answers are made once, which is work and not waiting
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


class _Upstream(http.server.BaseHTTPRequestHandler):
    """Answers every question at once, from memory; under `/stalled` it does so only to whoever tries a key out."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path.startswith("/stalled") and "limit=1&" not in self.path:
            self._stall()
        body = _PAGE if "/messages" in self.path else _COMPLETION
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stall(self) -> None:
        if self.path.endswith(_DRIP):
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b" ")
                time.sleep(0.5)
        time.sleep(3600)

    def log_message(self, *args: Any) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *args: Any) -> None:
        """Say nothing of clients that leave."""


@contextmanager
def _everything() -> Iterator[tuple[str, _Lectern]]:
    """Start the upstream and Lectern, each in a process of its own, with people, keys and tokens."""
    with tempfile.TemporaryDirectory() as folder:
        port, ports = free_port(), [free_port() for _ in range(1 + 3 * _CROWDS)]
        hosts = [f"127.0.0.1:{one}" for one in ports]
        environment = os.environ | {
            "DATA_DIR": folder, "PORT": str(port), "SITE_URL": f"http://127.0.0.1:{port}", "API_HOSTS": ",".join(hosts),
            "DEMO_PASSWORD": _PASSWORD, "DJANGO_SUPERUSER_PASSWORD": _PASSWORD, "UPSTREAM_DEADLINE": "5",
        }  # fmt: skip
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        serving = [*manage, "benchmark_proxy", "--serve-upstream", *map(str, ports)]
        with ExitStack() as processes:
            upstream, url = f"http://{hosts[0]}/v1", f"http://127.0.0.1:{port}"
            for command, address in ([*manage, "start"], f"{url}/health/"), (serving, f"{upstream}/chat/completions"):
                processes.enter_context(running(command, environment))
                wait_for(address)  # any other command needs the archive that the first one makes
            large = json.dumps(json.loads(_COMPLETION) | {"id": _LARGE, "messages": _LARGE_MESSAGES})
            _run([*manage, "import_completions", "-"], environment, large)
            for person in _PEOPLE:
                _run([*manage, "createsuperuser", "--noinput", "--username", person, "--email", ""], environment)
            yield upstream, _prepare(url, upstream, hosts[1:])


def _run(command: list[str], environment: dict[str, str], given: str = "") -> None:
    subprocess.run(command, env=environment, input=given.encode(), check=True, capture_output=True)


def _prepare(url: str, upstream: str, hosts: list[str]) -> _Lectern:
    """Do by forms what people do: sign in, add keys, choose one, make a token for each."""
    browser = _sign_in(url, "demo")
    listed = browser.get(f"{url}/completions/").text
    tokens = _make_tokens(browser, url, {"quick": upstream})
    key = re.findall(r'<option value="([^"]+)">quick', browser.get(f"{url}/tokens/").text)[0]
    submit(browser, f"{url}/keys/", f"{url}/keys/choose/", key=key)
    archive_token = _token_in(submit(browser, f"{url}/tokens/", name="archive", source=""))
    stored = next(one for one in re.findall(r'data-completion-id="([^"]+)"', listed) if one != _LARGE)
    cookie = "; ".join(f"{kept.name}={kept.value}" for kept in browser.cookies)
    labels = {f"host{n}": f"http://{host}/stalled/v1" for n, host in enumerate(hosts)}
    each = [_make_tokens(_sign_in(url, person), url, labels) for person in _PEOPLE]
    crowds = [[own[f"host{3 * n + host}"] for host in range(3) for own in each] for n in range(_CROWDS)]
    return _Lectern(url, cookie, tokens["quick"], archive_token, stored, crowds)


def _sign_in(url: str, person: str) -> requests.Session:
    browser = requests.Session()
    browser.trust_env = False
    submit(browser, f"{url}/login/", login=person, password=_PASSWORD)
    return browser


def _make_tokens(browser: requests.Session, url: str, bases: dict[str, str]) -> dict[str, str]:
    """Add a key for every base URL, and make a token that reads with it."""
    for label, base in bases.items():
        submit(browser, f"{url}/keys/", label=label, key=_KEY, base_url=base)
    options = re.findall(r'<option value="([^"]+)">(\w+)', browser.get(f"{url}/tokens/").text)
    ids = {label: key for key, label in options}
    return {label: _token_in(submit(browser, f"{url}/tokens/", name=label, source=ids[label])) for label in bases}


def _token_in(page: str) -> str:
    return str(re.findall(r'value="(lectern_[^"]+)"', page)[0])


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


def _each(ask: Ask, count: int) -> list[float]:
    """Ask one after the other; give the milliseconds of each."""
    taken = []
    for _ in range(count + 5):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return taken[5:]


def _told(milliseconds: list[float]) -> str:
    nearly_all = sorted(milliseconds)[len(milliseconds) * 95 // 100]
    return f"{statistics.median(milliseconds):.2f} ms (95 of 100 within {nearly_all:.2f})"


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
