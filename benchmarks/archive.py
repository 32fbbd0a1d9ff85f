"""Measures the archive: how fast it takes in, how fast it answers, what it needs, at several sizes.

Everything happens in databases of the configured kind that are made for it and thrown away;
nobody's archive is touched.
Each step has a process of its own, so that the importer's memory is the importer's alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import accumulate, count, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from viewer.archive import search_index
from viewer.archive.api import answer
from viewer.archive.importing import import_lines, read_line
from viewer.archive.search_query import read_query
from viewer.archive.searching import Order, search
from viewer.settings import env

_SEED = 20260101
_LONG = "chatcmpl-long"  # one conversation with as many messages as all the others have together
_TIMES = 9  # that each question is asked; the first is not counted
Figures = dict[str, Any]

_SAYINGS = (
    "Where is my order", "Thank you for your patience", "I would like a refund for the order", "Is there anything else",
    "The parcel left the warehouse on Tuesday", "Please tell me the number of your order", "I am sorry to hear that",
    "You will get the money within five days", "Can I change the address", "The café in Zürich never got it",
)  # fmt: skip
_UNSPACED = ("我想退款，订单还没有到", "東京の天気はどうですか", "환불해 주세요", "送料はいくらですか")
_QUESTIONS: dict[str, tuple[str, ...]] = {
    "rare word": ("TK100007", "TK100015", "TK100023"),
    "common word": ("order", "the", "refund"),
    "two common words": ("order refund", "patience parcel", "money address"),
    "phrase": ('"thank you for your patience"', '"where is my order"', '"order the for"', '"the parcel your"'),
    "prefix": ("refun*", "ord*", "ware*"),
    "operator": (
        "role:tool", "has:error", "tool:lookup_order", "refund meta.tier:gold", "order model:gpt-4.1 -parcel",
        "refund after:2025-06-01 before:2025-07-01", "has:error meta.ticket:7",
    ),
    "Chinese, Japanese, Korean": ("退款", "東京の天気", "환불", "か"),
}  # fmt: skip


class Command(BaseCommand):
    help = "Measure importing, paging and searching on throwaway databases of the configured kind."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--messages", type=_read_sizes, default="10000,100000,1000000", help="sizes of the archive, with commas"
        )
        parser.add_argument("--rounds", type=int, default=3, help="of importing, each on an empty database")
        parser.add_argument("--step", nargs=2, metavar=("STEP", "FILE"), help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["step"]:
            step, file = options["step"]
            self.stdout.write(json.dumps(_STEPS[step](Path(file), options["messages"][0])))
            return
        self.stdout.write(
            f"{connection.vendor}, seed {_SEED}, median of {options['rounds']} rounds of importing, "
            f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}"
        )
        measured = {size: self._measure(size, options["rounds"]) for size in options["messages"]}
        self._compare_with_goals(measured)

    def _measure(self, size: int, rounds: int) -> Figures:
        plain, imported = [], []
        with tempfile.TemporaryDirectory(prefix="lectern-benchmark-") as folder:
            file = Path(folder) / "conversations.jsonl"
            _write_lines(file, size)
            for number in range(rounds):
                with _empty_database(folder) as environment:
                    plain.append(_run("plain", file, size, environment))
                with _empty_database(folder) as environment:
                    imported.append(_run("import", file, size, environment))
                    if number == rounds - 1:
                        figures = _run("ask", file, size, environment)
        seconds = statistics.median(each["seconds"] for each in imported)
        figures |= {
            "rate": size / seconds,
            "ratio": statistics.median(each["seconds"] for each in plain) / seconds,
            "memory": statistics.median(each["memory"] for each in imported),
        }
        self._print(size, figures)
        return figures

    def _print(self, size: int, figures: Figures) -> None:
        self.stdout.write(
            f"\n{size:,} messages\n"
            f"  import      {figures['rate']:8,.0f} messages/s   {figures['ratio']:.2f} of plain executemany\n"
            f"  memory      {figures['memory'] / 1e6:8.0f} MB       at most, of the importing process\n"
            f"  database    {figures['bytes']:8,.0f} bytes/message, {figures['line_bytes']:,.0f} of them in the file"
        )
        for name, taken in figures["pages"].items():
            self.stdout.write(f"  {name:34} {_milliseconds(taken)}")
        for name, taken in figures["searches"].items():
            self.stdout.write(f"  search, {name:26} {_milliseconds(taken)}")

    def _compare_with_goals(self, measured: dict[int, Figures]) -> None:
        smallest, largest = measured[min(measured)], measured[max(measured)]
        pages = [
            statistics.median(largest["pages"][name]) / statistics.median(smallest["pages"][name])
            for name in ("messages, first page", "messages, last page")
        ]
        worst = max(_p95(taken) for taken in largest["searches"].values())
        ratio = min(figures["ratio"] for figures in measured.values())
        memory = largest["memory"] / smallest["memory"]
        self.stdout.write("\nGoals")
        for is_met, said in (
            (ratio >= 0.4, f"import at least 0.4 of plain inserts: {ratio:.2f}"),
            (max(pages) <= 1.3, f"a page of the largest at most 1.3 times one of the smallest: {max(pages):.2f}"),
            (worst <= 0.06, f"p95 of a search at most 60 ms: {worst * 1000:.1f} ms"),
            (memory <= 1.2, f"memory of the importer constant: {memory:.2f} times"),
        ):
            self.stdout.write(f"  {'met   ' if is_met else 'missed'} {said}")


def _read_sizes(given: str) -> list[int]:
    return [int(size) for size in given.split(",")]


def _write_lines(file: Path, size: int) -> None:
    with file.open("w") as lines:
        lines.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in _conversations(size))


def _conversations(size: int) -> Iterator[Figures]:
    """Make conversations with so many messages in all, the same ones every time."""
    chance = random.Random(_SEED)  # noqa: S311
    say = _speech(chance)
    made = 0
    for number in count():
        length = min(chance.choice((2, 4, 6, 8, 12, 20, 40, 200)), size - made)
        if not length:
            return
        made += length
        completion_id = f"chatcmpl-{number}"
        yield {
            "object": "chat.completion", "id": completion_id, "model": chance.choice(("gpt-4.1", "gpt-4o", "o4-mini")),
            "created": 1_735_689_600 + chance.randrange(31_536_000), "request_id": f"req_{number}", "usage": None,
            "metadata": {"tier": chance.choice(("gold", "tin")), "ticket": str(number)},
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": say()}}],
            "messages": list(islice(_messages(completion_id, say, chance), length)),
        }  # fmt: skip


def _messages(completion_id: str, say: Callable[[], str], chance: random.Random) -> Iterator[Figures]:
    for position in count():
        message = {"id": f"{completion_id}-{position}", "content_parts": None, "name": None, "refusal": None}
        call_id = f"call_{position - position % 8}"
        if position % 8 == 4:
            function = {"name": "lookup_order", "arguments": json.dumps({"order": f"TK{chance.randrange(10**6)}"})}
            calls = [{"id": call_id, "type": "function", "function": function}]
            yield message | {"role": "assistant", "content": None, "tool_calls": calls}
        elif position % 8 == 5:
            found = {"error": "unknown"} if chance.random() < 0.1 else {"state": "sent", "note": say()}
            yield message | {"role": "tool", "content": json.dumps(found), "tool_call_id": f"call_{position - 1}"}
        else:
            yield message | {"role": ("user", "assistant")[position % 2], "content": say()}


def _speech(chance: random.Random) -> Callable[[], str]:
    """Give a function that says something: words as common as in a language, sayings, numbers, other scripts."""
    syllables = [a + b for a in "bdfgklmnprstvw" for b in "aeiou"]
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(30_000)]
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))

    def say() -> str:
        said = chance.choices(words, cum_weights=weights, k=chance.choice((4, 8, 16, 32, 64, 120)))
        said.insert(len(said) // 2, chance.choice(_SAYINGS))
        if chance.random() < 0.1:
            said.append(f"TK{100_000 + chance.randrange(900_000)}")
        if chance.random() < 0.03:
            said.append(chance.choice(_UNSPACED))
        return " ".join(said)

    return say


@contextmanager
def _empty_database(folder: str) -> Iterator[dict[str, str]]:
    """Make a migrated database of the configured kind; yield the environment that leads to it."""
    name = f"lectern_benchmark_{os.getpid()}"
    file = Path(folder) / f"{name}.sqlite3"
    environment = os.environ | {"DATA_DIR": folder, "DATABASE_URL": f"sqlite:///{file}"}
    if connection.vendor == "postgresql":
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        environment["DATABASE_URL"] = urlsplit(env.str("DATABASE_URL"))._replace(path=f"/{name}").geturl()
    try:
        _manage(["migrate", "-v0"], environment)
        yield environment
    finally:
        if connection.vendor == "postgresql":
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        for made in Path(folder).glob(f"{file.name}*"):
            made.unlink()


def _run(step: str, file: Path, size: int, environment: dict[str, str]) -> Figures:
    written = _manage(["benchmark_archive", "--step", step, str(file), "--messages", str(size)], environment)
    figures: Figures = json.loads(written)
    return figures


def _manage(arguments: list[str], environment: dict[str, str]) -> str:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise CommandError(f"{arguments[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _import(file: Path, size: int) -> Figures:
    with file.open("rb") as lines:
        began = time.perf_counter()
        for outcome in import_lines(lines):
            if outcome.became != "imported":
                raise CommandError(f"line {outcome.line}: {outcome.said}")
        seconds = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}


def _insert_plainly(file: Path, size: int) -> Figures:
    """Insert the rows of the three tables, made beforehand, with nothing to search by."""
    search_index.drop(connection)
    seconds, number = 0.0, 0
    with file.open("rb") as lines:
        while batch := [read_line(line) for line in islice(lines, 500)]:
            numbered = list(enumerate(batch, start=number + 1))
            number += len(batch)
            rows = (
                [(n, each.completion_id, each.created, each.model, each.body, each.digest) for n, each in numbered],
                [(n, at, *message) for n, each in numbered for at, message in enumerate(each.messages)],
                [(n, *pair) for n, each in numbered for pair in each.metadata.items()],
            )
            began = time.perf_counter()
            _insert(*rows)
            seconds += time.perf_counter() - began
    return {"seconds": seconds}


def _insert(completions: list[Any], messages: list[Any], metadata: list[Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table, rows in (
            ("archive_storedcompletion (id, completion_id, created, model, body, digest)", completions),
            ("archive_storedmessage (completion_id, position, message_id, body)", messages),
            ("archive_storedmetadata (completion_id, key, value)", metadata),
        ):
            places = ", ".join(["%s"] * (table.count(",") + 1))
            cursor.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608


def _ask(file: Path, size: int) -> Figures:
    """Measure an archive as it is when the database has done its own housekeeping."""
    bytes_used = _bytes_used()
    _store_the_long_one(size)
    search_index.optimise()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {
        "bytes": bytes_used / size,
        "line_bytes": file.stat().st_size / size,
        "pages": {name: _time(partial(answer, *asked)) for name, asked in _pages(size).items()},
        "searches": {
            name: [taken for question in questions for taken in _time(partial(_search, question, order))]
            for name, questions, order in _searches()
        },
    }


def _bytes_used() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(cursor.fetchone()[0])


def _store_the_long_one(size: int) -> None:
    """Store a conversation with very many messages, row by row: as one line it would have to fit into memory."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(id) + 1 FROM archive_storedcompletion")
        row = cursor.fetchone()[0]
    text = " ".join(_SAYINGS)
    _insert([(row, _LONG, 1, "gpt-4.1", json.dumps({"id": _LONG}), "")], [], [])
    for start in range(0, size, 10_000):
        ids = [f"{_LONG}-{n}" for n in range(start, min(start + 10_000, size))]
        bodies = [json.dumps({"id": message_id, "role": "user", "content": text}) for message_id in ids]
        _insert([], [(row, start + n, ids[n], body) for n, body in enumerate(bodies)], [])


def _pages(size: int) -> dict[str, tuple[str, str]]:
    messages, completions = f"/chat/completions/{_LONG}/messages", "/chat/completions"
    return {
        "messages, first page": (messages, "limit=20"),
        "messages, last page": (messages, f"limit=20&after={_LONG}-{size - 21}"),
        "messages, last page from the end": (messages, "limit=20&order=desc"),
        "list": (completions, "limit=20"),
        "list by model": (completions, "limit=20&model=gpt-4.1"),
        "list by a common pair": (completions, "limit=20&metadata%5Btier%5D=gold"),
        "list by a rare pair": (completions, "limit=20&metadata%5Bticket%5D=7"),
        "list by model and pair": (completions, "limit=20&model=gpt-4.1&metadata%5Btier%5D=gold"),
    }


def _searches() -> Iterator[tuple[str, tuple[str, ...], Order]]:
    for name, questions in _QUESTIONS.items():
        yield name, questions, "newest"
    yield "best first", (*_QUESTIONS["common word"], *_QUESTIONS["phrase"]), "best"


def _search(question: str, order: Order) -> None:
    search(read_query(question), order=order)


def _time(ask: Callable[[], Any]) -> list[float]:
    ask()
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return taken


def _p95(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)]


def _milliseconds(taken: list[float]) -> str:
    return f"p50 {statistics.median(taken) * 1000:6.1f} ms   p95 {_p95(taken) * 1000:6.1f} ms"


_STEPS: dict[str, Callable[[Path, int], Figures]] = {"import": _import, "plain": _insert_plainly, "ask": _ask}
