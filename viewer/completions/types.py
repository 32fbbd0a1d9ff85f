"""The types of a stored chat completion.

Roles, part types and tool kinds are open sets: the official schema allows only `assistant`, yet its own example has
`user` (docs/api-facts.md#messages). Every type that can carry something unknown keeps its `source`, the JSON as
received.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar

from .origin import Origin

Outcome = Literal["error", "good", ""]  # of a tool call; empty if nothing proves either


@dataclass(frozen=True, slots=True)
class Citation:
    """A source that the model cites. Indices count characters, end exclusive (docs/api-facts.md#citations)."""

    url: str
    title: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text, and the citations whose indices refer to it."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image: a data URL, base64, a URL on another host, its id upstream, or none of these."""

    url: str
    detail: str = ""
    file_id: str = ""
    caption: str = ""  # written by the sender


@dataclass(frozen=True, slots=True)
class AudioPart:
    """A recording: base64, a data URL or another URL. `format` is what the sender states (`wav`, `mp3`)."""

    data: str
    format: str


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file: its bytes as a data URL or base64, a URL, its id upstream, or only its name."""

    filename: str
    file_id: str
    data: str


@dataclass(frozen=True, slots=True)
class RefusalPart:
    """What the model says instead of an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class UnknownPart:
    """A part of a type that this version does not know, with all of its JSON."""

    kind: str
    source: str


Part = TextPart | ImagePart | AudioPart | FilePart | RefusalPart | UnknownPart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call. `arguments` is the text as received: it need not be valid JSON.

    Some servers run the tool themselves and write its `output` into the call; otherwise it is None.
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
    """A tool result: the parts of its message from `start` to `end`, and the outcome according to the message."""

    call_id: str
    name: str
    start: int
    end: int
    outcome: Outcome = ""


@dataclass(frozen=True, slots=True)
class AudioAnswer:
    """A spoken answer, base64 in the format of the request. `expires` is when OpenAI no longer accepts its id."""

    id: str
    data: str
    transcript: str
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The model's reasoning and the name of its field; `source` is the JSON if it contains more than the text."""

    name: str
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stored completion. Strings are empty where the API has null."""

    id: str
    role: str
    name: str
    parts: tuple[Part, ...]
    refusal: str
    tool_calls: tuple[ToolCall, ...]
    results: tuple[ToolResult, ...]
    citations: tuple[Citation, ...]  # all of the message, those of its text parts first
    audio: AudioAnswer | None
    reasoning: tuple[Reasoning, ...]
    created: datetime | None
    error: str  # what went wrong, in the server's words
    origin: Origin
    other: dict[str, str]  # path: JSON text of everything that has no field
    source: str = field(repr=False)
    of_call: dict[str, str] = field(default_factory=dict)  # JSON text of what belongs to the request that it answers


def tool_parts(message: Message) -> frozenset[int]:
    """Return the indices of the parts that a tool returned."""
    if not message.results:
        return frozenset()
    return frozenset(n for result in message.results for n in range(result.start, result.end))


def text_of(message: Message | Unreadable) -> str:
    """Return the text of a message, else its refusal, else its transcript."""
    if isinstance(message, Unreadable):
        return ""
    of_tools = tool_parts(message)
    own_parts = (part for n, part in enumerate(message.parts) if n not in of_tools)
    texts = [part.text for part in own_parts if isinstance(part, TextPart | RefusalPart)]
    return "\n".join(texts) or message.refusal or (message.audio.transcript if message.audio else "")


def effective_role(message: Message) -> str:
    """Return the role; `tool` for a user message with nothing but tool results, as Anthropic sends them."""
    has_own_content = len(tool_parts(message)) < len(message.parts) or message.refusal or message.audio
    return "tool" if message.results and message.role == "user" and not has_own_content else message.role


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that cannot be read as a message; its JSON is shown, so that nothing is missing."""

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
    other: dict[str, str]  # name: JSON text of everything that has no field above


@dataclass(frozen=True, slots=True)
class Usage:
    """Numbers of tokens, where the server states them."""

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
    parameters: dict[str, str]  # name: JSON text of those that are set
    choices: tuple[Choice, ...]
    error: str  # why there is no answer, in the server's words
    origin: Origin
    other: dict[str, str]  # name: JSON text of everything that has no field above
    source: str = field(repr=False)


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a cursor-paged list, in the requested order."""

    items: tuple[Item, ...]
    has_more: bool
    cursor: str  # the `after` of the next request; empty if there is none
    is_certain: bool = True  # whether the server sent `has_more`; otherwise only an empty page is the end
