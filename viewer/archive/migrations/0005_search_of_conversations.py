from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from . import _search_index_0004, _search_index_0005


def empty(apps: Any, editor: Any) -> None:
    """Leave no entry, no index and no trigger of the search of single messages."""
    _search_index_0004.drop(editor.connection)
    with editor.connection.cursor() as cursor:
        cursor.execute("DELETE FROM archive_searchentry")


class Migration(migrations.Migration):
    """The index is one of conversations, no longer of messages: the next start indexes everything anew."""

    dependencies = [("archive", "0004_one_folding")]

    operations = [
        migrations.RunPython(empty, migrations.RunPython.noop),
        migrations.CreateModel(
            name="SearchWord",
            fields=[("word", models.CharField(max_length=64, primary_key=True, serialize=False))],
        ),
        migrations.CreateModel(
            name="SearchDocument",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "completion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="archive.storedcompletion",
                    ),
                ),
                ("signature", models.BinaryField()),
                ("tokens", models.TextField()),
            ],
        ),
        migrations.RunPython(
            lambda apps, editor: _search_index_0005.create(editor.connection),
            lambda apps, editor: _search_index_0005.drop(editor.connection),
        ),
    ]
