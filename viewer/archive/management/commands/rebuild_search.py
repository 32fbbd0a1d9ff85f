from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from tqdm import tqdm

from viewer.archive import search_index
from viewer.archive.bulk import cause_of


class Command(BaseCommand):
    help = "Write the index of the search anew. After an interruption, --missing goes on where it stopped."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--missing", action="store_true", help="write only what is missing; the search goes on meanwhile"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not options["missing"]:
                search_index.forget_everything()
            done = _fill_in()
            if not options["missing"]:
                search_index.optimise()
        except DatabaseError as error:
            said = "What was written stays; go on with --missing."
            raise CommandError(f"The index could not be written: {cause_of(error)}. {said}") from error
        if done or not options["missing"]:
            self.stdout.write(f"{done} conversations made searchable")


def _fill_in() -> int:
    missing = search_index.without_entries().count()
    if not missing:
        return 0
    done = 0
    with tqdm(total=missing, desc="search", unit="conversation", disable=None) as bar:
        for count in search_index.fill_in():
            done += count
            bar.update(count)
    return done
