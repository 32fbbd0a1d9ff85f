from __future__ import annotations

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

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


def empty(apps: Any, editor: Any) -> None:
    """Leave nothing in the index. Without its triggers, because they would delete row by row."""
    _search_index_0005.drop(editor.connection)
    with editor.connection.cursor() as cursor:
        for table in ("entry", "document", "word"):
            cursor.execute(f"DELETE FROM archive_search{table}")
    _search_index_0005.create(editor.connection)


def delete_summaries_too(apps: Any, editor: Any) -> None:
    with editor.connection.cursor() as cursor:
        for statement in _SQLITE if editor.connection.vendor == "sqlite" else _POSTGRESQL:
            cursor.execute(statement)


class Migration(migrations.Migration):
    """Lists show a summary that is made with the index: the next start indexes everything, and says how far it is."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("archive", "0005_search_of_conversations"),
    ]

    operations = [
        migrations.RunPython(empty, migrations.RunPython.noop),
        migrations.CreateModel(
            name="StoredSummary",
            fields=[
                (
                    "completion",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="archive.storedcompletion",
                    ),
                ),
                ("question", models.TextField(blank=True)),
                ("messages", models.PositiveIntegerField()),
                ("contents", models.CharField(blank=True, max_length=255)),
            ],
        ),
        migrations.CreateModel(
            name="SeenCompletion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("completion_id", models.CharField(max_length=255)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("person", "completion_id"), name="seen_by_person")
                ],
            },
        ),
        migrations.RunPython(delete_summaries_too, migrations.RunPython.noop),
    ]
