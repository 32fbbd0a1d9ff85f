from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext, gettext_lazy

from viewer.accounts.roles import ADMINISTRATOR, CURATOR, READER, role_of

from .models import EntryLink

ROLE_CHOICES = [
    (READER, gettext_lazy("Reader: reads, searches, exports")),
    (CURATOR, gettext_lazy("Curator: imports into the archive too")),
    (ADMINISTRATOR, gettext_lazy("Administrator: looks after people too")),
]


class _PersonFields(forms.Form):
    """Who somebody is. `person` is left out when names and addresses are checked for others."""

    username = forms.CharField(label=gettext_lazy("Username"), max_length=150)
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=ROLE_CHOICES)

    def __init__(self, *args: Any, person: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if self.person and name == self.person.username:
            return name
        if self.person and name.casefold() == self.person.username.casefold():
            return str(get_adapter().clean_username(name, shallow=True))
        return str(get_adapter().clean_username(name))

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        others = User.objects.exclude(pk=self.person.pk) if self.person else User.objects.all()
        if email and others.filter(email__iexact=email).exists():
            raise forms.ValidationError(gettext("Somebody else has this address."))
        return email


class PersonForm(_PersonFields):
    """Renames a person, and changes their address and role."""

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        initial = {"username": person.username, "email": person.email, "role": role_of(person)}
        super().__init__(*args, person=person, initial=initial, **kwargs)
        self.fields["email"].help_text = gettext("Lectern sends no mail. Single sign-on recognizes the person by it.")


class InvitationForm(_PersonFields):
    """Says who is invited. They choose their own name where none is given."""

    field_order = ["username", "email", "role"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].required = False
        self.fields["username"].help_text = gettext("They can choose another one.")
        self.fields["email"].help_text = gettext("Lectern sends no mail. Single sign-on recognizes the person by it.")

    def clean_username(self) -> str:
        return super().clean_username() if self.cleaned_data["username"] else ""


class ResetForm(forms.Form):
    """Says what a new password replaces."""

    removes_second_factors = forms.BooleanField(
        label=gettext_lazy("Also remove second factors and the connection to single sign-on"), required=False
    )


class EntryForm(forms.Form):
    """What somebody enters who follows a link: a name, where they are new, and a password twice."""

    username = forms.CharField(
        label=gettext_lazy("Username"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least 8 characters, and none of the common ones."),
    )
    again = forms.CharField(
        label=gettext_lazy("Password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, link: EntryLink, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = link.person or User(email=link.email)
        if link.person:
            del self.fields["username"]
        else:
            self.initial["username"] = link.name

    def clean_username(self) -> str:
        self.person.username = str(get_adapter().clean_username(self.cleaned_data["username"]))
        return self.person.username

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.person)
        return password

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "password" in self.cleaned_data and self.cleaned_data.get("again") != self.cleaned_data["password"]:
            self.add_error("again", gettext("The two passwords differ."))
        return cleaned
