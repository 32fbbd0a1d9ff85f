"""Reads and changes the messages of archived conversations, which no model has as rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from viewer.archive.messages import messages_of, pack_messages, write_messages
from viewer.archive.models import MessagePack, OwnMessageId, StoredCompletion


def said_in(**of: Any) -> list[tuple[str, str]]:
    """Give the id and the JSON of the messages of some completions, or of all."""
    return [message for each in StoredCompletion.objects.filter(**of).order_by("pk") for message in messages_of(each)]


def say_instead(completion: StoredCompletion, messages: Iterable[tuple[str, str]]) -> None:
    """Store other messages, which no index knows."""
    for table in (MessagePack, OwnMessageId):
        table.objects.filter(completion=completion).delete()
    write_messages([(completion.pk, pack_messages(completion.completion_id, messages))])
