from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Coalesce

_COMPLETION = "archive_storedcompletion"
_DELETE_ENTRIES = "DELETE FROM archive_searchentry WHERE completion_id = OLD.id"
_EVENTS = {
    "archive_stale_3": ("AFTER UPDATE OF created, model, body", "NULL"),
    "archive_stale_4": ("BEFORE DELETE", "OLD"),
}


def drop_triggers(apps: Any, editor: Any) -> None:
    of_table = "" if editor.connection.vendor == "sqlite" else f" ON {_COMPLETION}"
    with editor.connection.cursor() as cursor:
        for name in _EVENTS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{of_table}")


def create_triggers(apps: Any, editor: Any) -> None:
    with editor.connection.cursor() as cursor:
        for name, (event, returned) in _EVENTS.items():
            if editor.connection.vendor == "sqlite":
                cursor.execute(f"CREATE TRIGGER {name} {event} ON {_COMPLETION} BEGIN {_DELETE_ENTRIES}; END")
                continue
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {_DELETE_ENTRIES}; RETURN {returned}; END $$"
            )
            cursor.execute(f"CREATE TRIGGER {name} {event} ON {_COMPLETION} FOR EACH ROW EXECUTE FUNCTION {name}()")


class Migration(migrations.Migration):
    """What people save belongs to them. SQLite copies the table, and its triggers would be lost with the old one.

    A new owner changes nothing in the index, so that trigger fires for other columns only.
    """

    dependencies = [
        ("archive", "0007_spellings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(drop_triggers, create_triggers),
        migrations.AddField(
            "storedcompletion",
            "owner",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField("storedcompletion", "completion_id", models.CharField(max_length=255)),
        migrations.AddIndex(
            "storedcompletion",
            models.Index(condition=models.Q(owner__isnull=False), fields=["owner"], name="completion_saved"),
        ),
        migrations.AddConstraint(
            "storedcompletion",
            models.UniqueConstraint(
                models.F("completion_id"), Coalesce("owner", models.Value(0)), name="completion_of_owner"
            ),
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
