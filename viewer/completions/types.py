"""The shapes of a stored chat completion, as one reader needs them.

Roles, part types and tool kinds are open sets: the official schema allows only `assistant` and its own example says
`user` (docs/api-facts.md#messages). Every type that can carry something unknown keeps its `source`, the JSON as
received.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar

Outcome = Literal["error", "good", ""]  # of a tool; empty where nothing proves either


@dataclass(frozen=True, slots=True)
class Citation:
    """A source that the model names. Indices count characters, end exclusive (docs/api-facts.md#citations)."""

    url: str
    title: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class TextPart:
    """Plain text, and the sources whose indices count in it."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture: a data URL, base64, an address elsewhere, the id it has upstream, or nothing of these."""

    url: str
    detail: str = ""
    file_id: str = ""
    caption: str = ""  # what its sender wrote of it


@dataclass(frozen=True, slots=True)
class AudioPart:
    """A recording: base64, a data URL or an address; the format is what the sender said (`wav`, `mp3`)."""

    data: str
    format: str


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file by its bytes (a data URL or base64), an address, the id it has upstream, or its name alone."""

    filename: str
    file_id: str
    data: str


@dataclass(frozen=True, slots=True)
class RefusalPart:
    """What the model said instead of an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class UnknownPart:
    """A part of a type that this version does not know; nothing of it is lost."""

    kind: str
    source: str


Part = TextPart | ImagePart | AudioPart | FilePart | RefusalPart | UnknownPart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool. `arguments` is the text as it came: it need not be valid JSON.

    Some servers run the tool themselves and write its `output` into the call; None where there is none.
    """

    id: str
    kind: str
    name: str
    arguments: str
    source: str
    output: str | None = None
    outcome: Outcome = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool said: the parts of its message from `start` to `end`, and what the message tells of its success."""

    call_id: str
    name: str
    start: int
    end: int
    outcome: Outcome = ""


@dataclass(frozen=True, slots=True)
class AudioAnswer:
    """Audio that the model spoke, base64 in the format of the request. `expires` concerns its reuse at OpenAI."""

    id: str
    data: str
    transcript: str
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What the model thought, under the name of its field; `source` is the JSON where that is more than the text."""

    name: str
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stored completion. Strings are empty where the API says null."""

    id: str
    role: str
    name: str
    parts: tuple[Part, ...]
    refusal: str
    tool_calls: tuple[ToolCall, ...]
    results: tuple[ToolResult, ...]
    citations: tuple[Citation, ...]  # all of the message, those of its texts first
    audio: AudioAnswer | None
    reasoning: tuple[Reasoning, ...]
    created: datetime | None
    error: str  # what went wrong, in the server's words
    other: dict[str, str]  # place: JSON text of everything that has no place above
    source: str = field(repr=False)


def parts_of_tools(message: Message) -> frozenset[int]:
    """Give the places of the parts that a tool said."""
    return frozenset(n for result in message.results for n in range(result.start, result.end))


def text_of(message: Message | Unreadable) -> str:
    """Give what a message says in words: text, else refusal, else transcript."""
    if isinstance(message, Unreadable):
        return ""
    of_tools = parts_of_tools(message)
    said = (part for n, part in enumerate(message.parts) if n not in of_tools)
    texts = [part.text for part in said if isinstance(part, TextPart | RefusalPart)]
    return "\n".join(texts) or message.refusal or (message.audio.transcript if message.audio else "")


def speaker_of(message: Message) -> str:
    """Give the role that speaks: a tool's where a user's message holds results alone, as Anthropic sends them."""
    says_more = len(parts_of_tools(message)) < len(message.parts) or message.refusal or message.audio
    return "tool" if message.results and message.role == "user" and not says_more else message.role


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that is no message; shown as what it is, so that nothing is left out."""

    reason: str
    source: str = field(repr=False)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of the model."""

    index: int
    message: Message | Unreadable
    finish_reason: str
    has_logprobs: bool
    error: str
    other: dict[str, str]  # name: JSON text of every field that has no place above


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in, out and in all, where the server told them."""

    prompt: int | None
    completion: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Completion:
    """A stored chat completion without its input messages, which have an endpoint of their own."""

    id: str
    model: str
    created: datetime | None
    usage: Usage | None
    metadata: dict[str, str]
    parameters: dict[str, str]  # name: JSON text, only those that are set
    choices: tuple[Choice, ...]
    error: str  # why there is no answer, in the server's words
    other: dict[str, str]  # name: JSON text of every field that has no place above
    source: str = field(repr=False)


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a cursor-paged list, in the order asked for."""

    items: tuple[Item, ...]
    has_more: bool
    cursor: str  # id to ask on `after`; empty when there is nothing to go on with
    is_told: bool = True  # whether the server said so; else only an empty page behind this one is the end
