"""Conditions on labels, status and assignee, in SQL.

Mostly few conversations have a label. They are looked up by it, because reading all documents to find them would take
seconds. What very many have is looked up for each document, because the first ones that are read will do.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from viewer.archive.labels import key_of_label
from viewer.archive.models import fit

from .query import MarkFilter

_LABEL = "archive_completionlabel m JOIN archive_label l ON l.id = m.label_id AND l.key = %s"
_STATE = "archive_completionstate m"
_MANY = 20_000  # marks; looking up so many takes as long as finding a thousand of them among a million documents
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
    if _are_many(marks, where, values):
        exists = f"{'NOT ' if is_excluded else ''}EXISTS ({documents} AND d.id = {{id}})"
        return f"({exists} OR {{id}} IN ({_KEPT}))", [*values, kept]
    if is_excluded:
        return f"{{marked}} NOT IN ({documents} AND c.id <> %s)", [*values, kept]
    return f"{{marked}} IN ({documents} UNION ALL {_KEPT})", [*values, kept]


def _are_many(marks: str, where: str, values: list[Any]) -> bool:
    with connection.cursor() as cursor:
        first = f"SELECT m.completion_id FROM {marks} WHERE {where} LIMIT {_MANY}"
        cursor.execute(f"SELECT COUNT(*) FROM ({first}) found", values)
        return bool(cursor.fetchone()[0] == _MANY)


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
