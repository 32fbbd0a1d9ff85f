"""A backup is whole, private, and can be read again: by SQLite's own tools or by PostgreSQL's."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.conftest import make_long
from tests.servers import program
from viewer.operations.management.commands import backup_sqlite
from viewer.read_log.recording import write

is_sqlite = connection.vendor == "sqlite"
HOW_MANY = "SELECT sum(count) FROM archive_messagepack"
LOGGED = "SELECT name FROM read_log_reading"
FORGED = "UPDATE read_log_reading SET name = 'somebody else'"


@pytest.mark.django_db(transaction=True)
def test_a_backup_is_whole_and_private(stored: Callable, tmp_path: Path) -> None:
    stored(make_long("chatcmpl-long", 50))
    write(action="json", name="alice")
    if is_sqlite:
        call_command("backup_sqlite", tmp_path / "backup.sqlite3")
        assert stat.S_IMODE((tmp_path / "backup.sqlite3").stat().st_mode) == 0o600
        with sqlite3.connect(tmp_path / "backup.sqlite3") as backup:
            assert backup.execute(HOW_MANY).fetchone() == (50,)
            assert backup.execute(LOGGED).fetchone() == ("alice",)
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                backup.execute(FORGED)
        backup.close()
        return
    cluster = os.environ["DATABASE_URL"].rpartition("/")[0]
    dump, name = str(tmp_path / "lectern.dump"), connection.settings_dict["NAME"]
    subprocess.run([program("pg_dump"), "--format=custom", f"--file={dump}", f"{cluster}/{name}"], check=True)
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}_restored")
        try:
            into = f"--dbname={cluster}/{name}_restored"
            subprocess.run([program("pg_restore"), "--clean", "--if-exists", "--no-owner", into, dump], check=True)
            with psycopg.connect(f"{cluster}/{name}_restored") as restored:
                assert restored.execute(HOW_MANY).fetchone() == (50,)
                assert restored.execute(LOGGED).fetchone() == ("alice",)
                with pytest.raises(psycopg.IntegrityError, match="append-only"):
                    restored.execute(FORGED)
        finally:
            server.execute(f"DROP DATABASE {name}_restored WITH (FORCE)")


def test_a_backup_never_writes_over_a_file(stored: Callable, tmp_path: Path) -> None:
    stored(make_long("chatcmpl-long", 2))
    (tmp_path / "precious").write_text("precious")
    with pytest.raises(CommandError, match="File exists" if is_sqlite else "pg_dump"):
        call_command("backup_sqlite", tmp_path / "precious")
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.skipif(not is_sqlite, reason="PostgreSQL has tools of its own")
@pytest.mark.django_db(transaction=True)
def test_a_folder_keeps_the_newest_backups_and_what_is_not_one(stored: Callable, tmp_path: Path) -> None:
    stored(make_long("chatcmpl-long", 2))
    (tmp_path / "notes.txt").write_text("mine")
    for _ in range(3):
        call_command("backup_sqlite", tmp_path, keep=2)
    kept = sorted(file.name for file in tmp_path.iterdir())
    assert len(kept) == 3
    assert kept.pop() == "notes.txt"
    newest = kept[-1]
    call_command("backup_sqlite", tmp_path, keep=1)
    assert newest not in {file.name for file in tmp_path.iterdir()}


@pytest.mark.skipif(not is_sqlite, reason="PostgreSQL has tools of its own")
@pytest.mark.django_db(transaction=True)
def test_a_copy_that_is_not_what_was_there_does_not_become_a_backup(
    stored: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make_long("chatcmpl-long", 2))
    good = tmp_path / "lectern-1.sqlite3"
    good.write_text("the one of yesterday")
    monkeypatch.setattr(backup_sqlite, "_count", lambda: dict.fromkeys(backup_sqlite._COUNTED, 2) | {"people": 0})
    with pytest.raises(CommandError, match=r"holds 1 conversations, the archive 2; it was deleted"):
        call_command("backup_sqlite", tmp_path, keep=1)
    assert [file.name for file in tmp_path.iterdir()] == [good.name]


@pytest.mark.skipif(not is_sqlite, reason="PostgreSQL has tools of its own")
def test_there_must_be_something_to_back_up(tmp_path: Path, db: None) -> None:
    with pytest.raises(CommandError, match="neither people nor conversations"):
        call_command("backup_sqlite", tmp_path / "backup")
    with pytest.raises(CommandError, match="--keep needs a folder"):
        call_command("backup_sqlite", tmp_path / "backup", keep=3)
    assert list(tmp_path.iterdir()) == []
