"""Compares this checkout with another commit: the same work in both, in turns, with the median of each figure.

The other commit is checked out in a folder beside. If it names other packages, its own ./run installs them there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path

from benchmarks.compared import Figures, Goal, set_scale
from benchmarks.desk import ROOT, THIS, Checkout

SUBJECTS = ("pages", "programs", "importing", "beside", "opening", "processes", "find")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench compare", description=__doc__)
    parser.add_argument("--with", dest="revision", required=True, help="the other commit, as Git names it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1, help="of the data of `importing` and `find`, to try it out")
    parser.add_argument("names", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; without a name all")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(SUBJECTS):
        parser.error(f"{min(unknown)!r} is none of {', '.join(SUBJECTS)}")
    set_scale(options.scale)
    with _checked_out(options.revision) as other:
        for name in options.names or SUBJECTS:
            _compare(name, other, options)


@contextmanager
def _checked_out(revision: str) -> Iterator[Checkout]:
    """Check a commit out into a folder of its own, and install the packages that it names."""
    with tempfile.TemporaryDirectory(prefix="lectern-compared-") as name:
        folder = Path(name) / "lectern"
        subprocess.run(["git", "clone", "--quiet", "--shared", "--no-checkout", ROOT, folder], check=True)
        subprocess.run(["git", "checkout", "--quiet", "--detach", revision], cwd=folder, check=True)
        packages = "requirements.txt"
        if (folder / packages).read_bytes() == (ROOT / packages).read_bytes():
            yield Checkout(folder, THIS.python)
            return
        environment = {name: value for name, value in os.environ.items() if name not in ("DATA_DIR", "PYTHONPATH")}
        install = [str(folder / "run"), "manage", "version"]
        subprocess.run(install, check=True, env=environment | {"DATA_DIR": name}, stdout=subprocess.DEVNULL)
        yield Checkout(folder, str(folder / ".venv" / "bin" / "python"))


def _compare(name: str, other: Checkout, options: argparse.Namespace) -> None:
    subject = import_module(f"benchmarks.compared.{name}")
    measured: dict[Checkout, list[Figures]] = {other: [], THIS: []}
    with ExitStack() as prepared:
        work = {checkout: prepared.enter_context(subject.prepare(checkout)) for checkout in measured}
        for number in range(options.rounds):
            for checkout in (other, THIS) if number % 2 else (THIS, other):  # neither always profits from the other
                measured[checkout].append(work[checkout]())
    load = os.getloadavg()[0]
    print(f"{name}: {(subject.__doc__ or '').splitlines()[0]}")
    print(f"  median of {options.rounds} rounds in turns, {os.cpu_count()} cores, load {load:.1f}")
    print(f"  {'':58} {options.revision[:10]:>10} {'now':>10} {'ratio':>7}")
    before, now = (_medians(figures) for figures in measured.values())
    for figure in now:
        _print(figure, before[figure], now[figure], subject.GOALS.get(figure))


def _medians(rounds: list[Figures]) -> Figures:
    return {figure: statistics.median(each[figure] for each in rounds) for figure in rounds[0]}


def _print(figure: str, before: float, now: float, goal: Goal | None) -> None:
    verdict = goal.judge(before, now) if goal else ""
    print(f"  {figure:58} {before:10.2f} {now:10.2f} {now / before if before else 1:7.2f} {verdict}".rstrip())
