"""What programs ask `/v1` for, from the archive and through a key: requests a second, processor time, added time."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.compared import Figures, Goal, Round
from benchmarks.desk import Checkout, Desk, Person, direct_session, free_port, open_desk, own_environment, running
from benchmarks.upstream import ID

_THROUGH_KEY = "through a key"
_ARCHIVED = {"a list of 20": "?limit=20", "one completion": "/{id}", "a page of messages": "/{id}/messages?limit=20"}
GOALS = {
    **{f"{name}: requests a second": Goal(2.5, is_most=False) for name in _ARCHIVED},
    f"{_THROUGH_KEY}: requests a second": Goal(2.2, is_most=False),
    f"{_THROUGH_KEY}: requests a second, of asking directly": Goal(0.4, is_most=False, is_of_other=False),
    f"{_THROUGH_KEY}: added at 1 connection, ms": Goal(2.5, is_of_other=False),
}
_CONNECTIONS = 8
_REQUESTS = 50  # on each connection
_ALONE = 200  # on one connection


@dataclass(frozen=True)
class _Request:
    """A GET request that is sent again and again, with the token that it needs."""

    url: str
    token: str

    def rate(self) -> float:
        """Give the requests a second at several connections."""
        began = time.perf_counter()
        senders = [threading.Thread(target=self.times, args=[_REQUESTS]) for _ in range(_CONNECTIONS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        return _CONNECTIONS * _REQUESTS / (time.perf_counter() - began)

    def times(self, count: int) -> list[float]:
        """Send it so often, one after the other on a connection that is kept if the server keeps it; give the ms."""
        session, taken = direct_session(), list[float]()
        for _ in range(count):
            began = time.perf_counter()
            session.get(self.url, headers={"Authorization": f"Bearer {self.token}"}).raise_for_status()
            taken.append((time.perf_counter() - began) * 1000)
        return taken


@dataclass(frozen=True)
class _Programs:
    desk: Desk
    direct: _Request
    requests: dict[str, _Request]

    def round(self) -> Figures:
        directly, figures = self.direct.rate(), Figures()
        for name, request in self.requests.items():
            before = self.desk.cpu_seconds()
            figures[f"{name}: requests a second"] = request.rate()
            figures[f"{name}: ms of processor time"] = (
                (self.desk.cpu_seconds() - before) * 1000 / (_CONNECTIONS * _REQUESTS)
            )
        passed_on = self.requests[_THROUGH_KEY]
        added = statistics.median(passed_on.times(_ALONE)) - statistics.median(self.direct.times(_ALONE))
        return {
            **figures,
            "directly: requests a second": directly,
            f"{_THROUGH_KEY}: requests a second, of asking directly": (
                figures[f"{_THROUGH_KEY}: requests a second"] / directly
            ),
            f"{_THROUGH_KEY}: added at 1 connection, ms": added,
        }


@contextmanager
def prepare(checkout: Checkout) -> Iterator[Round]:
    host = f"127.0.0.1:{free_port()}"
    upstream = f"http://{host}/v1"
    serving = [sys.executable, "-m", "benchmarks.upstream", host.rpartition(":")[2]]
    with (
        running(serving, f"{upstream}/chat/completions", own_environment()),
        open_desk(checkout, API_HOSTS=host) as desk,
    ):
        reader = Person(desk)
        archived = reader.make_token("archive")
        passing = reader.make_token("key", reader.add_key("quick", upstream))
        reader.choose("")
        stored = reader.list_completions()[0]
        asked = f"/chat/completions/{ID}/messages?limit=20"
        ours = f"{desk.url}/v1/chat/completions"
        requests = {name: _Request(ours + path.format(id=stored), archived) for name, path in _ARCHIVED.items()}
        requests[_THROUGH_KEY] = _Request(f"{desk.url}/v1{asked}", passing)
        yield _Programs(desk, _Request(f"{upstream}{asked}", "sk-benchmark"), requests).round
