"""Limits that the processes of one machine share."""

from __future__ import annotations

import subprocess
import sys
from threading import Thread

import pytest
from django.conf import settings

from tests.processes import ROOT
from viewer.deployment.slots import MachineSemaphore

HOLD = """
from django.conf import settings; from pathlib import Path
settings.configure(DATA_DIR=Path({folder!r}))
from viewer.deployment.slots import MachineSemaphore
print(MachineSemaphore({name!r}, 2).acquire(blocking=False), flush=True)
input()
"""


def elsewhere(name: str) -> subprocess.Popen[str]:
    """Another process, which takes one of two slots and keeps it."""
    code = HOLD.format(folder=str(settings.DATA_DIR), name=name)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, text=True, **pipes)  # type: ignore[call-overload, no-any-return]


def test_two_processes_share_the_slots_and_one_that_is_killed_gives_its_own_back() -> None:
    slots = MachineSemaphore("killed", 2)
    assert slots.acquire(blocking=False)
    other = elsewhere("killed")
    assert other.stdout
    assert other.stdout.readline() == "True\n"
    assert not slots.acquire(blocking=False)
    assert not slots.acquire(timeout=0.01)
    waiting = Thread(target=slots.acquire)
    waiting.start()
    other.kill()
    other.wait()
    waiting.join(10)
    assert not waiting.is_alive()
    assert not slots.acquire(blocking=False)
    for _ in range(2):
        slots.release()
    with pytest.raises(ValueError, match="empty"):
        slots.release()


def test_a_limit_of_one_name_holds_up_no_other() -> None:
    slots = [MachineSemaphore(f"host {n}", 1) for n in range(50)]
    assert all(one.acquire(blocking=False) for one in slots)
    for one in slots:
        one.release()
