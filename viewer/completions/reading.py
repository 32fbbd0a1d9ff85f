"""Reads JSON of the API into `types`, one item at a time, so that one bad item never costs its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from .source_text import Piece, clean, decode, items, members
from .types import (
    AudioAnswer,
    AudioPart,
    Choice,
    Citation,
    Completion,
    FilePart,
    ImagePart,
    Message,
    Page,
    Part,
    Reasoning,
    RefusalPart,
    TextPart,
    ToolCall,
    UnknownPart,
    Unreadable,
    Usage,
)

_REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_details")
_MESSAGE_FIELDS = {
    "id", "role", "name", "content", "content_parts", "refusal", "tool_calls", "tool_call_id", "function_call",
    "annotations", "audio", *_REASONING_FIELDS,
}  # fmt: skip
_CHOICE_FIELDS = {"index", "message", "finish_reason", "logprobs"}
_PARAMETERS = (
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "reasoning_effort", "tools", "tool_choice",
    "parallel_tool_calls", "response_format", "seed", "presence_penalty", "frequency_penalty", "service_tier",
    "system_fingerprint",
)  # fmt: skip

Readable = TypeVar("Readable", bound=Message | Completion)


def read_message_page(text: str) -> Page[Message | Unreadable]:
    """Read one answer of `…/messages`. Raises ValueError when it is no list of anything."""
    return _read_page(text, read_message)


def read_completion_page(text: str) -> Page[Completion | Unreadable]:
    """Read one answer of `GET /chat/completions`. Raises ValueError when it is no list of anything."""
    return _read_page(text, read_completion)


def read_completion(text: str) -> Completion | Unreadable:
    """Read one stored completion; never raises."""
    try:
        fields = dict(members(text))
    except ValueError as error:
        return Unreadable(_reason(text, error), clean(text))
    value = {name: piece.value for name, piece in fields.items()}
    return Completion(
        id=_text(value.get("id")),
        model=_text(value.get("model")),
        created=_read_time(value.get("created")),
        usage=_read_usage(value.get("usage")),
        metadata=_read_metadata(fields.get("metadata")),
        parameters={name: clean(fields[name].source) for name in _PARAMETERS if value.get(name) is not None},
        choices=_read_choices(fields.get("choices")),
        source=clean(text),
    )


def read_message(text: str) -> Message | Unreadable:
    """Read one message; never raises."""
    try:
        fields = dict(members(text))
    except ValueError as error:
        return Unreadable(_reason(text, error), clean(text))
    if not fields:
        return Unreadable("an empty object", text)
    value = {name: piece.value for name, piece in fields.items()}
    return Message(
        id=_text(value.get("id")),
        role=_shown(fields.get("role")),
        name=_text(value.get("name")),
        parts=_read_content(fields),
        refusal=_text(value.get("refusal")),
        tool_calls=_read_tool_calls(fields),
        tool_call_id=_text(value.get("tool_call_id")),
        citations=_read_citations(value.get("annotations")),
        audio=_read_audio(value.get("audio")),
        reasoning=_read_reasoning(fields),
        other=_read_other(fields),
        source=clean(text),
    )


def _read_page(text: str, read: Callable[[str], Readable | Unreadable]) -> Page[Readable | Unreadable]:
    fields = dict(members(text))
    if "data" not in fields or not isinstance(fields["data"].value, list):
        raise ValueError("no list named data")
    data = fields.pop("data").source  # not the values: each item is read anew, and pictures may fill the memory
    found = tuple(read(item.source) for item in items(data))
    has_more = fields["has_more"].value if "has_more" in fields else None
    # The cursor is the id of the last item, which is what the official clients send; `last_id` may disagree with it.
    cursor = found[-1].id if found and isinstance(found[-1], (Message, Completion)) else ""
    if isinstance(has_more, bool) or not found:
        return Page(found, has_more is True, cursor)
    return Page(found, True, cursor, is_told=False)


def _read_content(fields: dict[str, Piece]) -> tuple[Part, ...]:
    """Read the parts, or the content where there are none: OpenAI sends the same text in both (api_facts, 1)."""
    for name in ("content_parts", "content"):
        piece = fields.get(name)
        if piece is not None and isinstance(piece.value, list) and piece.value:
            return tuple(_read_part(item) for item in items(piece.source))
    content = fields.get("content")
    if content is None or content.value is None or content.value == "":
        return ()
    if isinstance(content.value, str):
        return (TextPart(clean(content.value)),)
    return (UnknownPart(_json_type(content.value), clean(content.source)),)


def _read_part(piece: Piece) -> Part:
    part = piece.value
    if isinstance(part, str):
        return TextPart(clean(part))
    if isinstance(part, dict):
        match part.get("type"):
            case "text" if isinstance(part.get("text"), str):
                return TextPart(clean(part["text"]))
            case "image_url":
                return _read_image(part.get("image_url"))
            case "input_audio" if isinstance(audio := part.get("input_audio"), dict):
                return AudioPart(_text(audio.get("data")), _text(audio.get("format")))
            case "file" if isinstance(file := part.get("file"), dict):
                return FilePart(_text(file.get("filename")), _text(file.get("file_id")), _text(file.get("file_data")))
            case "refusal" if isinstance(part.get("refusal"), str):
                return RefusalPart(clean(part["refusal"]))
            case str(kind):
                return UnknownPart(clean(kind), clean(piece.source))
    return UnknownPart(_json_type(part), clean(piece.source))


def _read_image(image: Any) -> ImagePart:
    if isinstance(image, str):  # OpenAI-compatible clients send the bare address
        return ImagePart(clean(image), "")
    if isinstance(image, dict):
        return ImagePart(_text(image.get("url")), _text(image.get("detail")))
    return ImagePart("", "")


def _read_tool_calls(fields: dict[str, Piece]) -> tuple[ToolCall, ...]:
    calls = []
    piece = fields.get("tool_calls")
    if piece is not None and isinstance(piece.value, list):
        calls += [_read_tool_call(item) for item in items(piece.source)]
    legacy = fields.get("function_call")
    if legacy is not None and isinstance(legacy.value, dict):
        calls.append(_call("", "function_call", legacy, legacy, "arguments"))
    return tuple(calls)


def _read_tool_call(piece: Piece) -> ToolCall:
    call = piece.value
    if isinstance(call, dict):
        kind = call.get("type") or ("function" if "function" in call else "")
        inside = dict(members(piece.source)).get(kind) if kind in ("function", "custom") else None
        if inside is not None and isinstance(inside.value, dict):
            return _call(_text(call.get("id")), kind, inside, piece, "arguments" if kind == "function" else "input")
        return ToolCall(
            _text(call.get("id")), _text(kind) or "unknown", _text(call.get("name")), "", clean(piece.source)
        )
    return ToolCall("", _json_type(call), "", "", clean(piece.source))


def _call(call_id: str, kind: str, inside: Piece, whole: Piece, arguments: str) -> ToolCall:
    given = dict(members(inside.source)).get(arguments)
    return ToolCall(call_id, kind, _text(inside.value.get("name")), _shown(given), clean(whole.source))


def _read_citations(annotations: Any) -> tuple[Citation, ...]:
    if not isinstance(annotations, list):
        return ()
    cited = [note["url_citation"] for note in annotations if _is_citation(note)]
    return tuple(
        Citation(
            _text(cite.get("url")),
            _text(cite.get("title")),
            _index(cite.get("start_index")),
            _index(cite.get("end_index")),
        )
        for cite in cited
    )


def _read_audio(audio: Any) -> AudioAnswer | None:
    if not isinstance(audio, dict):
        return None
    expires = _read_time(audio.get("expires_at"))
    return AudioAnswer(_text(audio.get("id")), _text(audio.get("data")), _text(audio.get("transcript")), expires)


def _read_reasoning(fields: dict[str, Piece]) -> tuple[Reasoning, ...]:
    """Read every field of reasoning that says something: a text, or whatever shape a server gives it."""
    empty: tuple[Any, ...] = (None, "", [], {})
    found = [(name, fields[name]) for name in _REASONING_FIELDS if name in fields and fields[name].value not in empty]
    return tuple(
        Reasoning(name, clean(piece.value))
        if isinstance(piece.value, str)
        else Reasoning(name, "\n\n".join(_thoughts(piece.value)), clean(piece.source))
        for name, piece in found
    )


def _thoughts(value: Any) -> list[str]:
    """Find the texts in reasoning, at any depth: strings, and what stands as `text`, `summary` or `content`."""
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.append(clean(one))
        elif isinstance(one, list):
            waiting += one[::-1]
        elif isinstance(one, dict):
            waiting += [one.get("content"), one.get("summary"), one.get("text")]
    return [text for text in found if text]


def _read_other(fields: dict[str, Piece]) -> dict[str, str]:
    """Keep what has no place of its own: unknown fields, and known ones whose value is of an unknown shape."""
    other = {clean(name): clean(piece.source) for name, piece in fields.items() if name not in _MESSAGE_FIELDS}
    expected: dict[str, type | tuple[type, ...]] = {
        "id": str, "name": str, "refusal": str, "tool_calls": list, "tool_call_id": str, "function_call": dict,
        "annotations": list, "audio": dict, "content_parts": list,
    }  # fmt: skip
    for name, kind in expected.items():
        piece = fields.get(name)
        if piece is not None and piece.value is not None and not isinstance(piece.value, kind):
            other[name] = clean(piece.source)
    return other | _read_other_annotations(fields.get("annotations")) | _read_other_content(fields)


def _read_other_annotations(annotations: Piece | None) -> dict[str, str]:
    """Keep every annotation that cites no address, by its place and its type; null is none."""
    if annotations is None or not isinstance(annotations.value, list) or all(map(_is_citation, annotations.value)):
        return {}
    return {
        f"annotations[{n}]: {_kind_of(note.value)}": clean(note.source)
        for n, note in enumerate(items(annotations.source))
        if note.value is not None and not _is_citation(note.value)
    }


def _read_other_content(fields: dict[str, Piece]) -> dict[str, str]:
    """Keep a content that says something else than the parts that are shown: it should be their joined text."""
    parts, content = (fields.get(name) for name in ("content_parts", "content"))
    if parts is None or content is None or not isinstance(parts.value, list) or not (parts.value and content.value):
        return {}
    texts = [part["text"] for part in parts.value if isinstance(part, dict) and isinstance(part.get("text"), str)]
    is_joined = isinstance(content.value, str) and _without_blanks(content.value) == _without_blanks("".join(texts))
    return {} if is_joined or content.value == parts.value else {"content": clean(content.source)}


def _without_blanks(text: str) -> str:
    return "".join(text.split())


def _kind_of(note: Any) -> str:
    return (_text(note.get("type")) if isinstance(note, dict) else "") or _json_type(note)


def _is_citation(note: Any) -> bool:
    return isinstance(note, dict) and isinstance(note.get("url_citation"), dict)


def _read_choices(piece: Piece | None) -> tuple[Choice, ...]:
    if piece is None or not isinstance(piece.value, list):
        return ()
    return tuple(_read_choice(position, item) for position, item in enumerate(items(piece.source)))


def _read_choice(position: int, piece: Piece) -> Choice:
    if not isinstance(piece.value, dict):
        source = clean(piece.source)
        return Choice(position, Unreadable(_json_type(piece.value), source), "", False, {}, source)
    fields = dict(members(piece.source))
    message = fields.get("message")
    index = _index(piece.value.get("index"))
    return Choice(
        index=position if index is None else index,
        message=read_message(message.source)
        if message
        else Unreadable("a choice without a message", clean(piece.source)),
        finish_reason=_shown(fields.get("finish_reason")),
        has_logprobs=bool(piece.value.get("logprobs")),
        other={
            clean(name): clean(field.source)
            for name, field in fields.items()
            if name not in _CHOICE_FIELDS and field.value is not None
        },
        source=clean(piece.source),
    )


def _read_usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    return Usage(*(_index(usage.get(f"{kind}_tokens")) for kind in ("prompt", "completion", "total")))


def _read_metadata(piece: Piece | None) -> dict[str, str]:
    if piece is None or not isinstance(piece.value, dict):
        return {}
    return {clean(name): _shown(value) for name, value in members(piece.source)}


def _read_time(seconds: Any) -> datetime | None:
    """Read Unix seconds; None for anything that is no moment of this calendar."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _shown(piece: Piece | None) -> str:
    """Give a string as it is and anything else as its JSON text; null and nothing are empty."""
    if piece is None or piece.value is None:
        return ""
    return clean(piece.value) if isinstance(piece.value, str) else clean(piece.source)


def _index(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _json_type(value: Any) -> str:
    names: Iterable[tuple[type, str]] = (
        (bool, "true or false"), (str, "a string"), (dict, "an object"), (list, "a list"), (type(None), "null"),
    )  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), "a number")


def _reason(text: str, error: ValueError) -> str:
    try:
        return _json_type(decode(text))
    except ValueError:
        return str(error)
