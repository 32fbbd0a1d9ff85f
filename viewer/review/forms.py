"""The form of a note. It keeps what was typed, and says what of it cannot be saved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from viewer.archive.models import fit
from viewer.web.logs import event

from .mentions import Mentions, mentions_in, remember_mentions
from .models import Note

MAX_NOTE = 4_000  # characters


class NoteText(forms.CharField):
    """A text with its line breaks, which browsers send as two characters."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return fit((super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n"))


class NoteForm(forms.Form):
    """The text of a note, and of which version of the note it is an edit."""

    text = NoteText(
        max_length=MAX_NOTE,
        error_messages={
            "required": gettext_lazy("Write something first."),
            "max_length": gettext_lazy(
                "The note has %(show_value)d characters, and at most %(limit_value)d can be saved. Shorten it."
            ),
        },
    )
    version = forms.CharField(required=False)

    def write(self, note: Note) -> Mentions:
        """Save a new note, with the people whom it mentions."""
        with transaction.atomic():
            mentions = self._fill(note)
            note.save()
            remember_mentions(note, mentions.people.values())
        event("note written", note=note.pk)
        return mentions

    def edit(self, note: Note) -> Mentions | None:
        """Save another text for a note, unless it was edited elsewhere since this form was opened: then say so."""
        edited_at = note.edited_at
        if self.cleaned_data["version"] != version_of(edited_at):
            self._add_conflict()
            return None
        with transaction.atomic():
            mentions = self._fill(note)
            stored = Note.objects.filter(pk=note.pk, edited_at=edited_at)
            changed = {"text": note.text, "mentioned": note.mentioned, "edited_at": timezone.now()}
            if not stored.update(**changed):
                self._add_conflict()
                return None
            remember_mentions(note, mentions.people.values())
        event("note edited", note=note.pk)
        return mentions

    def _fill(self, note: Note) -> Mentions:
        mentions = mentions_in(self.cleaned_data["text"])
        note.text, note.mentioned = self.cleaned_data["text"], " ".join(mentions.people)
        return mentions

    def _add_conflict(self) -> None:
        text = gettext("This note was edited elsewhere meanwhile. Save again to replace what is there now.")
        self.add_error("text", text)


def version_of(edited_at: datetime | None) -> str:
    """Name a version of a note."""
    return edited_at.isoformat() if edited_at else "first"
