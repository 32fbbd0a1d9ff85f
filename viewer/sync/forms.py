from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext, gettext_lazy

from viewer.completions.ids import has_address
from viewer.completions.invisibles import escape_invisible
from viewer.keys.models import ApiKey

from .models import Selection


class CopyForm(forms.Form):
    """The form that starts a run."""

    key = forms.ModelChoiceField(
        queryset=ApiKey.objects.none(), label=gettext_lazy("API key"), empty_label=None,
        error_messages={"required": gettext_lazy("Choose one of your API keys.")},
    )  # fmt: skip
    model = forms.CharField(max_length=255, required=False, label=gettext_lazy("Only this model"))
    metadata = forms.CharField(
        max_length=10_000,
        required=False,
        label=gettext_lazy("Only with this metadata"),
        help_text=gettext_lazy("One pair per line, such as team=billing."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    since = forms.DateField(
        required=False, label=gettext_lazy("Only if created since"), widget=forms.DateInput(attrs={"type": "date"})
    )

    follows_metadata = forms.BooleanField(
        required=False,
        label=gettext_lazy("Also responses and conversations that their metadata names"),
        help_text=gettext_lazy("Values that begin with resp_ or conv_ are taken for ids."),
    )
    ids = forms.CharField(
        max_length=100_000,
        required=False,
        label=gettext_lazy("Only these ids"),
        help_text=gettext_lazy("One per line, beginning with resp_, conv_ or chatcmpl-. Nothing is listed then."),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    erases_deleted = forms.BooleanField(
        required=False,
        label=gettext_lazy("Erase here what was deleted at the source"),
        help_text=gettext_lazy("With notes and shares. Conversations with a label that keeps them for ever stay."),
    )

    def __init__(self, *args: Any, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].queryset = ApiKey.objects.of(owner)  # type: ignore[attr-defined]

    def clean_metadata(self) -> dict[str, str]:
        pairs = [line.partition("=") for line in self.cleaned_data["metadata"].splitlines() if line.strip()]
        if any(not name.strip() or not sign for name, sign, _ in pairs):
            raise forms.ValidationError(gettext("Write each pair with an equals sign, such as team=billing."))
        return {name.strip(): value.strip() for name, _, value in pairs}

    def clean_ids(self) -> tuple[str, ...]:
        ids = tuple(dict.fromkeys(self.cleaned_data["ids"].split()))
        for given in ids:
            if not has_address(given):
                raise forms.ValidationError(gettext("“%(id)s” is not an id.") % {"id": escape_invisible(given[:100])})
        return ids

    def clean(self) -> dict[str, Any]:
        filters = ("model", "metadata", "since", "follows_metadata")
        if self.cleaned_data.get("ids") and any(self.cleaned_data.get(name) for name in filters):
            self.add_error("ids", gettext("Leave the other fields empty to import just these ids."))
        return self.cleaned_data

    def selection(self) -> Selection:
        """Return what a valid form chooses."""
        names = ("model", "metadata", "since", "ids", "follows_metadata")
        return Selection(**{name: self.cleaned_data[name] for name in names})

    def clean_since(self) -> datetime | None:
        since = self.cleaned_data["since"]
        return datetime.combine(since, time(), UTC) if since else None
