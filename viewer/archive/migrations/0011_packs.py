from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from . import _search_index_0005, _search_index_0006, _search_index_0011


def empty(apps: Any, editor: Any) -> None:
    """Leave nothing in the index. Without its triggers, because they would delete row by row."""
    _search_index_0005.drop(editor.connection)
    with editor.connection.cursor() as cursor:
        for table in ("entry", "document", "word"):
            cursor.execute(f"DELETE FROM archive_search{table}")


def let_go_of_completions(apps: Any, editor: Any) -> None:
    """Drop the foreign key of the old table, or what another machine wrote there would keep conversations for ever."""
    if editor.connection.vendor == "sqlite":  # which has no other machine
        return
    with editor.connection.cursor() as cursor:
        constraints = editor.connection.introspection.get_constraints(cursor, "archive_searchentry")
        for name in (name for name, about in constraints.items() if about["foreign_key"]):
            cursor.execute(f"ALTER TABLE archive_searchentry DROP CONSTRAINT {editor.quote_name(name)}")


def create_with_entries(apps: Any, editor: Any) -> None:
    _search_index_0005.create(editor.connection)
    _search_index_0006.delete_summaries_too(editor.connection)


def create_with_packs(apps: Any, editor: Any) -> None:
    _search_index_0011.create(editor.connection)


def drop_with_packs(apps: Any, editor: Any) -> None:
    _search_index_0011.drop(editor.connection)
    with editor.connection.cursor() as cursor:
        for table in ("pack", "document", "word"):
            cursor.execute(f"DELETE FROM archive_search{table}")


class Migration(migrations.Migration):
    """The words of messages are packed: the next start indexes everything anew, and says how far it is.

    The table of single entries stays, empty, for machines that still have the previous version. The summaries are kept
    until then, so that lists have them.
    """

    dependencies = [("archive", "0010_labels")]

    operations = [
        migrations.RunPython(empty, create_with_entries),
        migrations.RunPython(let_go_of_completions, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("SearchEntry")]),
        migrations.CreateModel(
            name="SearchPack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first", models.PositiveIntegerField()),
                ("is_last", models.BooleanField()),
                ("held", models.TextField(blank=True)),
                ("words", models.BinaryField()),
                (
                    "completion",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="archive.storedcompletion",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("completion", "first"), name="pack_by_first")],
            },
        ),
        migrations.RunPython(create_with_packs, drop_with_packs),
    ]
