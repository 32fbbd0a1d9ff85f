"""What the page of a conversation shows of its review: notes and verdicts below messages, labels and status above."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.contrib.auth.models import User
from django.template.loader import render_to_string

from viewer.archive.labels import Marks, marks_of
from viewer.rendering.customer import Hidden
from viewer.rendering.messages import Bubble

from .mentions import record_read
from .notes import NotesBeside, notes_beside
from .verdicts import VerdictView, of_answer, verdicts_on


@dataclass(frozen=True)
class Review:
    """What colleagues say about a conversation that the reader has opened. It is given to templates as `beside`."""

    completion_id: str
    reader: User
    notes: NotesBeside
    marks: Marks

    def html_of(self, bubble: Bubble) -> str:
        """Return what stands below a message; mostly nothing."""
        html = self.notes.html_of(bubble)
        if bubble.choice is None:
            return html
        position = bubble.choice.position
        answer = of_answer(self.completion_id, position, self._verdicts.get(position, ()))
        return html + render_to_string("review/_verdict.html", {"answer": answer})

    @cached_property
    def _verdicts(self) -> dict[int, list[VerdictView]]:
        """The verdicts on its answers, which are read for a page that has answers."""
        return verdicts_on(self.completion_id, self.reader)

    def record_read(self, bubbles: Iterable[Bubble | Hidden], *, is_whole_page: bool) -> None:
        """Remember that the reader has read the notes that a page with these messages shows."""
        record_read(self.reader.pk, self.notes.unread_on(bubbles, is_whole_page=is_whole_page))


def review_of(completion_id: str, reader: User, *, is_whole_page: bool) -> Review:
    """Read the notes of a conversation, and for a whole page what is said of the conversation as a whole."""
    marks = marks_of([completion_id]) if is_whole_page else {}
    return Review(completion_id, reader, notes_beside(completion_id, reader), marks.get(completion_id, Marks()))
