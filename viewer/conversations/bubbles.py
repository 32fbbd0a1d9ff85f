"""Decides everything that a bubble shows, so that the templates only print.

A part that cannot be drawn is drawn as what it is, by name and with its JSON: nothing is left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from viewer.client.client import index_of
from viewer.completions.source_text import STRICT, decode, members, pretty
from viewer.completions.types import (
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
    ToolCall,
    UnknownPart,
    Unreadable,
)

from . import media
from .remote_images import host_of

ROLES = {
    "system": "System prompt",
    "developer": "Developer prompt",
    "user": "User",
    "assistant": "Assistant",
    "tool": "Tool result",
    "function": "Function result",
}
FINISH_REASONS = {
    "stop": "Finished",
    "length": "Cut off at the token limit",
    "content_filter": "Stopped by the content filter",
    "tool_calls": "Waiting for tool results",
    "function_call": "Waiting for a function result",
}
_LONG_RESULT = 4_000  # characters of a tool result that stand open; a longer one is folded, with its size
_SUMMARY = 160


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """One part as the template `parts/<kind>.html` prints it."""

    kind: str
    text: str = ""
    url: str = ""
    name: str = ""
    detail: str = ""
    note: str = ""
    source: str = ""
    load_url: str = ""  # fetches the picture through us
    bytes: int = 0
    width: int = 0
    height: int = 0

    @property
    def template(self) -> str:
        return f"conversations/parts/_{self.kind}.html"


@dataclass(frozen=True, slots=True)
class Tie:
    """The other end of a tool call: the message that holds its result, or the one that asked for it."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class DrawnCall:
    """One tool call: name, a line of its arguments, the arguments, and where its results are."""

    call: ToolCall
    summary: str
    arguments: str
    is_json: bool
    results: tuple[Tie, ...]
    has_error: bool


@dataclass(frozen=True, slots=True)
class DrawnResult:
    """What a tool said, and which call it answers."""

    text: str
    is_error: bool
    is_long: bool
    tool: str
    calls: tuple[Tie, ...]
    call_id: str


@dataclass(frozen=True, slots=True)
class Source:
    """A cited source, one number per address."""

    number: int
    url: str
    title: str
    host: str
    is_link: bool


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message, one unreadable item or one choice on the page."""

    id: str
    role: str
    look: str  # the class of its looks: system, user, assistant, tool, neutral
    label: str
    name: str = ""
    number: int | None = None
    url: str = ""
    is_linked: bool = False
    parts: tuple[DrawnPart, ...] = ()
    calls: tuple[DrawnCall, ...] = ()
    result: DrawnResult | None = None
    sources: tuple[Source, ...] = ()
    reasoning: str = ""
    other: dict[str, str] = field(default_factory=dict)
    is_empty: bool = False
    has_refusal: bool = False

    @property
    def is_prompt(self) -> bool:
        return self.look == "system"

    @property
    def characters(self) -> int:
        return sum(len(part.text) for part in self.parts)

    @property
    def first_line(self) -> str:
        return next((first_line(part.text) for part in self.parts if part.text), "")


@dataclass(frozen=True, slots=True)
class DrawnChoice:
    """One of the answers of a completion."""

    bubble: Bubble
    index: int
    finish_reason: str
    finish_words: str


def draw_messages(completion_id: str, items: Iterable[Message | Unreadable], *, linked: str = "") -> list[Bubble]:
    """Draw one page of messages, each tool result tied to its call where both are on the page."""
    items = tuple(items)
    ties = _Ties(completion_id, [item for item in items if isinstance(item, Message)])
    return [_draw(completion_id, item, ties, linked) for item in items]


def draw_answer(
    completion: Completion, shown: Iterable[Message | Unreadable], *, goes_on: bool = False
) -> list[DrawnChoice]:
    """Draw the choices, unless the messages end with them already, as servers do that append the answer.

    `shown` is oldest first and ends with the newest message; `goes_on` says that there are older ones elsewhere, so
    that the choices may have begun on the page before.
    """
    if not completion.choices or _ends_with(tuple(shown), completion.choices, goes_on=goes_on):
        return []
    return [_draw_choice(completion, choice) for choice in completion.choices]


def first_line(text: str, length: int = 240) -> str:
    """Cut the first line out of a text, for a row or a summary."""
    line = next((line.strip() for line in text.split("\n") if line.strip()), "")
    return line if len(line) <= length else line[: length - 1] + "…"


def in_one_line(text: str, length: int = 240) -> str:
    """Cut the beginning out of a text, line breaks and runs of blanks as one blank each, for a row or a heading."""
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def is_remote(url: str) -> bool:
    """Whether a picture is at an address elsewhere, by http or https."""
    return bool(_remote_host(url))


def text_of(message: Message | Unreadable) -> str:
    """Give what a message says in words: text, else refusal, else transcript."""
    if isinstance(message, Unreadable):
        return ""
    texts = [part.text for part in message.parts if isinstance(part, TextPart | RefusalPart)]
    return "\n".join(texts) or message.refusal or (message.audio.transcript if message.audio else "")


class _Ties:
    """Finds calls and results of a page by `tool_call_id`; parallel results may come in any order."""

    def __init__(self, completion_id: str, messages: list[Message]) -> None:
        self._completion_id = completion_id
        self._calls: dict[str, list[tuple[Message, ToolCall]]] = defaultdict(list)
        self._results: dict[str, list[Message]] = defaultdict(list)
        for message in messages:
            for call in message.tool_calls:
                if call.id:
                    self._calls[call.id].append((message, call))
            if message.tool_call_id:
                self._results[message.tool_call_id].append(message)

    def results(self, call: ToolCall) -> list[Message]:
        return self._results[call.id] if call.id else []

    def calls(self, message: Message) -> list[tuple[Message, ToolCall]]:
        return self._calls[message.tool_call_id] if message.tool_call_id else []

    def tie(self, message: Message) -> Tie:
        number = index_of(self._completion_id, message.id)
        return Tie(f"#{number}" if number is not None else message.id, _permalink(self._completion_id, message.id))


def _draw(completion_id: str, item: Message | Unreadable, ties: _Ties, linked: str) -> Bubble:
    if isinstance(item, Unreadable):
        return _draw_unreadable(item)
    result = _draw_result(item, ties) if item.role in ("tool", "function") else None
    parts_url = reverse("part", args=[completion_id, item.id, 0])[:-2] if _has_address(item.id) else ""
    return replace(
        _draw_common(item, parts_url, without_text=result is not None),
        id=item.id,
        number=index_of(completion_id, item.id),
        url=_permalink(completion_id, item.id),
        is_linked=bool(linked) and item.id == linked,
        calls=tuple(_draw_call(call, ties) for call in item.tool_calls),
        result=result,
    )


def _draw_choice(completion: Completion, choice: Choice) -> DrawnChoice:
    if isinstance(choice.message, Unreadable):
        bubble = _draw_unreadable(choice.message)
    else:
        parts_url = reverse("choice-part", args=[completion.id, choice.index, 0])[:-2] if completion.id else ""
        ties = _Ties(completion.id, [])
        calls = tuple(_draw_call(call, ties) for call in choice.message.tool_calls)
        bubble = replace(_draw_common(choice.message, parts_url), calls=calls)
    words = FINISH_REASONS.get(choice.finish_reason, choice.finish_reason)
    return DrawnChoice(bubble, choice.index, choice.finish_reason, words)


def _draw_unreadable(item: Unreadable) -> Bubble:
    part = DrawnPart("unknown", name=f"unreadable item: {item.reason}", source=item.source)
    return Bubble(id="", role="", look="neutral", label="Unreadable item", parts=(part,))


def _draw_common(message: Message, parts_url: str, *, without_text: bool = False) -> Bubble:
    """Draw what a message and a choice have in common."""
    drawn = [_draw_part(part, f"{parts_url}{n}/" if parts_url else "") for n, part in enumerate(message.parts)]
    parts = [part for part in drawn if not (without_text and part.kind == "text")]
    if message.refusal:
        parts.append(DrawnPart("refusal", text=message.refusal))
    if message.audio is not None:
        parts.append(_draw_audio_answer(message.audio, f"{parts_url}{len(message.parts)}/" if parts_url else ""))
    look = {"developer": "system", "function": "tool"}.get(message.role, message.role)
    return Bubble(
        id="",
        role=message.role,
        look=look if message.role in ROLES else "neutral",
        label=ROLES.get(message.role) or (f"Role “{message.role}”" if message.role else "No role"),
        name=message.name,
        parts=tuple(parts),
        sources=_draw_sources(message.citations),
        reasoning=message.reasoning,
        other=message.other,
        is_empty=not (parts or message.tool_calls or without_text),
        has_refusal=any(part.kind == "refusal" for part in parts),
    )


def _draw_part(part: Part, url: str) -> DrawnPart:
    match part:
        case TextPart(text):
            return DrawnPart("text", text=text)
        case RefusalPart(text):
            return DrawnPart("refusal", text=text)
        case ImagePart():
            return _draw_image(part, url)
        case AudioPart(data, form):
            return _draw_bytes("audio", data, url, name=f"Recording{f', {form}' if form else ''}")
        case FilePart(filename, file_id, data):
            drawn = _draw_bytes("file", data, url, name=filename or file_id or "File without a name")
            return drawn if data else DrawnPart("file", name=drawn.name, note=_id_only(file_id))
        case UnknownPart(kind, source):
            return DrawnPart("unknown", name=kind, source=pretty(source) or source)


def _draw_image(part: ImagePart, url: str) -> DrawnPart:
    if not part.url.strip():
        return DrawnPart("image", note="Image not stored", detail=part.detail)
    if is_remote(part.url):
        return _draw_remote_image(part, url)
    seen = media.glance(media.payload(part.url.strip()))
    if seen is None or not seen.kind.is_image:
        return DrawnPart(
            "image", note="Not a picture that can be shown here", source=part.url[:2000], detail=part.detail
        )
    return DrawnPart("image", url=url, detail=part.detail, bytes=seen.bytes, width=seen.width, height=seen.height)


def _draw_remote_image(part: ImagePart, url: str) -> DrawnPart:
    """Name the host, and offer to load the picture through us; opening a conversation asks no host for anything."""
    host = host_of(part.url) or _remote_host(part.url)
    load_url = f"{url}remote/" if url and settings.REMOTE_IMAGES else ""
    note = f"Image on {host}, not loaded"
    return DrawnPart("image", name=host, note=note, source=part.url, detail=part.detail, load_url=load_url)


def _draw_bytes(kind: str, data: str, url: str, *, name: str) -> DrawnPart:
    packed = media.payload(data)
    seen = media.glance(packed)
    if seen is None:
        return DrawnPart(kind, name=name, note="The bytes cannot be read" if data else "No bytes are stored")
    note = "" if kind == "file" or seen.kind.is_audio else "Not a sound that can be played here"
    return DrawnPart(kind, name=name, url=url, bytes=seen.bytes, note=note, detail=seen.kind.ending)


def _draw_audio_answer(audio: AudioAnswer, url: str) -> DrawnPart:
    drawn = _draw_bytes("audio", audio.data, url, name="Spoken answer")
    note = drawn.note if audio.data else f"Only its id is stored: {audio.id}"
    return DrawnPart(
        "audio",
        text=audio.transcript,
        name=drawn.name,
        url=drawn.url,
        bytes=drawn.bytes,
        note=note,
        detail=drawn.detail,
    )


def _draw_call(call: ToolCall, ties: _Ties) -> DrawnCall:
    given = call.arguments if call.kind in ("function", "custom", "function_call") else call.source
    printed = given if call.kind == "custom" else pretty(given)
    results = ties.results(call)
    return DrawnCall(
        call=call,
        summary=_summary(given) if call.kind != "custom" else first_line(given, _SUMMARY),
        arguments=given if printed is None else printed,
        is_json=printed is not None,
        results=tuple(ties.tie(result) for result in results),
        has_error=any(_is_error(text_of(result)) for result in results),
    )


def _draw_result(message: Message, ties: _Ties) -> DrawnResult:
    text = "\n".join(part.text for part in message.parts if isinstance(part, TextPart))
    calls = ties.calls(message)
    printed = pretty(text) if text[:1] in "{[" else None
    return DrawnResult(
        text=printed or text,
        is_error=_is_error(text),
        is_long=len(printed or text) > _LONG_RESULT,
        tool=calls[0][1].name if calls else message.name,
        calls=tuple(ties.tie(asking) for asking, _ in calls),
        call_id=message.tool_call_id,
    )


def _draw_sources(citations: tuple[Citation, ...]) -> tuple[Source, ...]:
    sources: dict[str, Source] = {}
    for cited in citations:
        host = _remote_host(cited.url)
        new = Source(
            len(sources) + 1, cited.url, cited.title or host or cited.url or "Source without a title", host, bool(host)
        )
        sources.setdefault(cited.url or cited.title, new)
    return tuple(sources.values())


def _summary(arguments: str) -> str:
    """Write an object's members in one line, digits untouched."""
    try:
        pairs = members(arguments, STRICT)
    except ValueError:
        return first_line(arguments, _SUMMARY)
    line = ", ".join(f"{name}: {' '.join(piece.source.split())}" for name, piece in pairs)
    return first_line(line, _SUMMARY)


def _is_error(text: str) -> bool:
    """Tell an error by its shape, `{"error": …}`, never by words in it."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        value = decode(text)
    except ValueError:
        return False
    return isinstance(value, dict) and bool(value.get("error"))


def _ends_with(shown: tuple[Message | Unreadable, ...], choices: tuple[Choice, ...], *, goes_on: bool) -> bool:
    last = shown[-len(choices) :]
    if not last or (len(last) < len(choices) and not goes_on):
        return False
    return all(
        isinstance(item, Message)
        and item.role == "assistant"
        and isinstance(choice.message, Message)
        and _said(item) == _said(choice.message)
        for item, choice in zip(last, choices[-len(last) :], strict=True)
    )


def _said(message: Message) -> tuple[str, str, str]:
    calls = [f"{call.id} {call.name} {call.arguments}" for call in message.tool_calls]
    return text_of(message), message.refusal, "\n".join(calls)


def _permalink(completion_id: str, message_id: str) -> str:
    return reverse("permalink", args=[completion_id, message_id]) if _has_address(message_id) else ""


def _has_address(message_id: str) -> bool:
    return bool(message_id) and "/" not in message_id


def _remote_host(url: str) -> str:
    """Name the host of an http(s) address; empty for anything else."""
    try:
        parts = urlsplit(re.sub(r"[\x00-\x20]", "", url))
        return (parts.hostname or "") if parts.scheme.lower() in ("http", "https") else ""
    except ValueError:
        return ""


def _id_only(file_id: str) -> str:
    return "Only its id is stored" if file_id else "No bytes are stored"
