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

is_sqlite = connection.vendor == "sqlite"
HOW_MANY = "SELECT count(*) FROM archive_storedmessage"


@pytest.mark.django_db(transaction=True)
def test_a_backup_is_whole_and_private(stored: Callable, tmp_path: Path) -> None:
    stored(make_long("chatcmpl-long", 50))
    if is_sqlite:
        call_command("backup_sqlite", tmp_path / "backup.sqlite3")
        assert stat.S_IMODE((tmp_path / "backup.sqlite3").stat().st_mode) == 0o600
        with sqlite3.connect(tmp_path / "backup.sqlite3") as backup:
            assert backup.execute(HOW_MANY).fetchone() == (50,)
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
        finally:
            server.execute(f"DROP DATABASE {name}_restored WITH (FORCE)")


def test_a_backup_never_writes_over_a_file(tmp_path: Path, db: None) -> None:
    (tmp_path / "precious").write_text("precious")
    with pytest.raises(CommandError, match="File exists" if is_sqlite else "pg_dump"):
        call_command("backup_sqlite", tmp_path / "precious")
    assert (tmp_path / "precious").read_text() == "precious"
