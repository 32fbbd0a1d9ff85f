from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from viewer.deployment.api_hosts import is_allowed, may_use_http, read_address

from .encryption import CannotDecrypt
from .models import DEFAULT_BASE_URL, RIGHTS, ApiKey
from .own_headers import KEPT, OwnHeadersInput, read_headers, to_lines

_QUOTES = "\"'`“”„‘’«»"


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy alone
    """The form for an API key. When editing, an empty key keeps the stored one."""

    key = forms.CharField(
        label=gettext_lazy("API key"),
        max_length=500,
        # Browsers ignore "off" for passwords; the sign-in password must not be filled in here.
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        help_text=gettext_lazy("Stored encrypted. After saving, only its last four characters are shown."),
        error_messages={"required": gettext_lazy("Paste the API key.")},
    )
    base_url = forms.CharField(label=gettext_lazy("Base URL"), max_length=300, initial=DEFAULT_BASE_URL, required=False)
    headers = forms.CharField(
        label=gettext_lazy("Additional headers"),
        max_length=20_000,
        required=False,
        strip=False,
        widget=OwnHeadersInput(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Headers that a gateway requires, one per line: “Name: value”. Stored encrypted like the key, and never "
            "shown again. If a header carries the key, leave the key empty."
        ),
    )

    class Meta:
        model = ApiKey
        fields = ["label", "base_url", "organization", "project"]
        labels = {
            "label": pgettext_lazy("API key", "Label"),
            "organization": gettext_lazy("Organization"),
            "project": gettext_lazy("Project"),
        }
        error_messages = {"label": {"required": gettext_lazy("Enter a label, to tell this key from your others.")}}

    field_order = ["label", "key", "base_url", "organization", "project", "headers"]

    def __init__(self, *args: Any, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owner = owner
        self._stored_url = "" if self.instance._state.adding else self.instance.base_url
        key = self.fields["key"]
        key.widget.use_required_attribute = lambda initial: False  # a header may contain it
        key.required = not self._stored_url and not self.data.get("headers", "").strip()
        if self.instance.header_names:
            self.initial["headers"] = to_lines(self.instance.header_names)
            help_text = gettext("%(sign)s keeps the stored value. Delete a line to stop sending that header.")
            self.fields["headers"].help_text = help_text % {"sign": KEPT}
        if self._stored_url and self.instance.ending:
            key.label = gettext("Replace the API key")
            help_text = gettext("Leave it empty to keep the key that ends in %(ending)s.")
            key.help_text = help_text % {"ending": self.instance.ending}

    def clean_label(self) -> str:
        label: str = self.cleaned_data["label"]
        if ApiKey.objects.of(self._owner).filter(label=label).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(gettext("You already have a key with this label."))
        return label

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"].strip().strip(_QUOTES)
        if not all("!" <= character <= "~" for character in key):
            raise forms.ValidationError(gettext("An API key has only plain characters and no spaces. Paste it again."))
        return key

    def clean_base_url(self) -> str:
        return read_base_url(self.cleaned_data["base_url"] or DEFAULT_BASE_URL)

    def clean_headers(self) -> dict[str, str]:
        text = self.cleaned_data["headers"]
        try:
            return read_headers(text, self.instance.open_headers() if KEPT in text else {})
        except CannotDecrypt:
            raise forms.ValidationError(
                gettext("The stored values cannot be decrypted. Enter the values of the headers again.")
            ) from None

    def clean(self) -> dict[str, Any] | None:
        """Require the secrets again when the base URL changes: they go only to the server they were saved for."""
        cleaned = super().clean()
        key, headers = self.cleaned_data.get("key"), self.cleaned_data.get("headers") or {}
        if self._stored_url and self.cleaned_data.get("base_url", self._stored_url) != self._stored_url:
            if self.instance.ending and not key:
                self.add_error("key", gettext("The base URL has changed. Paste the API key that belongs to it."))
            if KEPT in self.data.get("headers", ""):
                self.add_error("headers", gettext("The base URL has changed. Enter the values of the headers again."))
        if (key or self.instance.ending) and "authorization" in map(str.lower, headers):
            self.add_error("headers", gettext("The API key is sent as Authorization. Enter only one of the two."))
        return cleaned

    def clean_organization(self) -> str:
        return _check_header_value(self.cleaned_data["organization"])

    def clean_project(self) -> str:
        return _check_header_value(self.cleaned_data["project"])


class AccessTokenForm(forms.Form):
    """The form for a new access token."""

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("The program that will use it, so that you know later which one to revoke."),
        error_messages={"required": gettext_lazy("Enter a name, for example of the program that will use the token.")},
    )
    source = forms.ModelChoiceField(
        queryset=ApiKey.objects.none(),
        required=False,
        label=gettext_lazy("Source"),
        empty_label=gettext_lazy("Archive"),
    )
    may_import = forms.BooleanField(
        required=False,
        label=gettext_lazy("May import"),
        help_text=gettext_lazy(
            "It can send files to /v1/imports and spans to /otlp. New conversations become readable for everyone, and "
            "it can replace those that the team has with newer versions."
        ),
    )
    may_change_metadata = forms.BooleanField(
        required=False,
        label=gettext_lazy("May change metadata"),
        help_text=gettext_lazy(
            "It can replace the metadata of a conversation, such as the customer or the ticket. Messages and answers "
            "stay as they are."
        ),
    )
    may_delete = forms.BooleanField(
        required=False,
        label=gettext_lazy("May delete"),
        help_text=gettext_lazy(
            "It can erase conversations for good, with their notes and shares. They do not come back with an import. A "
            "label that keeps a conversation for ever protects it."
        ),
    )

    def __init__(self, *args: Any, owner: User, may_curate: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = ApiKey.objects.of(owner)  # type: ignore[attr-defined]
        if not may_curate:
            for right in RIGHTS:
                del self.fields[right]

    @property
    def rights(self) -> list[str]:
        """The rights that were chosen."""
        return [right for right in RIGHTS if self.cleaned_data.get(right)]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.cleaned_data.get("source") and self.rights:
            self.add_error("source", gettext("Only tokens for the archive can do more than read."))
        return cleaned


def read_base_url(url: str) -> str:
    """Check a base URL against `API_HOSTS`: keys go only where the administrator allows. Raises ValidationError."""
    url = url.strip().rstrip("/")
    try:
        address = read_address(url)
    except ValueError:
        raise forms.ValidationError(
            gettext("Enter a URL such as https://api.openai.com/v1, without a username or password.")
        ) from None
    if "?" in url or "#" in url:
        raise forms.ValidationError(gettext("A base URL cannot contain ? or #."))
    if address.scheme == "http" and not may_use_http(address, settings.API_HOSTS):
        raise forms.ValidationError(gettext("The URL must begin with https://, or the key could be intercepted."))
    if not is_allowed(address, settings.API_HOSTS):
        allowed = ", ".join(settings.API_HOSTS)
        message = gettext(
            "%(host)s is not among the allowed hosts (%(allowed)s). Your administrator can add it to API_HOSTS."
        )
        raise forms.ValidationError(message % {"host": urlsplit(url).netloc, "allowed": allowed})
    return urlsplit(url).geturl()


def _check_header_value(value: str) -> str:
    """Return a value that is sent as a header. Raises ValidationError."""
    if not all("!" <= character <= "~" for character in value.strip()):
        raise forms.ValidationError(gettext("Only letters, digits and signs without blanks belong here."))
    return value.strip()
