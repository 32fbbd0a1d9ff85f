"""Moving from an SQLite file to the configured database: everything, again and again, and never half believed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command

from tests.conftest import make_completion, say
from tests.said import said_in
from viewer.accounts.roles import role_of
from viewer.archive.api import respond
from viewer.archive.importing import import_lines
from viewer.archive.models import MessagePack, StoredCompletion
from viewer.archive.packing import unpack
from viewer.keys.models import AccessToken
from viewer.read_log.models import Reading
from viewer.read_log.recording import write

ROOT = Path(__file__).parents[2]
Move = Callable[[Path], None]
FILL = """
import json, sys
from django.contrib.auth.models import Group, Permission, User
from viewer.accounts.roles import give_role
from viewer.archive.importing import import_lines
from viewer.keys.models import AccessToken
from viewer.read_log.recording import write
ann = User.objects.create_user("ann", password="ann reads 1")
Group.objects.all().delete()
for number, name in enumerate(("curator", "administrator"), 1):  # not the ids that the migration gives
    Group.objects.create(id=number, name=name)
give_role(ann, "administrator")
ann.user_permissions.add(Permission.objects.get(codename="view_storedcompletion"))
AccessToken.objects.issue(ann, "reports")
for n in range(3):
    write(action="json", person=ann.pk, name="ann", completion_id=f"chatcmpl-{n}")
list(import_lines(sys.stdin.buffer))
"""


@pytest.fixture(scope="module")
def filled(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file as another Lectern left it: a person with a permission and a token, and 700 conversations."""
    folder = Path(shutil.copytree(migrated, tmp_path_factory.mktemp("old") / "data"))
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder)}
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", FILL]
    lines = "".join(make_line(n) for n in range(700))
    subprocess.run(command, cwd=ROOT, env=environment, check=True, input=lines.encode())
    return folder / "lectern.sqlite3"


@pytest.fixture
def move(db: None, django_db_blocker: Any) -> Move:
    """Run the command, which opens a second database besides the one of the tests."""

    def run(file: Path) -> None:
        with django_db_blocker.unblock():
            call_command("move_from_sqlite", file)

    return run


@pytest.fixture
def file(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path))


def make_line(n: int) -> str:
    messages = [say("user", f"Frage {n} \u00e4 \U0001f600"), say("tool", '{"price": 1.10}', tool_call_id="call_1")]
    return json.dumps(make_completion(f"chatcmpl-{n}", *messages, metadata={"ticket": str(n)}, created=n)) + "\n"


@pytest.mark.slow
def test_everything_is_there_afterwards(file: Path, move: Move, capsys: pytest.CaptureFixture[str]) -> None:
    move(file)
    assert StoredCompletion.objects.count() == 700
    assert len(said_in()) == 1400
    ann = User.objects.get(username="ann")
    assert ann.password.startswith("argon2$")
    assert ann.has_perm("archive.view_storedcompletion")
    assert role_of(ann) == "administrator"
    assert AccessToken.objects.get().owner == ann
    assert "\\u00e4" in respond("/chat/completions/chatcmpl-5/messages").body.decode()
    assert "DIFFERS" not in capsys.readouterr().out


def test_new_rows_go_on_where_the_copied_ones_end(file: Path, move: Move) -> None:
    move(file)
    list(import_lines([make_line(1000).encode()]))
    assert StoredCompletion.objects.count() == 701
    assert User.objects.create_user("new").pk > User.objects.get(username="ann").pk


@pytest.mark.slow
def test_it_can_be_repeated_after_the_file_has_changed(file: Path, move: Move) -> None:
    move(file)
    with sqlite3.connect(file) as old:
        old.create_function("archive_unpack", 1, unpack)  # which the triggers of the index call
        gone = "SELECT id FROM archive_storedcompletion WHERE completion_id = 'chatcmpl-3'"
        for table in ("archive_messagepack", "archive_storedmetadata"):
            old.execute(f"DELETE FROM {table} WHERE completion_id IN ({gone})")
        old.execute("DELETE FROM archive_storedcompletion WHERE completion_id = 'chatcmpl-3'")
        old.execute("UPDATE auth_user SET first_name = 'Ann'")
    old.close()
    move(file)
    assert StoredCompletion.objects.count() == 699
    assert User.objects.get(username="ann").first_name == "Ann"


@pytest.mark.slow
def test_a_copy_that_was_broken_off_is_completed(file: Path, move: Move) -> None:
    move(file)
    MessagePack.objects.filter(completion__created__lt=100).delete()
    Permission.objects.filter(codename="view_storedcompletion").update(name="broken")
    move(file)
    assert len(said_in()) == 1400


def test_the_read_log_is_moved_once_and_never_over_another(file: Path, move: Move) -> None:
    move(file)
    assert [row.completion_id for row in Reading.objects.order_by("pk")] == ["chatcmpl-0", "chatcmpl-1", "chatcmpl-2"]
    with sqlite3.connect(file) as old:
        old.execute("INSERT INTO read_log_reading SELECT 9, at, person, name, action, 'chatcmpl-9', detail, source, source_name, share, token, address FROM read_log_reading WHERE id = 1")  # fmt: skip
    old.close()
    move(file)
    assert Reading.objects.latest("pk").completion_id == "chatcmpl-9"
    write(action="json", name="somebody who read before the move")
    with pytest.raises(CommandError, match="read_log_reading there has rows of its own, which nobody may delete"):
        move(file)


def test_what_cannot_be_copied_is_told_in_a_sentence(file: Path, tmp_path: Path, move: Move) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        move(tmp_path / "nothing.sqlite3")
    assert not (tmp_path / "nothing.sqlite3").exists()
    with sqlite3.connect(file) as old:
        old.execute("DELETE FROM django_migrations WHERE app = 'archive'")
    old.close()
    with pytest.raises(CommandError, match="The file is of another version"):
        move(file)
    (tmp_path / "text").write_text("no database at all, but long enough to be taken for one" * 20)
    with pytest.raises(CommandError, match="not a database"):
        move(tmp_path / "text")
