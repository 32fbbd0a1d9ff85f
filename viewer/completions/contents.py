"""Counts what a message contains apart from text, under the names that the `has:` filter uses."""

from __future__ import annotations

from collections import Counter

from .addresses import citation_key
from .outcomes import outcome_of
from .types import AudioPart, FilePart, ImagePart, Message, RefusalPart

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
