"""Reads files through the whole of `formats`, and shows what the pages will be made of."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from viewer.completions.reading import read_completion, read_message
from viewer.completions.source_text import to_object
from viewer.completions.types import Choice, Completion, Message
from viewer.formats.document import Conversation, Refusal
from viewer.formats.reading import Reading

FILES = Path(__file__).parent / "files"


def found_in(source: str | bytes | Path | Any) -> list[Conversation | Refusal]:
    """Read a file or a folder of `tests/formats/files` by its name, bytes, or any other value as its JSON."""
    return _read(source)[0]


def remarks_on(source: Any) -> list[str]:
    """Return what a reading says beside its conversations."""
    return _read(source)[1].remarks()


def _read(source: Any) -> tuple[list[Conversation | Refusal], Reading]:
    reading = Reading()
    path = FILES / source if isinstance(source, str) else source
    if isinstance(path, Path) and path.is_dir():
        found = list(reading.folder(path))
    elif isinstance(path, Path):
        with path.open("rb") as file:
            found = list(reading.file(path.name, file))
    else:
        content = path if isinstance(path, bytes) else json.dumps(path).encode()
        found = list(reading.file("file", io.BytesIO(content)))
    return found + list(reading.rest()), reading


def conversations_in(source: Any) -> list[Conversation]:
    """Read what must not be refused."""
    found = found_in(source)
    assert not (refused := [each for each in found if isinstance(each, Refusal)]), refused
    return [each for each in found if isinstance(each, Conversation)]


def conversation_in(source: Any) -> Conversation:
    """Read what must be one conversation."""
    (conversation,) = conversations_in(source)
    return conversation


def refusals_in(source: Any) -> list[str]:
    """Return the reasons for what was refused."""
    return [each.reason for each in found_in(source) if isinstance(each, Refusal)]


def completion_of(conversation: Conversation) -> Completion:
    """Return the completion as a page reads it."""
    completion = read_completion(to_object([(name, piece.source) for name, piece in conversation.fields]))
    assert isinstance(completion, Completion)
    return completion


def choices_of(conversation: Conversation) -> tuple[Choice, ...]:
    """Return the answers as a page reads them."""
    return completion_of(conversation).choices


def messages_of(conversation: Conversation) -> list[Message]:
    """Return the messages and the answers as a page reads them, in their order."""
    read = [read_message(source) for source in conversation.messages]
    read += [choice.message for choice in choices_of(conversation)]
    messages = [message for message in read if isinstance(message, Message)]
    assert len(messages) == len(read)
    return messages
