from __future__ import annotations

from django import forms


class AccessTokenForm(forms.Form):
    """What a person says when making an access token."""

    name = forms.CharField(
        max_length=100,
        label="Name",
        help_text="What will use it, so that you know later which one to revoke.",
        error_messages={"required": "Give the token a name, for example the program that will use it."},
    )
