"""Importing into an empty archive, importing again, and what it takes; in a database of the configured kind."""

from __future__ import annotations

import json
import os
import re
import resource
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection

from benchmarks.archive_lines import make_conversations
from benchmarks.compared import Figures, Goal, Round, scaled
from benchmarks.databases import throwaway_database
from benchmarks.desk import Checkout

_IS_POSTGRESQL = connection.vendor == "postgresql"
GOALS = {
    "json + executemany, of a message's processor time": Goal(0.45, is_most=False, is_of_other=False),
    "json + executemany, of a message's time": Goal(0.5, is_most=False, is_of_other=False),
    "again, of a fresh import": Goal(0.08, is_of_other=False),
    "peak memory with a line of 26.7 MB, as a multiple of it": Goal(6, is_of_other=False),
    "disk, bytes per byte of JSON": Goal(2.6 if _IS_POSTGRESQL else 1.9, is_of_other=False),
    "rebuild_search, s of processor time per million messages": Goal(0.5),
}
del GOALS["json + executemany, of a message's " + ("processor time" if _IS_POSTGRESQL else "time")]
_MESSAGES = 20_000
_LARGE = 26_700_000  # bytes of the large line
_PAUSE = 0.02  # seconds between two looks at a process
_TABLES = (
    "completion (id {key}, completion_id TEXT UNIQUE, created BIGINT, model TEXT, body TEXT)",
    "message (id {key}, completion BIGINT, position INT, message_id TEXT, body TEXT, "
    "UNIQUE (completion, position), UNIQUE (message_id, completion))",
)


@dataclass(frozen=True)
class _Used:
    """What a command used: seconds, seconds of processor time, and bytes of memory at most."""

    seconds: float
    cpu: float
    memory: int


@contextmanager
def prepare(checkout: Checkout) -> Iterator[Round]:
    with tempfile.TemporaryDirectory(prefix="lectern-benchmark-") as name:
        folder = Path(name)
        ordinary, large = folder / "ordinary.jsonl", folder / "large.jsonl"
        with ordinary.open("w") as lines:
            lines.writelines(
                f"{json.dumps(each, ensure_ascii=False)}\n" for each in make_conversations(scaled(_MESSAGES))
            )
        _write_large_conversation(large)
        yield lambda: _measure(checkout, folder, ordinary, large)


def _write_large_conversation(file: Path) -> None:
    """Write one conversation of the messages of many, piece by piece."""
    conversations = make_conversations(10**9)
    with file.open("w") as line:
        line.write(json.dumps(next(conversations) | {"id": "chatcmpl-large"}).removesuffix("]}"))
        while line.tell() < scaled(_LARGE):
            for message in next(conversations)["messages"]:
                line.write(f", {json.dumps(message)}")
        line.write("]}")


def _measure(checkout: Checkout, folder: Path, ordinary: Path, large: Path) -> Figures:
    plain = _insert_plainly(folder, ordinary)
    with throwaway_database(folder, "compared") as environment:
        checkout.run(["manage.py", "migrate", "-v0"], environment)
        base = _use(checkout, environment, "import_completions", os.devnull)
        before = _bytes_used(environment)
        fresh = _use(checkout, environment, "import_completions", str(ordinary))
        disk = _bytes_used(environment) - before
        again = _use(checkout, environment, "import_completions", str(ordinary))
        rebuilt = _use(checkout, environment, "rebuild_search")
        peak = _use(checkout, environment, "import_completions", str(large)).memory
    cpu, seconds = fresh.cpu - base.cpu, fresh.seconds - base.seconds
    return {
        "import, µs of processor time per message": cpu * 1e6 / scaled(_MESSAGES),
        "import, µs per message": seconds * 1e6 / scaled(_MESSAGES),
        "json + executemany, of a message's processor time": plain.cpu / cpu,
        "json + executemany, of a message's time": plain.seconds / seconds,
        "again, of a fresh import": (again.cpu - base.cpu) / cpu,
        "peak memory with a line of 26.7 MB, as a multiple of it": peak / large.stat().st_size,
        "peak memory above that of an empty file, as a multiple of it": (peak - base.memory) / large.stat().st_size,
        "disk, bytes per byte of JSON": disk / ordinary.stat().st_size,
        "rebuild_search, s of processor time per million messages": (rebuilt.cpu - base.cpu) * 1e6 / scaled(_MESSAGES),
    }


def _use(checkout: Checkout, environment: dict[str, str], *arguments: str) -> _Used:
    began = time.perf_counter()
    process = subprocess.Popen(
        [checkout.python, "manage.py", *arguments], cwd=checkout.folder, env=environment, stdout=subprocess.DEVNULL
    )
    memory = 0
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        memory = max(memory, _peak_memory(process.pid))
        time.sleep(_PAUSE)
    _, status, used = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed in {checkout.folder}")
    return _Used(time.perf_counter() - began, used.ru_utime + used.ru_stime, memory)


def _peak_memory(process: int) -> int:
    """Return the bytes that a process has had at most so far; its `ru_maxrss` begins with what this one has."""
    with suppress(OSError):  # it has just ended
        if found := re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE):
            return int(found[1]) * 1024
    return 0


def _insert_plainly(folder: Path, file: Path) -> _Used:
    """Parse every line, and insert its messages as JSON into plain tables with the same keys, in one transaction."""
    with throwaway_database(folder, "plain") as environment, _open(environment["DATABASE_URL"]) as database:
        key, place = ("BIGSERIAL PRIMARY KEY", "%s") if _IS_POSTGRESQL else ("INTEGER PRIMARY KEY", "?")
        cursor = database.cursor()
        for table in _TABLES:
            cursor.execute(f"CREATE TABLE {table.format(key=key)}")
        database.commit()
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        completions, messages = [], []
        for number, line in enumerate(file.open("rb"), start=1):
            each = json.loads(line)
            for position, message in enumerate(each.pop("messages")):
                messages.append((number, position, message["id"], json.dumps(message, ensure_ascii=False)))
            completions.append((number, each["id"], each["created"], each["model"], json.dumps(each)))
        cursor.executemany(f"INSERT INTO completion VALUES ({', '.join([place] * 5)})", completions)
        columns = "(completion, position, message_id, body)"
        cursor.executemany(f"INSERT INTO message {columns} VALUES ({', '.join([place] * 4)})", messages)
        database.commit()
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
        return _Used(time.perf_counter() - began, cpu, 0)


@contextmanager
def _open(url: str) -> Iterator[Any]:
    database = psycopg.connect(url) if _IS_POSTGRESQL else sqlite3.connect(urlsplit(url).path)
    try:
        yield database
    finally:
        database.close()


def _bytes_used(environment: dict[str, str]) -> int:
    with _open(environment["DATABASE_URL"]) as database:
        cursor = database.cursor()
        if _IS_POSTGRESQL:
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(cursor.fetchone()[0])
