"""Why the database failed, as a name for pages and a sentence for commands; and limits on its queries."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

Kind = Literal["full", "read-only", "busy", "unprepared", "away", "other"]
_MESSAGES: tuple[tuple[str, Kind], ...] = (
    ("database or disk is full", "full"),
    ("no space left on device", "full"),
    ("disk i/o error", "full"),  # SQLite's error when its journal cannot grow
    ("readonly database", "read-only"),
    ("database is locked", "busy"),
    ("no such table", "unprepared"),
    ("no such column", "unprepared"),
    ("unable to open database file", "unprepared"),
)
_UNDEFINED = {"42P01", "42703"}  # PostgreSQL: undefined table, undefined column
_DISK_FULL = "53100"
_READ_ONLY = "25006"
_STATEMENT_TIMEOUT = 30  # seconds, for pages; migrations and imports have no limit
_RESPONSE_TIMEOUT = 35  # seconds; a server that hangs does not enforce its own limit, although TCP still works


def kind_of(error: BaseException | None) -> Kind:
    """Classify an error by the message of its driver."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return "other"
    state = getattr(error.__cause__, "sqlstate", None)
    if state in _UNDEFINED:
        return "unprepared"
    if state == _DISK_FULL:
        return "full"
    if state == _READ_ONLY:  # a replica, or a primary set to read-only
        return "read-only"
    message = str(error).lower()
    for part, kind in _MESSAGES:
        if part in message:
            return kind
    return "away" if isinstance(error, OperationalError | InterfaceError) else "other"


def cause_of(error: Error) -> str:
    """Return in one line why the database failed; drivers add advice on further lines."""
    lines = str(error).splitlines()
    return lines[0].rstrip(" .?:") if lines else "the database did not say why"


def explain(error: Error, failed: str = "The database failed", advice: str = "") -> str:
    """Explain what is wrong and what to do, in the command's own words unless the archive is not prepared."""
    kind, cause = kind_of(error), cause_of(error)
    if kind != "unprepared":
        hint = " (is the disk full?)" if kind == "full" and "full" not in cause else ""
        return f"{failed}: {cause}{hint}. {advice}".rstrip()
    file = sqlite_file()
    if file and not file.exists():
        return f"There is no archive at {file}. Correct DATA_DIR or DATABASE_URL, or start ./run, which prepares it."
    return f"This archive is not prepared for this version ({cause}). Start ./run, or run ./run manage migrate."


def sqlite_file() -> Path | None:
    """Return the archive's SQLite file, or None if it is not in a file."""
    name = str(settings.DATABASES["default"]["NAME"])
    if connection.vendor != "sqlite" or name == ":memory:":
        return None
    return Path(unquote(urlsplit(name).path) if name.startswith("file:") else name)


def set_up_for_pages(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Limit how long a query can occupy a thread of the server. A receiver of `connection_created`.

    PostgreSQL compiles a query, and starts processes for it, if it estimates a high cost: of a search always, and that
    takes ten times as long as the search. A word that most conversations have it would look for in each of them.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                f"SET statement_timeout = {_STATEMENT_TIMEOUT * 1000}; SET jit = off; "
                "SET max_parallel_workers_per_gather = 0; SET enable_seqscan = off"
            )
        driver = connection.connection
        driver.wait = partial(driver.wait, timeout=_RESPONSE_TIMEOUT)  # psycopg has no setting for it
