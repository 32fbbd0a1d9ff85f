"""The forms of notes, labels and verdicts. They keep what was typed, and say what of it cannot be saved."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from viewer.archive.erased import erased_among
from viewer.archive.labels import COLOURS, STATUSES, Marks, key_of_label
from viewer.archive.models import Label, fit
from viewer.web.logs import event

from .mentions import Mentions, mentions_in, remember_mentions
from .models import Note, Verdict
from .notes import name_of_person
from .verdicts import VERDICTS, reasons

MAX_NOTE, MAX_COMMENT, MAX_REASON = 4_000, 1_000, 80  # characters
MAX_REASONS = 30
COLOUR_NAMES = {
    "grey": gettext_lazy("Grey"),
    "red": gettext_lazy("Red"),
    "amber": gettext_lazy("Amber"),
    "green": gettext_lazy("Green"),
    "teal": gettext_lazy("Teal"),
    "blue": gettext_lazy("Blue"),
    "violet": gettext_lazy("Violet"),
}
_TAKEN = gettext_lazy("There is a label with this name already.")
_ERASED = gettext_lazy("This conversation was erased here, so nothing of it is stored again.")
_QUOTES = re.compile('["“”„«»]')  # `label:"…"` could not say them


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

    def write(self, note: Note) -> Mentions | None:
        """Save a new note, with the people whom it mentions, unless its conversation was erased here: then say so."""
        with transaction.atomic():
            if erased_among([note.completion_id]):
                self.add_error("text", _ERASED)
                return None
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
            if erased_among([note.completion_id]) or not stored.update(**changed):
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


class MarksForm(forms.Form):
    """Labels, status and assignee of a conversation. What changed since the form was opened is not replaced unasked."""

    labels = forms.ModelMultipleChoiceField(Label.objects.all(), required=False)
    status = forms.ChoiceField(choices=[(one, one) for one in ("", *STATUSES)], required=False)
    assignee = forms.ModelChoiceField(User.objects.none(), required=False)
    version = forms.CharField(required=False)

    def __init__(self, data: Any = None, *, stored: Marks, person: User) -> None:
        initial = {"labels": stored.labels, "status": stored.status, "assignee": stored.assignee}
        super().__init__(data, initial=initial)
        self.person = person
        self.current_version = _version_of_marks(stored)
        # Somebody who left stays assigned until somebody else is.
        stays = stored.assignee.pk if stored.assignee else None
        people = User.objects.filter(Q(is_active=True) | Q(pk=stays))
        self.fields["assignee"].queryset = people.order_by("username")  # type: ignore[attr-defined]  # of its kind

    @property
    def marks(self) -> Marks:
        """What was chosen."""
        chosen = self.cleaned_data
        return Marks(tuple(chosen["labels"]), chosen["status"], chosen["assignee"])

    @property
    def chosen_labels(self) -> list[tuple[Label, bool]]:
        """Return every label and whether it is ticked."""
        ticked = {str(getattr(one, "pk", one)) for one in self["labels"].value() or ()}
        return [(label, str(label.pk) in ticked) for label in Label.objects.all()]

    @property
    def chosen_assignee(self) -> str:
        value = self["assignee"].value()
        return str(getattr(value, "pk", value) or "")

    @property
    def people(self) -> list[tuple[str, str]]:
        """Return who can be chosen, the person who chooses first."""
        people = sorted(self.fields["assignee"].queryset, key=lambda one: one != self.person)  # type: ignore[attr-defined]
        return [(str(one.pk), name_of_person(one)) for one in people]

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("version") != self.current_version:
            text = gettext("This was changed elsewhere meanwhile, as shown above. Save again to replace it.")
            raise forms.ValidationError(text)
        return self.cleaned_data


def _version_of_marks(marks: Marks) -> str:
    assignee = marks.assignee.pk if marks.assignee else ""
    return f"{marks.status}-{assignee}-{'.'.join(str(label.pk) for label in marks.labels)}"


class VerdictForm(forms.Form):
    """A verdict on an answer, with a reason from the list and a comment."""

    verdict = forms.ChoiceField(
        choices=list(VERDICTS.items()), error_messages={"required": gettext_lazy("Choose a verdict.")}
    )
    reason = forms.ChoiceField(required=False)
    comment = NoteText(
        max_length=MAX_COMMENT,
        required=False,
        error_messages={
            "max_length": gettext_lazy(
                "The comment has %(show_value)d characters, and at most %(limit_value)d can be saved. Shorten it."
            )
        },
    )
    version = forms.CharField(required=False)

    def __init__(self, data: Any = None, *, stored: Verdict) -> None:
        initial = {"verdict": stored.verdict, "reason": stored.reason, "comment": stored.comment}
        super().__init__(data, initial=initial)
        self.stored = stored
        self.current_version = stored.at.isoformat() if stored.pk else "none"
        offered = dict.fromkeys(["", *reasons(), stored.reason])
        self.fields["reason"].choices = [(one, one) for one in offered]  # type: ignore[attr-defined]  # of its kind

    @property
    def reason_choices(self) -> list[str]:
        return [value for value, _ in self.fields["reason"].choices if value]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("version") != self.current_version:
            text = gettext("Your verdict was changed elsewhere meanwhile, as shown above. Save again to replace it.")
            raise forms.ValidationError(text)
        return self.cleaned_data

    def save(self, model: str, channel: str) -> Verdict | None:
        """Save the verdict with the facts of today, unless the conversation was erased here: then say so.

        Two requests at once make one verdict.
        """
        chosen = {name: self.cleaned_data[name] for name in ("verdict", "reason", "comment")}
        facts = {"model": fit(model)[:255], "channel": fit(channel)[:255], "at": timezone.now()}
        with transaction.atomic():
            if erased_among([self.stored.completion_id]):
                self.add_error(None, _ERASED)
                return None
            stored, _ = Verdict.objects.update_or_create(
                completion_id=self.stored.completion_id,
                position=self.stored.position,
                message_id="",
                person=self.stored.person,
                defaults=chosen | facts,
            )
        return stored


class ReasonsForm(forms.Form):
    """The list of reasons, one a line."""

    reasons = NoteText(required=False)
    was = NoteText(required=False)

    @property
    def lines(self) -> list[str]:
        """Return each reason once."""
        lines = (" ".join(line.split()) for line in self.cleaned_data["reasons"].split("\n"))
        return [*dict.fromkeys(line for line in lines if line)]

    def clean(self) -> dict[str, Any]:
        lines = self.lines
        if len(lines) > MAX_REASONS:
            text = gettext("There are %(count)d reasons, and at most %(max)d can be saved.")
            self.add_error("reasons", text % {"count": len(lines), "max": MAX_REASONS})
        if any(len(line) > MAX_REASON for line in lines):
            text = gettext("A reason can have at most %(max)d characters.")
            self.add_error("reasons", text % {"max": MAX_REASON})
        if self.cleaned_data["was"] != "\n".join(reasons()):
            text = gettext("The list was changed elsewhere meanwhile. Save again to replace it.")
            self.add_error("reasons", text)
        return self.cleaned_data


class LabelForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy alone
    """The name of a label, its colour, and whether conversations that have it are kept for ever."""

    colour = forms.ChoiceField(choices=[(one, one) for one in COLOURS], initial=COLOURS[0])

    class Meta:
        model = Label
        fields: ClassVar = ["name", "colour", "is_keeping"]
        error_messages: ClassVar = {"name": {"required": gettext_lazy("Enter a name for the label.")}}

    @property
    def colours(self) -> list[tuple[str, str]]:
        """Return every colour with its name in words."""
        return [(one, str(COLOUR_NAMES[one])) for one in COLOURS]

    def clean_name(self) -> str:
        name = " ".join(fit(self.cleaned_data["name"]).split())
        if _QUOTES.search(name) or not key_of_label(name):
            raise forms.ValidationError(gettext("A name cannot have quotes, or nothing that can be seen."))
        if Label.objects.filter(key=key_of_label(name)).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_TAKEN)
        return name

    def save_if_free(self) -> Label | None:
        """Save the label, unless another request took the name in this moment."""
        self.instance.key = key_of_label(self.cleaned_data["name"])
        try:
            with transaction.atomic():
                label: Label = self.save()
        except IntegrityError:
            self.add_error("name", _TAKEN)
            return None
        return label
