"""Packs the messages that earlier versions stored as a row for each.

It follows every migration, and so every start: beside a machine that is upgraded, others with the previous version may
go on storing. Each batch is complete, so that it can be killed and goes on where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import monotonic
from typing import Any

from django.db import connection, transaction

from .messages import pack_messages, write_messages
from .models import MessagePack, StoredCompletion, StoredMessage

_MESSAGES = 5_000  # of a transaction, or one conversation
_ROWS = 500  # read at a time
_REPORT_EVERY = 10  # seconds


def move_messages(**signal: Any) -> None:
    """Move all rows into packs, and say on the terminal or in the journal how far it is."""
    if MessagePack._meta.db_table not in connection.introspection.table_names():  # migrated back
        return
    moved, reported_at = 0, monotonic()
    for count in _moved():
        moved += count
        if monotonic() - reported_at > _REPORT_EVERY:
            sys.stderr.write(f"{moved} messages are packed\n")
            sys.stderr.flush()
            reported_at = monotonic()
    if moved and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM {StoredMessage._meta.db_table}")  # gives the space back


def _moved() -> Iterator[int]:
    """Move a batch at a time; yield how many messages, after each commit."""
    while StoredMessage.objects.exists():
        with transaction.atomic():
            batch = _next_batch()
            write_messages([(each.pk, pack_messages(each.completion_id, _rows_of(each))) for each in batch])
            count, _ = StoredMessage.objects.filter(completion__in=batch).delete()
        yield count


def _next_batch() -> list[StoredCompletion]:
    """Lock and return the next conversations that have rows: all of their messages are rows then."""
    rows = StoredMessage.objects.order_by("completion", "position").values_list("completion", flat=True)
    found = set(rows[:_MESSAGES])
    return list(StoredCompletion.objects.filter(pk__in=found).order_by("pk").select_for_update())


def _rows_of(completion: StoredCompletion) -> Iterator[tuple[str, str]]:
    rows = StoredMessage.objects.filter(completion=completion).order_by("position")
    return rows.values_list("message_id", "body").iterator(_ROWS)
