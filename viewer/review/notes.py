"""View objects of notes: those of a page of a conversation, by one query, and those of one place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from viewer.archive.models import fit
from viewer.completions.ids import index_of
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import in_one_line
from viewer.rendering.customer import Hidden
from viewer.rendering.messages import Bubble
from viewer.rendering.places import answer_at, place_of_answer, url_of

from .mentions import MENTION
from .models import Mention, Note

_MAX_NOTES = 500  # of a conversation that its page shows, the newest


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note as a page shows it. The URLs are empty unless the reader wrote it."""

    id: int
    place: str
    place_name: str
    author: str
    html: SafeString
    written_at: datetime
    edited_at: datetime | None
    url: str = ""
    delete_url: str = ""
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class PlaceNotes:
    """The notes of one place, and the URL under which a further one is written; empty where none can be."""

    place: str
    place_name: str
    url: str
    notes: tuple[NoteView, ...] = ()


@dataclass(frozen=True, slots=True)
class NotesBeside:
    """The notes of a conversation by their place: `html_of` a message, and those of the conversation as a whole.

    No further note can be written beside those that are frozen.
    """

    completion_id: str
    by_place: Mapping[str, list[NoteView]]
    is_cut: bool = False
    is_frozen: bool = False

    @property
    def of_conversation(self) -> PlaceNotes:
        return self._at("")

    @property
    def places(self) -> list[tuple[str, str, int]]:
        """Return each place with notes: its name, its URL with the first note, and how many there are."""
        named = ((place, notes) for place, notes in self.by_place.items() if place)
        return [(notes[0].place_name, url_of_note(self.completion_id, notes[0]), len(notes)) for _, notes in named]

    def html_of(self, bubble: Bubble) -> str:
        """Return what stands below a message; empty if nobody wrote a note on it."""
        noted = (self._at(place) for place in _places_of(bubble) if self.by_place.get(place))
        return "".join(render_to_string("review/_notes.html", {"beside": one}) for one in noted)

    def unread_on(self, bubbles: Iterable[Bubble | Hidden], *, is_whole_page: bool) -> list[int]:
        """Return the notes that a page or a fragment with these messages shows, and that the reader has not read."""
        places = [""] if is_whole_page else []
        for bubble in bubbles:
            places += _places_of(bubble) if isinstance(bubble, Bubble) else []
        return [note.id for place in places for note in self.by_place.get(place, ()) if note.is_unread]

    def _at(self, place: str) -> PlaceNotes:
        url = "" if self.is_frozen else url_of_place(self.completion_id, place)
        return PlaceNotes(place, name_of_place(self.completion_id, place), url, tuple(self.by_place.get(place, ())))


def notes_beside(completion_id: str, reader: User) -> NotesBeside:
    """Read the notes of a conversation that the reader has opened, by one query."""
    newest = [*_notes(reader).filter(completion_id=fit(completion_id)).order_by("-pk")[: _MAX_NOTES + 1]]
    by_place: dict[str, list[NoteView]] = defaultdict(list)
    for note in newest[_MAX_NOTES - 1 :: -1]:
        by_place[note.place].append(build_note(note, reader))
    return NotesBeside(completion_id, by_place, is_cut=len(newest) > _MAX_NOTES)


def notes_at(completion_id: str, place: str, reader: User, *, only_own: bool = False) -> PlaceNotes:
    """Read the notes of one place: all of them, or the reader's own."""
    notes = _notes(reader).filter(completion_id=fit(completion_id), place=fit(place)).order_by("pk")
    notes = notes.filter(author=reader) if only_own else notes
    return PlaceNotes(
        place,
        name_of_place(completion_id, place),
        url_of_place(completion_id, place),
        tuple(build_note(note, reader) for note in notes),
    )


def build_note(note: Note, reader: User) -> NoteView:
    is_own = note.author_id == reader.pk
    arguments = [note.completion_id, note.pk]
    return NoteView(
        id=note.pk,
        place=note.place,
        place_name=name_of_place(note.completion_id, note.place),
        author=name_of_person(note.author),
        html=_html_of(note),
        written_at=note.written_at,
        edited_at=note.edited_at,
        url=reverse("note", args=arguments) if is_own else "",
        delete_url=reverse("delete-note", args=arguments) if is_own else "",
        is_unread=getattr(note, "is_unread", False),
    )


def name_of_person(person: User | None) -> str:
    """Name a person as the team knows them."""
    if person is None:
        return gettext("a former colleague")
    return escape_invisible(person.get_full_name() or person.get_username())


def name_of_place(completion_id: str, place: str) -> str:
    """Name a place without reading the conversation."""
    if not place:
        return gettext("the conversation")
    if (position := answer_at(place)) is not None:
        return gettext("answer %(n)d") % {"n": position + 1}
    number = index_of(completion_id, place)
    return in_one_line(escape_invisible(place), 60) if number is None else f"#{number}"


def url_of_place(completion_id: str, place: str) -> str:
    """Return the URL under which the notes of a place are shown and written."""
    if not place:
        return reverse("note-on-conversation", args=[completion_id])
    if (position := answer_at(place)) is not None:
        return reverse("note-on-answer", args=[completion_id, position])
    return reverse("note-on-message", args=[completion_id, place])


def url_of_note(completion_id: str, note: NoteView) -> str:
    """Return the URL of a note in its conversation."""
    return f"{url_of(completion_id, note.place)}#note-{note.id}"


def _places_of(bubble: Bubble) -> list[str]:
    """Return the places that a message is: of an answer that a server appended to the messages they are two."""
    places = [bubble.id] if bubble.id else []
    if bubble.choice is not None and not bubble.is_answer:
        places.append(place_of_answer(bubble.choice.position))
    return places


def _notes(reader: User) -> QuerySet[Note]:
    unread = Mention.objects.filter(note=OuterRef("pk"), person=reader, read_at=None)
    return Note.objects.select_related("author").annotate(is_unread=Exists(unread))


def _html_of(note: Note) -> SafeString:
    """Return a text as it was typed, with the people whom it mentions in bold. Nothing in it is a link."""
    names = {name.casefold() for name in note.mentioned.split()}
    pieces: list[Any] = []
    end = 0
    for match in MENTION.finditer(note.text):
        name = match[1]
        while name and name.casefold() not in names:
            name = name[:-1] if name[-1:] in ".@+-" else ""
        if name:
            pieces += [("", note.text[end : match.start()]), ("b", f"@{name}")]
            end = match.start() + 1 + len(name)
    pieces.append(("", note.text[end:]))
    return format_html_join("", "{}", ([_piece(kind, text)] for kind, text in pieces))


def _piece(kind: str, text: str) -> str | SafeString:
    text = escape_invisible(text)
    return format_html("<b>{}</b>", text) if kind else text
