"""What the processes of one machine have in common without Redis."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT
from viewer.web.caches import OfMachine, OfProcess


def elsewhere(*lines: str) -> subprocess.Popen[str]:
    """Run some Python in another process, which has the caches but no settings."""
    code = ["from django.conf import settings; settings.configure()", "from viewer.web.caches import *", *lines]
    return subprocess.Popen([sys.executable, "-c", "\n".join(code)], cwd=ROOT, text=True, stdout=subprocess.PIPE)


def test_what_another_process_clears_is_gone_here_too(tmp_path: Path) -> None:
    path = str(tmp_path / "caches" / "bubbles")
    cache = OfProcess(path, {})
    for _ in range(2):
        cache.set("bubble", "html")
        assert cache.get("bubble") == "html"
        assert elsewhere(f"OfProcess({path!r}, {{}}).clear()").wait() == 0
        assert cache.get("bubble") is None
    cache.clear()
    cache.set("bubble", "html")
    assert cache.get("bubble") == "html"  # nobody has cleared it since


def test_processes_that_count_at_once_miss_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "caches" / "attempts")
    count = (f"cache = OfMachine({path!r}, {{}})", "cache.add('wrong', 0)", "for _ in range(300): cache.incr('wrong')")
    counting = [elsewhere(*count) for _ in range(2)]
    assert [process.wait() for process in counting] == [0, 0]
    assert OfMachine(path, {}).get("wrong") == 600


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., OfMachine]:
    return lambda **options: OfMachine(str(tmp_path / "counters"), {"OPTIONS": options})


def test_a_counter_ends_and_a_new_one_begins_from_nothing(
    make: Callable[..., OfMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, now = make(), 1_000.0
    monkeypatch.setattr("time.time", lambda: now)
    assert cache.add("wrong", 3, 60)
    assert not cache.add("wrong", 0, 60)
    assert cache.incr("wrong") == 4
    now += 61
    assert cache.get("wrong", 0) == 0
    with pytest.raises(ValueError, match="not found"):
        cache.incr("wrong")
    assert cache.add("wrong", 0, 60)
    assert cache.incr("wrong") == 1
    cache.delete_many(["wrong"])
    assert cache.get("wrong") is None


def test_the_newest_counters_stay_when_there_are_too_many(make: Callable[..., OfMachine]) -> None:
    cache = make(MAX_ENTRIES=10)
    for n in range(30):
        cache.set(str(n), [n, 0.5])
    kept: list[Any] = [cache.get(str(n)) for n in range(30)]
    assert kept == [None] * 20 + [[n, 0.5] for n in range(20, 30)]


def test_the_file_says_nothing_of_whom_it_counts(make: Callable[..., OfMachine], tmp_path: Path) -> None:
    make().set("address:192.0.2.7", 5)
    written = b"".join(file.read_bytes() for file in tmp_path.glob("counters*"))
    assert b"kept" in written
    assert b"192.0.2.7" not in written
