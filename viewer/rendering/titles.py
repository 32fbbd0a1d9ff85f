"""Titles of a conversation: its answer, or the tools that the answer calls."""

from __future__ import annotations

from django.utils.translation import gettext

from viewer.completions.lines import in_one_line
from viewer.completions.markdown import markdown_to_text
from viewer.completions.types import Completion, Message, text_of

from .customer import sees_role

MAX_BEGINNING = 1_000  # characters of an answer; a row shows less
MAX_LINE = 200  # characters of a model, a name or a value
_MAX_CALLS = 20


def tool_call_line(completion: Completion) -> str:
    """Name the tools that the answer calls."""
    answers = (choice.message for choice in completion.choices if isinstance(choice.message, Message))
    calls = next((answer.tool_calls for answer in answers if answer.tool_calls), ())
    return in_one_line(", ".join((call.name or call.kind)[:MAX_LINE] for call in calls[:_MAX_CALLS]))


def answer_line(completion: Completion) -> tuple[str, str]:
    """Return a label and a line of the first answer that the customer saw: a refusal or a text."""
    for choice in completion.choices:
        if isinstance(choice.message, Message) and sees_role(choice.message.role):
            if choice.message.refusal:
                return gettext("Refusal"), in_one_line(choice.message.refusal)
            if text := text_of(choice.message):
                return gettext("Assistant"), in_one_line(markdown_to_text(text[:MAX_BEGINNING])) or in_one_line(text)
    return "", ""
