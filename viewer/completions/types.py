"""The shapes of a stored chat completion, as one reader needs them.

Roles, part types and tool kinds are open sets: the official schema allows only `assistant` and its own example says
`user` (api_facts, section 1). Every type that can carry something unknown keeps its `source`, the JSON as received.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True)
class TextPart:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture: a data URL, an address elsewhere, or nothing (pictures over 8 MB are dropped when stored)."""

    url: str
    detail: str


@dataclass(frozen=True, slots=True)
class AudioPart:
    """A recording, base64; the format is what the sender said (`wav`, `mp3`)."""

    data: str
    format: str


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file by its bytes (a data URL or base64), by the id it has upstream, or by its name alone."""

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
    """One call of a tool. `arguments` is the text as it came: it need not be valid JSON."""

    id: str
    kind: str
    name: str
    arguments: str
    source: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A source that the model names. The indices count characters of the message, end exclusive (api_facts, 5)."""

    url: str
    title: str
    start: int | None
    end: int | None


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
    tool_call_id: str
    citations: tuple[Citation, ...]
    audio: AudioAnswer | None
    reasoning: tuple[Reasoning, ...]
    other: dict[str, str]  # name: JSON text of every field that has no place above
    source: str = field(repr=False)


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
    other: dict[str, str]  # name: JSON text of every field that has no place above
    source: str = field(repr=False)


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
    source: str = field(repr=False)


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a cursor-paged list, in the order asked for."""

    items: tuple[Item, ...]
    has_more: bool
    cursor: str  # id to ask on `after`; empty when there is nothing to go on with
    is_told: bool = True  # whether the server said so; else only an empty page behind this one is the end
