"""Measures what Lectern adds to an upstream: the /v1 proxy and the HTML page against requesting it directly.

All of it runs on this machine in turns, so that the ratios hold when its speed drifts.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import requests

from benchmarks.desk import Desk, Person, direct_session, free_port, open_desk, own_environment, running
from benchmarks.upstream import COMPLETION, DRIP, ID, MESSAGES, TEXT

_LARGE = "chatcmpl-large"
_LARGE_MESSAGES = [{**MESSAGES[0], "id": f"{_LARGE}-{n}", "content": TEXT * 60} for n in range(100)]  # 9 MB
_PEOPLE = ("ann", "ben", "cem", "dora")
_LOAD = "50 requests that hang on three hosts, 8 streams that drip and 20 clients that read slowly"
Request = Callable[[], None]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench proxy", description=__doc__)
    parser.add_argument("--requests", type=int, default=400, help="requests of each kind in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--crowds", type=int, default=3, help=f"rounds of an archive page beside {_LOAD}")
    parser.add_argument("--pages", type=int, default=100, help="archive pages in each of these rounds")
    options = parser.parse_args(arguments)
    with _start(options.crowds) as (upstream, lectern):
        for connections in (1, 8):
            _compare(upstream, lectern, connections, options.requests, options.rounds)
        if options.crowds:
            _measure_under_load(lectern, options.pages)


@dataclass(frozen=True)
class _Lectern:
    """The running server, as this benchmark uses it."""

    url: str
    cookie: str
    token: str  # bound to the upstream that responds
    archive_token: str
    stored: str
    crowds: list[list[str]]  # for every round the tokens of several people, each bound to one of three hosts


@contextmanager
def _start(crowds: int) -> Iterator[tuple[str, _Lectern]]:
    """Start the upstream and Lectern, each in a process of its own, with people, keys and tokens."""
    ports = [free_port() for _ in range(1 + 3 * crowds)]
    hosts = [f"127.0.0.1:{port}" for port in ports]
    upstream = f"http://{hosts[0]}/v1"
    serving = [sys.executable, "-m", "benchmarks.upstream", *map(str, ports)]
    with (
        running(serving, f"{upstream}/chat/completions", own_environment()),
        open_desk(API_HOSTS=",".join(hosts), UPSTREAM_DEADLINE="5") as desk,
    ):
        desk.import_completions(json.dumps(COMPLETION | {"id": _LARGE, "messages": _LARGE_MESSAGES}))
        yield upstream, _prepare(desk, upstream, hosts[1:])


def _prepare(desk: Desk, upstream: str, stalled_hosts: list[str]) -> _Lectern:
    """Do by forms what people do: sign in, add keys, choose one, make a token for each."""
    demo = Person(desk)
    stored = next(completion for completion in demo.list_completions() if completion != _LARGE)
    key = demo.add_key("quick", upstream)
    demo.choose(key)
    crowds: list[list[str]] = [[] for _ in range(len(stalled_hosts) // 3)]
    desk.create_people(*_PEOPLE)
    for person in (Person(desk, name) for name in _PEOPLE):
        for n, host in enumerate(stalled_hosts):
            token = person.make_token(f"host{n}", person.add_key(f"host{n}", f"http://{host}/stalled/v1"))
            crowds[n // 3].append(token)
    return _Lectern(desk.url, demo.cookie, demo.make_token("quick", key), demo.make_token("archive"), stored, crowds)


def _compare(upstream: str, lectern: _Lectern, connections: int, count: int, rounds: int) -> None:
    path = f"/chat/completions/{ID}/messages?limit=20"
    kinds = {
        "direct": _get(f"{upstream}{path}", {"Authorization": "Bearer sk-benchmark"}),
        "proxy": _get(f"{lectern.url}/v1{path}", {"Authorization": f"Bearer {lectern.token}"}),
        "page": _get(f"{lectern.url}/completions/{ID}/", {"Cookie": lectern.cookie}),
        "health": _get(f"{lectern.url}/health/", {}),
    }
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, request in kinds.items():
            seconds[name].append(_time(request, count, connections))
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    print(f"{connections} connection(s), {count} requests a round, median of {rounds} rounds")
    for name, taken in median.items():
        each = taken * 1000 / count
        print(
            f"  {name:8} {count / taken:7.0f} requests/s  {each * connections:6.2f} ms each"
            f"  {median['direct'] / taken:5.2f} of direct"
        )
    if connections == 1:
        added = (median["proxy"] - median["direct"]) * 1000 / count
        page = (median["page"] - median["health"]) * 1000 / count
        print(f"  the proxy adds {added:.2f} ms; the cached page takes {page:.2f} ms more than /health/")


def _measure_under_load(lectern: _Lectern, pages: int) -> None:
    """Time a page of the archive alone and under load, in turns."""
    page = _get(f"{lectern.url}/completions/{lectern.stored}/", {"Cookie": lectern.cookie})
    alone, loaded = list[float](), list[float]()
    for tokens in lectern.crowds:
        alone += _time_each(page, pages)
        with _load(lectern, tokens):
            loaded += _time_each(page, pages)
    ratio = statistics.median(loaded) / statistics.median(alone)
    print(f"archive page alone: {_distribution(alone)}")
    print(f"beside {_LOAD}: {_distribution(loaded)}")
    print(f"ratio of the medians: {ratio:.2f} (goal: at most 1.5)")


@contextmanager
def _load(lectern: _Lectern, tokens: list[str]) -> Iterator[None]:
    """Keep requests, streams and slow readers busy for a while."""
    is_over = threading.Event()
    large = f"/v1/chat/completions/{_LARGE}/messages?limit=100"
    drip = f"/v1/chat/completions/{DRIP}"
    busy = [partial(_read_slowly, lectern.url, large, lectern.archive_token, 400, is_over) for _ in range(20)]
    busy += [partial(_read_slowly, lectern.url, drip, token, 1, is_over) for token in (tokens * 8)[:8]]
    busy += [partial(_hang, lectern.url, token) for token in (tokens * 50)[:50]]
    threads = [threading.Thread(target=one, daemon=True) for one in busy]
    for thread in threads:
        thread.start()
    time.sleep(2)  # the large responses are made once, which is work and not waiting
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _hang(url: str, token: str) -> None:
    with suppress(requests.RequestException):
        direct_session().get(f"{url}/v1/chat/completions", headers={"Authorization": f"Bearer {token}"}, timeout=30)


def _read_slowly(url: str, path: str, token: str, size: int, is_over: threading.Event) -> None:
    """Read so many bytes every tenth of a second, and no more."""
    address = urlsplit(url)
    with suppress(OSError), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect((address.hostname, address.port))
        lines = [f"GET {path} HTTP/1.1", f"Host: {address.netloc}", f"Authorization: Bearer {token}"]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while not is_over.wait(0.1) and connection.recv(size):
            pass


def _get(url: str, headers: dict[str, str]) -> Request:
    """Give a function that requests the URL and reads the whole response, with one pooled session for each thread."""
    local = threading.local()

    def request() -> None:
        if not hasattr(local, "session"):
            local.session = direct_session()
        response = local.session.get(url, headers=headers)
        if response.status_code != 200:
            raise RuntimeError(f"{url} responded with status {response.status_code}")

    return request


def _time(request: Request, count: int, connections: int) -> float:
    """Make `count` requests from as many threads as there are connections; give the seconds they took together."""

    def work() -> None:
        request()
        barrier.wait()
        for _ in range(count // connections):
            request()

    barrier = threading.Barrier(connections + 1)
    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _time_each(request: Request, count: int) -> list[float]:
    """Make one request after another; give the milliseconds of each, without the first five."""
    taken = []
    for _ in range(count + 5):
        began = time.perf_counter()
        request()
        taken.append((time.perf_counter() - began) * 1000)
    return taken[5:]


def _distribution(milliseconds: list[float]) -> str:
    p95 = sorted(milliseconds)[len(milliseconds) * 95 // 100]
    return f"p50 {statistics.median(milliseconds):.2f} ms, p95 {p95:.2f} ms"
