"""`./run` as a person meets it: a real process, a real port, Ctrl-C."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.contrib.auth.models import User

from tests.conftest import make_key
from tests.servers import free_port
from viewer.operations.management.commands import start

ROOT = Path(__file__).parents[2]
_COLLECTED = settings.DATA_DIR / "collected"


@contextmanager
def running(data: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Start the server; give the process, its address, and what it printed before it served."""
    with beginning(data, **settings) as (process, address):
        printed = read_until_it_serves(process)
        if process.poll() is None and "Ctrl-C" in printed:
            wait_for(address)
            _keep_collected(data)
        yield process, address, printed


@contextmanager
def beginning(data: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the server without waiting for it; return the process and its future URL."""
    _bring_collected(data)
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(data), "PORT": str(free_port()), **settings}
    command = [sys.executable, "manage.py", "start"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process, f"http://127.0.0.1:{environment['PORT']}"
    finally:
        process.kill()
        process.wait()


def read_until_it_serves(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "Ctrl-C" in line:
            break
    return printed


def _bring_collected(data: Path) -> None:
    """Collecting and compressing static files takes longer than all the rest: one start does it for the others."""
    if _COLLECTED.exists() and not (data / "static").exists():
        (data / "static").symlink_to(_COLLECTED / "static")
        shutil.copy(_COLLECTED / "static.sha256", data)


def _keep_collected(data: Path) -> None:
    if not _COLLECTED.exists():
        making = Path(tempfile.mkdtemp(dir=settings.DATA_DIR))
        shutil.copytree(data / "static", making / "static")
        shutil.copy(data / "static.sha256", making)
        with suppress(OSError):  # another process was faster
            making.rename(_COLLECTED)


def wait_for(address: str) -> None:
    adapter = requests.adapters.HTTPAdapter(max_retries=requests.adapters.Retry(connect=20, backoff_factor=0.1))
    with requests.Session() as session:
        session.mount("http://", adapter)
        assert session.get(f"{address}/health/", timeout=30).text == "ok\n"


def sign_in(address: str, password: str, host: str | None = None) -> requests.Session:
    session = requests.Session()
    session.headers.update({"Host": host} if host else {})
    form = session.get(f"{address}/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token
    answer = {"csrfmiddlewaretoken": token[1], "login": "demo", "password": password}
    session.post(f"{address}/login/", data=answer, headers={"Referer": f"{address}/login/"})
    return session


def copy_workers(server: int) -> list[int]:
    """The processes that copy, beside this server: each is a child of the shell that keeps it alive."""
    return [worker for shell in _children(server) for worker in _children(shell) if "sync" in _command(worker)]


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _command(process: int) -> list[str]:
    return Path(f"/proc/{process}/cmdline").read_text().split("\0")


def printed_as(name: str, printed: str) -> str:
    found = re.search(rf"{name}\s+(\S+)", printed)
    assert found
    return found[1]


def test_the_first_start_gives_a_person_samples_and_a_token_and_the_second_keeps_them(tmp_path: Path) -> None:
    with running(tmp_path) as (process, address, printed):
        assert f"  Lectern  {address}" in printed
        page = sign_in(address, printed_as("Password", printed)).get(f"{address}/completions/").text
        assert page.count("data-completion-id") >= 12
        bearer = {"Authorization": f"Bearer {printed_as('Access token', printed)}"}
        assert len(requests.get(f"{address}/v1/chat/completions", headers=bearer).json()["data"]) >= 12
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=90) == 0
        assert process.stdout
        assert "Traceback" not in process.stdout.read()
    with running(tmp_path) as (_, _, again):
        assert printed_as("Password", again) == printed_as("Password", printed)
        assert printed_as("Access token", again) == printed_as("Access token", printed)


def test_a_given_password_is_honoured(tmp_path: Path) -> None:
    with running(tmp_path, DEMO_PASSWORD="chosen by me") as (_, address, _):
        assert sign_in(address, "chosen by me").get(f"{address}/completions/").url == f"{address}/completions/"


def test_without_the_demo_and_the_worker_neither_is_there(tmp_path: Path) -> None:
    with running(tmp_path, DEMO="false", SYNC_WORKER="false") as (process, address, printed):
        assert "demo" not in printed
        assert "Password" not in printed
        assert copy_workers(process.pid) == []
        assert sign_in(address, "").get(f"{address}/completions/").url.startswith(f"{address}/login/")


def test_everything_in_the_folder_is_for_this_user_alone_also_where_somebody_made_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / "lectern.sqlite3").touch(mode=0o644)
    data.chmod(0o755)
    with running(data, SYNC_WORKER="false"):
        assert data.stat().st_mode & 0o077 == 0
        files = [file for file in data.iterdir() if not file.is_symlink()]
        assert {"lectern.sqlite3", "lectern.sqlite3-wal", "demo.json", "secret_key"} <= {file.name for file in files}
        assert [file.name for file in files if file.stat().st_mode & 0o077] == []


def test_the_demo_goes_when_it_is_not_wanted_and_does_not_come_back(tmp_path: Path) -> None:
    with running(tmp_path, SYNC_WORKER="false") as (_, _, printed):
        token = printed_as("Access token", printed)
    bearer = {"Authorization": f"Bearer {token}"}
    with running(tmp_path, DEMO="false", SYNC_WORKER="false") as (_, address, _):
        assert requests.get(f"{address}/v1/chat/completions", headers=bearer).status_code == 401
        page = sign_in(address, printed_as("Password", printed)).get(f"{address}/completions/")
        assert page.url.startswith(f"{address}/login/")
    with running(tmp_path, SYNC_WORKER="false") as (_, _, again):
        assert "demo is deactivated" in again
        assert "Password" not in again
    database = sqlite3.connect(tmp_path / "lectern.sqlite3")
    database.executescript("DELETE FROM auth_user")
    database.close()
    (tmp_path / "demo.json").write_text("")  # as a full disk left it
    with running(tmp_path, SYNC_WORKER="false") as (_, _, last):
        assert "demo" not in last


def test_a_restore_without_the_secrets_names_the_keys_that_stay_closed(alice: User, settings: Any) -> None:
    make_key(alice, "work")
    assert start._undecryptable_keys() == ""
    settings.KEY_ENCRYPTION_KEYS = ["B" * 43 + "="]
    assert "No master key here opens these API keys: work of alice." in start._undecryptable_keys()


def test_six_first_starts_at_once_prepare_one_archive(tmp_path: Path) -> None:
    with ExitStack() as all_of_them:
        begun = [
            all_of_them.enter_context(beginning(tmp_path, DEMO_PASSWORD="six at once", SYNC_WORKER="false"))
            for _ in range(6)
        ]
        for process, address in begun:
            printed = read_until_it_serves(process)
            assert "Traceback" not in printed
            assert "Ctrl-C" in printed, printed
            wait_for(address)
    with sqlite3.connect(tmp_path / "lectern.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM auth_user").fetchone() == (1,)
    database.close()


def test_a_taken_port_is_named_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running(tmp_path, PORT=str(port)) as (process, _, printed):
            assert process.wait(timeout=60) == 1
            assert printed.startswith(f"lectern: Port {port} on 127.0.0.1 cannot be used")
            assert len(printed.splitlines()) == 1


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """The script itself is tried with a `python3` that is too old, in a copy that has nothing installed yet."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name in ("run", "requirements.txt", "requirements-dev.txt", "requirements-tools.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "run").chmod(0o755)
    for tool in ("sh", "dirname", "cmp", "cat"):
        found = next(Path(folder, tool) for folder in os.environ["PATH"].split(":") if Path(folder, tool).exists())
        (tmp_path / tool).symlink_to(found)
    done = subprocess.run(
        [str(tmp_path / "run")], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("lectern: Python 3.11 or newer is needed")
    assert len(done.stderr.splitlines()) == 1
