from __future__ import annotations

import argparse
import logging
import threading
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseFailure
from django.db import connection

from viewer.api.models import delete_old_answers
from viewer.deployment.database import cause_of
from viewer.deployment.stopping import stop_event
from viewer.erasure.retention import apply_once_a_day
from viewer.sharing.models import delete_old_snapshots
from viewer.sync.models import CopyRun
from viewer.sync.worker import claim_run, serve
from viewer.telemetry.cleaning import end_conversations
from viewer.telemetry.worker import claim_joining
from viewer.uploads.cleaning import delete_old_files
from viewer.uploads.files import keep_temporary_files_here
from viewer.uploads.worker import claim_upload

_LOOK_EVERY = 10 * 60.0  # seconds, for what is due once a day

_log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Do what pages ask for (/import/, /imports/), join what /otlp receives, and erase what is too old. ./run starts"
        " this."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--until-stdin-closes", action="store_true", help="end when the parent process has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        CopyRun.objects.exists()  # fails at once if the database has not been migrated
        with suppress(OSError):  # whoever uploads something is told
            keep_temporary_files_here()
        stopping = stop_event(options["until_stdin_closes"])
        beside = [
            threading.Thread(target=_do_daily, args=[stopping], name="daily"),
            threading.Thread(target=serve, args=[stopping, claim_upload], name="uploads"),
            threading.Thread(target=serve, args=[stopping, claim_joining], name="spans"),
        ]
        for thread in beside:
            thread.start()
        serve(stopping, claim_run)
        for thread in beside:
            thread.join()


def _do_daily(stopping: threading.Event) -> None:
    while True:
        try:
            delete_old_snapshots()
            delete_old_answers()
            delete_old_files()
            end_conversations()
            apply_once_a_day()
        except (DatabaseFailure, OSError) as error:
            cause = cause_of(error) if isinstance(error, DatabaseFailure) else error
            _log.error("What is too old could not be erased: %s", cause)
        finally:
            connection.close()
        if stopping.wait(_LOOK_EVERY):
            return
