from __future__ import annotations

from typing import Any

from django.db import migrations, models

from . import _search_index_0004


def empty(apps: Any, editor: Any) -> None:
    """Leave no entry and no trigger: SQLite makes a table anew for a new column, and loses what hangs on it."""
    _search_index_0004.drop(editor.connection)
    with editor.connection.cursor() as cursor:
        cursor.execute("DELETE FROM archive_searchentry")


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
        migrations.RunPython(lambda apps, editor: _search_index_0004.create(editor.connection), migrations.RunPython.noop),
    ]
