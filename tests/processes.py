"""Processes of the project: the server that `./run` starts, and commands of manage.py, each on a data folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import requests

from tests.pages import element
from tests.servers import free_port

ROOT = Path(__file__).parent.parent
SECRETS = {"SECRET_KEY": "0123456789" * 5, "KEY_ENCRYPTION_KEYS": "A" * 43 + "="}
PATIENCE = 180  # seconds; commands beside a server get little of a busy processor (viewer/deployment/priority.py)
_SERVES = "Ctrl-C"  # a word of the last line before it serves


class Server:
    """A server that `./run` starts. A thread reads what it prints, because it would wait for ever at a full pipe."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address
        self._lines: list[str] = []
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        """Everything that it has printed until now."""
        return "".join(self._lines)

    @property
    def printed(self) -> str:
        """What it printed before it served."""
        before, serves, _ = self.output.partition(_SERVES)
        return before + serves

    def wait_for(self, words: str) -> None:
        """Wait until it has printed these words, or has printed its last."""
        until(lambda: words in self.output or not self._reading.is_alive())

    def wait_until_it_serves(self) -> None:
        self.wait_for(_SERVES)
        if _SERVES in self.output and self.process.poll() is None:
            retry = requests.adapters.Retry(connect=20, backoff_factor=0.1)
            with requests.Session() as session:
                session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
                assert session.get(f"{self.address}/health/", timeout=30).text == "ok\n"

    def output_to_its_end(self) -> str:
        """Everything that it and its children have printed, after the last of them has ended."""
        self._reading.join(PATIENCE)
        assert not self._reading.is_alive(), "somebody is still there who could print"
        return self.output

    def printed_as(self, name: str) -> str:
        """The word that it printed behind a name before it served, such as the password."""
        found = re.search(rf"{name}\s+(\S+)", self.printed)
        assert found, self.output
        return found[1]

    def copy_workers(self) -> list[int]:
        """The processes that copy, beside the server: each is a child of the shell that keeps it alive."""
        shells = children(self.process.pid)
        return [worker for shell in shells for worker in children(shell) if "work" in command_of(worker)]


@contextmanager
def running(data: Path, **settings: str) -> Iterator[Server]:
    """Start a server and wait until it serves, or has ended."""
    with beginning(data, **settings) as server:
        server.wait_until_it_serves()
        yield server


@contextmanager
def beginning(data: Path, **settings: str) -> Iterator[Server]:
    """Start a server without waiting for it."""
    own = {"PATH": os.environ["PATH"], "DATA_DIR": str(data), "PORT": str(free_port())}
    environment = own | {"SERVER_PROCESSES": "1"} | settings  # one takes less time and memory than one for each core
    command = [sys.executable, "manage.py", "start"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield Server(process, f"http://127.0.0.1:{environment['PORT']}")
    finally:
        process.kill()
        process.wait()


def migrate(data: Path) -> None:
    """Make a data folder that has an archive with empty tables."""
    data.mkdir(mode=0o700)
    done = manage(data, "migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr


def prepare(migrated: Path, data: Path) -> None:
    """Prepare a data folder by a first start: the archive with its samples, the user `demo`, the static files."""
    shutil.copytree(migrated, data)
    with beginning(data, SYNC_WORKER="false") as server:
        server.wait_for(_SERVES)
        assert _SERVES in server.output, server.output


def copy_prepared(prepared: Path, data: Path) -> Path:
    """Make a data folder in which `./run` was started before, which saves most of the time of a start."""
    shutil.copytree(prepared, data, ignore=shutil.ignore_patterns("static"), dirs_exist_ok=True)
    (data / "static").symlink_to(prepared / "static")
    return data


def copy_static_files(prepared: Path, data: Path) -> Path:
    """Bring the static files into a new data folder: to compress them takes longer than all the rest of a first start."""
    (data / "static").symlink_to(prepared / "static")
    shutil.copy(prepared / "static.sha256", data)
    return data


def manage(data: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py."""
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(data), **settings}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


def sign_in(address: str, password: str, host: str | None = None) -> requests.Session:
    """Sign in as `demo`; whether it succeeded, a page tells."""
    session = requests.Session()
    session.headers.update({"Host": host} if host else {})
    token = element(
        session.get(f"{address}/login/").text, '[action="/login/"] [name="csrfmiddlewaretoken"]'
    ).attributes["value"]
    answer = {"csrfmiddlewaretoken": token, "login": "demo", "password": password}
    session.post(f"{address}/login/", data=answer, headers={"Referer": f"{address}/login/"})
    return session


def post(reader: requests.Session, address: str, answers: dict[str, str]) -> requests.Response:
    """Send a form as somebody who is signed in."""
    token = reader.cookies["csrf"]
    return reader.post(address, answers | {"csrfmiddlewaretoken": token}, headers={"Referer": address}, timeout=30)


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def workers(server: int) -> set[int]:
    """The processes that serve, below the first one of a server."""
    return {child for child in children(server) if "spawn_main" in "".join(command_of(child))}


def command_of(process: int) -> list[str]:
    return Path(f"/proc/{process}/cmdline").read_text().split("\0")


def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = monotonic() + PATIENCE
    while not is_so():
        assert monotonic() < end, f"not so after {PATIENCE} seconds"
        Event().wait(0.05)
