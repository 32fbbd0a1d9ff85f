"""Why the database failed: by name for pages, in one sentence for commands; and how to write without waiting for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

Kind = Literal["full", "read-only", "busy", "unprepared", "away", "other"]
_MARKS: tuple[tuple[str, Kind], ...] = (
    ("database or disk is full", "full"),
    ("no space left on device", "full"),
    ("disk i/o error", "full"),  # what SQLite says when its journal cannot grow
    ("readonly database", "read-only"),
    ("database is locked", "busy"),
    ("no such table", "unprepared"),
    ("no such column", "unprepared"),
    ("unable to open database file", "unprepared"),
)
_UNDEFINED = {"42P01", "42703"}  # PostgreSQL: undefined table, undefined column
_DISK_FULL = "53100"
_READ_ONLY = "25006"
_LONGEST_STATEMENT = 30  # seconds, of a page; a migration and an import take what they take
_LONGEST_SILENCE = 35  # seconds; a server that hangs keeps no limit of its own, although its machine answers TCP


def kind_of(error: BaseException | None) -> Kind:
    """Name what is wrong, by what the driver says."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return "other"
    state = getattr(error.__cause__, "sqlstate", None)
    if state in _UNDEFINED:
        return "unprepared"
    if state == _DISK_FULL:
        return "full"
    if state == _READ_ONLY:  # a replica, or a primary that was told so
        return "read-only"
    said = str(error).lower()
    for mark, kind in _MARKS:
        if mark in said:
            return kind
    return "away" if isinstance(error, OperationalError | InterfaceError) else "other"


def cause_of(error: Error) -> str:
    """Say in one line why the database failed; drivers add advice in lines of their own."""
    lines = str(error).splitlines()
    return lines[0].rstrip(" .?:") if lines else "the database did not say why"


def explain(error: Error, failed: str = "The database failed", advice: str = "") -> str:
    """Say what is wrong and what to do; the words are the command's own, where the archive is prepared."""
    kind, cause = kind_of(error), cause_of(error)
    if kind != "unprepared":
        hint = " (is the disk full?)" if kind == "full" and "full" not in cause else ""
        return f"{failed}: {cause}{hint}. {advice}".rstrip()
    file = sqlite_file()
    if file and not file.exists():
        return f"There is no archive at {file}. Correct DATA_DIR or DATABASE_URL, or start ./run, which prepares it."
    return f"This archive is not prepared for this version ({cause}). Start ./run, or run ./run manage migrate."


def sqlite_file() -> Path | None:
    """Give the file of the archive; None where it is in no file."""
    name = str(settings.DATABASES["default"]["NAME"])
    if connection.vendor != "sqlite" or name == ":memory:":
        return None
    return Path(unquote(urlsplit(name).path) if name.startswith("file:") else name)


def limit_statements(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Let no page hold a thread for longer than its reader waits. A receiver of `connection_created`."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {_LONGEST_STATEMENT * 1000}")
        driver = connection.connection
        driver.wait = partial(driver.wait, timeout=_LONGEST_SILENCE)  # psycopg has no setting for it


@contextmanager
def without_waiting() -> Iterator[None]:
    """Let a write fail at once where another process, such as an import, holds SQLite's one place to write."""
    if connection.vendor != "sqlite":
        yield  # a row's lock is held for moments, and by nobody else for this row
        return
    with connection.cursor() as cursor:
        [patience] = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
