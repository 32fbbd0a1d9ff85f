from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext, gettext_lazy

from viewer.keys.models import ApiKey


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

    def clean_since(self) -> datetime | None:
        since = self.cleaned_data["since"]
        return datetime.combine(since, time(), UTC) if since else None
