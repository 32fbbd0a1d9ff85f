"""Reads messages of any known shape, for records of tools that write down what others said."""

from __future__ import annotations

from collections.abc import Iterable

from .document import Document
from .drafts import DraftMessage
from .families import (
    agno,
    autogen,
    haystack,
    langchain,
    llama_index,
    pydantic_ai,
    responses,
    semantic_kernel,
)
from .families.openai_chat import is_chat_message

# The families here must not import this module; those that need it are not here.
_SHAPES = (
    agno.SHAPE,
    autogen.SHAPE,
    haystack.SHAPE,
    langchain.SHAPE,
    llama_index.SHAPE,
    pydantic_ai.SHAPE,
    responses.SHAPE,
    semantic_kernel.SHAPE,
)


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read the messages of one conversation. What no family knows stays as it is."""
    found = list(messages)
    if all(is_chat_message(message.value) for message in found if isinstance(message.value, dict)):
        return [DraftMessage.of(message) for message in found if isinstance(message.value, dict)]
    for shape in _SHAPES:
        if any(shape.is_message(message.value) for message in found):
            return shape.read(found)
    return [DraftMessage.of(message) for message in found if isinstance(message.value, dict)]
