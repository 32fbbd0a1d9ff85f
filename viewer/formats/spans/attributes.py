"""What attributes of a span hold: texts, numbers, and JSON that stands in a text or as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from viewer.formats.document import Document, NotReadable

from .span import Span


def first_in(span: Span, names: Iterable[str]) -> Any:
    """Return the first of these attributes that is neither missing nor empty, or None."""
    attributes = span.attributes
    return next((attributes[name] for name in names if attributes.get(name) not in (None, "")), None)


def document_of(value: Any) -> Document | None:
    """Return the JSON that an attribute holds, as text or as an object; None if it is something else."""
    if isinstance(value, (dict, list)):
        return Document(json.dumps(value, ensure_ascii=False))
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return None
    document = Document(value)
    try:
        return document if isinstance(document.value, (dict, list)) else None
    except NotReadable:
        return None


def as_json(value: Any) -> Any:
    """Return the value of JSON; anything else as it is."""
    document = document_of(value)
    return value if document is None else document.value


def as_list(value: Any) -> list[Any]:
    """Return a list, also where it is JSON; anything else alone in one, unless it is nothing."""
    value = as_json(value)
    return list(value) if isinstance(value, (list, tuple)) else [] if value in (None, "") else [value]


def as_number(value: Any) -> int | None:
    """Return a whole number, also where it is a text; None for anything else."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
