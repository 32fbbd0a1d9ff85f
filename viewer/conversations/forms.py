"""The form of a saved view."""

from __future__ import annotations

from typing import ClassVar

from django import forms
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy

from .models import SavedView

_TAKEN = gettext_lazy("You already have a view with this name.")


class SavedViewForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy alone
    """The name of a view, and whether the team has it too."""

    class Meta:
        model = SavedView
        fields: ClassVar = ["name", "is_shared"]
        labels: ClassVar = {"name": gettext_lazy("Name"), "is_shared": gettext_lazy("For the whole team")}
        error_messages: ClassVar = {"name": {"required": gettext_lazy("Enter a name for the view.")}}

    def save_if_free(self) -> bool:
        """Save the view, unless another request took the name in this moment."""
        try:
            with transaction.atomic():
                self.save()
        except IntegrityError:
            self.add_error("name", _TAKEN)
            return False
        return True

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        taken = SavedView.objects.filter(owner=self.instance.owner, name=name).exclude(pk=self.instance.pk)
        if taken.exists():
            raise forms.ValidationError(_TAKEN)
        return name
