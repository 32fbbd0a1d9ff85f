"""The one way to delete old rows of the read log, whose triggers are those of a migration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction

from .migrations._append_only_0001 import create, drop

__all__ = ["create", "deleting_before", "drop"]


@contextmanager
def deleting_before(moment: datetime) -> Iterator[None]:
    """Let this transaction delete rows that are older; whatever ends it, the triggers are there afterwards.

    PostgreSQL's trigger reads a setting of the transaction, so that others go on writing rows meanwhile: to disable a
    trigger would lock them out. In SQLite, where nobody else writes meanwhile and a table's definition is part of the
    transaction, the trigger is dropped and made again.
    """
    with transaction.atomic():
        if connection.vendor == "sqlite":
            drop(connection)
            yield
            create(connection)
        else:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lectern.prune_before', %s, true)", [moment.isoformat()])
            yield
