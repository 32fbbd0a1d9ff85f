from __future__ import annotations

from typing import Any

from django.db import migrations


def delete_with_completions(apps: Any, editor: Any) -> None:
    """Let machines with the previous version, which know no packs, delete conversations. SQLite has one machine."""
    if editor.connection.vendor != "postgresql":
        return
    with editor.connection.cursor() as cursor:
        for table in ("archive_messagepack", "archive_ownmessageid"):
            constraints = editor.connection.introspection.get_constraints(cursor, table)
            (key,) = (editor.quote_name(name) for name, about in constraints.items() if about["foreign_key"])
            cursor.execute(
                f"ALTER TABLE {table} DROP CONSTRAINT {key}, ADD CONSTRAINT {key} FOREIGN KEY (completion_id) "
                "REFERENCES archive_storedcompletion ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
            )


class Migration(migrations.Migration):
    """Keys are made at the end of a migration, so this one follows that which makes the tables."""

    dependencies = [("archive", "0012_message_packs")]

    operations = [migrations.RunPython(delete_with_completions, migrations.RunPython.noop)]
