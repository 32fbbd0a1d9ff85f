"""Slow clients, directly at the server: they delay nobody, and get complete responses."""

from __future__ import annotations

import json
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.conftest import make_completion, say
from tests.processes import PATIENCE, copy_prepared, manage, running

THREADS = 16
LARGE = "chatcmpl-large"


class Served:
    """A running server with a conversation of 8 MB, and a token to read it with."""

    def __init__(self, port: int, token: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}"}
        self.large = f"/v1/chat/completions/{LARGE}/messages?limit=100"

    def ask(self, connection: socket.socket, path: str, *more: str, method: str = "GET") -> None:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: {self.headers['Authorization']}",
            *more,
        ]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def connect(self) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def health(self) -> str:
        return requests.get(f"{self.address}/health/", timeout=PATIENCE).text


@pytest.fixture(scope="module")
def served(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = copy_prepared(prepared, tmp_path_factory.mktemp("served"))
    lines = data / "large.jsonl"
    lines.write_text(json.dumps(make_completion(LARGE, *(say("user", f"{n} " + "x" * 80_000) for n in range(100)))))
    with running(data, SYNC_WORKER="false") as server:
        assert manage(data, "import_completions", str(lines)).returncode == 0
        yield Served(int(server.address.rpartition(":")[2]), server.printed_as("Access token"))


def rest_of(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def test_more_clients_that_read_nothing_than_threads_hold_nobody_up(served: Served) -> None:
    expected = requests.get(served.address + served.large, headers=served.headers, timeout=PATIENCE).content
    with ExitStack() as stack:
        readers = [stack.enter_context(served.connect()) for _ in range(THREADS + 4)]
        for reader in readers:
            served.ask(reader, served.large, "Connection: close")
        time.sleep(2)
        assert served.health() == "ok\n"
        for reader in readers[:3]:  # and what was kept for them comes whole
            assert rest_of(reader).endswith(expected)
    assert served.health() == "ok\n"


def test_more_clients_that_send_nothing_than_threads_hold_nobody_up(served: Served) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(served.connect()) for _ in range(5 * THREADS)]
        assert served.health() == "ok\n"
        closed, _, _ = select.select(silent, [], [], 0)
        assert not closed  # none had to be given up first


def test_more_forms_that_never_come_whole_than_threads_hold_nobody_up(served: Served) -> None:
    with ExitStack() as stack:
        form = requests.get(f"{served.address}/login/", timeout=PATIENCE)
        head = f"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: csrf={form.cookies['csrf']}\r\n"
        kind = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
        for _ in range(settings.SERVER_THREADS + 8):
            stack.enter_context(served.connect()).sendall(f"{head}{kind}login=".encode())
        time.sleep(1)
        assert served.health() == "ok\n"


def test_a_large_form_is_refused_before_it_is_sent(served: Served) -> None:
    with served.connect() as connection:
        head = (
            f"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Type: multipart/form-data; boundary=x"
        )
        connection.sendall(f"{head}\r\nContent-Length: 200000000\r\n\r\n--x".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_thousand_heads_that_never_come_whole_keep_nobody_out(served: Served) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2_000), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1_100):
            stack.enter_context(served.connect()).sendall(b"GET /health/ HTTP/1.1\r\n")
        assert served.health() == "ok\n"


def test_answers_on_one_connection_come_in_order_however_slowly_they_are_read(served: Served) -> None:
    with served.connect() as connection:
        for path in (served.large, "/health/", served.large):
            served.ask(connection, path)
        time.sleep(1)
        served.ask(connection, "/health/", "Connection: close")
        came = rest_of(connection)
    assert [came.count(b"HTTP/1.1 200"), came.count(b"\r\n\r\nok\n"), came.count(b'"99 xxx')] == [4, 2, 2]
    assert came.endswith(b"ok\n")


def test_the_answer_to_head_is_a_head_alone_and_the_next_on_the_connection_is_whole(served: Served) -> None:
    """Granian drops the body; nothing of ours does."""
    paths = (served.large, "/login/", "/health/", "/v1/nowhere", "/static/icon.svg", "/nowhere/")
    with served.connect() as connection:
        for path in paths:
            served.ask(connection, path, method="HEAD")
        served.ask(connection, "/health/", "Connection: close")
        came = rest_of(connection)
    assert came.count(b"HTTP/1.1 ") == came.count(b"\r\n\r\n") == len(paths) + 1
    heads = came.split(b"\r\n\r\n")
    assert [head for head in heads[:-1] if not head.startswith(b"HTTP/1.1 ")] == []
    assert heads[-1] == b"ok\n"


def test_a_client_that_leaves_in_the_middle_is_forgotten(served: Served) -> None:
    for _ in range(2 * THREADS):
        with served.connect() as connection:
            served.ask(connection, served.large)
            connection.recv(100)
    assert served.health() == "ok\n"
