"""How many processes serve, what they listen on, and how clients come to the one that has less to do."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from viewer.deployment.cores import cores
from viewer.operations.server import Balanced, _listening


def test_a_client_is_to_connect_again_where_another_process_has_less_to_answer() -> None:
    at_work = multiprocessing.RawArray("i", 2)
    left, asked_again = 0, []

    def answer(status: str, headers: list[tuple[str, str]], exc_info: Any) -> None:
        asked_again.append(("Connection", "close") in headers)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        nonlocal left
        left -= 1
        if left:
            here({}, answer)  # comes while this is being answered
        start_response("200 OK", [])
        return []

    def ask(at_once: int) -> list[bool]:
        nonlocal left
        left = at_once
        asked_again.clear()
        here({}, answer)
        return asked_again

    here = Balanced(at_work, 0, application)
    assert ask(1) == [False]
    assert ask(3) == [True, True, False]  # with three, two and one more than the other
    at_work[1] = 2
    assert ask(3) == [False, False, False]
    assert list(at_work) == [0, 2]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_no_part_of_an_answer_waits_until_the_client_has_acknowledged_the_one_before(address: str) -> None:
    with _listening(address, 0) as listening, socket.create_connection(listening.getsockname()[:2]):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("quotas", "expected"),
    [
        ({}, 8),
        ({"": "max 100000"}, 8),
        ({"lectern": "150000 100000"}, 2),
        ({"": "50000 100000", "lectern": "max 1"}, 1),
    ],
    ids=["no control group", "no quota", "one and a half cores", "half a core, for all in the container"],
)
def test_a_quota_of_the_processor_counts_as_fewer_cores(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quotas: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    own = tmp_path / "own"
    own.write_text("0::/lectern\n")
    for group, quota in quotas.items():
        (tmp_path / group).mkdir(exist_ok=True)
        (tmp_path / group / "cpu.max").write_text(f"{quota}\n")
    assert cores(tmp_path, own) == expected
