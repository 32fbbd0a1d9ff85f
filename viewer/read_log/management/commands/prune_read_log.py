"""Deletes the rows of the read log that are older than READ_LOG_DAYS; the log itself says that it did."""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from viewer.deployment.database import explain
from viewer.read_log.pruning import old_rows, prune


class Command(BaseCommand):
    help = "Delete the rows of the read log that are older than READ_LOG_DAYS. It writes rows that say so."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say how many rows it would delete")

    def handle(self, *args: Any, **options: Any) -> None:
        days = settings.READ_LOG_DAYS
        if not days:
            self.stdout.write("READ_LOG_DAYS is 0: every row is kept.")
            return
        before = datetime.now(UTC) - timedelta(days=days)
        try:
            if options["dry_run"]:
                self.stdout.write(f"{old_rows(before).count():,} rows are older than {days} days and would be deleted.")
                return
            deleted = sum(prune(before, by=_who()))
        except Error as error:
            advice = "What was deleted so far is in the read log. Run it again."
            raise CommandError(explain(error, "The read log could not be pruned", advice)) from None
        self.stdout.write(f"{deleted:,} rows older than {days} days were deleted.")


def _who() -> str:
    """Name the account of the machine that runs this command, as far as the machine knows it."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for it
        name = "?"
    return f"{name}@{socket.gethostname()}"
