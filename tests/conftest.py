"""People with a meaning, an archive with known conversations, and no way out of this machine.

alice is a curator and has an access token; bob reads and has none; mallory has a token of her own and no right to alice's things.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.cache import caches
from django.core.management.color import no_style
from django.db import connection
from django.test import Client, TransactionTestCase
from django.utils import translation

from tests.processes import copy_prepared, copy_static_files, migrate, prepare, until
from tests.upstream import Upstream, running_upstream
from viewer.accounts.roles import CURATOR, give_role
from viewer.archive.importing import Outcome, import_lines, read_line, save_record
from viewer.client.limiter import host_limiter, person_limit
from viewer.deployment.data_dir import preparation_lock
from viewer.keys.encryption import Secret
from viewer.keys.models import AccessToken, ApiKey
from viewer.read_log import append_only

BROWSER = Path(__file__).parent / "browser"
STARTING_SERVERS = {
    "test_start.py", "test_stopping.py", "test_serving.py", "test_processes.py", "test_two_machines.py",
    "test_conformance.py", "test_upstream.py", "test_two_processes.py",
}  # fmt: skip
NOBODY = "127.0.0.1:9"  # the discard port: nobody listens
_connect = socket.socket.connect
has_servers = os.environ.get("DATABASE_URL", "").startswith("postgres") and "CACHE_URL" in os.environ
collect_ignore = [] if has_servers else ["test_two_machines.py"]


@pytest.hookimpl(optionalhook=True)  # pytest may be told to leave xdist out
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors, for many tests wait for a browser, a server or a clock."""
    return min(4, (os.cpu_count() or 1) + 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what starts a browser or a server as slow, and leave the German catalogue to `./run translations`.

    So a changed English sentence alone fails no test. On PostgreSQL, what needs no database or brings an SQLite file of
    its own would say again what it says on SQLite.
    """
    for item in items:
        if item.path.is_relative_to(BROWSER) or item.path.name in STARTING_SERVERS:
            item.add_marker("slow")
    elsewhere = ["translations"] * ("translations" not in config.option.markexpr) + ["once"] * has_servers
    items[:] = [item for item in items if not any(map(item.get_closest_marker, elsewhere))]


@pytest.fixture(autouse=True, scope="session")
def _tests_that_commit_leave_empty_tables() -> Iterator[None]:
    """After a test with transactions Django empties every table, which the triggers of the read log refuse.

    It also makes the content types and permissions again, which takes longer than most of these tests: here they stay.
    """

    def empty(self: TransactionTestCase) -> None:
        kept = {ContentType._meta.db_table, Permission._meta.db_table}
        tables = {*connection.introspection.django_table_names(only_existing=True, include_views=False)} - kept
        append_only.drop(connection)
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), sorted(tables)))
        append_only.create(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(autouse=True)
def _nothing_was_just_read() -> None:
    """Rows that a test rolled back must not stand for those of the next."""
    caches["readings"].clear()


@pytest.fixture(autouse=True)
def _no_stream_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server closes every response; a test that only looks at one does not."""
    monkeypatch.setattr("viewer.web.middleware._streams", BoundedSemaphore(settings.STREAMS))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""

    def connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        _connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def _no_language_is_left_behind() -> Iterator[None]:
    """A page that a test asked for in German leaves its thread speaking German."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a data folder for all parallel processes, by whichever of them needs it first."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        data = folder / name
        with preparation_lock(folder):
            if not data.exists():
                unfinished = data.with_suffix(".unfinished")
                fill(unfinished)
                unfinished.rename(data)
        return data

    return make


@pytest.fixture(scope="session")
def migrated(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A data folder with the secrets and the empty tables of an archive: all migrations take seconds."""
    return made_once("migrated", migrate)


@pytest.fixture(scope="session")
def prepared(made_once: Callable[[str, Callable[[Path], None]], Path], migrated: Path) -> Path:
    """The data folder of a server that was started once."""
    return made_once("prepared", lambda data: prepare(migrated, data))


@pytest.fixture
def prepared_folder(prepared: Path, tmp_path: Path) -> Path:
    """A data folder in which `./run` was started before."""
    return copy_prepared(prepared, tmp_path / "data")


@pytest.fixture
def new_folder(prepared: Path, tmp_path: Path) -> Path:
    """A data folder in which `./run` was never started; the static files alone are there."""
    data = tmp_path / "data"
    data.mkdir()
    return copy_static_files(prepared, data)


@pytest.fixture
def migrated_folder(new_folder: Path, migrated: Path) -> Path:
    """The same with the secrets and an archive without people and conversations: a start that fills it takes less."""
    return Path(shutil.copytree(migrated, new_folder, dirs_exist_ok=True))


@pytest.fixture(scope="session")
def _running_upstream() -> Iterator[Upstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(_running_upstream: Upstream, settings: Any) -> Upstream:
    """A server elsewhere, with its own process; forgotten questions, fresh gates, an empty cache."""
    _running_upstream.forget()
    host_limiter.cache_clear()
    person_limit.cache_clear()
    caches["answers"].clear()
    port = _running_upstream.host.partition(":")[2]
    settings.API_HOSTS = [_running_upstream.host, f"localhost:{port}", NOBODY]
    settings.UPSTREAM_DEADLINE = 20
    return _running_upstream


@pytest.fixture
def quiet_upstream(upstream: Upstream) -> Upstream:
    """The same, when it has answered what earlier tests did not wait for: its `busy` is of this test alone."""
    until(lambda: not upstream.busy()["now"])
    upstream.forget()
    return upstream


@pytest.fixture
def alice(db: None) -> User:
    person = User.objects.create_user("alice", password="alice reads 1")
    give_role(person, CURATOR)
    return person


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", password="bob reads 1")


@pytest.fixture
def mallory(db: None) -> User:
    return User.objects.create_user("mallory", password="mallory reads 1")


@pytest.fixture
def alices_token(alice: User) -> str:
    return AccessToken.objects.issue(alice, "tests")[1]


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def reader(client: Client, alice: User) -> Client:
    """A browser without JavaScript in which alice is signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def stored(db: None) -> Callable[..., list[Outcome]]:
    """Import completions, given as `make_completion` makes them."""

    def store(*completions: dict[str, Any], replace: bool = False) -> list[Outcome]:
        return list(import_lines(to_lines(completions), replace=replace))

    return store


def save(owner: User, completion: dict[str, Any]) -> None:
    """Store a completion for one person alone."""
    (line,) = to_lines([completion])
    save_record(read_line(line), owner.pk)


def make_key(owner: User, label: str = "work", secret: str = "sk-good-alice-0001", **fields: Any) -> ApiKey:
    """An API key of a person, stored as the page stores it."""
    key = ApiKey(owner=owner, label=label, **fields)
    key.seal(Secret(secret))
    key.save()
    return key


def to_lines(completions: Iterable[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(completion, ensure_ascii=False).encode() for completion in completions]


def make_completion(completion_id: str = "chatcmpl-one", *messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """One line of an import file: a stored completion and its messages, which get ids where they have none."""
    numbered = [{"id": f"{completion_id}-{n}", **message} for n, message in enumerate(messages)]
    return {
        "object": "chat.completion",
        "id": completion_id,
        "model": "gpt-4.1",
        "created": 1_762_000_000,
        "usage": {"total_tokens": 30, "completion_tokens": 10, "prompt_tokens": 20},
        "metadata": {},
        "choices": [make_choice("You are welcome.")],
        **fields,
        "messages": numbered,
    }


def make_choice(content: str | None, index: int = 0, **message: Any) -> dict[str, Any]:
    finish_reason = message.pop("finish_reason", "stop")
    said = {"content": content, "role": "assistant", **message}
    return {"index": index, "message": said, "finish_reason": finish_reason, "logprobs": None}


def say(role: str, content: Any, **fields: Any) -> dict[str, Any]:
    """One message as `…/messages` gives it."""
    return {"role": role, "content": content, "content_parts": None, "name": None, **fields}


def make_long(completion_id: str, count: int, *, prefix: str | None = None) -> dict[str, Any]:
    """A conversation of `count` messages; `prefix` gives them ids that do not count from the completion's id."""
    messages = [say("user" if n % 2 == 0 else "assistant", f"Message number {n} of {count}.") for n in range(count)]
    if prefix is not None:
        messages = [{"id": f"{prefix}{n * 7919 % 1_000_003:x}", **message} for n, message in enumerate(messages)]
    return make_completion(completion_id, *messages)
