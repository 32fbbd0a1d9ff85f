"""Counts what a message holds beside words, by the names that `has:` knows: what a reader looks for and jumps to."""

from __future__ import annotations

from collections import Counter

from .addresses import key_of
from .outcomes import outcome_of
from .types import AudioPart, FilePart, ImagePart, Message, RefusalPart

_PARTS: dict[type, str] = {ImagePart: "image", AudioPart: "audio", FilePart: "file", RefusalPart: "refusal"}


def held_by(message: Message) -> Counter[str]:
    """Count images, audio, files, refusals, tool calls, failed tools and cited sources, those that are there."""
    held = Counter(kind for part in message.parts if (kind := _PARTS.get(type(part))))
    outcomes = [call.outcome for call in message.tool_calls]
    outcomes += [outcome_of(message, result) for result in message.results]
    beside = {
        "audio": message.audio is not None,
        "refusal": bool(message.refusal),
        "tool": len(message.tool_calls),
        "error": outcomes.count("error"),
        "citation": len({key_of(cited) for cited in message.citations}),
    }
    for kind, count in beside.items():
        if count:
            held[kind] += count
    return held
