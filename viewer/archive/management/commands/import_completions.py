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

from viewer.archive.importing import Outcome, import_all
from viewer.archive.models import StoredCompletion
from viewer.deployment.database import explain
from viewer.formats.document import Place
from viewer.formats.reading import Found, Reading, summary_of

_MAX_REPORTED = 100  # different sentences per file: more of them would flood the terminal
_MAX_NUMBERS = 10  # lines that a sentence names


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
        for remark in reading.remarks():
            self.stdout.write(remark)
        self.stdout.write(
            f"{counts['imported']} imported, {counts['unchanged']} already there, {counts['replaced']} replaced, "
            f"{counts['kept']} kept as they were, {counts['bad']} bad"
            + (f", {counts['erased']} left out because they were erased here" if counts["erased"] else "")
        )
        if counts["bad"]:
            sys.exit(1)

    def _import(self, name: str, found: Iterator[Found], replace: bool) -> Counter[str]:
        counts: Counter[str] = Counter()
        complaints = _Complaints(name)
        try:
            for outcome in import_all(found, replace=replace):
                counts[outcome.status] += 1
                if outcome.message:
                    complaints.add(outcome)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            # A truncated gzip file fails here too; what came before is stored.
            complaints.add(Outcome(Place(), "bad", getattr(error, "strerror", None) or str(error)))
            counts["bad"] += 1
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


class _Complaints:
    """What is wrong, each reason once with the places that have it: a file may have the same in every line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._places: dict[tuple[str, str, str], tuple[list[int], int]] = {}
        self._others = 0

    def add(self, outcome: Outcome) -> None:
        key = (outcome.place.file or self._name, outcome.place.unit, outcome.message)
        numbers, count = self._places.get(key, ([], 0))
        if not count and len(self._places) >= _MAX_REPORTED:
            self._others += 1
            return
        if outcome.place.number and len(numbers) < _MAX_NUMBERS:
            numbers.append(outcome.place.number)
        self._places[key] = numbers, count + 1

    def sentences(self) -> Iterator[str]:
        for (file, unit, message), (numbers, count) in self._places.items():
            places = f", {unit}{'s' if count > 1 else ''} {', '.join(map(str, numbers))}" if numbers else ""
            more = f" and {count - len(numbers)} more" if numbers and count > len(numbers) else ""
            yield f"{file}{places}{more}: {message}"
        if self._others:
            yield f"{self._name}: {self._others} more complaints are only counted"


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
