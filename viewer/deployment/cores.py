"""How many processor cores this process may use."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def cores(groups: Path = _GROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Return the number of cores: those that the system gives, or what a control group's quota allows of their time.

    systemd (`CPUQuota`) and containers set a quota. A part of a core counts as one, as a process more can use it.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([affinity, *(math.ceil(quota) for quota in _quotas(groups, own))])


def _quotas(groups: Path, own: Path) -> list[float]:
    """Return the quotas of this process's control group (version 2) and of those that it is in, in cores."""
    group = groups
    with suppress(OSError, StopIteration):
        group /= next(line[4:] for line in own.read_text().splitlines() if line.startswith("0::/"))
    found = []
    for folder in (group, *group.parents):
        if folder.is_relative_to(groups):
            with suppress(OSError, ValueError):  # no quota is the word "max"
                quota, period = map(int, (folder / "cpu.max").read_text().split())
                found.append(quota / period)
    return found
