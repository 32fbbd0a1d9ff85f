"""The form that makes a share, or changes one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from viewer.review.mentions import people_named

from .choices import Choices, Scope
from .descriptions import audiences
from .models import LINK, PEOPLE, SIGNED_IN, Share

DAYS = (1, 7, 30, 90, 365)
KEEP = "keep"  # the expiry as it is
_MAX_WORDS = 200
_MAX_PEOPLE = 50


class ShareForm(forms.Form):
    """Who can open a share, how long and how often, and what is in it. `redact` is read beside it (`redact_of`)."""

    person = forms.CharField(label=gettext_lazy("Colleagues"), max_length=2_000, required=False)
    note = forms.CharField(
        label=gettext_lazy("Note to the reader"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    audience = forms.ChoiceField(label=gettext_lazy("Who can open it"), widget=forms.RadioSelect, required=False)
    scope = forms.ChoiceField(label=gettext_lazy("Messages"), widget=forms.RadioSelect, required=False)
    opens = forms.ChoiceField(label=gettext_lazy("Where it opens"), required=False)
    view = forms.ChoiceField(
        label=gettext_lazy("View"),
        widget=forms.RadioSelect,
        choices=[("everything", gettext_lazy("Everything")), ("customer", gettext_lazy("Only what the customer saw"))],
        required=False,
    )
    expires = forms.ChoiceField(label=gettext_lazy("Expires after"), required=False)
    openings = forms.IntegerField(
        label=gettext_lazy("Number of openings"), min_value=1, max_value=1_000_000, required=False
    )
    words = forms.CharField(
        label=gettext_lazy("Own words to redact, one per line"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    without_media = forms.BooleanField(label=gettext_lazy("Leave out images, audio and files"), required=False)
    with_notes = forms.BooleanField(label=gettext_lazy("With the notes of colleagues"), required=False)
    first = forms.CharField(max_length=300, required=False, widget=forms.HiddenInput)
    last = forms.CharField(max_length=300, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, share: Share | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.share = share
        first = self["first"].value() or ""
        last = self["last"].value() or first
        self._set_choices("audience", audiences().items())
        self._set_choices("scope", _scopes(first, last))
        self._set_choices("opens", _places(first, last))
        kept = [(KEEP, gettext("as it is now"))] if share else []
        self._set_choices("expires", [*kept, *((str(days), _in_words(days)) for days in DAYS)])
        for name, default in {"audience": SIGNED_IN, "view": "everything", "scope": _scopes(first, last)[0][0]}.items():
            self.fields[name].initial = default
        self.fields["opens"].initial = _places(first, last)[0][0]
        self.fields["expires"].initial = KEEP if share else "30"

    def _set_choices(self, name: str, choices: Any) -> None:
        cast(forms.ChoiceField, self.fields[name]).choices = list(choices)

    def clean_person(self) -> list[User]:
        """Return the named colleagues, who are named with commas or spaces between them."""
        written = self.cleaned_data["person"].replace(",", " ").replace(";", " ").split()
        names = dict.fromkeys(name.removeprefix("@") for name in written)
        if len(names) > _MAX_PEOPLE:
            raise forms.ValidationError(gettext("Name at most %(count)d colleagues.") % {"count": _MAX_PEOPLE})
        people = people_named(names)
        if unknown := [name for name in names if name not in people]:
            raise forms.ValidationError(gettext("Nobody here is called “%(name)s”.") % {"name": unknown[0][:100]})
        return [people[name] for name in names]

    def clean_words(self) -> list[str]:
        words = list(dict.fromkeys(filter(None, map(str.strip, self.cleaned_data["words"].splitlines()))))
        if len(words) > _MAX_WORDS:
            raise forms.ValidationError(gettext("Give at most %(count)d words.") % {"count": _MAX_WORDS})
        return words

    def clean(self) -> dict[str, Any]:
        """Fill in what was left out. Whoever names colleagues means them, and not everybody who signs in."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("audience", "scope", "opens", "view", "expires"):
            cleaned[name] = cleaned.get(name) or self.fields[name].initial
        if cleaned.get("person") and cleaned["audience"] == SIGNED_IN:
            cleaned["audience"] = PEOPLE
        if cleaned["audience"] == PEOPLE and "person" in cleaned and not cleaned["person"]:
            self.add_error("person", gettext("Name the colleagues who can open it."))
        return cleaned

    @property
    def is_public(self) -> bool:
        return bool(self.cleaned_data["audience"] == LINK)

    def choices_with(self, redact: list[str]) -> Choices:
        """Return what to take into the snapshot."""
        data = self.cleaned_data
        first = data["first"]
        return Choices(
            scope=data["scope"],
            first=first,
            last=data["last"] or first,
            opens_at=first if data["opens"] == "message" else "",
            is_for_customer=data["view"] == "customer",
            redact=redact,
            words=data["words"],
            without_media=data["without_media"],
            with_notes=data["with_notes"],
        )

    def expires_at(self) -> datetime:
        """Return when the share closes."""
        if self.cleaned_data["expires"] == KEEP and self.share:
            return self.share.expires_at
        return timezone.now() + timedelta(days=int(self.cleaned_data["expires"]))


def initial_of(share: Share) -> dict[str, Any]:
    """Return the values with which the form of a share begins."""
    choices = share.choices
    return {
        "person": ", ".join(share.people.values_list("username", flat=True)),
        "note": share.note,
        "audience": share.audience,
        "scope": choices.scope,
        "opens": "message" if choices.opens_at else "start",
        "view": "customer" if choices.is_for_customer else "everything",
        "expires": KEEP,
        "openings": share.max_openings,
        "words": "\n".join(choices.words),
        "without_media": choices.without_media,
        "with_notes": choices.with_notes,
        "first": choices.first,
        "last": choices.last,
    }


def _scopes(first: str, last: str) -> list[tuple[Scope, str]]:
    """Return what can be shared, likeliest first."""
    scopes: list[tuple[Scope, str]] = [("whole", gettext("The whole conversation"))]
    if first and first != last:
        scopes.insert(0, ("range", gettext("The selected messages")))
    elif first:
        scopes.insert(0, ("message", gettext("This message and its neighbours")))
    return scopes


def _places(first: str, last: str) -> list[tuple[str, str]]:
    """Return where a share can open, likeliest first."""
    start = ("start", gettext("At its beginning"))
    if first and first == last:
        return [("message", gettext("At this message")), start]
    return [start, *([("message", gettext("At the first selected message"))] if first else [])]


def _in_words(days: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
