from __future__ import annotations

import argparse
from collections.abc import Callable
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from tqdm import tqdm

from viewer.archive.search import index as search_index
from viewer.deployment.database import explain

_REPORT_EVERY = 10  # seconds


class Command(BaseCommand):
    help = "Write the index of the search anew. After an interruption, --missing goes on where it stopped."
    requires_system_checks = ()  # as for an import

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--missing", action="store_true", help="write only what is missing; the search goes on meanwhile"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not options["missing"]:
                search_index.clear()
            done = _index_missing(self._report)
            if not options["missing"]:
                search_index.optimise()
        except DatabaseError as error:
            advice = "What was written stays; go on with --missing."
            raise CommandError(explain(error, "The index could not be written", advice)) from error
        if done or not options["missing"]:
            self.stdout.write(f"{done} conversations made searchable")

    def _report(self, sentence: str) -> None:
        self.stderr.write(sentence)
        self.stderr.flush()


def _index_missing(report: Callable[[str], object]) -> int:
    """Index what is missing, with a progress bar, or with a line now and then if there is no terminal."""
    missing = search_index.unindexed().count()
    if not missing:
        return 0
    done, reported_at = 0, monotonic()
    with tqdm(total=missing, desc="search", unit="conversation", disable=None) as bar:
        if bar.disable:
            report(f"making {missing} conversations searchable")
        for count in search_index.index_missing():
            done += count
            bar.update(count)
            if bar.disable and monotonic() - reported_at > _REPORT_EVERY:
                report(f"{done} of {missing} conversations are searchable")
                reported_at = monotonic()
    return done
