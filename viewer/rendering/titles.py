"""Titles of a conversation: its first question, its answer, or the tools that the answer calls."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext

from viewer.completions.markdown import without_marks
from viewer.completions.types import Completion, Message, Unreadable, text_of

from .customer import sees_role
from .lines import in_one_line

MAX_BEGINNING = 1_000  # characters of an answer; a row shows less
MAX_LINE = 200  # characters of a model, a name or a value
_MAX_CALLS = 20


def question_in(opening: Iterable[Message | Unreadable]) -> str:
    """Give the first line of the first user message that has words."""
    asked = (text_of(item) for item in opening if isinstance(item, Message) and item.role == "user")
    return next((in_one_line(text) for text in asked if text.strip()), "")


def called_line(completion: Completion) -> str:
    """Name the tools that the answer calls."""
    answers = (choice.message for choice in completion.choices if isinstance(choice.message, Message))
    calls = next((answer.tool_calls for answer in answers if answer.tool_calls), ())
    return in_one_line(", ".join((call.name or call.kind)[:MAX_LINE] for call in calls[:_MAX_CALLS]))


def spoken_line(completion: Completion) -> tuple[str, str]:
    """Give who closes the conversation and the first line of it that the customer saw."""
    for choice in completion.choices:
        if isinstance(choice.message, Message) and sees_role(choice.message.role):
            if choice.message.refusal:
                return gettext("Refusal"), in_one_line(choice.message.refusal)
            if text := text_of(choice.message):
                return gettext("Assistant"), in_one_line(without_marks(text[:MAX_BEGINNING])) or in_one_line(text)
    return "", ""
