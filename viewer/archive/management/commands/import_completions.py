from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFailure
from tqdm import tqdm

from viewer.archive.importing import digests_among
from viewer.archive.models import StoredCompletion
from viewer.archive.reports import Complaints, in_words, outcomes_of
from viewer.deployment.database import explain
from viewer.formats.reading import Found, Reading, summary_of


class Command(BaseCommand):
    help = "Import conversations from files of many tools into the archive."
    requires_system_checks = ()  # they load every page, which takes half a second and 17 MB

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
        reading = Reading(digests_among)
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
        for remark in reading.remarks():
            self.stdout.write(remark)
        self.stdout.write(in_words(counts))
        if counts["bad"]:
            sys.exit(1)

    def _import(self, name: str, found: Iterator[Found], replace: bool) -> Counter[str]:
        counts: Counter[str] = Counter()
        complaints = Complaints(name)
        for outcome in outcomes_of(name, found, replace=replace):
            counts[outcome.status] += 1
            if outcome.message:
                complaints.add(outcome)
        for sentence in complaints.sentences():
            self._report(sentence)
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
