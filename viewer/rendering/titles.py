"""Titles of a conversation: its answer, or the tools that the answer calls; and of its pages."""

from __future__ import annotations

from django.utils.translation import gettext

from viewer.completions.customer import sees_role
from viewer.completions.lines import in_one_line
from viewer.completions.markdown import markdown_to_text
from viewer.completions.types import Completion, Message, text_of

from .messages import Bubble
from .parts import words_of

MAX_BEGINNING = 1_000  # characters of an answer; a row shows less
MAX_LINE = 200  # characters of a model, a name or a value
_MAX_CALLS = 20
_MAX_TITLE, _MAX_NAME = 60, 24  # characters of the title of a page, and of the ticket or customer in it


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


def page_title(name: str, title: str, linked: Bubble | None) -> str:
    """Return a short title for a tab: the ticket or customer, and the linked message or the conversation."""
    name = in_one_line(name, _MAX_NAME)
    about = in_one_line(_about(linked) if linked else title, _MAX_TITLE - len(name))
    return " · ".join(filter(None, (name, about)))


def _about(bubble: Bubble) -> str:
    """Return the place, the speaker and the first words of a message."""
    number = "" if bubble.number is None else f"#{bubble.number}"
    who = bubble.choice.name if bubble.choice and bubble.is_answer else f"{number} {bubble.label}"
    words = _words(bubble)
    return f"{who}: {words}" if words else who


def _words(bubble: Bubble) -> str:
    if text := next((text for part in bubble.parts if (text := words_of(part)[:MAX_BEGINNING]).strip()), ""):
        return markdown_to_text(text) if bubble.role == "assistant" else text
    if bubble.results:
        return bubble.results[0].text.text
    return ", ".join(call.name or call.kind for call in bubble.calls[:_MAX_CALLS])
