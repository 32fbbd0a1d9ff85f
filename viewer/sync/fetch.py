"""Brings one completion with all its messages, as one line of source text that the archive's import reads."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

from django.utils.translation import gettext_noop

from viewer.archive.importing import LONGEST_LINE
from viewer.client.client import Client
from viewer.client.problems import Problem


def fetch(client: Client, completion_id: str, is_over: Event) -> bytes:
    """Ask for a completion and every page of its messages. Raises Problem when any of it does not come."""
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
            if size > LONGEST_LINE:  # four are held in memory until they are stored
                raise Problem("too-large", gettext_noop("The conversation is too large to import."))
            yield message.source
