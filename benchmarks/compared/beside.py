"""Readers beside an import: what eight of them wait for a page, and how long a writer waits for SQLite."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.archive_lines import make_conversations
from benchmarks.compared import Figures, Goal, Round
from benchmarks.desk import Checkout, Desk, Person, direct_session, open_desk

GOALS = {
    "p95 of a page beside an import, of one alone": Goal(1.3, is_of_other=False),
    "the longest wait of a writer, ms": Goal(500, is_of_other=False),
}
_READERS, _PAUSE = 8, 0.25  # seconds between two pages of a reader
_ALONE = 10.0  # seconds
_MESSAGES = 60_000


@dataclass
class _Bench:
    desk: Desk
    folder: Path
    pages: list[str]
    cookie: str
    numbers: Iterator[int] = field(default_factory=count)

    def round(self) -> Figures:
        alone = self._watch(lambda: time.sleep(_ALONE))[0]
        beside, waited = self._watch(self._import)
        return {
            "p95 of a page alone, ms": _p95(alone) * 1000,
            "p95 of a page beside an import, ms": _p95(beside) * 1000,
            "p95 of a page beside an import, of one alone": _p95(beside) / _p95(alone),
            "the longest wait of a writer, ms": max(waited) * 1000,
        }

    def _import(self) -> None:
        """Import conversations that are not there yet."""
        number, file = next(self.numbers), self.folder / "more.jsonl"
        with file.open("w") as lines:
            for each in make_conversations(_MESSAGES):
                lines.write(json.dumps(each).replace("chatcmpl-", f"chatcmpl-{number}-") + "\n")
        self.desk.manage("import_completions", str(file))

    def _watch(self, work: Callable[[], None]) -> tuple[list[float], list[float]]:
        """Let readers read and a writer write during some work; return how long each had to wait, in seconds."""
        pages, waits, is_over = list[float](), list[float](), threading.Event()
        beside = [threading.Thread(target=self._read, args=[pages, is_over, n]) for n in range(_READERS)]
        beside.append(threading.Thread(target=self._write, args=[waits, is_over]))
        for each in beside:
            each.start()
        work()
        is_over.set()
        for each in beside:
            each.join()
        return pages, waits

    def _read(self, taken: list[float], is_over: threading.Event, number: int) -> None:
        session = direct_session()
        while not is_over.wait(_PAUSE):
            page = self.pages[number % len(self.pages)]
            number += 1
            began = time.perf_counter()
            session.get(f"{self.desk.url}{page}", headers={"Cookie": self.cookie}).raise_for_status()
            taken.append(time.perf_counter() - began)

    def _write(self, waits: list[float], is_over: threading.Event) -> None:
        """Take the lock that every writer takes, and leave it."""
        file = Path(self.desk.environment["DATA_DIR"], "lectern.sqlite3")
        with closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as database:
            while not is_over.wait(_PAUSE):
                began = time.perf_counter()
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
                waits.append(time.perf_counter() - began)


@contextmanager
def prepare(checkout: Checkout) -> Iterator[Round]:
    with tempfile.TemporaryDirectory(prefix="lectern-benchmark-") as folder, open_desk(checkout) as desk:
        reader = Person(desk)
        reader.choose("")
        pages = ["/completions/", *(f"/completions/{one}/" for one in reader.list_completions()[:5])]
        yield _Bench(desk, Path(folder), pages, reader.cookie).round


def _p95(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 95 // 100]
