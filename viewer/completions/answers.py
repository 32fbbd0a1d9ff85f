"""Answers that stand among the messages as well, as some servers append them."""

from __future__ import annotations

from dataclasses import replace

from .types import Choice, Message, Unreadable, text_of


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
        for item, choice in zip(last, choices[-len(last) :], strict=True)
    )
    return len(last) if is_appended else 0


def with_choice(message: Message | Unreadable, choice: Choice) -> Message | Unreadable:
    """Give a message that is the answer with what only the choice says of it."""
    if isinstance(message, Unreadable) or isinstance(choice.message, Unreadable):
        return message
    return replace(
        message,
        citations=(*message.citations, *choice.message.citations),
        error=choice.error or message.error,
        other=message.other | choice.other,
    )


def _said(message: Message) -> tuple[str, str, str]:
    calls = [f"{call.id} {call.name} {call.arguments}" for call in message.tool_calls]
    return text_of(message), message.refusal, "\n".join(calls)
