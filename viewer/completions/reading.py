"""Reads JSON of the API into `types`, one item at a time, so that one bad item never costs its neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from .annotations import read_annotations, read_sources
from .calls import read_tool_calls
from .errors import cause_in
from .fields import Fields, as_text, json_type
from .outcomes import outcome_beside
from .parts import Content, read_pictures
from .reasoning import has_tags, merged, thoughts_in
from .roles import canonical
from .source_text import Piece, clean, decode, members, members_beside
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

_REASONING = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks")
_OF_A_TEXT = {"id", "role", "name", "content"}
_PARAMETERS = (
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "reasoning_effort", "tools", "tool_choice",
    "parallel_tool_calls", "response_format", "seed", "presence_penalty", "frequency_penalty", "service_tier",
    "system_fingerprint",
)  # fmt: skip
_DOC = re.compile(r"\[(?P<name>doc(?P<n>[0-9]{1,3}))\]")
_LATEST_SECONDS = 100_000_000_000  # the year 5138; a larger number counts milliseconds

Readable = TypeVar("Readable", bound=Message | Completion)


def read_message_page(text: str) -> Page[Message | Unreadable]:
    """Read one answer of `…/messages`. Raises ValueError when it is no list of anything."""
    return _read_page(text, lambda source, values: read_message(source, values=values))


def read_completion_page(text: str) -> Page[Completion | Unreadable]:
    """Read one answer of `GET /chat/completions`. Raises ValueError when it is no list of anything."""
    return _read_page(text, read_completion)


def read_completion(text: str, values: dict[str, Any] | None = None) -> Completion | Unreadable:
    """Read one stored completion; never raises. `values` is what the text says, where that is known."""
    try:
        fields = Fields(text, values)
    except ValueError as error:
        return Unreadable(_reason(text, error), clean(text))
    for name in ("object", "request_id"):
        fields.take_value(name, str)
    usage, spent = _read_usage(fields)
    choices, more_choices = _read_choices(fields)
    cited = _sources_beside(fields) if any(isinstance(choice.message, Message) for choice in choices) else ()
    return Completion(
        id=fields.text("id"),
        model=fields.text("model"),
        created=_take_time(fields, "created"),
        usage=usage,
        metadata=_read_metadata(fields.take("metadata", dict)),
        parameters={name: clean(piece.source) for name in _PARAMETERS if (piece := fields.take(name)) is not None},
        choices=tuple(_with_sources(choice, cited) for choice in choices),
        error=cause_in(fields.value("error")),
        other=spent | more_choices | fields.left(),
        source=clean(text),
    )


def read_message(text: str, role: str = "", values: dict[str, Any] | None = None) -> Message | Unreadable:
    """Read one message; never raises. `role` is whose it is where it does not say so itself.

    `values` is what the text says, where that is known.
    """
    try:
        fields = Fields(text, values)
    except ValueError as error:
        return Unreadable(_reason(text, error), clean(text))
    if fields.is_empty:
        return Unreadable("an empty object", text)
    role = canonical(fields.shown("role") or "") or role
    name = fields.text("name")
    content = _read_content(fields, role)
    citations, other = read_annotations(fields, "annotations")
    sources = _sources_of(fields)
    _place(content, (*citations, *_marked(content, sources)))
    citations = (*content.citations, *citations, *sources)
    if role in ("tool", "function") and not content.results:
        said = ToolResult(fields.text("tool_call_id"), name, 0, len(content.parts), outcome_beside(fields))
        content.results.append(said)
    calls, beside_calls = read_tool_calls(fields)
    return Message(
        id=fields.text("id"),
        role=role,
        name=name,
        parts=tuple(content.parts),
        refusal=fields.text("refusal"),
        tool_calls=(*calls, *content.calls),
        results=tuple(content.results),
        citations=citations,
        audio=_read_audio(fields),
        reasoning=merged([*_read_reasoning(fields), *content.reasoning]),
        created=_take_time(fields, "created_at"),
        error="" if role in ("tool", "function") else cause_in(fields.value("error")),  # that of its result
        other=other | content.other | beside_calls | fields.left(),
        source=clean(text),
    )


def speaker_of_text(values: dict[str, Any]) -> str:
    """Give the role of a message that is one text and no more, so that reading it finds nothing else; else empty."""
    role, said = values.get("role"), values.get("content")
    if not (isinstance(role, str) and isinstance(said, str)):
        return ""
    if any(value is not None and name not in _OF_A_TEXT for name, value in values.items()):
        return ""
    role = canonical(role)
    if role == "assistant":
        return "" if has_tags(said) or "](" in said else role
    return role if role in ("user", "system", "developer") else ""


def _read_page(
    text: str, read: Callable[[str, dict[str, Any] | None], Readable | Unreadable]
) -> Page[Readable | Unreadable]:
    pairs, read_items = members_beside(text, "data", lambda item: read(item.source, _object(item.value)))
    if read_items is None:
        raise ValueError("no list named data")
    fields, found = dict(pairs), tuple(read_items)
    has_more = fields["has_more"].value if "has_more" in fields else None
    # The cursor is the id of the last item, which is what the official clients send; `last_id` may disagree with it.
    cursor = found[-1].id if found and isinstance(found[-1], (Message, Completion)) else ""
    if isinstance(has_more, bool) or not found:
        return Page(found, has_more is True, cursor)
    return Page(found, True, cursor, is_told=False)


def _object(value: Any) -> dict[str, Any] | None:
    """Give the values of an object; None where they are to be read anew, for it is another thing, empty or too deep."""
    return value if isinstance(value, dict) and value else None


def _read_content(fields: Fields, role: str) -> Content:
    """Read the parts, else the content: OpenAI sends the same text in both (docs/api-facts.md#messages)."""
    content = Content(is_assistants=role == "assistant")
    is_tools = role in ("tool", "function")
    name = "parts" if fields.value("content") is fields.value("content_parts") is None else "content_parts"
    if (parts := fields.take(name, list)) is not None and parts.value:  # Google and Vercel name them `parts`
        content.read(parts, name)
        if (said := fields.take("content")) is not None and not says_the_same(said.value, parts.value):
            content.other["content"] = clean(said.source)
    elif (is_tools and not isinstance(fields.value("content"), list)) or isinstance(fields.value("content"), str):
        if text := fields.shown("content"):
            (content.add_said_by_tool if is_tools else content.add_text)(text)
    elif (said := fields.take("content")) is not None:
        content.read(said, "content")
    if (pictures := fields.take("images", list)) is not None:
        drawn, other = read_pictures(pictures, "images")
        content.parts += drawn
        content.other |= other
    return content


def says_the_same(content: Any, parts: list[Any]) -> bool:
    """Whether the content is the text of the parts, joined; what is empty says nothing."""
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    joined = "".join(texts)
    is_joined = isinstance(content, str) and (content == joined or _without_blanks(content) == _without_blanks(joined))
    return is_joined or not content or content == parts


def _without_blanks(text: str) -> str:
    return "".join(text.split())


def _place(content: Content, citations: tuple[Citation, ...]) -> None:
    """Give the citations of a message to its text, where it has but one, for their indices count in it."""
    texts = [n for n, part in enumerate(content.parts) if isinstance(part, TextPart)]
    if len(texts) == 1 and not content.is_cut:
        content.cite(texts[0], citations)


def _marked(content: Content, sources: tuple[Citation, ...]) -> tuple[Citation, ...]:
    """Find where `[doc1]` cites the first source, `[doc2]` the second, as Azure's models write it."""
    text = next((part.text for part in content.parts if isinstance(part, TextPart)), "")
    return tuple(
        replace(sources[n - 1], start=mark.start("name"), end=mark.end("name"))
        for mark in (_DOC.finditer(text) if sources else ())
        if 0 < (n := int(mark["n"])) <= len(sources)
    )


def _sources_of(fields: Fields) -> tuple[Citation, ...]:
    """Read sources that a message names beside its annotations; Azure's stand in `context`."""
    context = fields.value("context")
    in_context = context.get("citations") if isinstance(context, dict) else None
    return (*_take_sources(fields, "citations"), *read_sources(in_context))


def _take_sources(fields: Fields, name: str) -> tuple[Citation, ...]:
    """Read a list of sources, and take it where it holds addresses alone: objects say more than a source shows."""
    given = fields.value(name)
    found = read_sources(given)
    if found and all(isinstance(one, str) for one in given):
        fields.take(name)
    return found


def _sources_beside(fields: Fields) -> tuple[Citation, ...]:
    """Read the sources that Perplexity and xAI write beside the choices, in the order in which `[1]` counts them."""
    described = _take_sources(fields, "search_results")
    titles = {cited.url: cited.title for cited in described}
    cited = _take_sources(fields, "citations")
    return tuple(replace(one, title=one.title or titles.get(one.url, "")) for one in cited) or described


def _with_sources(choice: Choice, cited: tuple[Citation, ...]) -> Choice:
    if isinstance(choice.message, Unreadable) or not cited:
        return choice
    return replace(choice, message=replace(choice.message, citations=(*choice.message.citations, *cited)))


def _read_audio(fields: Fields) -> AudioAnswer | None:
    audio = fields.take("audio", dict)
    if audio is None:
        return None
    inner = Fields(audio.source)
    return AudioAnswer(
        inner.text("id"), inner.text("data"), inner.text("transcript"), read_time(inner.value("expires_at"))
    )


def _read_reasoning(fields: Fields) -> list[Reasoning]:
    """Read every field of reasoning that says something: a text, or whatever shape a server gives it."""
    found = [(name, piece) for name in _REASONING if (piece := fields.take(name)) is not None]
    return [
        Reasoning(name, clean(piece.value))
        if isinstance(piece.value, str)
        else Reasoning(name, "\n\n".join(thoughts_in(piece.value)), clean(piece.source))
        for name, piece in found
        if piece.value not in ("", [], {})
    ]


def source_of_choice(completion: Completion, position: int) -> str:
    """Give the JSON of a choice; the choice does not keep it, for it may hold megabytes that its message holds too."""
    return clean(Fields(completion.source).take_items("choices")[0][position].source)


def _read_choices(fields: Fields) -> tuple[list[Choice], dict[str, str]]:
    found, rest = fields.take_items("choices")
    choices = [_read_choice(position, item) for position, item in enumerate(found)]
    return choices, {f"choices[{len(found)}…]": clean(rest)} if rest else {}


def _read_choice(position: int, piece: Piece) -> Choice:
    if not isinstance(piece.value, dict):
        return Choice(position, Unreadable(json_type(piece.value), clean(piece.source)), "", False, "", {})
    fields = Fields(piece.source, piece.value or None)
    index = _index(fields.value("index"))
    fields.take_value("index", int)
    has_logprobs = bool(fields.value("logprobs"))
    fields.take_value("logprobs")
    return Choice(
        index=position if index is None else index,
        message=_read_answer(fields, piece),
        finish_reason=fields.shown("finish_reason") or "",
        has_logprobs=has_logprobs,
        error=cause_in(fields.value("error")),
        other=fields.left(),
    )


def _read_answer(fields: Fields, choice: Piece) -> Message | Unreadable:
    """Read the message of a choice, which is the assistant's; or what a recorded stream or an older API has instead."""
    for name in ("message", "delta"):
        if (message := fields.take(name)) is not None:
            return read_message(message.source, "assistant", _object(message.value))
    if (text := fields.take("text", str)) is not None:
        said = read_message(f'{{"role":"assistant","content":{text.source}}}')
        return replace(said, source=clean(choice.source)) if isinstance(said, Message) else said
    return Unreadable("a choice without a message", clean(choice.source))


def _read_usage(fields: Fields) -> tuple[Usage | None, dict[str, str]]:
    usage = fields.inside("usage")
    if usage is None:
        return None, {}
    counts = [_index(usage.value(f"{kind}_tokens")) for kind in ("prompt", "completion", "total")]
    for kind in ("prompt", "completion", "total"):
        usage.take_value(f"{kind}_tokens", int)
    return Usage(*counts), usage.left("usage.")


def _read_metadata(piece: Piece | None) -> dict[str, str]:
    if piece is None:
        return {}
    return {clean(name): "" if value.value is None else as_text(value) for name, value in members(piece.source)}


def _take_time(fields: Fields, name: str) -> datetime | None:
    moment = read_time(fields.value(name))
    if moment is not None:
        fields.take_value(name)
    return moment


def read_time(given: Any) -> datetime | None:
    """Read Unix seconds or milliseconds, as a number or its digits, or an ISO 8601 text, which without a zone is UTC.

    None for anything that is no moment of this calendar.
    """
    try:
        if isinstance(given, str):
            if given.strip().isascii() and given.strip().isdigit():
                given = int(given)
            else:
                moment = datetime.fromisoformat(given.strip())
                return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            return None
        return datetime.fromtimestamp(given / 1000 if abs(given) >= _LATEST_SECONDS else given, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _index(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _reason(text: str, error: ValueError) -> str:
    try:
        return json_type(decode(text))
    except ValueError:
        return str(error)
