"""The index as 0006 left it: that of 0005, whose triggers delete summaries too."""

from __future__ import annotations

from typing import Any

from . import _search_index_0005

_FORGET = (
    "DELETE FROM archive_searchdocument WHERE completion_id = OLD.completion_id; "
    "DELETE FROM archive_storedsummary WHERE completion_id = OLD.completion_id"
)
_SQLITE = [
    "DROP TRIGGER archive_search_stale",
    "CREATE TRIGGER archive_search_stale AFTER DELETE ON archive_searchentry WHEN OLD.position IS NULL "
    f"BEGIN {_FORGET}; END",
]
_POSTGRESQL = [
    "CREATE OR REPLACE FUNCTION archive_search_stale() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN {_FORGET}; RETURN NULL; END $$",
]


def delete_summaries_too(connection: Any) -> None:
    with connection.cursor() as cursor:
        for statement in _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL:
            cursor.execute(statement)


def empty(connection: Any) -> None:
    """Leave nothing in the index. Without its triggers, because they would delete row by row."""
    _search_index_0005.drop(connection)
    with connection.cursor() as cursor:
        for table in ("entry", "document", "word"):
            cursor.execute(f"DELETE FROM archive_search{table}")
    _search_index_0005.create(connection)
