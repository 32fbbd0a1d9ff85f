"""Backs up the SQLite database into one file while the server runs, verifies it, and deletes old backups."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from viewer.deployment.database import cause_of

_COUNTED = {
    "people": "SELECT count(*) FROM auth_user",
    "conversations": "SELECT count(*) FROM archive_storedcompletion",
    "messages": "SELECT coalesce(sum(count), 0) FROM archive_messagepack",
    "rows of the read log": "SELECT count(*) FROM read_log_reading",
}
_FILE_PATTERN = "lectern-*.sqlite3"
Counts = dict[str, int]


class Command(BaseCommand):
    help = "Write a consistent, verified copy of the SQLite database into a file or a folder, while the server runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", type=Path, help="a file that does not exist yet, or a folder for generations")
        parser.add_argument("--keep", type=int, metavar="N", help="in a folder, delete all but the newest N backups")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["target"]
        keep: int | None = options["keep"]
        if connection.vendor != "sqlite":
            raise CommandError("The database is not SQLite. Use its own tools, such as pg_dump.")
        if keep is not None and (keep < 1 or not target.is_dir()):
            raise CommandError("--keep needs a folder that exists, and keeps at least 1 backup.")
        before = _count()
        if not before["people"] and not before["conversations"]:
            raise CommandError("The archive holds neither people nor conversations. Is DATA_DIR right?")
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        file = target / _FILE_PATTERN.replace("*", now) if target.is_dir() else target
        counts = _write(file, before)
        summary = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        self.stdout.write(f"{file}: {file.stat().st_size / 1e6:,.1f} MB, {summary}; verified")
        for old in sorted(target.glob(_FILE_PATTERN), reverse=True)[keep:] if keep else ():
            old.unlink()


def _write(file: Path, before: Counts) -> Counts:
    """Write a temporary file beside it, verify it, and only then rename it. A failure leaves nothing behind."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        if file.exists():
            raise FileExistsError(17, os.strerror(17))
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL, 0o600))  # SQLite fills an empty file and keeps its mode
    except OSError as error:
        raise CommandError(f"{file} cannot be made: {error.strerror}.") from None
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(partial)])
        counts = _verify(partial, before, _count())
        partial.rename(file)
        return counts
    except DatabaseError as error:
        raise CommandError(f"{file} could not be written: {cause_of(error)}.") from None
    except OSError as error:
        raise CommandError(f"{file} could not be written: {error.strerror}.") from None
    finally:
        partial.unlink(missing_ok=True)


def _count() -> Counts:
    with connection.cursor() as cursor:
        return {name: cursor.execute(query).fetchone()[0] for name, query in _COUNTED.items()}


def _verify(file: Path, before: Counts, after: Counts) -> Counts:
    """Check the copy with sqlite3. Its counts must lie between those before and after it was written."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as copy:
        try:
            result = copy.execute("PRAGMA integrity_check").fetchone()[0]
            counts = {name: copy.execute(query).fetchone()[0] for name, query in _COUNTED.items()}
        except sqlite3.DatabaseError as error:
            raise CommandError(f"The copy cannot be read and was deleted: {error}.") from None
    if result != "ok":
        raise CommandError(f"The copy is damaged and was deleted: {result}.")
    for name, count in counts.items():
        if not min(before[name], after[name]) <= count <= max(before[name], after[name]):
            raise CommandError(f"The copy holds {count} {name}, the archive {after[name]}; it was deleted.")
    return counts
