"""The filters of the read log."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext_lazy, pgettext_lazy

from .actions import LABELS
from .querying import Filters

SOURCES = {
    "archive": gettext_lazy("Archive"),
    "key": gettext_lazy("API key"),
    "share": pgettext_lazy("source", "Share"),
}
_ANY = [("", pgettext_lazy("filter", "Any"))]


class FilterForm(forms.Form):
    """Who, what, through which source or share, and on which days, in the reader's time zone."""

    person = forms.CharField(label=gettext_lazy("Person"), required=False, max_length=150)
    conversation = forms.CharField(label=gettext_lazy("Conversation id"), required=False, max_length=255)
    action = forms.ChoiceField(label=gettext_lazy("Action"), required=False, choices=[*_ANY, *LABELS.items()])
    source = forms.ChoiceField(label=gettext_lazy("Source"), required=False, choices=[*_ANY, *SOURCES.items()])
    share = forms.IntegerField(label=gettext_lazy("Share number"), required=False, min_value=1, max_value=2**62)
    since = forms.DateField(label=gettext_lazy("From day"), required=False)
    until = forms.DateField(label=gettext_lazy("To day"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        self.fields["person"].widget.attrs |= {"list": "people", "autocomplete": "off", "spellcheck": "false"}
        self.fields["conversation"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def filters(self) -> Filters:
        """Return what the form asks for; of a form with mistakes, what is right."""
        self.full_clean()
        given = self.cleaned_data
        columns = {"action": "action", "source": "source", "share": "share", "completion_id": "conversation"}
        values = {column: given[name] for column, name in columns.items() if given.get(name)}
        if given.get("person"):
            values |= _person(given["person"])
        since, until = given.get("since"), given.get("until")
        return Filters(values, since and _midnight(since, 0), until and _midnight(until, 1))


def _person(name: str) -> dict[str, Any]:
    """Look for a person by the account, which may have had another name; one that was deleted, by the name."""
    person = User.objects.filter(username=name).values_list("pk", flat=True).first()
    return {"name": name} if person is None else {"person": person}


def _midnight(day: date, days: int) -> datetime:
    """Return the start of a day, or of one some days after it, in the reader's time zone."""
    try:
        midnight = datetime(day.year, day.month, day.day) + timedelta(days=days)
        return timezone.make_aware(midnight).astimezone(UTC)
    except OverflowError:  # at an end of the calendar
        return datetime(day.year, 1, 2, tzinfo=UTC) if day.year == 1 else datetime.max.replace(tzinfo=UTC)
