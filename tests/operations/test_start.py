"""`./run` as a person meets it: a real process, a real port, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_key
from tests.pages import completion_ids
from tests.processes import ROOT, beginning, manage, running, sign_in
from viewer.operations.management.commands import start


def test_the_first_start_gives_a_person_samples_and_a_token_and_the_second_keeps_them(new_folder: Path) -> None:
    with running(new_folder) as first:
        address = first.address
        assert f"  Lectern  {address}" in first.printed
        page = sign_in(address, first.printed_as("Password")).get(f"{address}/completions/").text
        assert len(completion_ids(page)) >= 12
        bearer = {"Authorization": f"Bearer {first.printed_as('Access token')}"}
        assert len(requests.get(f"{address}/v1/chat/completions", headers=bearer).json()["data"]) >= 12
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(timeout=90) == 0
        assert "Traceback" not in first.output_to_its_end()
    with running(new_folder) as second:
        assert second.printed_as("Password") == first.printed_as("Password")
        assert second.printed_as("Access token") == first.printed_as("Access token")


def test_without_the_demo_and_the_worker_neither_is_there(migrated_folder: Path) -> None:
    with running(migrated_folder, DEMO="false", SYNC_WORKER="false") as server:
        assert "demo" not in server.printed
        assert "Password" not in server.printed
        assert server.copy_workers() == []
        page = sign_in(server.address, "").get(f"{server.address}/completions/")
        assert page.url.startswith(f"{server.address}/login/")


def test_everything_in_the_folder_is_for_this_user_alone_also_where_somebody_made_it(migrated_folder: Path) -> None:
    data = migrated_folder
    (data / "lectern.sqlite3").chmod(0o644)
    data.chmod(0o755)
    with running(data, SYNC_WORKER="false"):
        assert data.stat().st_mode & 0o077 == 0
        files = [file for file in data.iterdir() if not file.is_symlink()]
        assert {"lectern.sqlite3", "lectern.sqlite3-wal", "demo.json", "secret_key"} <= {file.name for file in files}
        assert [file.name for file in files if file.stat().st_mode & 0o077] == []


def test_the_demo_goes_when_it_is_not_wanted_and_does_not_come_back(
    db: None, client: Client, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR, settings.DEMO = tmp_path, True
    wanted = dict(re.findall(r"(Password|Access token) +(\S+)", start._prepare_demo()))
    signing_in = {"username": "demo", "password": wanted["Password"]}
    bearer = {"Authorization": f"Bearer {wanted['Access token']}"}
    assert client.login(**signing_in)
    assert client.get("/v1/chat/completions", headers=bearer).status_code == 200
    client.logout()
    settings.DEMO = False
    assert start._prepare_demo() == ""
    assert not client.login(**signing_in)
    assert client.get("/v1/chat/completions", headers=bearer).status_code == 401
    settings.DEMO = True
    again = start._prepare_demo()
    assert "demo is deactivated" in again
    assert "Password" not in again
    User.objects.all().delete()
    (tmp_path / "demo.json").write_text("")  # as a full disk left it
    assert start._prepare_demo() == ""


def test_a_restore_without_the_secrets_names_the_keys_that_stay_closed(alice: User, settings: Any) -> None:
    make_key(alice, "work")
    assert start._undecryptable_keys() == ""
    settings.KEY_ENCRYPTION_KEYS = ["B" * 43 + "="]
    assert "No master key here opens these API keys: work of alice." in start._undecryptable_keys()


def test_several_first_starts_at_once_prepare_one_archive_with_the_given_password(new_folder: Path) -> None:
    with ExitStack() as all_of_them:
        begun = [
            all_of_them.enter_context(beginning(new_folder, DEMO_PASSWORD="all at once", SYNC_WORKER="false"))
            for _ in range(3)
        ]
        for server in begun:
            server.wait_until_it_serves()
            assert "Traceback" not in server.output
            assert "Ctrl-C" in server.printed, server.output
        address = begun[-1].address  # the given password is that of the one demo
        assert sign_in(address, "all at once").get(f"{address}/completions/").url == f"{address}/completions/"
    with sqlite3.connect(new_folder / "lectern.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM auth_user").fetchone() == (1,)
    database.close()


def test_a_taken_port_is_named_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running(tmp_path, PORT=str(port)) as server:
            assert server.process.wait(timeout=60) == 1
            assert server.output.startswith(f"lectern: Port {port} on 127.0.0.1 cannot be used")
            assert len(server.output.splitlines()) == 1


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """The script itself is tried with a `python3` that is too old, in a copy that has nothing installed yet."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name in ("run", "requirements.txt", "requirements-dev.txt", "requirements-tools.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "run").chmod(0o755)
    for tool in ("sh", "dirname", "cmp", "cat"):
        found = next(Path(folder, tool) for folder in os.environ["PATH"].split(":") if Path(folder, tool).exists())
        (tmp_path / tool).symlink_to(found)
    done = subprocess.run(
        [str(tmp_path / "run")], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("lectern: Python 3.11 or newer is needed")
    assert len(done.stderr.splitlines()) == 1


def test_a_worker_leaves_what_it_has_loaded_out_of_garbage_collection(prepared_folder: Path) -> None:
    code = (
        "import gc, sys, viewer.wsgi; print(gc.get_freeze_count(), len(gc.get_objects()), 'viewer.urls' in sys.modules)"
    )
    frozen, left, has_pages = manage(prepared_folder, "shell", "--no-imports", "-c", code).stdout.split()
    assert int(frozen) > 100 * int(left)
    assert has_pages == "True"


def test_a_command_loads_nothing_that_only_pages_need(prepared_folder: Path) -> None:
    code = "import sys; print([name for name in ('viewer.urls', 'fido2', 'cryptography') if name in sys.modules])"
    assert manage(prepared_folder, "shell", "--no-imports", "-c", code).stdout.strip() == "[]"
