"""Imports what appears in a folder, and moves it to `done` or `refused` with a note that says what became of it.

What is being imported stands in `.lectern`, so that nobody else touches it and nothing is lost when this process is
killed: the next one finds it there. A lock that ends with its process lets one at a time work in a folder.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic
from typing import BinaryIO, cast

from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from viewer.archive.importing import Outcome
from viewer.archive.reports import Complaints, Report, import_files, import_folder, in_words
from viewer.deployment.database import cause_of
from viewer.formats.document import NOWHERE
from viewer.web.logs import event

_DONE, _REFUSED, _OURS = "done", "refused", ".lectern"
_NOTE = ".note.txt"
_MAX_NAME = 240  # bytes; a file system takes 255, and a note's name is longer than its file's
_UNFINISHED = (
    ".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".swp", "~",
)  # fmt: skip  # what is still being sent is called
_SECONDS = 2.0  # between two looks

_log = logging.getLogger(__name__)
Signature = tuple[int, int, int, int]  # the inode, how many files, their bytes, and when they were last written


class NotWatchable(Exception):
    """A folder that cannot be watched, and why in words."""


class _Stopped(Exception):
    """The process has to end in the middle of an import."""


@dataclass
class WatchedFolder:
    """A folder that is watched. What has not changed for `quiet` seconds is complete."""

    folder: Path
    quiet: float
    replace: bool
    refused: int = 0  # so far
    failed: int = 0  # which could not be stored, and are tried again
    _seen: dict[str, tuple[Signature, float]] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make the folders in it. Raises NotWatchable."""
        if not self.folder.is_dir():
            raise NotWatchable(f"{self.folder} is not a folder.")
        try:
            for inner in (_DONE, _REFUSED, _OURS, f"{_OURS}/now", f"{_OURS}/{_DONE}", f"{_OURS}/{_REFUSED}"):
                path = self.folder / inner
                path.mkdir(mode=0o700 if inner.startswith(_OURS) else 0o777, exist_ok=True)
                if path.is_symlink() or path.lstat().st_dev != self.folder.stat().st_dev:
                    raise NotWatchable(f"{path} must be a folder of the same file system, and no link.")
        except OSError as error:
            raise NotWatchable(f"{error.filename or self.folder} cannot be made: {error.strerror}.") from None

    def watch(self, stopping: Event) -> None:
        """Import what becomes complete, until `stopping` is set."""
        while not stopping.is_set():
            close_old_connections()  # the database may have been away
            self.look(stopping)
            stopping.wait(_SECONDS)

    def look_once(self, stopping: Event) -> None:
        """Import what does not change for a while from now on."""
        self._complete()
        stopping.wait(self.quiet)
        self.look(stopping)

    def look(self, stopping: Event) -> None:
        """Import what is complete now, one after the other, unless another process does."""
        complete = self._complete()
        with self._lock() as is_ours:
            if not is_ours:
                return
            self._publish_notes()
            for item in sorted((self.folder / _OURS / "now").iterdir()):  # of a process that was killed
                self._handle(item, stopping)
            for name in complete:
                if stopping.is_set():
                    return
                self._take(name, stopping)

    def _complete(self) -> list[str]:
        """Return the names of what has not changed for long enough, the oldest first."""
        now, found = monotonic(), dict[str, tuple[Signature, float]]()
        for name in _names_in(self.folder):
            signature = _signature(self.folder / name)
            if signature is not None:
                known, since = self._seen.get(name, (None, now))
                found[name] = (signature, since if known == signature else now)
        self._seen = found
        complete = [name for name, (_, since) in found.items() if now - since >= self.quiet]
        return sorted(complete, key=lambda name: (found[name][0][3], name))

    def _take(self, name: str, stopping: Event) -> None:
        signature, _ = self._seen.pop(name)
        item = self.folder / _OURS / "now" / name
        try:
            os.rename(self.folder / name, item)
        except FileNotFoundError:  # another process was faster, or somebody took it away
            return
        except OSError as error:
            _log.error("%s cannot be moved: %s", name, error.strerror)
            return
        if _signature(item) == signature:
            self._handle(item, stopping)
        else:
            self._put_back(item)

    def _handle(self, item: Path, stopping: Event) -> None:
        """Import something and move it to where it belongs."""
        before, report, complaints = _signature(item), Report(), Complaints(item.name)
        try:
            for outcome in self._outcomes(item, report):
                if outcome.message:
                    complaints.add(outcome)
                if stopping.is_set():
                    raise _Stopped
        except _Stopped:
            event("import stopped", file=item.name, counts=dict(report.counts))
            self._put_back(item)
        except DatabaseError as error:
            self.failed += 1
            _log.error("%s could not be stored, and is tried again: %s", item.name, cause_of(error))
            self._put_back(item)
        except Exception:  # else the next process would end here too
            _log.exception("%s could not be read", item.name)
            report.add(Outcome(NOWHERE, "bad"))
            complaints.add(Outcome(NOWHERE, "bad", "Lectern failed here. Its log says more."))
            self._move(item, report, complaints)
        else:
            if _signature(item) != before:  # somebody still writes
                self._put_back(item)
            else:
                self._move(item, report, complaints)

    def _outcomes(self, item: Path, report: Report) -> Generator[Outcome]:
        kind = item.lstat().st_mode
        if stat.S_ISDIR(kind):
            yield from import_folder(item, report, replace=self.replace)
            return
        reason = "It is a link, which is not followed." if stat.S_ISLNK(kind) else "It is neither a file nor a folder."
        try:
            if not stat.S_ISREG(kind):
                raise OSError(0, reason)
            with _open(item) as file:
                yield from import_files([(item.name, file)], report, replace=self.replace)
        except OSError as error:
            outcome = Outcome(NOWHERE, "bad", f"It cannot be read: {error.strerror}." if error.errno else reason)
            report.add(outcome)
            yield outcome

    def _move(self, item: Path, report: Report, complaints: Complaints) -> None:
        """Move what was imported, and then its note, which is written before: a kill in between loses neither."""
        counts = report.counts
        verdict = _REFUSED if counts["bad"] or not counts.total() else _DONE
        self.refused += verdict == _REFUSED
        name = _free_name(self.folder / verdict, item.name)
        note = self.folder / _OURS / verdict / f"{name}{_NOTE}"
        note.write_text(_note(item.name, report, complaints), encoding="utf-8", errors="replace")
        os.rename(item, self.folder / verdict / name)
        self._publish_notes()
        what = "imported" if verdict == _DONE else "refused"
        event(f"file {what}", file=item.name, moved_to=f"{verdict}/{name}", counts=dict(counts))

    def _publish_notes(self) -> None:
        """Put each note beside what it is about; one of something that was not moved yet is written again."""
        for verdict in (_DONE, _REFUSED):
            for note in (self.folder / _OURS / verdict).iterdir():
                if os.path.lexists(self.folder / verdict / note.name.removesuffix(_NOTE)):
                    os.replace(note, self.folder / verdict / note.name)
                else:
                    note.unlink()

    def _put_back(self, item: Path) -> None:
        os.rename(item, self.folder / _free_name(self.folder, item.name))

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        """Say whether this process is the only one that works in the folder now. The lock ends with the process."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(self.folder / _OURS / "lock", flags, 0o600), "r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _names_in(folder: Path) -> list[str]:
    """Name what may be imported: nothing of ours, nothing hidden, and nothing that is still being sent."""
    return [name for name in os.listdir(folder) if name not in (_DONE, _REFUSED) and not _is_unfinished(name)]


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)


def _signature(path: Path) -> Signature | None:
    """Return what changes while something is being written; None if it is gone, or a folder that is not complete."""
    try:
        of_path = path.lstat()
        if not stat.S_ISDIR(of_path.st_mode):
            return of_path.st_ino, 1, of_path.st_size, of_path.st_mtime_ns
        totals, last = Counter[str](), of_path.st_mtime_ns
        for folder, _, files in os.walk(path):
            last = max(last, os.lstat(folder).st_mtime_ns)
            for name in files:
                if name.startswith("."):
                    continue
                if _is_unfinished(name):
                    return None
                of_file = os.lstat(os.path.join(folder, name))
                totals += Counter(files=1, size=of_file.st_size)
                last = max(last, of_file.st_mtime_ns)
    except OSError:
        return None
    return (of_path.st_ino, totals["files"], totals["size"], last) if totals["files"] else None


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """Open a file that may have become a link since it was looked at."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        yield cast(BinaryIO, file)


def _free_name(folder: Path, name: str) -> str:
    """Return a name that neither a file nor a note in a folder has, as near to the given one as possible."""
    stem, dot, rest = name.partition(".")
    if len(os.fsencode(dot + rest)) > _MAX_NAME // 2:
        stem, dot, rest = name, "", ""
    number = 1
    while True:
        ending = f"{f'-{number}' if number > 1 else ''}{dot}{rest}"
        while len(os.fsencode(stem + ending)) > _MAX_NAME:
            stem = stem[:-1]
        free = stem + ending
        if not any(os.path.lexists(folder / each) for each in (free, f"{free}{_NOTE}")):
            return free
        number += 1


def _note(name: str, report: Report, complaints: Complaints) -> str:
    summary = report.summary if report.counts.total() else "There is no conversation in it."
    lines = [f"{name}, {timezone.now():%Y-%m-%d %H:%M} UTC", "", summary, f"{in_words(report.counts, 'refused')}."]
    if sentences := [*report.remarks, *complaints.sentences()]:
        lines += ["", *sentences]
    return "\n".join([*lines, ""])
