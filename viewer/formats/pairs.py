"""Finds the request and the response in a record that has both, under the names that logs give them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from viewer.completions.source_text import to_object

from .document import Document
from .family import object_at
from .message_lists import source_of

Names = tuple[str, ...]
RESPONSES: tuple[Names, ...] = (
    ("response", "body"), ("response",), ("response_body",), ("output",), ("result",), ("res",),
)  # fmt: skip
REQUESTS: tuple[Names, ...] = (
    ("request", "body"), ("request",), ("request_body",), ("body",), ("kwargs",), ("params",), ("req",), ("input",),
)  # fmt: skip


def value_at(value: Any, names: Names) -> Any:
    """Return what stands under these names, one inside the other; None if there is nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def place_of(value: Any, places: Iterable[Names], is_wanted: Callable[[Any], bool]) -> Names | None:
    """Return the first of some places in a record at which there is what is wanted."""
    return next((names for names in places if is_wanted(value_at(value, names))), None)


def inside(record: Document, names: Names | None) -> Document | None:
    """Return what stands in a record under these names; the record itself if there are none."""
    return None if names is None else record.at(*names) if names else record


def left_of_pair(record: Document, request: Document | None, response: Document | None, read: Iterable[str]) -> str:
    """Write what of a record, a request and a response is read nowhere else; empty if that is nothing."""
    known = set(read)
    named = [("request", request), ("response", response)]
    left = [(name, source_of(each, known)) for name, each in named if each is not None and each is not record]
    beside = {name for name, member in record.members.items() if _holds(member.value, request, response)}
    left.append(("record", source_of(record, known | beside)))
    return to_object([(name, source) for name, source in left if source]) if any(source for _, source in left) else ""


def _holds(value: Any, *documents: Document | None) -> bool:
    """Whether a member of a record is one of these documents, or has it in its `body`."""
    bodies = (value, object_at(value, "body"))
    return any(document is not None and document.value is body for document in documents for body in bodies)
