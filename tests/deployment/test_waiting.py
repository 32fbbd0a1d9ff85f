"""Waiting for SQLite's write lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import sleep
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction

from viewer.deployment.waiting import waiting_at_most, without_waiting

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="one place to write is SQLite's"),
]
INSERT = "INSERT INTO archive_searchword VALUES (%s)"


def test_whoever_waits_for_the_lock_does_not_hold_up_who_has_it() -> None:
    """Python's garbage collector runs in any thread, and there resets statements of others (sqlite3 of CPython 3.11)."""
    kept: list[Any] = []
    is_waiting = Event()

    def wait() -> None:
        try:
            connection.ensure_connection()
            kept.append(
                connection.connection.execute("SELECT 1 UNION ALL SELECT 2")
            )  # a statement that is not at its end

            def note(execute: Any, *more: Any) -> Any:
                is_waiting.set()
                return execute(*more)

            with waiting_at_most(10), connection.execute_wrapper(note), connection.cursor() as cursor:
                cursor.execute(INSERT, ["waited"])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            waits = other.submit(wait)
            is_waiting.wait()
            sleep(0.2)  # so that it has tried, and waits
            kept.pop().close()  # as the collector would, while the other waits for the end of this transaction
            connection.cursor().execute(INSERT, ["written"])
        waits.result()


def test_a_statement_that_was_too_late_leaves_nothing_open() -> None:
    with ThreadPoolExecutor(1) as other, transaction.atomic():

        def fail() -> None:
            cursor = connection.cursor()
            try:
                with without_waiting(), pytest.raises(OperationalError, match="locked"):
                    cursor.execute(INSERT, ["late"])
                with pytest.raises(ProgrammingError, match="closed"):
                    cursor.execute("SELECT 1")
            finally:
                connection.close()

        other.submit(fail).result()
