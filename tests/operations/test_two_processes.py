"""A server of two processes: what one of them learns, the other knows, without Redis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest
import requests

from tests.pages import attributes, element
from tests.processes import Server, copy_prepared, post, running, sign_in, workers

PASSWORD = "two processes 1"


@pytest.fixture(scope="module")
def server(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = copy_prepared(prepared, tmp_path_factory.mktemp("two"))
    with running(data, SYNC_WORKER="false", SERVER_PROCESSES="2", DEMO_PASSWORD=PASSWORD) as server:
        yield server


@pytest.fixture
def both(server: Server) -> list[requests.Session]:
    """Somebody who has a connection to each of the processes."""
    found: dict[int, requests.Session] = {}
    while len(found) < 2:
        session = requests.Session()
        session.get(f"{server.address}/health/", timeout=30)
        found[_process_of(session, server)] = session
    return list(found.values())


def _process_of(session: requests.Session, server: Server) -> int:
    """The process at the other end of a session's connection."""
    manager = session.get_adapter(server.address).poolmanager  # type: ignore[attr-defined]
    (connection,) = [kept for pool in manager.pools._container.values() for kept in pool.pool.queue if kept]
    port, ours = (f":{int(end):04X}" for end in (connection.port, connection.sock.getsockname()[1]))
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()]
    (inode,) = [row[9] for row in rows if row[1].endswith(port) and row[2].endswith(ours)]
    for worker in workers(server.process.pid):
        for descriptor in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(FileNotFoundError):
                if os.readlink(descriptor) == f"socket:[{inode}]":
                    return worker
    raise AssertionError("no process has this connection")


def test_wrong_passwords_count_together(server: Server, both: list[requests.Session]) -> None:
    login = f"{server.address}/login/"
    form = element(both[0].get(login).text, '[action="/login/"] [name="csrfmiddlewaretoken"]').attributes["value"]
    both[1].cookies.update(both[0].cookies)
    answers = []
    for session, _ in zip(cycle(both), range(7), strict=False):
        wrong = {"csrfmiddlewaretoken": form, "login": "somebody", "password": "wrong"}
        answers.append(session.post(login, data=wrong, headers={"Referer": login}, timeout=30).status_code)
    assert answers == [200] * 5 + [429] * 2


def test_a_token_revoked_by_one_is_refused_by_the_other(server: Server, both: list[requests.Session]) -> None:
    archive = f"{server.address}/v1/chat/completions"
    bearer = {"Authorization": f"Bearer {server.printed_as('Access token')}"}
    assert [session.get(archive, headers=bearer, timeout=30).status_code for session in both] == [200, 200]
    reader = sign_in(server.address, PASSWORD)
    for revoke in attributes(reader.get(f"{server.address}/tokens/").text, "action", 'form[action$="/revoke/"]'):
        post(reader, server.address + revoke, {})
    assert [session.get(archive, headers=bearer, timeout=30).status_code for session in both] == [401, 401]


def test_a_conversation_erased_by_one_is_gone_from_the_other(server: Server, both: list[requests.Session]) -> None:
    cookies = sign_in(server.address, PASSWORD).cookies
    for session in both:
        session.cookies.update(cookies)
    listed = both[0].get(f"{server.address}/completions/", timeout=30).text
    page = f"{server.address}/completions/{attributes(listed, 'data-completion-id')[0]}/"
    assert [session.get(page, timeout=30).status_code for session in both] == [200, 200]
    post(both[0], f"{page}erase/", {})
    assert [session.get(page, timeout=30).status_code for session in both] == [404, 404]
