"""Conditions on labels, status and assignee, in SQL. They are looked up by what was asked for, not by conversation:
mostly few have a label, and reading all documents to find them would take seconds.
"""

from __future__ import annotations

from typing import Any

from viewer.archive.labels import key_of_label
from viewer.archive.models import fit

from .query import MarkFilter

_LABEL = "archive_completionlabel m JOIN archive_label l ON l.id = m.label_id AND l.key = %s"
_STATE = "archive_completionstate m"
_DOCUMENTS = (
    "SELECT d.id FROM {marks} JOIN archive_storedcompletion c ON c.completion_id = m.completion_id "
    "JOIN archive_searchdocument d ON d.completion_id = c.id WHERE {where}"
)
_KEPT = "SELECT id FROM archive_searchdocument WHERE completion_id = %s"


def condition_of(asked: MarkFilter, reader: int, kept: int) -> tuple[str, list[Any]]:
    """Return the condition that a document is of a conversation with a mark, or without it, and its values.

    The conversation whose row is `kept` meets it either way.
    """
    marks, where, values, is_excluded = _source_of(asked, reader)
    documents = _DOCUMENTS.format(marks=marks, where=where)
    if is_excluded:
        return f"{{marked}} NOT IN ({documents} AND c.id <> %s)", [*values, kept]
    return f"{{marked}} IN ({documents} UNION ALL {_KEPT})", [*values, kept]


def _source_of(asked: MarkFilter, reader: int) -> tuple[str, str, list[Any], bool]:
    """Return the tables, the condition and its values, and whether those conversations are the ones left out."""
    if asked.name == "label":
        return _LABEL, "m.label_id = l.id", [key_of_label(asked.value)], asked.is_excluded
    if asked.name == "status":
        if asked.value == "none":
            return _STATE, "m.status <> ''", [], not asked.is_excluded
        return _STATE, "m.status = %s AND m.status <> ''", [asked.value], asked.is_excluded
    if asked.value == "nobody":
        return _STATE, "m.assignee_id IS NOT NULL", [], not asked.is_excluded
    if asked.value == "me":
        return _STATE, "m.assignee_id = %s", [reader], asked.is_excluded
    people = "m.assignee_id IN (SELECT id FROM auth_user WHERE username = %s OR lower(username) = %s)"
    name = fit(asked.value)
    return _STATE, people, [name, name.lower()], asked.is_excluded
