"""Who has the processor first."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from viewer.deployment import priority


@pytest.mark.parametrize(
    ("arguments", "nice"),
    [(["manage.py", "import_completions", "-"], 10), (["manage.py", "start"], 0), (["granian"], 0)],
)
def test_a_command_beside_the_server_is_nice_among_processes_and_sessions_until_it_ends(
    arguments: list[str], nice: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = tmp_path / "autogroup"
    session.write_text("/autogroup-42 nice 0\n")
    changes, ends = list[int](), list[Callable[[], None]]()
    monkeypatch.setattr(priority, "_SESSION", session)
    monkeypatch.setattr(os, "nice", changes.append)
    monkeypatch.setattr(priority.atexit, "register", lambda function, value: ends.append(lambda: function(value)))
    monkeypatch.setattr(sys, "argv", arguments)
    priority.give_way()
    assert sum(changes) == nice
    assert session.read_text() == (str(nice) if nice else "/autogroup-42 nice 0\n")
    for end in ends:
        end()
    assert session.read_text() in ("0", "/autogroup-42 nice 0\n")
