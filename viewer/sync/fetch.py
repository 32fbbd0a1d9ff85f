"""Fetches one completion with all its messages, as a line of JSON that the archive can import."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

from django.utils.translation import gettext_noop

from viewer.client.client import Client
from viewer.client.problems import Problem
from viewer.completions.answers import is_unfinished
from viewer.completions.types import Completion
from viewer.formats.document import MAX_BYTES

TOO_LARGE = gettext_noop("The conversation is too large to import.")
_UNFINISHED = gettext_noop("The server is still working on this response. Import it again when it is finished.")
_NO_MESSAGES = gettext_noop("The conversation came without messages.")


def fetch(client: Client, completion_id: str, is_over: Event) -> bytes:
    """Read a completion and all pages of its messages. Raises Problem if any of them cannot be read."""
    completion = fetch_completion(client, completion_id)
    if is_unfinished(completion):  # it would stay as it is now
        raise Problem("unreadable", _UNFINISHED)
    return line_of(completion, list(_messages(client, completion_id, is_over)))


def fetch_completion(client: Client, completion_id: str) -> Completion:
    """Read a completion without its messages. Raises Problem, also if the server answers with another one."""
    completion = client.completion(completion_id)
    if completion.id != completion_id:
        raise Problem("unreadable", gettext_noop("The response is about another conversation."))
    return completion


def line_of(completion: Completion, messages: list[str]) -> bytes:
    """Write a completion and the JSON of its messages, as received, as one line. Raises Problem if there are none."""
    if not messages:
        raise Problem("unreadable", _NO_MESSAGES)
    opening = completion.source.rstrip().removesuffix("}").rstrip()
    return f'{opening},"messages":[{",".join(messages)}]}}'.encode()


def _messages(client: Client, completion_id: str, is_over: Event) -> Iterator[str]:
    size = 0
    for page in client.every_message(completion_id):
        if is_over.is_set():
            raise Problem("unavailable", gettext_noop("The import was stopped."))
        for message in page:
            size += len(message.source)
            if size > MAX_BYTES:  # four of them are in memory at a time
                raise Problem("too-large", TOO_LARGE)
            yield message.source
