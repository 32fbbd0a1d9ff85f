"""Tells work that grows with its input from work that grows with the square of it."""

from __future__ import annotations

import time
from collections.abc import Callable


def assert_linear(run: Callable[[int], object], size: int) -> None:
    """Four times the input may take four times as long, not sixteen times; what takes under 20 ms is no matter."""
    large = _cost(run, size)
    assert large < 0.02 or large < 10 * _cost(run, size // 4)


def _cost(run: Callable[[int], object], size: int) -> float:
    """Time a run in seconds of this process's own; the best of three is the one that nobody disturbed."""
    times = []
    for _ in range(3):
        begin = time.process_time()
        run(size)
        times.append(time.process_time() - begin)
    return min(times)
