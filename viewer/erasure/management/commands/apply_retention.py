from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from viewer.erasure.retention import apply_retention, ids_too_old


class Command(BaseCommand):
    help = "Erase the conversations that are older than RETENTION_DAYS. The worker does this every day."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="name the conversations and erase nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.RETENTION_DAYS:
            self.stdout.write("RETENTION_DAYS is 0: everything is kept.")
        elif options["dry_run"]:
            ids = ids_too_old()
            self.stdout.write("".join(f"{completion_id}\n" for completion_id in ids), ending="")
            self.stdout.write(f"{len(ids)} conversations are older than {settings.RETENTION_DAYS} days.")
        else:
            self.stdout.write(f"{apply_retention()} conversations erased.")
