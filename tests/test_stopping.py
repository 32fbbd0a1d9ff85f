"""The server ends when it is told to, whoever is being served; and it goes on with new processes without a gap."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from gunicorn.workers.gthread import PollableMethodQueue

from tests.conftest import make_completion, say
from tests.test_settings import manage
from tests.test_start import _children, _command, printed_as, running
from viewer.gunicorn_worker import Worker


def test_a_quit_while_a_request_is_handed_over_waits_for_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda which, seconds: timers.append(seconds))
    worker: Any = Worker.__new__(Worker)
    worker.alive, worker.tpool, worker.method_queue = True, ThreadPoolExecutor(1), PollableMethodQueue()
    worker.method_queue.init()
    with worker.tpool._shutdown_lock:  # as `submit` holds it when the signal comes
        quitting = threading.Thread(target=worker.handle_quit, args=[signal.SIGQUIT, None], daemon=True)
        quitting.start()
        quitting.join(30)
        assert not quitting.is_alive()
    assert not worker.alive
    assert timers == [1.0]
    worker.method_queue.close()


def test_ctrl_c_ends_under_load_and_with_a_client_that_does_not_read(tmp_path: Path) -> None:
    with running(tmp_path, COPY_WORKER="false") as (process, address, printed):
        line = json.dumps(make_completion("chatcmpl-big", say("user", "x" * 30_000_000)))
        (tmp_path / "big.jsonl").write_text(line)
        assert manage(tmp_path, "import_completions", str(tmp_path / "big.jsonl")).returncode == 0
        host, port = address.removeprefix("http://").split(":")
        stuck = socket.create_connection((host, int(port)))
        question = "GET /v1/chat/completions/chatcmpl-big/messages HTTP/1.1\r\nHost: localhost\r\n"
        stuck.sendall(f"{question}Authorization: Bearer {printed_as('Access token', printed)}\r\n\r\n".encode())
        assert stuck.recv(12) == b"HTTP/1.1 200"
        is_over = threading.Event()

        def ask() -> None:
            while not is_over.is_set():
                with suppress(requests.RequestException):
                    requests.get(f"{address}/health/", timeout=5)

        askers = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
        for asker in askers:
            asker.start()
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(timeout=25) == 0  # gunicorn kills after 30 s what does not end
        finally:
            is_over.set()
            stuck.close()
        for asker in askers:
            asker.join()


def test_a_reload_renews_the_processes_and_refuses_nobody(tmp_path: Path) -> None:
    with running(tmp_path, COPY_WORKER="false") as (process, address, _):

        def workers() -> set[int]:
            return {child for child in _children(process.pid) if "gunicorn" in _command(child)}

        before = workers()
        os.kill(process.pid, signal.SIGHUP)
        answers = []
        while len(answers) < 2000 and (workers() & before or not workers()):
            answers.append(requests.get(f"{address}/health/", timeout=30).status_code)
        assert set(answers) == {200}
        assert workers()
        assert not workers() & before
