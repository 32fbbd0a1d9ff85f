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

from viewer.archive.importing import LONGEST_LINE, import_lines
from viewer.archive.models import StoredCompletion
from viewer.deployment.database import told

_PIECE = 1_000_000  # bytes of the rest of a line that is too long
_MOST_SAID = 100  # lines of a file that are named: one of another kind would fill the terminal
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
                StoredCompletion.objects.exists()  # an archive that is not there is said before a file is read
                counts += self._import_file(name, options["replace"])
            except DatabaseFailure as error:
                stays = "What was stored before stays; run the same command again."
                raise CommandError(told(error, "The archive could not be written", stays)) from error
        self.stdout.write(
            f"{counts['imported']} imported, {counts['unchanged']} already there, {counts['replaced']} replaced, "
            f"{counts['kept']} kept as they were, {counts['bad']} bad"
        )
        if counts["bad"]:
            sys.exit(1)

    def _import_file(self, name: str, replace: bool) -> Counter[str]:
        counts: Counter[str] = Counter()
        said = 0
        try:
            with _opened(name) as (lines, progress):
                for outcome in import_lines(_read_lines(lines), replace=replace):
                    counts[outcome.became] += 1
                    progress.update_to_here()
                    if outcome.said and (said := said + 1) <= _MOST_SAID:
                        self._say(f"{name}, line {outcome.line}: {outcome.said}")
        except (OSError, EOFError, ValueError, zlib.error) as error:
            # A cut-off gzip file ends here too; what came before it is stored.
            self._say(f"{name}: {getattr(error, 'strerror', None) or error}")
            counts["bad"] += 1
        if said > _MOST_SAID:
            self._say(f"{name}: {said - _MOST_SAID} more lines like these are only counted")
        return counts

    def _say(self, sentence: str) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(sentence)


class _Progress:
    """A bar over the bytes read so far; silent where standard error is no terminal."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        size = Path(name).stat().st_size if name != "-" else None
        label = "standard input" if name == "-" else Path(name).name
        self.bar: tqdm[Any] = tqdm(total=size, desc=label, unit="B", unit_scale=True, disable=None)

    def update_to_here(self) -> None:
        if not self.bar.disable and self._file.seekable():
            self.bar.update(self._file.tell() - self.bar.n)


@contextmanager
def _opened(name: str) -> Iterator[tuple[BinaryIO, _Progress]]:
    """Open a file for its lines, unpacked when it is gzip by its first bytes, and a progress bar over it."""
    with sys.stdin.buffer if name == "-" else open(name, "rb") as file:
        progress = _Progress(file, name)
        is_packed = cast(BufferedReader, file).peek(2)[:2] == _GZIP
        with progress.bar:
            yield cast(BinaryIO, gzip.GzipFile(fileobj=file) if is_packed else file), progress


def _read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Read line by line. Of one that is too long comes as much as tells so: it would fill the memory."""
    while line := file.readline(LONGEST_LINE + 2):
        yield line
        while not line.endswith(b"\n") and (line := file.readline(_PIECE)):
            pass
