"""Imports files and says what became of them: in one sentence, in numbers, and of each conversation."""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from viewer.formats.containers.unpacking import why_damaged
from viewer.formats.document import Place, Refusal
from viewer.formats.reading import Found, Reading, summary_of

from .importing import Outcome, digests_among, import_all

STATUSES = ("imported", "unchanged", "replaced", "kept", "bad", "erased")
_MAX_REPORTED = 100  # different sentences per file: more of them would flood the terminal
_MAX_PLACES = 10  # that a sentence names
_MAX_OF_STATUS = 500  # outcomes that a report holds; all are counted


@dataclass
class Report:
    """What became of one import. `outcomes` has some of each status, in the order of the file."""

    counts: Counter[str] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)
    families: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)  # on what else was in the files

    def add(self, outcome: Outcome) -> None:
        self.counts[outcome.status] += 1
        if self.counts[outcome.status] <= _MAX_OF_STATUS:
            self.outcomes.append(outcome)

    @property
    def has_more(self) -> bool:
        """Whether there were more than `outcomes` has."""
        return self.counts.total() > len(self.outcomes)

    @property
    def summary(self) -> str:
        """What was read, as a sentence."""
        return f"{summary_of(self.families) or 'No conversation that can be read'}."


@dataclass
class Complaint:
    """How often something is wrong, and where: the first places."""

    count: int = 0
    places: list[Place] = field(default_factory=list)


class Complaints:
    """What is wrong, each reason once with the places that have it: a file may have the same in every line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._others = 0
        self.by_reason: dict[str, Complaint] = {}

    def add(self, outcome: Outcome) -> None:
        if outcome.message not in self.by_reason and len(self.by_reason) >= _MAX_REPORTED:
            self._others += 1
            return
        complaint = self.by_reason.setdefault(outcome.message, Complaint())
        complaint.count += 1
        if len(complaint.places) < _MAX_PLACES:
            complaint.places.append(outcome.place)

    def sentences(self) -> Iterator[str]:
        for reason, complaint in self.by_reason.items():
            left = complaint.count - len(complaint.places)
            yield f"{_list_of(complaint.places, self._name)}{f' and {left} more' if left else ''}: {reason}"
        if self._others:
            yield f"{self._name}: {self._others} more complaints are only counted"


def _list_of(places: list[Place], name: str) -> str:
    """Write places, those of one file together: “a.jsonl, lines 1, 2; b.jsonl, line 7”."""
    listed = list[str]()
    for (file, unit), inner in groupby(places, key=lambda place: (place.file or name, place.unit)):
        numbers = [str(place.number) for place in inner if place.number]
        where = f", {unit}{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}" if numbers else ""
        listed.append(f"{file}{where}")
    return "; ".join(listed)


def in_words(counts: Counter[str], bad: str = "bad") -> str:
    """Say how many conversations became what; `bad` is the word for those that cannot be read."""
    return (
        f"{counts['imported']} imported, {counts['unchanged']} already there, {counts['replaced']} replaced, "
        f"{counts['kept']} kept as they were, {counts['bad']} {bad}"
        + (f", {counts['erased']} left out because they were erased here" if counts["erased"] else "")
    )


def place_in_words(place: Place, name: str = "") -> str:
    """Say where something stands; `name` is of the file if the place does not say it."""
    file = place.file or name
    return f"{file}, {place.unit} {place.number}" if place.number else file


def outcomes_of(name: str, found: Iterable[Found], *, replace: bool) -> Iterator[Outcome]:
    """Store what was found in a file; where reading breaks off, what came before is stored and the last says why."""
    try:
        yield from import_all(found, replace=replace)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        yield Outcome(Place(name), "bad", why_damaged(error))


def import_files(files: Iterable[tuple[str, BinaryIO]], report: Report, *, replace: bool) -> Iterator[Outcome]:
    """Import named files as one import; add each outcome to the report, and yield it after its batch is committed."""
    reading = Reading(digests_among)
    for name, file in files:
        yield from _reported(name, reading.file(name, file), report, replace)
    yield from _rest(reading, report, replace)


def import_folder(folder: Path, report: Report, *, replace: bool) -> Iterator[Outcome]:
    """Import the files of a folder as one import, as `import_files` does. Links in it are not followed."""
    reading, unreadable = Reading(digests_among), list[OSError]()
    for _ in os.walk(folder, onerror=unreadable.append):
        pass
    refusals = (Refusal(f"It cannot be read: {error.strerror}.", Place(_inside(folder, error))) for error in unreadable)
    yield from _reported(folder.name, refusals, report, replace)
    yield from _reported(folder.name, reading.folder(folder, follows_links=False), report, replace)
    yield from _rest(reading, report, replace)


def _inside(folder: Path, error: OSError) -> str:
    return f"{folder.name}/{Path(error.filename).relative_to(folder)}"


def _rest(reading: Reading, report: Report, replace: bool) -> Iterator[Outcome]:
    yield from _reported("", reading.rest(), report, replace)
    report.families, report.remarks = reading.counts, reading.remarks()


def _reported(name: str, found: Iterable[Found], report: Report, replace: bool) -> Iterator[Outcome]:
    for outcome in outcomes_of(name, found, replace=replace):
        report.add(outcome)
        yield outcome
