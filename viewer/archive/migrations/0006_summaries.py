from __future__ import annotations

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from . import _search_index_0005, _search_index_0006


def delete_documents_alone(apps: Any, editor: Any) -> None:
    """Make the triggers of 0005 again."""
    _search_index_0005.drop(editor.connection)
    _search_index_0005.create(editor.connection)


class Migration(migrations.Migration):
    """Lists show a summary that is made with the index: the next start indexes everything, and says how far it is."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("archive", "0005_search_of_conversations"),
    ]

    operations = [
        migrations.RunPython(
            lambda apps, editor: _search_index_0006.empty(editor.connection), migrations.RunPython.noop
        ),
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
        migrations.RunPython(
            lambda apps, editor: _search_index_0006.delete_summaries_too(editor.connection), delete_documents_alone
        ),
    ]
