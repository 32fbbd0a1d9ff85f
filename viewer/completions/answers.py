"""Answers that stand among the messages as well, as some servers append them."""

from __future__ import annotations

from dataclasses import replace

from .reasoning import merged
from .types import Choice, Message, TextPart, Unreadable, text_of


def appended_answers(
    shown: tuple[Message | Unreadable, ...], choices: tuple[Choice, ...], *, goes_on: bool = False
) -> int:
    """Count the messages at the end of `shown` that are the choices.

    `goes_on` says that there are older messages elsewhere, so that the choices may have begun before.
    """
    last = shown[-len(choices) :] if choices else ()
    if not last or (len(last) < len(choices) and not goes_on):
        return 0
    is_appended = all(
        isinstance(item, Message)
        and item.role == "assistant"
        and isinstance(choice.message, Message)
        and _said(item) == _said(choice.message)
        and _holds(item, choice.message)
        for item, choice in zip(last, choices[-len(last) :], strict=True)
    )
    return len(last) if is_appended else 0


def with_choice(message: Message | Unreadable, choice: Choice) -> Message | Unreadable:
    """Give a message that is the answer with what only the choice says of it."""
    answer = choice.message
    if isinstance(message, Unreadable) or isinstance(answer, Unreadable):
        return message
    return replace(
        message,
        citations=(*message.citations, *answer.citations),
        reasoning=merged(dict.fromkeys((*message.reasoning, *answer.reasoning))),
        error=choice.error or message.error or answer.error,
        other=message.other | answer.other | choice.other,
    )


def _said(message: Message) -> tuple[str, str, str]:
    calls = [f"{call.id} {call.name} {call.arguments}" for call in message.tool_calls]
    return text_of(message), message.refusal, "\n".join(calls)


def _holds(message: Message, answer: Message) -> bool:
    """Whether a message has every picture and sound of an answer, which some servers leave out of the messages."""
    return all(isinstance(part, TextPart) or part in message.parts for part in answer.parts) and (
        answer.audio in (None, message.audio)
    )
