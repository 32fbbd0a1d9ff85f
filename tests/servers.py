"""A PostgreSQL and a Redis that live as long as one command: `python -m tests.servers COMMAND…`.

The command finds them in DATABASE_URL and CACHE_URL. Their data lies in a folder of its own and is thrown away.
"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

_PATIENCE = 60  # seconds for a server to come up
_LIBRARY = Path("/usr/lib/postgresql")  # where Debian keeps the servers' programs, apart from PATH


def main(command: list[str]) -> int:
    with _folder() as folder, postgres(folder) as database_url, redis(folder) as cache_url:
        return subprocess.run(
            command, env={**os.environ, "DATABASE_URL": database_url, "CACHE_URL": cache_url}
        ).returncode


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lectern-servers-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a cluster on a free port of the loopback; yield its URL. Nothing of it survives, so nothing is synced."""
    data, port = folder / "postgres", free_port()
    if _unprivileged():
        shutil.chown(folder, *_unprivileged())
    _run([program("initdb"), "-D", str(data), "-U", "lectern", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"])
    settings = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "max_connections": 200,
        "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
    }  # fmt: skip
    with (data / "postgresql.conf").open("a") as written:
        written.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    with _serving([program("postgres"), "-D", str(data)], port, folder / "postgres.log", _step_down):
        yield f"postgres://lectern@127.0.0.1:{port}/postgres"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis that keeps nothing, on a free port of the loopback; yield its URL."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    with _serving([program("redis-server"), *options], port, folder / "redis.log"):
        yield f"redis://127.0.0.1:{port}/0"


def free_port() -> int:
    """Find a port to listen on, below the range (from 32768 on) from which the system gives connections theirs."""
    while _answers(port := random.randrange(20_000, 32_768)):
        pass
    return port


@contextmanager
def _serving(command: list[str], port: int, log: Path, before: Callable[[], None] | None = None) -> Iterator[None]:
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written, preexec_fn=before)
    try:
        until = monotonic() + _PATIENCE
        while not _answers(port):
            if process.poll() is not None or monotonic() > until:
                sys.exit(f"{command[0]} does not come up:\n{log.read_text(errors='replace')[-2000:]}")
            sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown: it does not wait for its clients
        process.wait(_PATIENCE)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=_step_down)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stderr[-2000:]}")


def program(name: str) -> str:
    """Find a program on PATH, or among those that Debian keeps apart."""
    versions = sorted(_LIBRARY.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([*map(str, versions), os.environ["PATH"]]))
    if found is None:
        sys.exit(f"{name} is not installed. On Debian: apt-get install postgresql redis-server")
    return found


def _unprivileged() -> tuple[str, str] | tuple[()]:
    """Name the user to run PostgreSQL as, which refuses root: Debian's own for it."""
    return ("postgres", "postgres") if os.getuid() == 0 else ()


def _step_down() -> None:
    if _unprivileged():
        user = pwd.getpwnam("postgres")
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
