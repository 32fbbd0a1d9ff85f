from __future__ import annotations

from typing import Any

from django.db import migrations


class Migration(migrations.Migration):
    """The triggers that this once replaced are made anew by the next migration, which drops the old ones."""

    dependencies = [("archive", "0002_search")]

    operations = [
        migrations.RunPython(lambda apps, editor: _keep_rows_unpacked(editor.connection), migrations.RunPython.noop)
    ]


def _keep_rows_unpacked(on: Any) -> None:
    """By default PostgreSQL packs rows of more than 2 kB, and unpacks them for every question."""
    if on.vendor == "postgresql":
        with on.cursor() as cursor:
            cursor.execute("ALTER TABLE archive_searchentry SET (toast_tuple_target = 8160)")
