from __future__ import annotations

from typing import Any

from django.db import migrations

from . import _search_index_0006


def empty(apps: Any, editor: Any) -> None:
    _search_index_0006.empty(editor.connection)
    _search_index_0006.delete_summaries_too(editor.connection)


class Migration(migrations.Migration):
    """Numbers are indexed without their spaces, and metadata without keys: the next start indexes everything anew.

    The summaries are kept until then, so that lists have them.
    """

    dependencies = [("archive", "0006_summaries")]

    operations = [migrations.RunPython(empty, migrations.RunPython.noop)]
