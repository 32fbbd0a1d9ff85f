from __future__ import annotations

import argparse
from collections.abc import Callable
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from tqdm import tqdm

from viewer.archive import search_index
from viewer.deployment.database import told

_SAID_EVERY = 10  # seconds


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
            done = _fill_in(self._say)
            if not options["missing"]:
                search_index.optimise()
        except DatabaseError as error:
            said = "What was written stays; go on with --missing."
            raise CommandError(told(error, "The index could not be written", said)) from error
        if done or not options["missing"]:
            self.stdout.write(f"{done} conversations made searchable")

    def _say(self, sentence: str) -> None:
        self.stderr.write(sentence)
        self.stderr.flush()


def _fill_in(say: Callable[[str], object]) -> int:
    """Write what is missing, with a bar, or with a line now and then where no terminal shows one."""
    missing = search_index.without_entries().count()
    if not missing:
        return 0
    done, said_at = 0, monotonic()
    with tqdm(total=missing, desc="search", unit="conversation", disable=None) as bar:
        if bar.disable:
            say(f"making {missing} conversations searchable")
        for count in search_index.fill_in():
            done += count
            bar.update(count)
            if bar.disable and monotonic() - said_at > _SAID_EVERY:
                say(f"{done} of {missing} conversations are searchable")
                said_at = monotonic()
    return done
