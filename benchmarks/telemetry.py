"""Measures what it costs to take in spans and to join them, and what readers notice of it, in alternating rounds.

A real server and its worker share one core. An exporter sends turns of conversations, each four spans of a trace: a
request, a call of a model that repeats the history, a tool, and a request that the call made. Half of the conversations
have a session. Eight readers open pages beside, each with a pause between two pages.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.desk import ROOT, Desk, Person, cpu_seconds, direct_session, open_desk, with_children

_BATCH = 500  # spans, about as many as SDKs send at once
_SPANS_PER_TURN, _TURNS = 4, 5
_READERS, _PAUSE = 8, 0.25  # seconds between two pages of a reader
_PATIENCE = 120.0  # seconds, for what waits to be joined
_SECOND = 10**9
_GOAL = 1.5


def main(arguments: list[str]) -> None:
    """Print the figures of each round, and the ratio of what readers wait."""
    parser = argparse.ArgumentParser(prog="./run bench telemetry", description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="spans a second")
    parser.add_argument("--seconds", type=float, default=20, help="of each round")
    parser.add_argument("--rounds", type=int, default=3, help="of each kind, in turns")
    options = parser.parse_args(arguments)
    with _bench(options.rate) as bench:
        alone, beside = list[float](), list[float]()
        for _ in range(options.rounds):
            alone += bench.read_alone(options.seconds)
            beside += bench.read_beside(options.seconds)
    ratio = _p95(beside) / _p95(alone)
    print(f"pages alone: {_distribution(alone)}; beside: {_distribution(beside)}")
    print(f"ratio of p95: {ratio:.2f} (goal: at most {_GOAL})")


@dataclass
class _Bench:
    """The running server and its worker."""

    desk: Desk
    worker: subprocess.Popen[bytes]
    token: str
    pages: list[str]
    cookie: str
    rate: int
    numbers: Iterator[int] = field(default_factory=count)
    open: list[_Talk] = field(default_factory=list)
    page_cost: float = 0.0  # seconds of the server's processor time

    def read(self, seconds: float) -> list[float]:
        """Let the readers read; return the milliseconds that each page took."""
        taken, is_over = list[float](), threading.Event()
        readers = [threading.Thread(target=self._read, args=[taken, is_over, n]) for n in range(_READERS)]
        for reader in readers:
            reader.start()
        time.sleep(seconds)
        is_over.set()
        for reader in readers:
            reader.join()
        return taken

    def read_alone(self, seconds: float) -> list[float]:
        """Let the readers read, and remember what a page costs."""
        before = self._cpu()[0]
        taken = self.read(seconds)
        self.page_cost = (self._cpu()[0] - before) / len(taken)
        return taken

    def read_beside(self, seconds: float) -> list[float]:
        """Send spans meanwhile; print what that took, until all of them are joined."""
        batches = [self._batch() for _ in range(max(1, round(self.rate * seconds / _BATCH)))]
        before, began = self._cpu(), time.monotonic()
        sending = threading.Thread(target=self._send, args=[batches])
        sending.start()
        taken = self.read(seconds)
        sending.join()
        received, sent_in = len(batches) * _BATCH, time.monotonic() - began
        waiting = self._wait_until_joined()
        server, joining = (after - start for after, start in zip(self._cpu(), before, strict=True))
        receiving = server - self.page_cost * len(taken)
        print(
            f"{received:,} spans sent at {received / sent_in:,.0f}/s, joined {waiting:.1f} s later; CPU seconds for"
            f" 1,000 spans: {1000 * receiving / received:.2f} receiving, {1000 * joining / received:.2f} joining"
        )
        return taken

    def _read(self, taken: list[float], is_over: threading.Event, n: int) -> None:
        session = direct_session()
        while not is_over.wait(_PAUSE):
            n += 1
            began = time.perf_counter()
            page = session.get(f"{self.desk.url}{self.pages[n % len(self.pages)]}", headers={"Cookie": self.cookie})
            taken.append((time.perf_counter() - began) * 1000)
            page.raise_for_status()

    def _send(self, batches: list[bytes]) -> None:
        session, began = direct_session(), time.monotonic()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-protobuf"}
        for n, body in enumerate(batches):
            time.sleep(max(0.0, began + n * _BATCH / self.rate - time.monotonic()))
            session.post(f"{self.desk.url}/otlp/v1/traces", body, headers=headers).raise_for_status()

    def _batch(self) -> bytes:
        """Make the next turns; a conversation goes on some seconds after its last turn."""
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "shop"
        spans = resource.scope_spans.add().spans
        for _ in range(_BATCH // _SPANS_PER_TURN):
            pause = self.rate // _SPANS_PER_TURN * 4  # turns of others
            talk = self.open.pop(0) if len(self.open) > pause else _Talk(next(self.numbers))
            talk.go_on(spans)
            if len(talk.history) < 2 * _TURNS:
                self.open.append(talk)
        body: bytes = request.SerializeToString()
        return body

    def _cpu(self) -> tuple[float, float]:
        """Return the processor time of the server and of the worker, in seconds."""
        return cpu_seconds(self.desk.process.pid), cpu_seconds(self.worker.pid)

    def _wait_until_joined(self) -> float:
        began, person = time.monotonic(), Person(self.desk)
        while "data-waiting" in person.get("/import/apps/").text and time.monotonic() < began + _PATIENCE:
            time.sleep(0.5)
        return time.monotonic() - began


class _Talk:
    """A conversation that goes on."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.history: list[dict[str, Any]] = []

    def go_on(self, spans: Any) -> None:
        """Add the spans of the next turn."""
        turn = len(self.history) // 2
        self.history.append(_said("user", f"Question {turn} of customer {self.number}: where is my parcel? " * 2))
        answer = _said("assistant", f"Answer {turn} to customer {self.number}. It is on its way. " * 6)
        session = {"session.id": f"benchmark-session-{self.number}"} if self.number % 2 else {}
        call = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4.1",
            "gen_ai.response.id": f"chatcmpl-{self.number}-{turn}",
            "gen_ai.input.messages": json.dumps(self.history),
            "gen_ai.output.messages": json.dumps([answer]),
        }
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "track", "gen_ai.tool.call.result": "A17"}
        http = {"http.request.method": "POST", "url.full": "https://api.example/v1", "server.address": "api.example"}
        for n, (parent, attributes) in enumerate(((0, http | session), (1, call | session), (1, tool), (2, http))):
            self._add(spans, turn, (n + 1, parent), attributes)
        self.history.append(answer)

    def _add(self, spans: Any, turn: int, ids: tuple[int, int], attributes: dict[str, str]) -> None:
        n, parent = ids
        trace = self.number * _TURNS + turn + 1
        start = time.time_ns() + n
        span = spans.add(
            name=f"step {n}", trace_id=trace.to_bytes(16, "big"), span_id=n.to_bytes(8, "big"),
            start_time_unix_nano=start, end_time_unix_nano=start + _SECOND // (n + 1),
        )  # fmt: skip
        if parent:
            span.parent_span_id = parent.to_bytes(8, "big")
        for name, value in attributes.items():
            span.attributes.add(key=name).value.string_value = value


@contextmanager
def _bench(rate: int) -> Iterator[_Bench]:
    """Start the server and its worker on one core, and leave the others to those who send and read."""
    cores = os.sched_getaffinity(0)
    with open_desk() as desk:
        working = [sys.executable, str(ROOT / "manage.py"), "work"]
        worker = subprocess.Popen(working, cwd=ROOT, env=desk.environment, stderr=subprocess.DEVNULL)
        try:
            for process in (*with_children(desk.process.pid), *with_children(worker.pid)):
                for thread in os.listdir(f"/proc/{process}/task"):
                    os.sched_setaffinity(int(thread), {min(cores)})
            if len(cores) > 1:
                os.sched_setaffinity(0, cores - {min(cores)})
            demo = Person(desk)
            pages = ["/completions/", *(f"/completions/{one}/" for one in demo.list_completions()[:5])]
            token = demo.make_token("exporter", may_import="on")
            yield _Bench(desk, worker, token, pages, demo.cookie, rate)
        finally:
            os.sched_setaffinity(0, cores)
            worker.terminate()
            worker.wait()


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _p95(milliseconds: list[float]) -> float:
    return sorted(milliseconds)[len(milliseconds) * 95 // 100]


def _distribution(milliseconds: list[float]) -> str:
    return f"p50 {statistics.median(milliseconds):.1f} ms, p95 {_p95(milliseconds):.1f} ms of {len(milliseconds)}"
