"""Says in a few words what a conversation is about: its first question, how long it is, and what is inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .lines import in_one_line
from .types import Message, Unreadable, text_of


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of a conversation beside its completion.

    `messages` counts the input messages; `contents` counts what all messages and answers contain (`contents`).
    """

    question: str
    messages: int
    contents: Mapping[str, int]


def first_question(opening: Iterable[Message | Unreadable]) -> str:
    """Return the first user message with text, in one line."""
    return next(filter(None, map(question_in, opening)), "")


def question_in(message: Message | Unreadable) -> str:
    """Return a user message with text in one line, and nothing of other messages."""
    return in_one_line(text_of(message)) if isinstance(message, Message) and message.role == "user" else ""
