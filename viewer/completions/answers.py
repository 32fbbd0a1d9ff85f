"""Finds answers that a server stored a second time, as the last messages of the conversation."""

from __future__ import annotations

from dataclasses import replace

from .reasoning import merge_reasoning
from .types import Choice, Completion, Message, TextPart, Unreadable, text_of


def appended_answers(
    shown: tuple[Message | Unreadable, ...], choices: tuple[Choice, ...], *, has_earlier: bool = False
) -> int:
    """Count the messages at the end of `shown` that repeat the choices.

    `has_earlier` says that there are older messages that are not in `shown`, which may repeat the first choices.
    """
    last = shown[-len(choices) :] if choices else ()
    if not last or (len(last) < len(choices) and not has_earlier):
        return 0
    is_appended = all(
        isinstance(item, Message)
        and item.role == "assistant"
        and isinstance(choice.message, Message)
        and _words(item) == _words(choice.message)
        and _has_media_of(item, choice.message)
        for item, choice in zip(last, choices[-len(last) :], strict=True)
    )
    return len(last) if is_appended else 0


def is_unfinished(completion: Completion) -> bool:
    """Whether the server is still at work on the answer, so that it will change."""
    states = (completion.other.get("status", "").strip('"'), *(choice.finish_reason for choice in completion.choices))
    return any(state in ("queued", "in_progress") for state in states)


def with_choice(message: Message | Unreadable, choice: Choice) -> Message | Unreadable:
    """Return a message that repeats an answer, with the fields that only the choice has."""
    answer = choice.message
    if isinstance(message, Unreadable) or isinstance(answer, Unreadable):
        return message
    return replace(
        message,
        citations=(*message.citations, *answer.citations),
        reasoning=merge_reasoning(dict.fromkeys((*message.reasoning, *answer.reasoning))),
        error=choice.error or message.error or answer.error,
        other=message.other | answer.other | choice.other,
    )


def _words(message: Message) -> tuple[str, str, str]:
    calls = [f"{call.id} {call.name} {call.arguments}" for call in message.tool_calls]
    return text_of(message), message.refusal, "\n".join(calls)


def _has_media_of(message: Message, answer: Message) -> bool:
    """Whether a message has every image and sound of an answer: some servers omit them from the messages."""
    return all(isinstance(part, TextPart) or part in message.parts for part in answer.parts) and (
        answer.audio in (None, message.audio)
    )
