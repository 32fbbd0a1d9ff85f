"""A throw-away Lectern: the server that `./run` starts, on a folder and a port of its own, and people who use it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "benchmark reads 1"
_PATIENCE = 60  # seconds for a server to start
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Checkout:
    """A folder with a commit of Lectern, and the Python that has its packages."""

    folder: Path
    python: str

    def run(self, arguments: list[str], environment: dict[str, str], given: str = "") -> str:
        """Run Python with these arguments; give what it printed. Ends the benchmark where that fails."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder, env=environment, input=given, capture_output=True, encoding="utf-8",
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
        return done.stdout


THIS = Checkout(ROOT, sys.executable)


@dataclass(frozen=True)
class Desk:
    """A running Lectern. The person `demo` can sign in with PASSWORD."""

    url: str
    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    checkout: Checkout = THIS

    def import_completions(self, lines: str) -> None:
        self.manage("import_completions", "-", given=lines)

    def create_people(self, *names: str) -> None:
        """Create people who can sign in with PASSWORD, all by one process."""
        create = f"[User.objects.create_user(name, password={PASSWORD!r}) for name in {names}]"
        self.manage("shell", "-c", f"from django.contrib.auth.models import User; {create}")

    def manage(self, *arguments: str, given: str = "") -> None:
        self.checkout.run([str(self.checkout.folder / "manage.py"), *arguments], self.environment, given)

    def cpu_seconds(self) -> float:
        """Give the processor time that the server's processes have used so far, in steps of 10 ms."""
        return cpu_seconds(self.process.pid)


def with_children(process: int) -> list[int]:
    """Give a process and all processes below it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in with_children(int(child)))]


def cpu_seconds(process: int) -> float:
    """Give the processor time that a process and those below it have used so far, in steps of 10 ms."""
    used = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in with_children(process)]
    return sum(int(fields[11]) + int(fields[12]) for fields in used) / _TICKS


@contextmanager
def open_desk(checkout: Checkout = THIS, **settings: str) -> Iterator[Desk]:
    """Start a Lectern with the samples in its archive; everything is deleted when it ends.

    BENCH_DATA names a data folder to start from, as the tests do: preparing a new one takes seconds.
    """
    with tempfile.TemporaryDirectory(prefix="lectern-benchmark-") as folder:
        if prepared := os.environ.get("BENCH_DATA"):
            shutil.copytree(prepared, folder, dirs_exist_ok=True)
        url = f"http://127.0.0.1:{(port := free_port())}"
        own = {"DATA_DIR": folder, "PORT": str(port), "SITE_URL": url, "DEMO_PASSWORD": PASSWORD}
        # Nothing is imported from a key here, and the worker would compete with what is measured.
        environment = own_environment(**own, SYNC_WORKER="false", **settings)
        command = [checkout.python, str(checkout.folder / "manage.py"), "start"]
        with running(command, f"{url}/health/", environment, checkout.folder) as process:
            yield Desk(url, process, environment, checkout)


def own_environment(**settings: str) -> dict[str, str]:
    """Give the environment of a process that must not find this machine's own settings: they name a real archive."""
    return {"PATH": os.environ["PATH"], **settings}


def manage(*arguments: str, environment: dict[str, str], given: str = "") -> str:
    """Run a command of manage.py; give what it printed."""
    return run([str(ROOT / "manage.py"), *arguments], environment, given)


def run(arguments: list[str], environment: dict[str, str], given: str = "") -> str:
    """Run Python with these arguments in this checkout; give what it printed."""
    return THIS.run(arguments, environment, given)


@contextmanager
def running(
    command: list[str], url: str, environment: dict[str, str], folder: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a server running, from the moment when it answers at the URL."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=quiet, stderr=quiet)
    try:
        _wait_for(url, process)
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            direct_session().get(url, timeout=5)
            return
        except requests.RequestException:
            time.sleep(0.1)
    sys.exit(f"The server at {url} did not start.")


def direct_session() -> requests.Session:
    """Give a session that ignores the machine's proxy: everything here is on the loopback address."""
    session = requests.Session()
    session.trust_env = False
    return session


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Person:
    """Somebody who is signed in and uses links and forms, as a browser without JavaScript does."""

    def __init__(self, desk: Desk, name: str = "demo") -> None:
        self._url = desk.url
        self._session = direct_session()
        self.submit("/login/", login=name, password=PASSWORD)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{kept.name}={kept.value}" for kept in self._session.cookies)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self._session.get(f"{self._url}{path}", headers=headers)

    def submit(self, page: str, action: str = "", **fields: str) -> str:
        """Send the last form of a page, to another address where one is given; give the page that follows."""
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(page).text)[-1]
        return self._session.post(
            f"{self._url}{action or page}",
            data={"csrfmiddlewaretoken": token, **fields},
            headers={"Referer": f"{self._url}{page}"},
        ).text

    def list_completions(self) -> list[str]:
        return re.findall(r'data-completion-id="([^"]+)"', self.get("/completions/").text)

    def add_key(self, label: str, base_url: str) -> str:
        """Save an API key for a server; give its id."""
        self.submit("/keys/", label=label, key="sk-benchmark", base_url=base_url)
        options = re.findall(r'<option value="([^"]+)">(\w+)', self.get("/tokens/").text)
        return next(str(key) for key, named in options if named == label)

    def choose(self, key: str) -> None:
        """Read with this key from now on; "" is the archive."""
        self.submit("/keys/", "/keys/choose/", key=key)

    def make_token(self, name: str, key: str = "", **rights: str) -> str:
        """Make an access token that reads with this key; "" is the archive."""
        page = self.submit("/tokens/", name=name, source=key, **rights)
        return str(re.findall(r'value="(lectern_[^"]+)"', page)[0])
