"""Reads messages of any known shape, for records of tools that write down what others said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .document import Document
from .drafts import DraftMessage
from .families import (
    agent_framework,
    agno,
    ai_sdk,
    anthropic,
    autogen,
    bedrock,
    google,
    haystack,
    langchain,
    llama_index,
    pydantic_ai,
    responses,
    semantic_kernel,
    sharegpt,
)
from .families.openai_chat import is_chat_message
from .spans import genai

# The families here must not import this module; those that need it are not here.
_SHAPES = (
    agent_framework.SHAPE,
    agno.SHAPE,
    ai_sdk.SHAPE,
    anthropic.SHAPE,
    autogen.SHAPE,
    bedrock.SHAPE,
    genai.SHAPE,
    google.SHAPE,
    haystack.SHAPE,
    langchain.SHAPE,
    llama_index.SHAPE,
    pydantic_ai.SHAPE,
    responses.SHAPE,
    semantic_kernel.SHAPE,
    sharegpt.SHAPE,
)


def is_message(value: Any) -> bool:
    """Whether a value is a message of any known shape."""
    return isinstance(value, dict) and (isinstance(value.get("role"), str) or has_shape(value))


def has_shape(value: Any) -> bool:
    """Whether a value is a message of a shape that only the tools of one family write."""
    return any(shape.is_message(value) for shape in _SHAPES)


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read the messages of one conversation. What no family knows stays as it is."""
    found = list(messages)
    if all(is_chat_message(message.value) for message in found if isinstance(message.value, dict)):
        return [DraftMessage.of(message) for message in found if isinstance(message.value, dict)]
    for shape in _SHAPES:
        if any(shape.is_message(message.value) for message in found):
            return shape.read(found)
    return [DraftMessage.of(message) for message in found if isinstance(message.value, dict)]


def can_read(messages: Iterable[Document]) -> bool:
    """Whether the messages of one conversation are OpenAI's, or of a shape that some family knows."""
    found = [message.value for message in messages]
    if all(isinstance(value, dict) and is_chat_message(value) for value in found):
        return bool(found)
    return any(shape.is_message(value) for shape in _SHAPES for value in found)
