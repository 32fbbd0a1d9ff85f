from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from viewer.archive import search_index


class Migration(migrations.Migration):
    dependencies = [("archive", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField(null=True)),
                ("words", models.TextField()),
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
                "constraints": [
                    models.UniqueConstraint(fields=("completion", "position"), name="entry_by_position"),
                ],
            },
        ),
        # The index is not Django's to describe: FTS5 in SQLite, a generated column in PostgreSQL.
        migrations.RunPython(
            lambda apps, editor: search_index.create(editor.connection),
            lambda apps, editor: search_index.drop(editor.connection),
        ),
    ]
