"""Tells work that grows with its input from work that grows with the square of it."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable
from typing import Any


def assert_linear(run: Callable[[int], object], size: int) -> None:
    """Four times the input may take four times as long, not sixteen times; what takes under 20 ms is no matter.

    Others disturb, so the best of up to three times counts; most need one.
    """
    large = small = float("inf")
    for _ in range(3):
        large = min(large, cost(run, size))
        if large < 0.02:
            return
        small = min(small, cost(run, size // 4))
        if large < 10 * small:
            return
    raise AssertionError(f"{size} cost {large:.3f} s, a quarter of it {small:.3f} s")


def cost(run: Callable[[int], object], size: int) -> float:
    """Time a run in seconds of this thread's own, while nobody collects the garbage of all tests before."""
    gc.disable()
    try:
        begin = time.thread_time()
        run(size)
        return time.thread_time() - begin
    finally:
        gc.enable()


def cost_of(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Do work in a process of its own; give its seconds of CPU, the megabytes that it added, and what it gave."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            peak, began = _peak(), time.process_time()
            given = work()
            told = [time.process_time() - began, _peak() - peak, given]
        except BaseException as error:
            told = [0.0, 0.0, repr(error)[:80]]
        with os.fdopen(writing, "w") as pipe:
            json.dump(told, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = json.load(pipe)
    os.waitpid(child, 0)
    return told[0], told[1], told[2]


def _peak() -> float:
    """The most memory that this process has held since it began, in MB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
