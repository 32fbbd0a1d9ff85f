"""A database as 0.1.0 left it becomes one of this version, and keeps every row."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.conftest import make_choice, make_completion, say
from tests.said import said_in
from viewer.archive.models import SearchPack
from viewer.archive.packing import unpack
from viewer.archive.search import index as search_index
from viewer.keys.models import ApiKey

# The last migration of each of our apps in 0.1.0, and of Django's sessions, which `accounts` has replaced since.
LEFT_BY_0_1_0 = [
    ("archive", "0003_cheaper_imports"), ("copies", "0002_only_newest"), ("keys", "0002_live_reading"),
    ("sessions", "0001_initial"), ("sources", "0001_live_reading"),
]  # fmt: skip
OURS = ("archive", "copies", "keys", "sessions", "sources")
WHEN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
KEY, VERSION, WORKER = (UUID(int=number, version=4) for number in (1, 2, 3))
MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
SEALED = "v1.630dcd29.DdwZQ8AHciGkX7-B_KXSgGjWsnfrhnFYbsar6LDlIc0pTPetxao6"  # by 0.1.0, for the key's row
SECRET = "sk-of-0.1.0"


@pytest.fixture
def empty_database(django_db_setup: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[None]:
    """Another database than that of the tests, without a table."""
    tests = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        is_sqlite = connection.vendor == "sqlite"
        other = str(tmp_path / "other.sqlite3") if is_sqlite else f"{tests}_other"
        if not is_sqlite:
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {other}")
        _connect_to(other)
        try:
            yield
        finally:
            _connect_to(tests)
            if not is_sqlite:
                with connection.cursor() as cursor:
                    cursor.execute(f"DROP DATABASE {other} WITH (FORCE)")
            connection.close()


def _connect_to(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def migrate_to_0_1_0() -> Any:
    """Make the tables of 0.1.0; give its models."""
    executor = MigrationExecutor(connection)
    newer = (*OURS, "accounts", "uploads")  # the latter would bring the newest tables of the archive along
    others = [node for node in executor.loader.graph.leaf_nodes() if node[0] not in newer]
    state = executor.migrate([*LEFT_BY_0_1_0, *others])
    # The index and its triggers were made by 0002 and 0003 then, by the statements that 0004 has now.
    import_module("viewer.archive.migrations._search_index_0004").create(connection)
    return state.apps


def fill(apps: Any) -> None:
    """Put into every table what 0.1.0 put there."""
    person = apps.get_model("auth", "User").objects.create(id=1, username="ann", password="argon2$ann", is_staff=True)
    apps.get_model("sessions", "Session").objects.create(session_key="readable", session_data="ann's", expire_date=WHEN)

    model = {one.__name__: one.objects for label in OURS for one in apps.get_app_config(label).get_models()}
    body = make_completion("chatcmpl-old", choices=[make_choice("The refund is on its way.")])
    message = {"id": "chatcmpl-old-0", **say("user", "Where is my zanzibar?")}
    metadata = {"ticket": "7"}
    completion = model["StoredCompletion"].create(
        id=5, completion_id="chatcmpl-old", created=1_760_000_000, model="gpt-4.1", digest="d" * 64,
        body=json.dumps({name: value for name, value in body.items() if name != "messages"}),
    )  # fmt: skip
    model["StoredMessage"].create(
        id=6, completion=completion, position=0, message_id=message["id"], body=json.dumps(message)
    )
    for name, value in metadata.items():
        model["StoredMetadata"].create(completion=completion, key=name, value=value)
    model["SearchEntry"].create(id=8, completion=completion, position=0, words="where is my zanzibar")
    model["SearchEntry"].create(id=9, completion=completion, position=None, words="the refund is on its way")

    key = model["ApiKey"].create(
        id=KEY, owner=person, label="work", sealed=SEALED, ending=SECRET[-4:], base_url="https://llm.example/v1",
        organization="org-1", project="proj_1", is_chosen=True, finding="works", version=VERSION, created_at=WHEN,
    )  # fmt: skip
    model["AccessToken"].create(
        owner=person, name="reports", digest="e" * 64, ending="abcd", created_at=WHEN, api_key=key
    )
    model["Finding"].create(person=person, completion_id="chatcmpl-old", api_key=key)
    model["Copy"].create(completion=completion, api_key=key, key_version=VERSION, host="llm.example", copied_at=WHEN)
    run = model["CopyRun"].create(
        person=person, api_key=key, label="work", metadata=metadata, state="paused", worker=WORKER, listed=2, wanted=2,
        copied=1, only_newest=True, asked_at=WHEN,
    )  # fmt: skip
    model["CopyFailure"].create(
        run=run, completion_id="chatcmpl-lost", problem="unavailable", said="502", failed_at=WHEN
    )
    assert [name for name, rows in model.items() if not rows.exists()] == []


def rows_of(tables: dict[str, list[str]]) -> dict[str, list[tuple[Any, ...]]]:
    """Give what these columns of each table hold."""
    rows = {}
    with connection.cursor() as cursor:
        for table, columns in tables.items():
            cursor.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1")
            rows[table] = cursor.fetchall()
    return rows


@pytest.mark.slow
@pytest.mark.usefixtures("empty_database")
def test_every_row_of_0_1_0_is_there_after_an_upgrade(settings: Any) -> None:
    settings.KEY_ENCRYPTION_KEYS = [MASTER_KEY]
    apps = migrate_to_0_1_0()
    fill(apps)
    models = [apps.get_model("auth", "User"), *(one for app in OURS for one in apps.get_app_config(app).get_models())]
    tables = {one._meta.db_table: [field.column for field in one._meta.fields] for one in models}
    before = rows_of(tables)

    call_command("migrate", verbosity=0)

    after = rows_of(tables)
    # By the changelog: everybody signs in once more, and the next start rebuilds the index.
    assert before.pop("django_session")
    assert before.pop("archive_searchentry")
    assert after.pop("django_session") == after.pop("archive_searchentry") == []
    # Messages are packed.
    assert after.pop("archive_storedmessage") == []
    (message,) = before.pop("archive_storedmessage")
    assert said_in() == [tuple(message[tables["archive_storedmessage"].index(name)] for name in ("message_id", "body"))]
    assert after == before

    key = ApiKey.objects.get()
    assert (key.open().reveal(), key.open_headers()) == (SECRET, {})
    call_command("rebuild_search", missing=True)
    assert "zanzibar" in unpack(SearchPack.objects.get().words)
    assert not search_index.unindexed().exists()
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
