from __future__ import annotations

import argparse
import gzip
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFailure
from tqdm import tqdm

from viewer.archive.importing import MAX_LINE_BYTES, import_lines
from viewer.archive.models import StoredCompletion
from viewer.deployment.database import explain

_SKIP_BYTES = 1_000_000  # bytes read at a time of the rest of a line that is too long
_MAX_REPORTED = 100  # lines reported per file: a file of another kind would flood the terminal
_GZIP = b"\x1f\x8b"


class Command(BaseCommand):
    help = "Import stored completions from JSON Lines files into the archive."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="+", metavar="FILE", help="JSON Lines, plain or gzipped; - is standard input"
        )
        parser.add_argument(
            "--replace", action="store_true", help="let a changed completion take the place of the stored one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[str] = Counter()
        for name in options["files"]:
            try:
                StoredCompletion.objects.exists()  # fail on a missing archive before reading a file
                counts += self._import_file(name, options["replace"])
            except DatabaseFailure as error:
                advice = "What was stored before stays; run the same command again."
                raise CommandError(explain(error, "The archive could not be written", advice)) from error
        self.stdout.write(
            f"{counts['imported']} imported, {counts['unchanged']} already there, {counts['replaced']} replaced, "
            f"{counts['kept']} kept as they were, {counts['bad']} bad"
            + (f", {counts['erased']} left out because they were erased here" if counts["erased"] else "")
        )
        if counts["bad"]:
            sys.exit(1)

    def _import_file(self, name: str, replace: bool) -> Counter[str]:
        counts: Counter[str] = Counter()
        reported = 0
        try:
            with _open(name) as (lines, progress):
                for outcome in import_lines(_read_lines(lines), replace=replace):
                    counts[outcome.status] += 1
                    progress.update()
                    if outcome.message and (reported := reported + 1) <= _MAX_REPORTED:
                        self._report(f"{name}, line {outcome.line}: {outcome.message}")
        except (OSError, EOFError, ValueError, zlib.error) as error:
            # A truncated gzip file fails here too; what came before is stored.
            self._report(f"{name}: {getattr(error, 'strerror', None) or error}")
            counts["bad"] += 1
        if reported > _MAX_REPORTED:
            self._report(f"{name}: {reported - _MAX_REPORTED} more lines like these are only counted")
        return counts

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
    """Open a file, decompressed if its first bytes are gzip's, with a progress bar."""
    with sys.stdin.buffer if name == "-" else open(name, "rb") as file:
        progress = _Progress(file, name)
        is_gzip = cast(BufferedReader, file).peek(2)[:2] == _GZIP
        with progress.bar:
            yield cast(BinaryIO, gzip.GzipFile(fileobj=file) if is_gzip else file), progress


def _read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Read line by line. Truncate one that is too long, just above the limit: it would fill the memory."""
    while line := file.readline(MAX_LINE_BYTES + 2):
        yield line
        while not line.endswith(b"\n") and (line := file.readline(_SKIP_BYTES)):
            pass
