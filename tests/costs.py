"""Tells work that grows with its input from work that grows with the square of it."""

from __future__ import annotations

import time
from collections.abc import Callable


def assert_linear(run: Callable[[int], object], size: int) -> None:
    """Four times the input may take four times as long, not sixteen times; what takes under 20 ms is no matter.

    Others disturb, so the best of up to three times counts; most need one.
    """
    large = small = float("inf")
    for _ in range(3):
        large = min(large, _cost(run, size))
        if large < 0.02:
            return
        small = min(small, _cost(run, size // 4))
        if large < 10 * small:
            return
    raise AssertionError(f"{size} cost {large:.3f} s, a quarter of it {small:.3f} s")


def _cost(run: Callable[[int], object], size: int) -> float:
    """Time a run in seconds of this process's own."""
    begin = time.process_time()
    run(size)
    return time.process_time() - begin
