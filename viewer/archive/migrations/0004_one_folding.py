from __future__ import annotations

from django.db import migrations

from viewer.archive import search_index


class Migration(migrations.Migration):
    """The words of the search are folded in another way: what is indexed is forgotten, and the next start indexes it anew."""

    dependencies = [("archive", "0003_cheaper_imports")]

    operations = [
        migrations.RunPython(lambda apps, editor: search_index.forget(editor.connection), migrations.RunPython.noop)
    ]
