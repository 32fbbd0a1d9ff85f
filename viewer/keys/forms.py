from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext, gettext_lazy

from .models import DEFAULT_BASE_URL, ApiKey

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy alone
    """What a person says of an API key. When one is edited, an empty key keeps the stored one."""

    key = forms.CharField(
        label=gettext_lazy("API key"),
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Kept encrypted. After saving, nobody sees it again: only its last four characters."),
        error_messages={"required": gettext_lazy("Paste the API key.")},
    )
    base_url = forms.CharField(label=gettext_lazy("Base URL"), max_length=300, initial=DEFAULT_BASE_URL, required=False)

    class Meta:
        model = ApiKey
        fields = ["label", "base_url", "organization", "project"]
        labels = {
            "label": gettext_lazy("Label"),
            "organization": gettext_lazy("Organization"),
            "project": gettext_lazy("Project"),
        }
        error_messages = {"label": {"required": gettext_lazy("Give the key a label, to tell it from your others.")}}

    field_order = ["label", "key", "base_url", "organization", "project"]

    def __init__(self, *args: Any, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owner = owner
        if not self.instance._state.adding:
            self.fields["key"].required = False
            self.fields["key"].label = gettext("Replace the API key")
            told = gettext("Leave it empty to keep the one that ends in %(ending)s.")
            self.fields["key"].help_text = told % {"ending": self.instance.ending}

    def clean_label(self) -> str:
        label: str = self.cleaned_data["label"]
        if ApiKey.objects.of(self._owner).filter(label=label).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(gettext("You have a key with this label already."))
        return label

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"].strip()
        if not all("!" <= character <= "~" for character in key):
            raise forms.ValidationError(gettext("An API key has no blanks and only plain characters; paste it again."))
        return key

    def clean_base_url(self) -> str:
        return read_base_url(self.cleaned_data["base_url"] or DEFAULT_BASE_URL)

    def clean_organization(self) -> str:
        return _header(self.cleaned_data["organization"])

    def clean_project(self) -> str:
        return _header(self.cleaned_data["project"])


class AccessTokenForm(forms.Form):
    """What a person says when making an access token."""

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What will use it, so that you know later which one to revoke."),
        error_messages={"required": gettext_lazy("Give the token a name, for example the program that will use it.")},
    )
    source = forms.ModelChoiceField(
        queryset=ApiKey.objects.none(),
        required=False,
        label=gettext_lazy("Reads from"),
        empty_label=gettext_lazy("The archive"),
    )

    def __init__(self, *args: Any, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = ApiKey.objects.of(owner)  # type: ignore[attr-defined]


def read_base_url(given: str) -> str:
    """Check a base URL against `API_HOSTS`: a key goes only where the operator allows. Raises ValidationError."""
    try:
        parts = urlsplit(given.strip().rstrip("/"))
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise forms.ValidationError(gettext("This is no address. Write one like https://api.openai.com/v1.")) from None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        raise forms.ValidationError(
            gettext("Write an address like https://api.openai.com/v1, without a name or a password in it.")
        )
    if parts.query or parts.fragment or "?" in given or "#" in given or not given.isascii() or "\\" in given:
        raise forms.ValidationError(
            gettext("The base URL ends with its path: nothing behind a ? or a # belongs to it.")
        )
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise forms.ValidationError(
            gettext("The address must begin with https://, or the key could be read on its way.")
        )
    if not any(_allows(allowed, host, port) for allowed in settings.API_HOSTS):
        allowed = ", ".join(settings.API_HOSTS)
        told = gettext(
            "%(host)s is not among the allowed hosts (%(allowed)s). Whoever runs Lectern can add it to API_HOSTS."
        )
        raise forms.ValidationError(told % {"host": host, "allowed": allowed})
    return parts.geturl()


def _allows(allowed: str, host: str, port: int | None) -> bool:
    """Compare with one entry of `API_HOSTS`: a host, `host:port`, or `.domain` for every host under it."""
    if allowed.startswith("."):
        return host.endswith(allowed)
    return allowed in (host, f"{host}:{port}", f"[{host}]")


def _header(given: str) -> str:
    """Check a value that is sent as a header."""
    if not all("!" <= character <= "~" for character in given.strip()):
        raise forms.ValidationError(gettext("Only letters, digits and signs without blanks belong here."))
    return given.strip()
