"""Counts what messages and answers contain apart from text, under the names that the `has:` filter uses."""

from __future__ import annotations

from collections import Counter

from .addresses import citation_key
from .finish_reasons import canonical_finish_reason
from .outcomes import outcome_of
from .types import AudioPart, Choice, FilePart, ImagePart, Message, RefusalPart

_ENDINGS = {"length": "cut-off", "content_filter": "filtered"}
_PARTS: dict[type, str] = {ImagePart: "image", AudioPart: "audio", FilePart: "file", RefusalPart: "refusal"}


def count_contents(message: Message) -> Counter[str]:
    """Count images, audio, files, refusals, tool calls, failed tools and cited sources; leave out what has none."""
    counts = Counter(kind for part in message.parts if (kind := _PARTS.get(type(part))))
    outcomes = [call.outcome for call in message.tool_calls]
    outcomes += [outcome_of(message, result) for result in message.results]
    others = {
        "audio": message.audio is not None,
        "refusal": bool(message.refusal),
        "tool": len(message.tool_calls),
        "error": outcomes.count("error"),
        "citation": len({citation_key(cited) for cited in message.citations}),
    }
    for kind, count in others.items():
        if count:
            counts[kind] += count
    return counts


def count_endings(choices: tuple[Choice, ...]) -> Counter[str]:
    """Count the answers that were cut off at the token limit, and those that a content filter stopped."""
    reasons = (canonical_finish_reason(choice.finish_reason) for choice in choices)
    return Counter(_ENDINGS[reason] for reason in reasons if reason in _ENDINGS)


def count_answers(choices: tuple[Choice, ...]) -> Counter[str]:
    """Count what the answers of a completion contain, and how they ended."""
    messages = (choice.message for choice in choices if isinstance(choice.message, Message))
    return sum(map(count_contents, messages), count_endings(choices))
