from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.conftest import make_key
from tests.locks import patience_of_writes
from tests.pages import attributes, visible
from viewer.accounts.roles import READER, give_role
from viewer.deployment.waiting import patience
from viewer.keys.models import AccessToken
from viewer.read_log import recording


def test_a_token_is_shown_once_and_stored_as_a_hash(reader: Client) -> None:
    made = reader.post("/tokens/", {"name": "ticket sync"})
    secret = made.context["secret"]
    page = made.content.decode()
    assert attributes(page, "value", "[autofocus]") == [secret]  # to copy it is what comes next
    assert made["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    token = AccessToken.objects.get()
    assert secret not in f"{token.digest} {token.name} {token.ending}"
    again = reader.get("/tokens/").content.decode()
    assert secret not in again
    assert "ticket sync" in again
    assert f"…{secret[-4:]}" in again
    assert "never" in again


def test_a_token_without_a_name_is_refused_with_a_sentence(reader: Client) -> None:
    answer = reader.post("/tokens/", {"name": " "})
    assert answer.status_code == 422
    assert "Enter a name, for example" in answer.content.decode()
    assert not AccessToken.objects.exists()


def test_the_last_use_is_shown_and_noted_once_a_minute(reader: Client, alice: User) -> None:
    token, secret = AccessToken.objects.issue(alice, "sync")
    bearer = {"Authorization": f"Bearer {secret}"}
    reader.get("/v1/chat/completions", headers=bearer)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    reader.get("/v1/chat/completions", headers=bearer)
    token.refresh_from_db()
    assert token.last_used_at == first
    AccessToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    reader.get("/v1/chat/completions", headers=bearer)
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at > first


def test_revoking_takes_effect_on_the_next_request(reader: Client, alice: User) -> None:
    token, secret = AccessToken.objects.issue(alice, "sync")
    bearer = {"Authorization": f"Bearer {secret}"}
    assert reader.get("/v1/chat/completions", headers=bearer).status_code == 200
    answer = reader.post(f"/tokens/{token.pk}/revoke/", follow=True)
    assert "“sync” was revoked" in answer.content.decode()
    assert reader.get("/v1/chat/completions", headers=bearer).status_code == 401


def test_nobody_sees_or_revokes_the_token_of_another(client: Client, alice: User, mallory: User) -> None:
    token, _ = AccessToken.objects.issue(alice, "alices sync")
    client.force_login(mallory)
    assert "alices sync" not in client.get("/tokens/").content.decode()
    assert client.post(f"/tokens/{token.pk}/revoke/").status_code == 404
    assert AccessToken.objects.filter(pk=token.pk).exists()


def test_a_get_revokes_nothing_and_asks(reader: Client, alice: User) -> None:
    token, _ = AccessToken.objects.issue(alice, "sync")
    assert "Revoke “sync”?" in reader.get(f"/tokens/{token.pk}/revoke/").content.decode()
    assert AccessToken.objects.exists()


def test_the_command_makes_a_token_that_works(alice: User, client: Client) -> None:
    out = StringIO()
    call_command("create_token", "alice", "--name", "cron", stdout=out)
    secret = out.getvalue().strip()
    assert client.get("/v1/chat/completions", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert AccessToken.objects.get().name == "cron"


def test_the_command_names_an_unknown_person(db: None) -> None:
    with pytest.raises(CommandError, match="There is nobody with the name eve"):
        call_command("create_token", "eve")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="one place to write is SQLite's")
def test_a_program_waits_for_the_read_log_alone_while_another_process_writes(
    client: Client, alices_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_MAX_WAIT", 0.05)
    token = AccessToken.objects.get()
    holding = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE'); print(flush=True); input()"
    command = [sys.executable, "-c", holding, str(connection.settings_dict["NAME"])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        headers = {"Authorization": f"Bearer {alices_token}"}
        with patience_of_writes() as waits:
            statuses = [client.get("/v1/chat/completions", headers=headers).status_code for _ in range(3)]
        other.communicate(b"\n")
    assert statuses == [503] * 3
    assert waits.count(50) == 3
    assert set(waits) == {0, 50}
    assert AccessToken.objects.get().last_used_at is None
    client.get("/v1/chat/completions", headers=headers)
    assert AccessToken.objects.get(pk=token.pk).last_used_at
    assert patience.get() == 20


def test_only_a_curator_gives_a_token_rights_and_only_for_the_archive(client: Client, alice: User, bob: User) -> None:
    sent = {"name": "crm", "may_import": "on", "may_delete": "on"}
    client.force_login(bob)
    assert "May import" not in client.get("/tokens/").content.decode()
    client.post("/tokens/", sent)
    assert AccessToken.objects.get().rights == []
    client.force_login(alice)
    assert client.post("/tokens/", sent | {"source": make_key(alice).pk}).status_code == 422
    page = client.post("/tokens/", sent).content.decode()
    assert AccessToken.objects.get(owner=alice).rights == ["may_import", "may_delete"]
    assert "read, import, delete" in visible(page)
    give_role(alice, READER)
    assert "you are no curator any more" in visible(client.get("/tokens/").content.decode())
    with pytest.raises(CommandError, match="bob is no curator"):
        call_command("create_token", "bob", "--may", "import")
