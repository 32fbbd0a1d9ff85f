from __future__ import annotations

from typing import Any

from django.db import migrations

from viewer.archive import search_index


class Migration(migrations.Migration):
    dependencies = [("archive", "0002_search")]

    operations = [migrations.RunPython(lambda apps, editor: _renew(editor.connection), migrations.RunPython.noop)]


def _renew(on: Any) -> None:
    """Replace the triggers of an archive that has those of before; what it holds stays as it is."""
    search_index.unwatch(on)
    search_index.watch(on)
    if on.vendor == "postgresql":
        with on.cursor() as cursor:  # By default rows of more than 2 kB are packed, and unpacked for every question.
            cursor.execute("ALTER TABLE archive_searchentry SET (toast_tuple_target = 8160)")
