"""Reads JSON of the API into `types`, item by item, so that an invalid item does not affect its neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from .annotations import read_annotations, read_sources
from .calls import read_tool_calls
from .errors import error_text
from .fields import Fields, as_text, json_type
from .origin import KEY, Origin, read_origin
from .outcomes import outcome_of_fields, take_failure_flags
from .parts import Content, read_images
from .reasoning import has_tags, merge_reasoning, thoughts_in
from .roles import canonical_role
from .source_text import Piece, clean, decode, decode_object, members, members_with_list
from .types import (
    AudioAnswer,
    Choice,
    Citation,
    Completion,
    Message,
    Page,
    Reasoning,
    TextPart,
    ToolResult,
    Unreadable,
    Usage,
)

_REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks")
_TEXT_FIELDS = {"id", "role", "name", "content"}
_PARAMETERS = (
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "reasoning_effort", "tools", "tool_choice",
    "parallel_tool_calls", "response_format", "seed", "presence_penalty", "frequency_penalty", "service_tier",
    "system_fingerprint",
)  # fmt: skip
_PLAIN_CHOICE = {"index", "finish_reason", "logprobs", "message"}
_MORE_OF_ANSWER = ("error", "citations", "search_results")  # of a completion
# Fields that have a place, if they are of this type.
_PLACED: dict[str, type] = {
    "id": str, "model": str, "object": str, "request_id": str, "metadata": dict, "choices": list, KEY: dict,
    **dict.fromkeys(_PARAMETERS, object),
}  # fmt: skip
_DOC_MARKER = re.compile(r"\[(?P<name>doc(?P<n>[0-9]{1,3}))\]")
_MAX_SECONDS = 100_000_000_000  # the year 5138; larger numbers are milliseconds

Readable = TypeVar("Readable", bound=Message | Completion)


def read_message_page(text: str) -> Page[Message | Unreadable]:
    """Read one response of `…/messages`. Raise ValueError if it is not a list."""
    return _read_page(text, lambda source, values: read_message(source, values=values))


def read_completion_page(text: str) -> Page[Completion | Unreadable]:
    """Read one response of `GET /chat/completions`. Raise ValueError if it is not a list."""
    return _read_page(text, read_completion)


def read_completion(text: str, values: dict[str, Any] | None = None) -> Completion | Unreadable:
    """Read one stored completion; never raise. `values` is the decoded text, if the caller has it."""
    try:
        fields = Fields(text, values)
    except ValueError as error:
        return Unreadable(_reason(text, error), clean(text))
    for name in ("object", "request_id"):
        fields.take_value(name, str)
    usage, other_usage = _read_usage(fields)
    choices, more_choices = _read_choices(fields)
    cited = _read_completion_sources(fields) if any(isinstance(choice.message, Message) for choice in choices) else ()
    origin = read_origin(fields.take_value(KEY, dict))
    created = _take_time(fields, "created")
    return Completion(
        id=fields.take_text("id"),
        model=fields.take_text("model"),
        created=None if origin.is_undated else created,
        usage=usage,
        metadata=_read_metadata(fields.take("metadata", dict)),
        parameters={name: clean(piece.source) for name in _PARAMETERS if (piece := fields.take(name)) is not None},
        choices=tuple(_add_sources(choice, cited) for choice in choices),
        error=error_text(fields.get("error")),
        origin=origin,
        other=other_usage | more_choices | fields.remaining(),
        source=clean(text),
    )


def read_message(text: str, role: str = "", values: dict[str, Any] | None = None) -> Message | Unreadable:
    """Read one message; never raise. `role` is the default for a message without one.

    `values` is the decoded text, if the caller has it.
    """
    try:
        values = decode_object(text) if values is None else values
    except ValueError as error:
        return Unreadable(_reason(text, error), clean(text))
    if (plain := _read_plain_text(text, values)) is not None:
        return plain
    if (fields := Fields(text, values)).is_empty:
        return Unreadable("an empty object", text)
    role = canonical_role(fields.take_as_text("role") or "") or role
    name = fields.take_text("name")
    content = _read_content(fields, role)
    message_id = fields.take_text("id")
    if role in ("tool", "function") and not content.results:
        call_id = fields.take_text("tool_call_id", "toolCallId")
        result = ToolResult(call_id, name, 0, len(content.parts), outcome_of_fields(fields))
        content.results.append(result)
        take_failure_flags(fields)
    calls, other_calls = read_tool_calls(fields)
    rest = _read_rest(fields, content, role) if fields else _NO_REST
    return Message(
        id=message_id,
        role=role,
        name=name,
        parts=tuple(content.parts),
        refusal=rest.refusal,
        tool_calls=(*calls, *content.calls),
        results=tuple(content.results),
        citations=(*content.citations, *rest.citations),
        audio=rest.audio,
        reasoning=merge_reasoning([*rest.reasoning, *content.reasoning]),
        created=rest.created,
        error=rest.error,
        origin=rest.origin,
        other=rest.other | content.other | other_calls | fields.remaining(),
        source=clean(text),
        of_call=rest.of_call,
    )


class _Rest(NamedTuple):
    """What few messages have, under the names of `Message`."""

    citations: tuple[Citation, ...]
    refusal: str
    audio: AudioAnswer | None
    reasoning: list[Reasoning]
    created: datetime | None
    error: str
    origin: Origin
    other: dict[str, str]
    of_call: dict[str, str]


_MAX_ERROR = 1_000  # characters of one that is always shown whole
_NO_ORIGIN = Origin()
_NO_REST = _Rest((), "", None, [], None, "", _NO_ORIGIN, {}, {})


def _read_rest(fields: Fields, content: Content, role: str) -> _Rest:
    """Read the fields that most messages do not have, and let the text of the content cite its sources."""
    citations, other = read_annotations(fields, "annotations")
    sources = _read_message_sources(fields)
    _attach_citations(content, (*citations, *_find_doc_markers(content, sources)))
    return _Rest(
        citations=(*citations, *sources),
        of_call=_read_of_call(fields),
        refusal=fields.take_text("refusal"),
        audio=_read_audio(fields),
        reasoning=_read_reasoning(fields),
        created=_take_time(fields, "created_at"),
        error="" if role in ("tool", "function") else _read_error(fields),  # it is in the result
        origin=read_origin(fields.take_value(KEY, dict)),
        other=other,
    )


def _read_error(fields: Fields) -> str:
    """Read what went wrong; of a text all is shown, unless it is very long, of an object not."""
    error = fields.get("error")
    is_shown = isinstance(error, str) and len(error) <= _MAX_ERROR
    return fields.take_text("error") if is_shown else error_text(error)


def _read_of_call(fields: Fields) -> dict[str, str]:
    """Read what each answer of a recorded trace has: its model and usage, and that it ended as answers do."""
    taken = {name: fields.take(name, kind) for name, kind in (("model", str), ("usage", dict))}
    if fields.get("finish_reason") in ("stop", "tool_calls"):
        taken["finish_reason"] = fields.take("finish_reason")
    return {name: clean(piece.source) for name, piece in taken.items() if piece is not None}


class PlainText(NamedTuple):
    """A message that is only a text."""

    id: str
    role: str
    name: str
    text: str


def role_of_plain_text(values: dict[str, Any]) -> str:
    """Return the role of a message that is only a text, so that reading it would find nothing else; otherwise empty."""
    role, text = values.get("role"), values.get("content")
    if not (isinstance(role, str) and isinstance(text, str)):
        return ""
    if any(value is not None and name not in _TEXT_FIELDS for name, value in values.items()):
        return ""
    role = canonical_role(role)
    if role == "assistant":
        return "" if has_tags(text) or "](" in text else role
    return role if role in ("user", "system", "developer") else ""


def plain_text_in(values: dict[str, Any]) -> PlainText | None:
    """Return what a message says that is only a text, as most are; None for any other."""
    message_id, name = values.get("id"), values.get("name")
    if not (isinstance(message_id, str | None) and isinstance(name, str | None)):
        return None
    if not (role := role_of_plain_text(values)):
        return None
    return PlainText(clean(message_id or ""), role, clean(name or ""), clean(values["content"]))


def _read_plain_text(text: str, values: dict[str, Any]) -> Message | None:
    if (plain := plain_text_in(values)) is None:
        return None
    return Message(
        id=plain.id, role=plain.role, name=plain.name, parts=(TextPart(plain.text),) if plain.text else (),
        source=clean(text), refusal="", tool_calls=(), results=(), citations=(), audio=None, reasoning=(), created=None,
        error="", origin=_NO_ORIGIN, other={},
    )  # fmt: skip


class PlainCompletion(NamedTuple):
    """A completion whose only answer is a text that ended by itself.

    Its other fields are as `Completion` has them, but as values; nothing in its usage is left out.
    """

    answer: str
    parameters: dict[str, Any]
    other: dict[str, Any]


def plain_completion_in(values: dict[str, Any]) -> PlainCompletion | None:
    """Return what a completion says if reading it would find no other texts, as of most; None for any other."""
    choices = values.get("choices")
    choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
    if not isinstance(choice, dict) or any(values.get(name) is not None for name in _MORE_OF_ANSWER):
        return None
    if isinstance(values.get("created"), str):  # a time or a text
        return None
    if any(value is not None and name not in _PLAIN_CHOICE for name, value in choice.items()):
        return None
    message, index = choice.get("message"), choice.get("index")
    if not isinstance(message, dict) or message.get("name") is not None or not isinstance(index, int | None):
        return None
    if role_of_plain_text(message) != "assistant" or choice.get("finish_reason") not in (None, "stop"):
        return None
    return PlainCompletion(
        answer=message["content"],
        parameters={name: value for name in _PARAMETERS if (value := values.get(name)) is not None},
        other={name: value for name, value in values.items() if not isinstance(value, _PLACED.get(name, ()))},
    )


def _read_page(
    text: str, read: Callable[[str, dict[str, Any] | None], Readable | Unreadable]
) -> Page[Readable | Unreadable]:
    pairs, read_items = members_with_list(text, "data", lambda item: read(item.source, _object(item.value)))
    if read_items is None:
        raise ValueError("no list named data")
    fields, items = dict(pairs), tuple(read_items)
    has_more = fields["has_more"].value if "has_more" in fields else None
    # The cursor is the id of the last item, which the official clients send; `last_id` may differ from it.
    cursor = items[-1].id if items and isinstance(items[-1], (Message, Completion)) else ""
    if isinstance(has_more, bool) or not items:
        return Page(items, has_more is True, cursor)
    return Page(items, True, cursor, is_certain=False)


def _object(value: Any) -> dict[str, Any] | None:
    """Return a decoded object; None if the source must be decoded again: it is something else, empty or too deep."""
    return value if isinstance(value, dict) and value else None


def _read_content(fields: Fields, role: str) -> Content:
    """Read the parts, otherwise the content: OpenAI sends the same text in both (docs/api-facts.md#messages)."""
    content = Content(is_from_assistant=role == "assistant")
    is_tools = role in ("tool", "function")
    name = "parts" if fields.get("content") is fields.get("content_parts") is None else "content_parts"
    if (parts := fields.take(name, list)) is not None and parts.value:  # Google and Vercel name them `parts`
        content.read(parts, name)
        if (text := fields.take("content")) is not None and not is_same_text(text.value, parts.value):
            content.other["content"] = clean(text.source)
    elif (is_tools and not isinstance(fields.get("content"), list)) or isinstance(fields.get("content"), str):
        if string := fields.take_as_text("content"):
            (content.add_tool_output if is_tools else content.add_text)(string)
    elif (text := fields.take("content")) is not None:
        content.read(text, "content")
    if (images := fields.take("images", list)) is not None:
        image_parts, other = read_images(images, "images")
        content.parts += image_parts
        content.other |= other
    return content


def is_same_text(content: Any, parts: list[Any]) -> bool:
    """Whether the content is the joined text of the parts, or empty."""
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    joined = "".join(texts)
    is_joined = isinstance(content, str) and (content == joined or _without_spaces(content) == _without_spaces(joined))
    return is_joined or not content or content == parts


def _without_spaces(text: str) -> str:
    return "".join(text.split())


def _attach_citations(content: Content, citations: tuple[Citation, ...]) -> None:
    """Add the citations of a message to its text part if there is only one, to which their indices then refer."""
    texts = [n for n, part in enumerate(content.parts) if isinstance(part, TextPart)]
    if len(texts) == 1 and not content.is_modified:
        content.cite(texts[0], citations)


def _find_doc_markers(content: Content, sources: tuple[Citation, ...]) -> tuple[Citation, ...]:
    """Find the markers of Azure's models: `[doc1]` cites the first source, `[doc2]` the second."""
    text = next((part.text for part in content.parts if isinstance(part, TextPart)), "")
    return tuple(
        replace(sources[n - 1], start=marker.start("name"), end=marker.end("name"))
        for marker in (_DOC_MARKER.finditer(text) if sources else ())
        if 0 < (n := int(marker["n"])) <= len(sources)
    )


def _read_message_sources(fields: Fields) -> tuple[Citation, ...]:
    """Read the sources of a message that are not annotations; Azure's are in `context`."""
    context = fields.get("context")
    in_context = context.get("citations") if isinstance(context, dict) else None
    return (*_take_sources(fields, "citations"), *read_sources(in_context))


def _take_sources(fields: Fields, name: str) -> tuple[Citation, ...]:
    """Read a list of sources. Take the field only if it is a list of URLs: objects contain more than a source shows."""
    value = fields.get(name)
    sources = read_sources(value)
    if sources and all(isinstance(item, str) for item in value):
        fields.take(name)
    return sources


def _read_completion_sources(fields: Fields) -> tuple[Citation, ...]:
    """Read the sources that Perplexity and xAI put next to the choices, in the order to which `[1]` refers."""
    results = _take_sources(fields, "search_results")
    titles = {result.url: result.title for result in results}
    cited = _take_sources(fields, "citations")
    return tuple(replace(source, title=source.title or titles.get(source.url, "")) for source in cited) or results


def _add_sources(choice: Choice, cited: tuple[Citation, ...]) -> Choice:
    if isinstance(choice.message, Unreadable) or not cited:
        return choice
    return replace(choice, message=replace(choice.message, citations=(*choice.message.citations, *cited)))


def _read_audio(fields: Fields) -> AudioAnswer | None:
    audio = fields.take("audio", dict)
    if audio is None:
        return None
    inner = Fields(audio.source)
    return AudioAnswer(
        inner.take_text("id"),
        inner.take_text("data"),
        inner.take_text("transcript"),
        read_time(inner.get("expires_at")),
    )


def _read_reasoning(fields: Fields) -> list[Reasoning]:
    """Read every field of reasoning that is not empty: a text, or any other shape."""
    pieces = [(name, piece) for name in _REASONING_FIELDS if (piece := fields.take(name)) is not None]
    return [
        Reasoning(name, clean(piece.value))
        if isinstance(piece.value, str)
        else Reasoning(name, "\n\n".join(thoughts_in(piece.value)), clean(piece.source))
        for name, piece in pieces
        if piece.value not in ("", [], {})
    ]


def source_of_choice(completion: Completion, position: int) -> str:
    """Return the JSON of a choice, which a choice does not keep: its message has the same megabytes already."""
    return clean(Fields(completion.source).take_items("choices")[0][position].source)


def _read_choices(fields: Fields) -> tuple[list[Choice], dict[str, str]]:
    items, rest = fields.take_items("choices")
    choices = [_read_choice(position, item) for position, item in enumerate(items)]
    return choices, {f"choices[{len(items)}…]": clean(rest)} if rest else {}


def _read_choice(position: int, piece: Piece) -> Choice:
    if not isinstance(piece.value, dict):
        return Choice(position, Unreadable(json_type(piece.value), clean(piece.source)), "", False, "", {})
    fields = Fields(piece.source, piece.value or None)
    index = _index(fields.get("index"))
    fields.take_value("index", int)
    has_logprobs = bool(fields.get("logprobs"))
    fields.take_value("logprobs")
    return Choice(
        index=position if index is None else index,
        message=_read_answer(fields, piece),
        finish_reason=fields.take_as_text("finish_reason") or "",
        has_logprobs=has_logprobs,
        error=error_text(fields.get("error")),
        other=fields.remaining(),
    )


def _read_answer(fields: Fields, choice: Piece) -> Message | Unreadable:
    """Read the assistant's message in a choice, or what a recorded stream or an older API has instead."""
    for name in ("message", "delta"):
        if (piece := fields.take(name)) is not None:
            return read_message(piece.source, "assistant", _object(piece.value))
    if (text := fields.take("text", str)) is not None:
        message = read_message(f'{{"role":"assistant","content":{text.source}}}')
        return replace(message, source=clean(choice.source)) if isinstance(message, Message) else message
    return Unreadable("a choice without a message", clean(choice.source))


def _read_usage(fields: Fields) -> tuple[Usage | None, dict[str, str]]:
    usage = fields.take_object("usage")
    if usage is None:
        return None, {}
    counts = [_index(usage.get(f"{kind}_tokens")) for kind in ("prompt", "completion", "total")]
    for kind in ("prompt", "completion", "total"):
        usage.take_value(f"{kind}_tokens", int)
    return Usage(*counts), usage.remaining("usage.")


def _read_metadata(piece: Piece | None) -> dict[str, str]:
    if piece is None:
        return {}
    return {clean(name): "" if value.value is None else as_text(value) for name, value in members(piece.source)}


def _take_time(fields: Fields, name: str) -> datetime | None:
    time = read_time(fields.get(name))
    if time is not None:
        fields.take_value(name)
    return time


def read_time(value: Any) -> datetime | None:
    """Read Unix seconds or milliseconds, as a number or a string of digits, or ISO 8601, in UTC unless it has a zone.

    None for anything that is not a date of the calendar.
    """
    try:
        if isinstance(value, str):
            if value.strip().isascii() and value.strip().isdigit():
                value = int(value)
            else:
                time = datetime.fromisoformat(value.strip())
                return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return datetime.fromtimestamp(value / 1000 if abs(value) >= _MAX_SECONDS else value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _index(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _reason(text: str, error: ValueError) -> str:
    try:
        return json_type(decode(text))
    except ValueError:
        return str(error)
