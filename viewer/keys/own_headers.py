"""Parses the headers that gateways want with a key, as a person writes them: `Name: value`, one per line.

Their values are as secret as the key. A form shows only the names, with a placeholder that means "unchanged".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from django import forms
from django.utils.translation import gettext

KEPT = "•••"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # a token (RFC 9110, 5.6.2)
_MAX_HEADERS, _MAX_VALUE = 20, 4_000  # headers; characters of one value
# Headers of the connection or the request itself, and those with their own form field.
_RESERVED = {
    "host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "content-length",
    "content-type", "content-encoding", "accept-encoding", "range", "cookie", "openai-organization", "openai-project",
}  # fmt: skip


class OwnHeadersInput(forms.Textarea):
    """A text area that shows only the names of headers, with the placeholder for those that are kept."""

    def format_value(self, value: object) -> str:
        lines = (line.partition(":") for line in str(value or "").splitlines() if ":" in line)
        return "\n".join(f"{name.strip()}: {KEPT if typed.strip() == KEPT else ''}" for name, _, typed in lines)


def to_lines(names: Iterable[str]) -> str:
    """Return what a form shows of the stored headers."""
    return "\n".join(f"{name}: {KEPT}" for name in names)


def read_headers(text: str, stored: Mapping[str, str]) -> dict[str, str]:
    """Parse the lines; a header with the placeholder keeps its stored value. Raises ValidationError."""
    headers: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, value = (part.strip() for part in line.partition(":"))
        _check_name(name, headers)
        headers[name] = _check_value(name, stored.get(name, "") if value == KEPT else value)
    if len(headers) > _MAX_HEADERS:
        raise forms.ValidationError(gettext("At most %(count)d headers can be sent.") % {"count": _MAX_HEADERS})
    return headers


def _check_name(name: str, seen: Iterable[str]) -> None:
    if not _NAME.fullmatch(name):
        raise forms.ValidationError(gettext("Write one header per line, as “Name: value”."))
    if name.lower() in _RESERVED or name.lower().startswith(("proxy-", "sec-")):
        raise forms.ValidationError(gettext("The header %(name)s cannot be set here.") % {"name": name})
    if name.lower() in map(str.lower, seen):
        raise forms.ValidationError(gettext("The header %(name)s is there twice.") % {"name": name})


def _check_value(name: str, value: str) -> str:
    if not value:
        raise forms.ValidationError(gettext("Enter a value for the header %(name)s.") % {"name": name})
    if len(value) > _MAX_VALUE or not all(" " <= character <= "~" for character in value):
        raise forms.ValidationError(
            gettext("The value of %(name)s can have up to 4,000 plain characters. Paste it again.") % {"name": name}
        )
    return value
