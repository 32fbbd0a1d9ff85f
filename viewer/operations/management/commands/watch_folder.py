from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFailure

from viewer.archive.models import StoredCompletion
from viewer.deployment.database import explain
from viewer.deployment.stopping import stop_event
from viewer.operations.watching import NotWatchable, WatchedFolder
from viewer.web.logs import event

_QUIET = 10.0


class Command(BaseCommand):
    help = "Import what appears in a folder, and move it to done/ or refused/ in it, with a note that says why."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="each file and each folder in it is one import")
        parser.add_argument("--once", action="store_true", help="import what is complete and end, for cron")
        parser.add_argument(
            "--quiet",
            type=float,
            default=_QUIET,
            metavar="SECONDS",
            help=f"for which something must not have changed to be complete; {_QUIET:.0f} unless told",
        )
        parser.add_argument(
            "--replace", action="store_true", help="let a changed conversation take the place of the stored one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"].resolve()
        watched = WatchedFolder(folder, max(0.0, options["quiet"]), options["replace"])
        try:
            _check(folder)
            watched.prepare()
            StoredCompletion.objects.exists()  # fail on a missing archive before moving a file
        except NotWatchable as error:
            raise CommandError(str(error)) from None
        except DatabaseFailure as error:
            raise CommandError(explain(error)) from error
        stopping = stop_event(until_stdin_closes=False)
        try:
            if options["once"]:
                watched.look_once(stopping)
            else:
                event("watching a folder", folder=str(folder))
                watched.watch(stopping)
                event("watching ended", folder=str(folder))
        except OSError as error:  # the folder is gone, or its disk is full
            raise CommandError(f"{error.filename or folder}: {error.strerror}.") from None
        if options["once"] and (watched.refused or watched.failed):
            sys.exit(1)


def _check(folder: Path) -> None:
    """Refuse a folder in which Lectern's own files would be moved away. Raises NotWatchable."""
    for own in (settings.DATA_DIR.resolve(), settings.BASE_DIR.resolve()):
        if own.is_relative_to(folder) or folder == own:
            raise NotWatchable(f"{folder} has Lectern's own files in {own}. Make a folder for this alone.")
