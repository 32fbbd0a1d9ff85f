"""What surrounds the packs of messages as migration 0012 makes it, and how it takes them apart. Frozen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.db.backends.base.base import BaseDatabaseWrapper

from . import _search_index_0011

if TYPE_CHECKING or sys.version_info < (3, 14):
    from backports import zstd
else:
    from compression import zstd

_DELETE = "DELETE FROM archive_searchpack WHERE completion_id = "
_TABLE = "archive_messagepack"
_DELETE_ADDED = f"{_DELETE} ANY (ARRAY(SELECT DISTINCT completion_id FROM added))"
# As triggers of 0011 by number: event, and the statement that deletes the packs of the index it makes stale.
_INVALIDATIONS = [
    ("INSERT", f"{_DELETE} NEW.completion_id"),
    ("DELETE", f"{_DELETE} OLD.completion_id"),
    ("UPDATE", f"{_DELETE} OLD.completion_id"),
]


def watch_packs(database: BaseDatabaseWrapper) -> None:
    """Create the index anew, with triggers on the table of packs instead of that of messages."""
    _search_index_0011.create(database)
    with database.cursor() as cursor:
        for number, (event, action) in enumerate(_INVALIDATIONS):
            name = f"archive_stale_{number}"
            if database.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER {name}")
                cursor.execute(f"CREATE TRIGGER {name} AFTER {event} ON {_TABLE} BEGIN {action}; END")
                continue
            each = "FOR EACH ROW"
            if event == "INSERT":
                action, each = _DELETE_ADDED, "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
            cursor.execute(f"DROP TRIGGER {name} ON archive_storedmessage")
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {action}; RETURN NULL; END $$"
            )
            cursor.execute(f"CREATE TRIGGER {name} AFTER {event} ON {_TABLE} {each} EXECUTE FUNCTION {name}()")


def unwatch_packs(database: BaseDatabaseWrapper) -> None:
    """Drop the index and all triggers."""
    with database.cursor() as cursor:
        for number in range(len(_INVALIDATIONS)):
            on = "" if database.vendor == "sqlite" else f" ON {_TABLE}"
            cursor.execute(f"DROP TRIGGER IF EXISTS archive_stale_{number}{on}")
    _search_index_0011.drop(database)


def take_apart(apps: Any, editor: Any) -> None:
    """Write the messages of all packs as a row for each, as the previous version reads them."""
    rows = apps.get_model("archive", "StoredMessage").objects
    packs = apps.get_model("archive", "MessagePack").objects.select_related("completion").order_by("pk")
    for pack in packs.iterator(4):
        parts = zstd.decompress(pack.packed).decode().split("\x00")
        rows.bulk_create(
            rows.model(
                completion_id=pack.completion_id,
                position=position,
                message_id=own_id or f"{pack.completion.completion_id}-{position}",
                body=body,
            )
            for position, (own_id, body) in enumerate(zip(parts[::2], parts[1::2], strict=True), start=pack.first)
        )
