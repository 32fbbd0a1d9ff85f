"""The form of a saved view."""

from __future__ import annotations

from typing import ClassVar

from django import forms
from django.utils.translation import gettext, gettext_lazy

from .models import SavedView


class SavedViewForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy alone
    """The name of a view, and whether the team has it too."""

    class Meta:
        model = SavedView
        fields: ClassVar = ["name", "is_shared"]
        labels: ClassVar = {"name": gettext_lazy("Name"), "is_shared": gettext_lazy("For the whole team")}
        error_messages: ClassVar = {"name": {"required": gettext_lazy("Enter a name for the view.")}}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        taken = SavedView.objects.filter(owner=self.instance.owner, name=name).exclude(pk=self.instance.pk)
        if taken.exists():
            raise forms.ValidationError(gettext("You already have a view with this name."))
        return name
