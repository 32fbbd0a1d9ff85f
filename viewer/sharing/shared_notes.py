"""The notes of colleagues in a share, if its maker chose so: frozen with the messages, and redacted with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.html import format_html

from viewer.archive.models import fit
from viewer.completions.invisibles import escape_invisible
from viewer.review.models import Note
from viewer.review.notes import NotesBeside, NoteView, name_of_person, name_of_place


@dataclass(frozen=True, slots=True)
class SharedNote:
    """A note as it was when the snapshot was taken.

    `place` is the position of a message, or the place of an answer; empty for the conversation as a whole.
    """

    place: int | str
    author: str
    text: str
    written_at: str  # ISO 8601


def count_notes(completion_id: str) -> int:
    """Count the notes of a conversation."""
    return Note.objects.filter(completion_id=fit(completion_id)).count()


def read_notes(completion_id: str) -> Iterator[SharedNote]:
    """Yield the notes of a conversation, oldest first, each with its place there."""
    notes = Note.objects.filter(completion_id=fit(completion_id)).select_related("author").order_by("pk")
    for note in notes.iterator():
        yield SharedNote(note.place, name_of_person(note.author), note.text, note.written_at.isoformat())


def with_ids(notes: Iterable[SharedNote], messages: Sequence[tuple[str, str]]) -> list[SharedNote]:
    """Put the ids of messages in place of their positions."""
    return [replace(one, place=messages[one.place][0]) if isinstance(one.place, int) else one for one in notes]


def beside(completion_id: str, notes: Iterable[SharedNote]) -> NotesBeside:
    """Show the notes of a snapshot below its messages; their places are ids by now."""
    by_place: dict[str, list[NoteView]] = defaultdict(list)
    for number, note in enumerate(notes, start=1):
        place = str(note.place)
        view = NoteView(
            id=number,
            place=place,
            place_name=name_of_place(completion_id, place),
            author=note.author,
            html=format_html("{}", escape_invisible(note.text)),
            written_at=datetime.fromisoformat(note.written_at),
            edited_at=None,
        )
        by_place[place].append(view)
    return NotesBeside(completion_id, by_place, is_frozen=True)
