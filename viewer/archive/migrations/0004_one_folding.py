from __future__ import annotations

from django.db import migrations

from viewer.archive import search_index


class Migration(migrations.Migration):
    """Words are folded in another way, and marks follow the rules of the page: the next start indexes everything anew."""

    dependencies = [("archive", "0003_cheaper_imports")]

    operations = [
        migrations.RunPython(lambda apps, editor: search_index.forget(editor.connection), migrations.RunPython.noop)
    ]
