"""The server stops on a signal in spite of current requests, and reloads its processes without a gap."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import requests
from requests.adapters import HTTPAdapter, Retry

from tests.conftest import make_completion, say
from tests.processes import beginning, manage, running, until
from tests.processes import workers as workers_of


def test_ctrl_c_ends_under_load_and_with_a_client_that_does_not_read(prepared_folder: Path, tmp_path: Path) -> None:
    with running(prepared_folder, SYNC_WORKER="false") as server:
        address = server.address
        line = json.dumps(make_completion("chatcmpl-big", say("user", "x" * 12_000_000)))
        (tmp_path / "big.jsonl").write_text(line)
        assert manage(prepared_folder, "import_completions", str(tmp_path / "big.jsonl")).returncode == 0
        host, port = address.removeprefix("http://").split(":")
        stuck = socket.create_connection((host, int(port)))
        question = "GET /v1/chat/completions/chatcmpl-big/messages HTTP/1.1\r\nHost: localhost\r\n"
        stuck.sendall(f"{question}Authorization: Bearer {server.printed_as('Access token')}\r\n\r\n".encode())
        assert stuck.recv(12) == b"HTTP/1.1 200"
        is_over = threading.Event()

        def ask() -> None:
            while not is_over.is_set():
                with suppress(requests.RequestException):
                    requests.get(f"{address}/health/", timeout=5)

        askers = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
        for asker in askers:
            asker.start()
        server.process.send_signal(signal.SIGINT)
        try:
            assert server.process.wait(timeout=25) == 0  # after SIGTERM, what does not end is killed after 30 s
        finally:
            is_over.set()
            stuck.close()
        for asker in askers:
            asker.join()


def test_ctrl_c_reaches_the_first_process_alone(prepared_folder: Path) -> None:
    """A terminal sends it to a whole process group. A worker that also gets it from the main process hangs."""
    with running(prepared_folder, SYNC_WORKER="false", SERVER_PROCESSES="2") as server:
        workers = workers_of(server.process.pid)
        assert len(workers) == 2
        assert {os.getpgid(worker) for worker in workers} == workers


def test_a_reload_refuses_nobody_however_long_the_next_process_takes_to_begin(
    prepared_folder: Path, tmp_path: Path
) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "sitecustomize.py").write_text(
        "import sys, time\ntime.sleep(2 if '--multiprocessing-fork' in sys.orig_argv else 0)\n"
    )
    with running(prepared_folder, SYNC_WORKER="false", SERVER_PROCESSES="2", PYTHONPATH=str(slow)) as server:
        process, address = server.process, server.address
        before = workers_of(process.pid)
        process.send_signal(signal.SIGHUP)
        answers = []
        asking = requests.Session()
        asking.headers["Connection"] = "close"
        # A stopping process closes connections that it has accepted but not read; a retry reaches the next one.
        asking.mount("http://", HTTPAdapter(max_retries=Retry(connect=0, read=2)))
        until = monotonic() + 90
        while monotonic() < until and (not (now := workers_of(process.pid)) or now & before):
            answers.append(asking.get(f"{address}/health/", timeout=30).status_code)
            sleep(0.01)  # the two processes need the processor
        assert set(answers) == {200}
        assert len(now) == 2
        assert not now & before
        process.terminate()
        assert process.wait(timeout=40) == 0
        assert "spawning up to" not in server.output_to_its_end()  # Granian's advice on the number of threads


def test_a_reload_that_comes_too_early_does_not_end_the_start(migrated_folder: Path) -> None:
    """systemd takes an end by SIGHUP for a clean one, and starts nothing again."""
    with beginning(migrated_folder, SYNC_WORKER="false", PYTHONUNBUFFERED="true") as server:  # says it at once
        server.wait_for("Lectern")
        server.process.send_signal(signal.SIGHUP)
        server.wait_until_it_serves()
        assert "Ctrl-C" in server.printed, server.output
        assert server.process.poll() is None


def test_when_the_first_process_is_killed_the_others_end_and_the_port_is_free(
    prepared_folder: Path, tmp_path: Path
) -> None:
    """Even if a signal would be lost, as it is when it comes while a main thread begins to wait: here all of them are."""
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, sys\n"
        "if '--multiprocessing-fork' in sys.orig_argv: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
    )
    settings = {"SYNC_WORKER": "false", "SERVER_PROCESSES": "2", "PYTHONPATH": str(tmp_path)}
    with running(prepared_folder, **settings) as server:
        server.process.kill()
        until(lambda: _is_free(server.address))


def _is_free(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, int(port)))
        return True
    return False
