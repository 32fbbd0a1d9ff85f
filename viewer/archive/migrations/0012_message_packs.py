from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from . import _message_packs_0012, _search_index_0011


def empty_index(apps: Any, editor: Any) -> None:
    """Leave nothing in the index. Without its triggers, because they would delete row by row."""
    _search_index_0011.drop(editor.connection)
    _empty(editor)


def watch_packs(apps: Any, editor: Any) -> None:
    _message_packs_0012.watch_packs(editor.connection)


def unwatch_packs(apps: Any, editor: Any) -> None:
    _message_packs_0012.unwatch_packs(editor.connection)
    _empty(editor)


def watch_rows(apps: Any, editor: Any) -> None:
    _search_index_0011.create(editor.connection)


def _empty(editor: Any) -> None:
    with editor.connection.cursor() as cursor:
        for table in ("pack", "document", "word"):
            cursor.execute(f"DELETE FROM archive_search{table}")


def leave_packed(apps: Any, editor: Any) -> None:
    """Let PostgreSQL not compress again what is compressed."""
    if editor.connection.vendor == "postgresql":
        with editor.connection.cursor() as cursor:
            cursor.execute("ALTER TABLE archive_messagepack ALTER COLUMN packed SET STORAGE EXTERNAL")


def _completion() -> Any:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="archive.storedcompletion"
    )


def _key() -> Any:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    """Messages are packed. `moving` moves them once all migrations are applied: some at a time, and again if need be.

    The table of single messages stays for that, and for machines that still have the previous version. The next start
    indexes everything anew. The summaries are kept until then, so that lists have them.
    """

    dependencies = [("archive", "0011_packs")]

    operations = [
        migrations.RunPython(empty_index, watch_rows),
        migrations.CreateModel(
            name="MessagePack",
            fields=[
                ("id", _key()),
                ("first", models.PositiveIntegerField()),
                ("count", models.PositiveIntegerField()),
                ("packed", models.BinaryField()),
                ("completion", _completion()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("completion", "first"), name="messages_by_first")],
            },
        ),
        migrations.CreateModel(
            name="OwnMessageId",
            fields=[
                ("id", _key()),
                ("digest", models.BigIntegerField()),
                ("position", models.PositiveIntegerField()),
                ("completion", _completion()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("completion", "position"), name="own_id_by_position")],
                "indexes": [models.Index(fields=["digest", "completion"], name="own_id_by_digest")],
            },
        ),
        migrations.RunPython(leave_packed, _message_packs_0012.take_apart),
        migrations.RunPython(watch_packs, unwatch_packs),
        migrations.AlterField(model_name="storedmessage", name="completion", field=_completion()),
    ]
