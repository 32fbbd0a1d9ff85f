"""Measures the archive: how fast it imports, how fast it responds and what it needs, at several sizes.

All of it happens in databases of the configured kind that are created for it and dropped; no real archive is touched.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

from django.db import connection

from benchmarks.archive_lines import SEED, make_conversations
from benchmarks.archive_steps import STEPS, Figures
from benchmarks.databases import throwaway_database
from benchmarks.desk import manage, run


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench archive", description=__doc__)
    parser.add_argument(
        "--messages", type=_read_sizes, default="10000,100000,1000000", help="sizes of the archive, with commas"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds of importing, each into an empty database")
    parser.add_argument("--step", nargs=2, metavar=("STEP", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.step:
        step, file = options.step
        print(json.dumps(STEPS[step](Path(file), options.messages[0])))
    else:
        _measure_all(options.messages, options.rounds)


def _read_sizes(given: str) -> list[int]:
    return [int(size) for size in given.split(",")]


def _measure_all(sizes: list[int], rounds: int) -> None:
    print(
        f"{connection.vendor}, seed {SEED}, median of {rounds} rounds of importing, "
        f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}"
    )
    measured = {}
    with tempfile.TemporaryDirectory(prefix="lectern-benchmark-") as name:
        folder = Path(name)
        with throwaway_database(folder, "empty") as environment:
            manage("migrate", "-v0", environment=environment)
            for size in sizes:
                measured[size] = _measure(size, rounds, folder)
                _print(size, measured[size])
    _compare_with_goals(measured)


def _measure(size: int, rounds: int, folder: Path) -> Figures:
    plain, imported = [], []
    file = folder / "conversations.jsonl"
    with file.open("w") as lines:
        lines.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in make_conversations(size))
    for number in range(rounds):
        with throwaway_database(folder, "plain", template="empty") as environment:
            plain.append(_run_step("plain", file, size, environment))
        with throwaway_database(folder, "imported", template="empty") as environment:
            imported.append(_run_step("import", file, size, environment))
            if number == rounds - 1:
                figures = _run_step("request", file, size, environment)
    seconds = statistics.median(each["seconds"] for each in imported)
    return figures | {
        "rate": size / seconds,
        "ratio": statistics.median(each["seconds"] for each in plain) / seconds,
        "memory": statistics.median(each["memory"] for each in imported),
    }


def _run_step(step: str, file: Path, size: int, environment: dict[str, str]) -> Figures:
    command = ["-m", "benchmarks", "archive", "--step", step, str(file), "--messages", str(size)]
    figures: Figures = json.loads(run(command, environment))
    return figures


def _print(size: int, figures: Figures) -> None:
    print(
        f"\n{size:,} messages\n"
        f"  import      {figures['rate']:8,.0f} messages/s   {figures['ratio']:.2f} of plain executemany\n"
        f"  memory      {figures['memory'] / 1e6:8.0f} MB       peak of the importing process\n"
        f"  database    {figures['bytes']:8,.0f} bytes/message, {figures['line_bytes']:,.0f} of them in the file"
    )
    for name, taken in figures["pages"].items():
        print(f"  {name:34} {_milliseconds(taken)}")
    for name, taken in figures["searches"].items():
        print(f"  search, {name:26} {_milliseconds(taken)}")


def _compare_with_goals(measured: dict[int, Figures]) -> None:
    smallest, largest = measured[min(measured)], measured[max(measured)]
    pages = [
        statistics.median(largest["pages"][name]) / statistics.median(smallest["pages"][name])
        for name in ("messages, first page", "messages, last page")
    ]
    worst = max(_p95(taken) for taken in largest["searches"].values())
    ratio = min(figures["ratio"] for figures in measured.values())
    memory = largest["memory"] / smallest["memory"]
    print("\nGoals")
    for is_met, goal in (
        (ratio >= 0.4, f"import at least 0.4 of plain inserts: {ratio:.2f}"),
        (max(pages) <= 1.3, f"a page of the largest archive at most 1.3 times one of the smallest: {max(pages):.2f}"),
        (worst <= 0.06, f"p95 of a search at most 60 ms: {worst * 1000:.1f} ms"),
        (memory <= 1.2, f"memory of the importer constant, at most 1.2 times: {memory:.2f}"),
    ):
        print(f"  {'met   ' if is_met else 'missed'} {goal}")


def _p95(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)]


def _milliseconds(taken: list[float]) -> str:
    return f"p50 {statistics.median(taken) * 1000:6.1f} ms   p95 {_p95(taken) * 1000:6.1f} ms"
