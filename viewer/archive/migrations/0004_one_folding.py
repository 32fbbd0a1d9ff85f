from __future__ import annotations

from typing import Any

from django.db import migrations, models

from viewer.archive import search_index


def empty(apps: Any, editor: Any) -> None:
    """Leave no entry and no trigger: SQLite makes a table anew for a new column, and loses what hangs on it."""
    search_index.forget(editor.connection)
    search_index.drop(editor.connection)


class Migration(migrations.Migration):
    """Words are folded in another way, and marks follow the rules of the page: the next start indexes everything anew."""

    dependencies = [("archive", "0003_cheaper_imports")]

    operations = [
        migrations.RunPython(empty, migrations.RunPython.noop),
        migrations.AddField("searchentry", "held", models.CharField(max_length=255, blank=True, default=""), False),
        migrations.AddIndex(
            "searchentry",
            models.Index(fields=["completion", "position"], condition=~models.Q(held=""), name="entry_that_holds"),
        ),
        migrations.RunPython(lambda apps, editor: search_index.create(editor.connection), migrations.RunPython.noop),
    ]
