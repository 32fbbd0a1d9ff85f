from __future__ import annotations

from typing import Any

from django.db import migrations

_TABLES = ("archive_searchpack", "archive_searchdocument", "archive_searchword")
_TRIGGERS = ("archive_search_stale", "archive_search_delete")


def empty_index(apps: Any, editor: Any) -> None:
    """Leave nothing in the index. Without its triggers, because they would delete row by row."""
    with editor.connection.cursor() as cursor:
        if editor.connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(_TABLES)}")
            return
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name IN (%s, %s)", _TRIGGERS)
        triggers = [sql for (sql,) in cursor.fetchall()]
        for trigger in _TRIGGERS:
            cursor.execute(f"DROP TRIGGER {trigger}")
        for table in _TABLES:
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('delete-all')")
        for trigger in triggers:
            cursor.execute(trigger)


class Migration(migrations.Migration):
    """Signatures have words in their order: the next start indexes everything anew, and says how far it is.

    The summaries are kept until then, so that lists have them.
    """

    dependencies = [("archive", "0013_deleted_by_any_version")]

    operations = [migrations.RunPython(empty_index, empty_index)]
