"""Database errors are classified, as unavailable, full, busy or not prepared, for readers, programs and commands."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection
from django.test import Client

from manage import main
from tests.conftest import make_long
from viewer.conversations.views import conversation_list
from viewer.deployment import database
from viewer.deployment.database import kind_of, set_up_for_pages
from viewer.deployment.waiting import without_waiting

is_sqlite = connection.vendor == "sqlite"


def error_of(act: Callable[[], Any]) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        act()
    return caught.value


@pytest.mark.skipif(not is_sqlite, reason="SQLite's own words")
@pytest.mark.django_db(transaction=True)
def test_sqlite_says_full_busy_and_unprepared() -> None:
    with connection.cursor() as cursor:
        most = cursor.execute("PRAGMA max_page_count").fetchone()[0]
        cursor.execute("PRAGMA max_page_count = 1")
        big = "INSERT INTO archive_storedcompletion (completion_id, created, model, body, digest) VALUES ('a', 1, '', %s, '')"
        full = error_of(lambda: cursor.execute(big, ["x" * 5_000_000]))
        cursor.execute(f"PRAGMA max_page_count = {most}")
        assert kind_of(full) == "full"
        assert kind_of(error_of(lambda: cursor.execute("SELECT * FROM nowhere"))) == "unprepared"
        holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with without_waiting():
            assert kind_of(error_of(lambda: connection.cursor().execute("DELETE FROM auth_user"))) == "busy"
        holder.close()
        cursor.execute("PRAGMA query_only = ON")
        assert kind_of(error_of(lambda: cursor.execute("DELETE FROM auth_user"))) == "read-only"
        cursor.execute("PRAGMA query_only = OFF")
    assert kind_of(ValueError("no such table")) == "other"


@pytest.mark.skipif(is_sqlite, reason="PostgreSQL's own codes")
@pytest.mark.django_db(transaction=True)
def test_postgresql_says_unprepared_and_lets_no_page_hang() -> None:
    with connection.cursor() as cursor:
        assert kind_of(error_of(lambda: cursor.execute("SELECT * FROM nowhere"))) == "unprepared"
        assert cursor.execute("SHOW tcp_keepalives_idle").fetchone()
        assert connection.connection.info.get_parameters()["tcp_user_timeout"] == "20000"
        cursor.execute("SET statement_timeout = 0")
        set_up_for_pages(None, connection)
        assert cursor.execute("SHOW statement_timeout").fetchone()[0] == "30s"
        cursor.execute("SET statement_timeout = 1")
        assert kind_of(error_of(lambda: cursor.execute("SELECT pg_sleep(2)"))) == "away"
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET default_transaction_read_only = on")
        assert kind_of(error_of(lambda: cursor.execute("DELETE FROM auth_user"))) == "read-only"
        cursor.execute("SET default_transaction_read_only = off")


@pytest.mark.skipif(is_sqlite, reason="SQLite runs in this process")
@pytest.mark.django_db(transaction=True)
def test_a_server_that_hangs_does_not_hold_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own limit is none then: here it has none, and takes longer than it may."""
    monkeypatch.setattr(database, "_RESPONSE_TIMEOUT", 0.2)
    connection.ensure_connection()
    set_up_for_pages(None, connection)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        hanging = connection.connection.info.backend_pid
        assert kind_of(error_of(lambda: cursor.execute("SELECT pg_sleep(5)"))) == "away"
    assert not connection.is_usable()  # so that Django takes another at the next request
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [hanging])  # or the tests that follow meet its transaction


@pytest.mark.parametrize(
    ("said", "status", "title"),
    [
        ("database or disk is full", 503, "The disk is full"),
        ("attempt to write a readonly database", 503, "The database is read-only"),
        ("database is locked", 503, "The database is busy"),
        ("connection refused", 503, "The database is unavailable"),
        ("no such table: archive_storedcompletion", 500, "Something went wrong"),
    ],
)
def test_a_page_names_the_cause(
    reader: Client, monkeypatch: pytest.MonkeyPatch, said: str, status: int, title: str
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError(said)

    reader.raise_request_exception = False
    monkeypatch.setattr(conversation_list, "page_or_fragment", fails)
    page = reader.get("/completions/")
    assert (page.status_code, "Retry-After" in page) == (status, status == 503)
    assert title in page.content.decode()


def test_a_program_gets_its_envelope_when_our_own_code_fails(
    client: Client, alices_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError

    client.raise_request_exception = False
    monkeypatch.setattr("viewer.api.views.client_for_token", fails)
    answer = client.get("/v1/chat/completions", headers={"authorization": f"Bearer {alices_token}"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "server_error")


@pytest.mark.skipif(not is_sqlite, reason="SQLite's own journal")
@pytest.mark.django_db(transaction=True)
def test_the_journal_gives_back_what_a_big_import_took() -> None:
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_size_limit").fetchone()[0] == 64 * 1024 * 1024


def test_nobody_waits_for_a_whole_import(stored: Callable, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    """In SQLite, which lets one write at a time, a batch is so small that others get their turn."""
    from viewer.archive import importing

    sizes: list[int] = []
    store = importing._store
    monkeypatch.setattr(importing, "_store", lambda batch, *more: sizes.append(len(batch)) or store(batch, *more))
    stored(*[make_long(f"chatcmpl-{n}", 1) for n in range(250)])
    assert max(sizes) == (importing._SQLITE_BATCH_LINES if is_sqlite else 250)


@pytest.mark.parametrize("command", [["create_token", "alice"], ["sync", "--person", "alice", "--key", "work"]])
def test_a_command_for_somebody_deactivated_says_so_and_ends(alice: Any, command: list[str]) -> None:
    alice.is_active = False
    alice.save()
    with pytest.raises(CommandError, match="alice is deactivated"):
        call_command(*command)


def test_an_input_that_ends_at_a_question_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(arguments: list[str]) -> None:
        raise EOFError

    monkeypatch.setattr("django.core.management.execute_from_command_line", ask)
    monkeypatch.setattr(os, "umask", lambda mode: mode)
    with pytest.raises(SystemExit, match="the input ended before everything was answered"):
        main()
