"""What the page of a conversation shows of its review: notes and verdicts below messages, labels and status above."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Value

from viewer.archive.labels import Marks, marks_of
from viewer.archive.models import CompletionLabel, CompletionState, fit
from viewer.deployment.prepared import Prepared
from viewer.rendering.customer import Hidden
from viewer.rendering.messages import Bubble

from .mentions import record_read
from .models import Note, Verdict
from .notes import NotesBeside, notes_beside
from .verdicts import VerdictView, draw_answer, of_answer, verdicts_on


@dataclass(frozen=True)
class Review:
    """What colleagues say about a conversation that the reader has opened. It is given to templates as `beside`."""

    completion_id: str
    reader: User
    notes: NotesBeside
    marks: Marks
    has_verdicts: bool

    def html_of(self, bubble: Bubble) -> str:
        """Return what stands below a message; mostly nothing."""
        html = self.notes.html_of(bubble)
        if bubble.choice is None:
            return html
        position = bubble.choice.position
        answer = of_answer(self.completion_id, position, self._verdicts.get(position, ()))
        return html + draw_answer(answer)

    @cached_property
    def _verdicts(self) -> dict[int, list[VerdictView]]:
        """The verdicts on its answers, which are read for a page that has answers."""
        return verdicts_on(self.completion_id, self.reader) if self.has_verdicts else {}

    def record_read(self, bubbles: Iterable[Bubble | Hidden], *, is_whole_page: bool) -> None:
        """Remember that the reader has read the notes that a page with these messages shows."""
        record_read(self.reader.pk, self.notes.unread_on(bubbles, is_whole_page=is_whole_page))


def review_of(completion_id: str, reader: User, *, is_whole_page: bool) -> Review:
    """Read the notes of a conversation, and for a whole page what is said of the conversation as a whole."""
    kinds = {kind for (kind,) in _kinds_said_of(fit(completion_id))}
    marks = marks_of(completion_id) if is_whole_page and "marks" in kinds else Marks()
    notes = notes_beside(completion_id, reader) if "notes" in kinds else NotesBeside(completion_id, {})
    return Review(completion_id, reader, notes, marks, "verdicts" in kinds)


@Prepared
def _kinds_said_of(completion_id: str) -> Any:
    """Return what kinds of things are said of a conversation: mostly none, and one query says so of all of them."""
    said = ((CompletionLabel, "marks"), (CompletionState, "marks"), (Note, "notes"), (Verdict, "verdicts"))
    named = [
        model.objects.filter(completion_id=completion_id).order_by().values_list(Value(kind)) for model, kind in said
    ]
    return named[0].union(*named[1:])
