"""Reads the headers that a person sends along with a key, as gateways ask for them: `Name: value`, one on a line.

Their values are secret like the key. A form shows the names alone, with a sign that stands for "as it is".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from django import forms
from django.utils.translation import gettext

KEPT = "•••"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # a token (RFC 9110, 5.6.2)
_MOST, _LONGEST = 20, 4_000  # headers; characters of one value
# What belongs to the connection or to the question itself, and what has a field of its own.
_NOT_OURS = {
    "host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "content-length",
    "content-type", "content-encoding", "accept-encoding", "range", "cookie", "openai-organization", "openai-project",
}  # fmt: skip


class OwnHeadersInput(forms.Textarea):
    """Shows of every header its name: one that is kept with the sign, one that was typed without its value."""

    def format_value(self, value: object) -> str:
        lines = (line.partition(":") for line in str(value or "").splitlines() if ":" in line)
        return "\n".join(f"{name.strip()}: {KEPT if typed.strip() == KEPT else ''}" for name, _, typed in lines)


def to_lines(names: Iterable[str]) -> str:
    """Write what a form shows of the headers that are stored."""
    return "\n".join(f"{name}: {KEPT}" for name in names)


def read_headers(given: str, stored: Mapping[str, str]) -> dict[str, str]:
    """Read the lines; a header that is to be kept has its stored value. Raises ValidationError."""
    read: dict[str, str] = {}
    for line in filter(None, map(str.strip, given.splitlines())):
        given_name, _, value = (part.strip() for part in line.partition(":"))
        name = _checked_name(given_name, read)
        read[name] = _checked_value(name, stored.get(name, "") if value == KEPT else value)
    if len(read) > _MOST:
        raise forms.ValidationError(gettext("At most %(count)d headers can be sent.") % {"count": _MOST})
    return read


def _checked_name(name: str, seen: Iterable[str]) -> str:
    if not _NAME.fullmatch(name):
        raise forms.ValidationError(gettext("Write one header per line, as “Name: value”."))
    if name.lower() in _NOT_OURS or name.lower().startswith(("proxy-", "sec-")):
        raise forms.ValidationError(gettext("The header %(name)s cannot be set here.") % {"name": name})
    if name.lower() in map(str.lower, seen):
        raise forms.ValidationError(gettext("The header %(name)s is there twice.") % {"name": name})
    return name


def _checked_value(name: str, value: str) -> str:
    if not value:
        raise forms.ValidationError(gettext("Enter a value for the header %(name)s.") % {"name": name})
    if len(value) > _LONGEST or not all(" " <= character <= "~" for character in value):
        raise forms.ValidationError(
            gettext("The value of %(name)s can have up to 4,000 plain characters. Paste it again.") % {"name": name}
        )
    return value
