"""Two servers, one PostgreSQL, one Redis: what one of them learns, the other knows. `./run test --postgres` runs it."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import requests

from tests.pages import attributes, completion_ids, element, elements, message_ids, problems, visible
from tests.processes import copy_static_files, post, running, sign_in, until
from tests.servers import redis
from tests.upstream import Upstream

PASSWORD = "two machines 1"
ONE = "/completions/chatcmpl-live-0001/"
Let = Callable[[bool], None]


@pytest.fixture(scope="module")
def database() -> Iterator[tuple[str, Let]]:
    """A database of its own, and a way to make it refuse everyone."""
    cluster, name = os.environ["DATABASE_URL"].rpartition("/")[0], f"two_machines_{secrets.token_hex(4)}"
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")

        def let(is_open: bool) -> None:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {is_open}")
            if not is_open:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

        yield f"{cluster}/{name}", let
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def let_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ExitStack]]:
    """A Redis of its own, and the block that ends it."""
    with ExitStack() as block:
        yield block.enter_context(redis(tmp_path_factory.mktemp("redis"))), block


@pytest.fixture(scope="module")
def machines(
    database: tuple[str, Let],
    let_redis: tuple[str, ExitStack],
    prepared: Path,
    tmp_path_factory: pytest.TempPathFactory,
    _running_upstream: Upstream,
) -> Iterator[list[str]]:
    """The addresses of two running servers that share what a team's servers share."""
    settings = {
        "DATABASE_URL": database[0], "CACHE_URL": let_redis[0], "DEMO_PASSWORD": PASSWORD, "API_HOSTS": _running_upstream.host,
        "SECRET_KEY": secrets.token_hex(32), "KEY_ENCRYPTION_KEYS": base64.b64encode(bytes(32)).decode(),
    }  # fmt: skip
    with ExitStack() as servers:
        folders = [copy_static_files(prepared, tmp_path_factory.mktemp("machine")) for _ in range(2)]
        yield [servers.enter_context(running(folder, **settings)).address for folder in folders]


@pytest.fixture(scope="module")
def reader(machines: list[str]) -> requests.Session:
    """Somebody who has signed in on the first machine. A cookie counts for every port of a host."""
    return sign_in(machines[0], PASSWORD)


def test_who_signs_in_here_is_signed_in_there(machines: list[str], reader: requests.Session) -> None:
    assert reader.get(f"{machines[1]}/completions/").url == f"{machines[1]}/completions/"


def test_a_token_revoked_here_is_refused_there(machines: list[str], reader: requests.Session) -> None:
    here, there = machines
    token = re.search(r"lectern_[\w-]{20,}", post(reader, f"{here}/tokens/", {"name": "two machines"}).text)
    assert token
    bearer = {"Authorization": f"Bearer {token[0]}"}
    assert requests.get(f"{there}/v1/chat/completions", headers=bearer, timeout=30).status_code == 200
    for revoke in attributes(reader.get(f"{here}/tokens/").text, "action", 'form[action$="/revoke/"]'):
        post(reader, here + revoke, {})
    assert requests.get(f"{there}/v1/chat/completions", headers=bearer, timeout=30).status_code == 401


def test_what_was_read_here_is_not_asked_for_again_there(
    machines: list[str], reader: requests.Session, upstream: Upstream
) -> None:
    here, there = machines
    post(reader, f"{here}/keys/", {"label": "team", "key": "sk-good-alice-0001", "base_url": upstream.base()})
    key = attributes(reader.get(f"{here}/keys/").text, "value", '[name="key"]:not([value=""])')[0]
    post(reader, f"{here}/keys/choose/", {"key": key})
    upstream.forget()
    assert message_ids(reader.get(here + ONE).text)
    asked = len(upstream.asked())
    assert asked
    assert message_ids(reader.get(there + ONE).text)
    assert len(upstream.asked()) == asked


def test_a_copy_asked_for_here_is_watched_and_paused_there(
    machines: list[str], reader: requests.Session, upstream: Upstream
) -> None:
    here, there = machines
    upstream.set("delay", 0.2)
    post(reader, f"{here}/keys/", {"label": "copies", "key": "sk-good-alice-0001", "base_url": upstream.base()})
    options = elements(reader.get(f"{there}/imports/").text, 'select[name="key"] option')
    (key,) = [option.attributes["value"] or "" for option in options if visible(option).startswith("copies")]
    post(reader, f"{here}/imports/", {"key": key, "metadata": "team=returns"})
    until(lambda: re.search(r"\b[1-9] of 11 imported", visible(reader.get(f"{there}/imports/").text)))
    run = element(reader.get(f"{there}/imports/").text, "[data-run] h2 a").attributes["href"] or ""
    post(reader, there + run, {"wish": "pause"})
    assert attributes(reader.get(f"{here}/imports/").text, "data-run") == ["paused"]
    post(reader, there + run, {"wish": "resume"})
    until(lambda: attributes(reader.get(f"{here}/imports/").text, "data-run") == ["done"])
    paths = [asked["path"] for asked in upstream.asked() if asked["path"].endswith("/messages")]
    assert len(set(paths)) == 11


def test_without_the_database_every_page_says_so_and_comes_back_with_it(
    machines: list[str], reader: requests.Session, database: tuple[str, Let]
) -> None:
    let = database[1]
    let(False)
    try:
        refused = reader.get(f"{machines[0]}/completions/", timeout=60)
        in_the_feed = reader.get(f"{machines[0]}/completions/", headers={"HX-Request": "true"}, timeout=60)
        at_the_door = requests.get(
            f"{machines[1]}/v1/chat/completions", headers={"Authorization": "Bearer x"}, timeout=60
        )
        health = requests.get(f"{machines[1]}/health/", timeout=60)
    finally:
        let(True)
    assert [answer.status_code for answer in (refused, in_the_feed, at_the_door, health)] == [503] * 4
    assert "The database is unavailable" in refused.text
    assert problems(in_the_feed.text) == ["unavailable"]
    assert reader.get(f"{machines[0]}/completions/", timeout=60).status_code == 200


def test_wrong_passwords_are_counted_together(machines: list[str]) -> None:
    here, there = machines
    for address in (here, there, here, there, here):
        sign_in(address, "wrong", "localhost")  # both stand behind one name
    for address in machines:
        assert "/login/" in sign_in(address, PASSWORD, "localhost").get(f"{address}/completions/").url


def test_without_redis_pages_still_come_and_wrong_passwords_are_still_counted(
    machines: list[str], reader: requests.Session, let_redis: tuple[str, ExitStack]
) -> None:
    let_redis[1].close()
    assert message_ids(reader.get(f"{machines[1]}{ONE}", timeout=60).text)
    assert completion_ids(reader.get(f"{machines[0]}/completions/", timeout=60).text)
    sign_in(machines[0], PASSWORD)  # counted anew, by this process
    for _ in range(5):
        sign_in(machines[0], "wrong")
    assert "/login/" in sign_in(machines[0], PASSWORD).get(f"{machines[0]}/completions/").url
