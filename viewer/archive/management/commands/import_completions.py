from __future__ import annotations

import argparse
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFailure
from tqdm import tqdm

from viewer.archive.importing import import_all
from viewer.archive.models import StoredCompletion
from viewer.deployment.database import explain
from viewer.formats.document import Place
from viewer.formats.reading import Found, Reading, summary_of

_MAX_REPORTED = 100  # sentences per file: a file of another kind would flood the terminal


class Command(BaseCommand):
    help = "Import conversations from files of many tools into the archive."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "files",
            nargs="+",
            metavar="FILE",
            help="a file or a folder in any format of docs/importing.md, also packed; - is standard input",
        )
        parser.add_argument(
            "--replace", action="store_true", help="let a changed conversation take the place of the stored one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[str] = Counter()
        reading = Reading()
        try:
            StoredCompletion.objects.exists()  # fail on a missing archive before reading a file
            for name in options["files"]:
                counts += self._import(name, self._found_in(name, reading), options["replace"])
            counts += self._import("", reading.rest(), options["replace"])
        except DatabaseFailure as error:
            advice = "What was stored before stays; run the same command again."
            raise CommandError(explain(error, "The archive could not be written", advice)) from error
        if summary := summary_of(reading.counts):
            self.stdout.write(summary)
        self.stdout.write(
            f"{counts['imported']} imported, {counts['unchanged']} already there, {counts['replaced']} replaced, "
            f"{counts['kept']} kept as they were, {counts['bad']} bad"
            + (f", {counts['erased']} left out because they were erased here" if counts["erased"] else "")
        )
        if counts["bad"]:
            sys.exit(1)

    def _import(self, name: str, found: Iterator[Found], replace: bool) -> Counter[str]:
        counts: Counter[str] = Counter()
        told = Counter[str]()
        try:
            for outcome in import_all(found, replace=replace):
                counts[outcome.status] += 1
                if outcome.message and (told[outcome.message] or told.total() < _MAX_REPORTED):
                    told[outcome.message] += 1
                    if told[outcome.message] == 1:
                        self._report(f"{_shown(name, outcome.place)}: {outcome.message}")
        except (OSError, EOFError, ValueError, zlib.error) as error:
            # A truncated gzip file fails here too; what came before is stored.
            self._report(f"{name}: {getattr(error, 'strerror', None) or error}")
            counts["bad"] += 1
        return counts

    def _found_in(self, name: str, reading: Reading) -> Iterator[Found]:
        if name != "-" and Path(name).is_dir():
            yield from reading.folder(Path(name))
            return
        with _open(name) as (file, progress):
            for each in reading.file(name, file):
                yield each
                progress.update()

    def _report(self, sentence: str) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(sentence)


def _shown(name: str, place: Place) -> str:
    """Say where something stands."""
    file = place.file or name
    return f"{file}, {place.unit} {place.number}" if place.number else file


class _Progress:
    """A progress bar over the bytes read; silent unless standard error is a terminal."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        size = Path(name).stat().st_size if name != "-" else None
        label = "standard input" if name == "-" else Path(name).name
        self.bar: tqdm[Any] = tqdm(total=size, desc=label, unit="B", unit_scale=True, disable=None)

    def update(self) -> None:
        if not self.bar.disable and self._file.seekable():
            self.bar.update(self._file.tell() - self.bar.n)


@contextmanager
def _open(name: str) -> Iterator[tuple[BinaryIO, _Progress]]:
    """Open a file with a progress bar."""
    with sys.stdin.buffer if name == "-" else open(name, "rb") as file:
        progress = _Progress(cast(BinaryIO, file), name)
        with progress.bar:
            yield cast(BinaryIO, file), progress
