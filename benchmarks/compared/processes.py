"""Pages a second for eight readers, with one process that serves and with as many as are started by default."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.compared import Figures, Goal, Round
from benchmarks.desk import Checkout, Desk, Person, direct_session, open_desk

GOALS = {"pages a second by default, of those with one process": Goal(1.7, is_most=False, is_of_other=False)}
_READERS = 8
_SECONDS = 5.0


@dataclass
class _Readers:
    """Eight connections to a desk, which open conversations as fast as they get them."""

    desk: Desk
    cookie: str
    pages: list[str]

    def rate(self) -> tuple[float, float]:
        """Give the pages in a second, and the milliseconds of the server's processor time for each."""
        counts, until, before = [0] * _READERS, time.perf_counter() + _SECONDS, self.desk.cpu_seconds()

        def read(number: int) -> None:
            session = direct_session()
            while time.perf_counter() < until:
                page = self.pages[(number + counts[number]) % len(self.pages)]
                session.get(f"{self.desk.url}{page}", headers={"Cookie": self.cookie}).raise_for_status()
                counts[number] += 1

        readers = [threading.Thread(target=read, args=[number]) for number in range(_READERS)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        return sum(counts) / _SECONDS, (self.desk.cpu_seconds() - before) * 1000 / sum(counts)


@contextmanager
def prepare(checkout: Checkout) -> Iterator[Round]:
    with open_desk(checkout, SERVER_PROCESSES="1") as one, open_desk(checkout) as several:
        alone, together = _readers(one), _readers(several)

        def work() -> Figures:
            (few, dear), (many, dear_together) = alone.rate(), together.rate()
            return {
                "pages a second with one process": few,
                "pages a second by default": many,
                "pages a second by default, of those with one process": many / few,
                "ms of processor time for each, with one process": dear,
                "ms of processor time for each, by default": dear_together,
            }

        yield work


def _readers(desk: Desk) -> _Readers:
    reader = Person(desk)
    reader.choose("")
    return _Readers(desk, reader.cookie, [f"/completions/{one}/" for one in reader.list_completions()[:5]])
