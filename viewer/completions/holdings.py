"""Counts what a message holds beside words, by the names that `has:` knows: what a reader looks for and jumps to."""

from __future__ import annotations

from collections import Counter

from .addresses import key_of
from .outcomes import outcome_of
from .types import AudioPart, FilePart, ImagePart, Message, RefusalPart

_PARTS: dict[type, str] = {ImagePart: "image", AudioPart: "audio", FilePart: "file", RefusalPart: "refusal"}


def held_by(message: Message) -> Counter[str]:
    """Count images, audio, files, refusals, tool calls, failed tools and cited sources, those that are there."""
    held = Counter(_PARTS[type(part)] for part in message.parts if type(part) in _PARTS)
    outcomes = [call.outcome for call in message.tool_calls]
    outcomes += [outcome_of(message, result) for result in message.results]
    held["audio"] += message.audio is not None
    held["refusal"] += bool(message.refusal)
    held["tool"] += len(message.tool_calls)
    held["error"] += outcomes.count("error")
    held["citation"] += len({key_of(cited) for cited in message.citations})
    return +held
