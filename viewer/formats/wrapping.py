"""Finds the records in a document that only holds them together, such as a page of a list, and names what it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext

from .document import Document
from .registry import family_of, is_record

_MAX_DEPTH = 3  # `{"data": {"payload": [{…}]}}`
_NAMED_KEYS = 6


def unwrapped(document: Document) -> Iterator[Document]:
    """Yield the records of a document that holds a list of them; otherwise the document itself."""
    records = None if family_of(document.value) else _records(document, _MAX_DEPTH)
    yield from [document] if records is None else records.items()


def _records(document: Document, depth: int) -> Document | None:
    """Return the first list in a document of which the first item is a record."""
    value = document.value
    if isinstance(value, list):
        return document if value and is_record(value[0]) else None
    if not isinstance(value, dict) or not depth:
        return None
    inner = (name for name, member in value.items() if isinstance(member, (dict, list)) and member)
    found = (_records(document.members[name], depth - 1) for name in inner)
    return next((records for records in found if records is not None), None)


def what_it_looks_like(value: Any) -> str:
    """Say what a document is in which no conversation was found, and what to do."""
    if isinstance(value, list):
        return gettext("This is a list in which no conversation was found that can be read. %s") % _advice()
    if not isinstance(value, dict):
        return gettext("not a JSON object: it is only %s") % _name_of(value)
    if not value:
        return gettext("This is an empty object.")
    names = [f"“{name}”" for name in value][:_NAMED_KEYS]
    named = ", ".join(names) + ("…" if len(value) > len(names) else "")
    return gettext("No conversation was found in a record with %(names)s. %(advice)s") % {
        "names": named,
        "advice": _advice(),
    }


def _advice() -> str:
    return gettext("The page Import and docs/importing.md list what can be read.")


def _name_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return gettext("true or false")
    return gettext("a text") if isinstance(value, str) else gettext("a number")
