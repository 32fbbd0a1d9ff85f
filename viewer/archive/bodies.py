"""Reads the JSON of stored messages one after the other, without the pages of the API."""

from __future__ import annotations

from collections.abc import Iterator

from .models import StoredCompletion, StoredMessage, fit

_BATCH = 500  # messages of a query
_CHUNK = 4  # rows that are in memory together, because one may hold megabytes; as in `api`


def bodies_after(completion_id: str, after: str, reader: int | None) -> Iterator[tuple[str, str]]:
    """Yield the id and the JSON of the messages after the message `after`, or of all, in order.

    Yield nothing of a conversation that is not stored or that the person may not see, or after an unknown message.
    Raises DatabaseError.
    """
    completion = StoredCompletion.objects.named(completion_id, reader).values_list("pk", flat=True).first()
    stored = StoredMessage.objects.filter(completion=completion)
    position: int | None = -1
    if after:
        position = stored.filter(message_id=fit(after)).values_list("position", flat=True).first()
    while position is not None:
        rows = stored.filter(position__gt=position).order_by("position").values_list("position", "message_id", "body")
        position = None
        for row in rows[:_BATCH].iterator(_CHUNK):
            position, message_id, body = row
            yield message_id, body
