"""Writes the SQLite database into one file, consistent, while the server runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection


class Command(BaseCommand):
    help = "Write a consistent copy of the SQLite database into a new file, while the server runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file to write; it must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        if connection.vendor != "sqlite":
            raise CommandError("The database is not SQLite. Use its own tools, such as pg_dump.")
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))  # SQLite fills an empty file, with its permissions
        except OSError as error:
            raise CommandError(f"{file} cannot be made: {error.strerror}.") from None
        try:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [str(file)])
        except DatabaseError as error:
            file.unlink()
            raise CommandError(f"{file} could not be written: {error}.") from None
        self.stdout.write(f"{file}: {file.stat().st_size / 1e6:,.1f} MB")
