"""Fetches one completion with all its messages, as a line of JSON that the archive can import."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

from django.utils.translation import gettext_noop

from viewer.archive.importing import MAX_LINE_BYTES
from viewer.client.client import Client
from viewer.client.problems import Problem


def fetch(client: Client, completion_id: str, is_over: Event) -> bytes:
    """Read a completion and all pages of its messages. Raises Problem if any of them cannot be read."""
    completion = client.completion(completion_id)
    if completion.id != completion_id:
        raise Problem("unreadable", gettext_noop("The response is about another conversation."))
    messages = list(_messages(client, completion_id, is_over))
    if not messages:
        raise Problem("unreadable", gettext_noop("The conversation came without messages."))
    opening = completion.source.rstrip().removesuffix("}").rstrip()
    return f'{opening},"messages":[{",".join(messages)}]}}'.encode()


def _messages(client: Client, completion_id: str, is_over: Event) -> Iterator[str]:
    size = 0
    for page in client.every_message(completion_id):
        if is_over.is_set():
            raise Problem("unavailable", gettext_noop("The import was stopped."))
        for message in page:
            size += len(message.source)
            if size > MAX_LINE_BYTES:  # four of them are in memory at a time
                raise Problem("too-large", gettext_noop("The conversation is too large to import."))
            yield message.source
