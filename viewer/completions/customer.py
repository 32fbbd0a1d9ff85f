"""What the customer saw of a conversation: which roles, which parts, and a message as JSON with nothing else in it.

The JSON is written anew from what was understood, so that a field that nobody knows is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeGuard

from .types import (
    AudioAnswer,
    AudioPart,
    Choice,
    Citation,
    Completion,
    FilePart,
    ImagePart,
    Message,
    Part,
    RefusalPart,
    TextPart,
    Unreadable,
    tool_parts,
)

_ROLES = ("user", "assistant")


def sees_role(role: str) -> bool:
    """Whether the customer saw messages of a role, unless all of their parts are hidden."""
    return role in _ROLES


def seen_parts(message: Message) -> tuple[Part, ...]:
    """Return the parts that the customer saw, in a message of a role that the customer saw."""
    of_tools = tool_parts(message)
    return tuple(part for n, part in enumerate(message.parts) if n not in of_tools and _is_seen(part))


def sees_message(message: Message | Unreadable) -> TypeGuard[Message]:
    """Whether the customer saw anything of a message, or that it is empty."""
    if isinstance(message, Unreadable) or not sees_role(message.role):
        return False
    if message.refusal or message.audio or seen_parts(message):
        return True
    has_parts = any(not isinstance(part, TextPart) or part.text for part in message.parts)
    return not (has_parts or message.tool_calls or message.reasoning or message.results or message.other)


def seen_message(message: Message | Unreadable) -> dict[str, Any] | None:
    """Return what the customer saw of a message as a JSON object; None if that is nothing."""
    if not sees_message(message):
        return None
    parts = seen_parts(message)
    in_parts = [cited for part in parts if isinstance(part, TextPart) for cited in part.citations]
    rest = [cited for cited in message.citations if cited not in in_parts]
    plain = [cited.url for cited in rest if not cited.title and cited.start is None]
    seen = {
        "id": message.id,
        "role": message.role,
        "content": [_part(part) for part in parts] or None,
        "name": message.name,
        "refusal": message.refusal,
        "audio": _audio(message.audio) if message.audio else None,
        "annotations": [_citation(cited) for cited in rest if cited.url not in plain],
        "citations": plain,
        "created_at": int(message.created.timestamp()) if message.created else None,
    }
    return {name: value for name, value in seen.items() if value or name in ("id", "role", "content")}


def seen_completion(completion: Completion, answers: Iterable[int]) -> dict[str, Any]:
    """Return what the customer saw of a completion, with those answers, as a JSON object."""
    seen = {
        "id": completion.id,
        "object": "chat.completion",
        "created": int(completion.created.timestamp()) if completion.created else None,
        "model": completion.model,
    }
    shown = (_choice(completion.choices[n]) for n in answers)
    return {name: value for name, value in seen.items() if value} | {"choices": [one for one in shown if one]}


def _choice(choice: Choice) -> dict[str, Any] | None:
    message = seen_message(choice.message)
    return message and {"index": choice.index, "finish_reason": choice.finish_reason or None, "message": message}


def _is_seen(part: Part) -> bool:
    match part:
        case TextPart(text):
            return bool(text)
        case ImagePart() | AudioPart() | FilePart() | RefusalPart():
            return True
    return False


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart(text, citations):
            annotations = [_citation(cited) for cited in citations]
            return {"type": "text", "text": text} | ({"annotations": annotations} if annotations else {})
        case ImagePart(url, detail, file_id, caption):
            image = {"url": url, "detail": detail, "file_id": file_id, "caption": caption}
            return {"type": "image_url", "image_url": _filled(image)}
        case AudioPart(data, format_):
            return {"type": "input_audio", "input_audio": _filled({"data": data, "format": format_})}
        case FilePart(filename, file_id, data):
            return {"type": "file", "file": _filled({"filename": filename, "file_id": file_id, "file_data": data})}
        case RefusalPart(text):
            return {"type": "refusal", "refusal": text}
    raise ValueError(f"a customer sees no {type(part).__name__}")


def _audio(audio: AudioAnswer) -> dict[str, Any]:
    expires = int(audio.expires.timestamp()) if audio.expires else None
    return _filled({"id": audio.id, "data": audio.data, "transcript": audio.transcript, "expires_at": expires})


def _citation(cited: Citation) -> dict[str, Any]:
    place = {"start_index": cited.start, "end_index": cited.end}
    url = {"url": cited.url, "title": cited.title}
    return {"type": "url_citation", "url_citation": url | {n: at for n, at in place.items() if at is not None}}


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
