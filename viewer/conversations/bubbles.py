"""Decides everything that a bubble shows, so that the templates only print.

A part that cannot be drawn is drawn as what it is, by name and with its JSON: nothing is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString

from viewer.client.client import index_of
from viewer.completions.source_text import pretty
from viewer.completions.types import (
    AudioAnswer,
    AudioPart,
    Choice,
    Citation,
    FilePart,
    ImagePart,
    Message,
    Part,
    Reasoning,
    RefusalPart,
    TextPart,
    UnknownPart,
    Unreadable,
)

from . import media
from .citations import Source, host_of, list_sources
from .lines import first_line
from .prose import MARKDOWN_LIMIT, render_prose_cached
from .remote_images import host_of as looked_up_host
from .tools import Around, DrawnCall, DrawnResult, Ties, is_result
from .visible import make_visible

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
_NO_ADDRESS = "Not shown here: its message has no id, and so its bytes have no address"
_BEGINNING = 2_000  # characters that stand for a text that is too long to open by itself


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """One part as the template `parts/<kind>.html` prints it."""

    kind: str
    number: int = 0  # of a picture in its message
    text: str = ""
    html: SafeString | None = None  # the text as Markdown, drawn and made harmless
    url: str = ""
    name: str = ""
    detail: str = ""
    note: str = ""  # why it is not shown
    told: str = ""  # what to know of it when it is
    expired: str = ""
    source: str = ""
    type: str = ""  # the media type by its bytes
    load_url: str = ""  # fetches the picture through us
    bytes: int = 0
    width: int = 0
    height: int = 0

    @property
    def template(self) -> str:
        return f"conversations/parts/_{self.kind}.html"


@dataclass(frozen=True, slots=True)
class DrawnChoice:
    """Which of the completion's answers a bubble is, how it ended, and where its JSON is."""

    index: int
    label: str  # empty where there is but one
    finish_reason: str
    finish_words: str
    has_logprobs: bool
    url: str


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
    reasoning: tuple[DrawnPart, ...] = ()
    other: dict[str, str] = field(default_factory=dict)
    source: str = ""  # the JSON, or its beginning, of a message that has no address to give it
    choice: DrawnChoice | None = None
    is_empty: bool = False
    has_refusal: bool = False
    shows_json: bool = True
    is_out_of_sight: bool = False  # shown in the customer's view though the customer did not see it
    unseen: str = ""  # what of it the customer did not see

    @property
    def is_behind_the_scenes(self) -> bool:
        """Whether the customer saw nothing of it: prompts, tool results, and calls or thoughts without a word."""
        return self.look in ("system", "tool") or (bool(self.calls or self.reasoning) and not self.parts)

    @property
    def unseen_kinds(self) -> Counter[str]:
        if self.look in ("system", "tool"):
            return Counter([self.label.lower()])
        return Counter({"tool call": len(self.calls), "reasoning": int(bool(self.reasoning))})

    def as_the_customer_saw_it(self) -> Bubble:
        unseen = _listed(self.unseen_kinds)
        return replace(self, calls=(), reasoning=(), other={}, source="", shows_json=False, unseen=unseen)

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
class Hidden:
    """A stretch of messages that the customer did not see: how many, and of what kinds."""

    hidden: int
    kinds: str


def draw_messages(
    completion_id: str,
    items: Iterable[Message | Unreadable],
    *,
    linked: str = "",
    as_source: bool = False,
    around: Around | None = None,
    is_whole: bool = False,
) -> list[Bubble]:
    """Draw one page of messages, each tool result tied to its call.

    `as_source` shows every text as it was written, Markdown and all; `is_whole` shows all of a very long one.
    """
    around = around or Around()
    step = -1 if around.is_newest_first else 1
    oldest_first = tuple(items)[::step]
    ties = Ties(completion_id, oldest_first, around, is_whole=is_whole)
    drawn = (_draw(completion_id, item, n, ties, linked, as_source, is_whole) for n, item in enumerate(oldest_first))
    return list(drawn)[::step]


def place_answer(
    completion_id: str,
    choices: tuple[Choice, ...],
    shown: tuple[Message | Unreadable, ...],
    bubbles: list[Bubble],
    *,
    goes_on: bool = False,
    as_source: bool = False,
    is_whole: bool = False,
) -> tuple[list[Bubble], list[Bubble]]:
    """Draw the choices, to stand after the messages; where a server appended them as messages, mark those instead.

    `shown` and its `bubbles` are oldest first and end with the newest message; `goes_on` says that there are older
    ones elsewhere, so that the choices may have begun on the page before.
    """
    notes = [_draw_choice(completion_id, choices, position) for position in range(len(choices))]
    if choices and _ends_with(shown, choices, goes_on=goes_on):
        appended = min(len(choices), len(bubbles))
        pairs = zip(bubbles[-appended:], notes[-appended:], strict=True)
        return bubbles[:-appended] + [replace(bubble, choice=note) for bubble, note in pairs], []
    drawn = (_draw_answer(completion_id, choice, n, as_source, is_whole) for n, choice in enumerate(choices))
    return bubbles, [replace(bubble, choice=note) for bubble, note in zip(drawn, notes, strict=True)]


def for_customer(bubbles: Iterable[Bubble]) -> list[Bubble | Hidden]:
    """Leave only what the customer saw; say where something is hidden, how much, and what. A linked message stays."""
    seen: list[Bubble | Hidden] = []
    hidden: list[Bubble] = []
    for bubble in bubbles:
        if bubble.is_behind_the_scenes and not bubble.is_linked:
            hidden.append(bubble)
            continue
        seen += _note_of(hidden)
        hidden = []
        stays = bubble.is_behind_the_scenes
        seen.append(replace(bubble, is_out_of_sight=True) if stays else bubble.as_the_customer_saw_it())
    return seen + _note_of(hidden)


def _note_of(hidden: list[Bubble]) -> list[Bubble | Hidden]:
    kinds: Counter[str] = sum((bubble.unseen_kinds for bubble in hidden), Counter())
    return [Hidden(len(hidden), _listed(kinds))] if hidden else []


def _listed(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in kinds.items() if count)


def is_remote(url: str) -> bool:
    """Whether a picture is at an address elsewhere, by http or https."""
    return bool(host_of(url))


def label_of(role: str) -> str:
    """Say a role in words, an unknown one by its name."""
    return ROLES.get(role) or (f"Role “{make_visible(role)}”" if role else "No role")


def text_of(message: Message | Unreadable) -> str:
    """Give what a message says in words: text, else refusal, else transcript."""
    if isinstance(message, Unreadable):
        return ""
    texts = [part.text for part in message.parts if isinstance(part, TextPart | RefusalPart)]
    return "\n".join(texts) or message.refusal or (message.audio.transcript if message.audio else "")


def _draw(
    completion_id: str,
    item: Message | Unreadable,
    n: int,
    ties: Ties,
    linked: str,
    as_source: bool,
    is_whole: bool,
) -> Bubble:
    if isinstance(item, Unreadable):
        return _draw_unreadable(item)
    result = ties.result(n) if is_result(item) else None
    url = ties.permalink(item)
    return replace(
        _draw_common(item, url, as_source=as_source, is_whole=is_whole, without_text=result is not None),
        id=item.id,
        number=index_of(completion_id, item.id),
        url=url,
        source="" if url else _bounded(item.source),
        is_linked=bool(linked) and item.id == linked,
        calls=ties.calls(n, url),
        result=result,
    )


def _draw_choice(completion_id: str, choices: tuple[Choice, ...], position: int) -> DrawnChoice:
    choice = choices[position]
    return DrawnChoice(
        index=choice.index,
        label=f"Choice {position + 1} of {len(choices)}" if len(choices) > 1 else "",
        finish_reason=make_visible(choice.finish_reason),
        finish_words=FINISH_REASONS.get(choice.finish_reason) or make_visible(choice.finish_reason),
        has_logprobs=choice.has_logprobs,
        url=reverse("raw-choice", args=[completion_id, position]),
    )


def _draw_answer(completion_id: str, choice: Choice, position: int, as_source: bool, is_whole: bool) -> Bubble:
    if isinstance(choice.message, Unreadable):
        return _draw_unreadable(choice.message)
    url = reverse("raw-choice", args=[completion_id, position])[: -len("raw/")]
    calls = Ties(completion_id, [choice.message], is_whole=is_whole).calls(0, url)
    bubble = _draw_common(choice.message, url, as_source=as_source, is_whole=is_whole)
    return replace(bubble, calls=calls, other=bubble.other | choice.other)


def _draw_unreadable(item: Unreadable) -> Bubble:
    part = DrawnPart("unknown", name=f"unreadable item: {item.reason}", source=item.source)
    return Bubble(id="", role="", look="neutral", label="Unreadable item", parts=(part,))


def _draw_common(
    message: Message, own_url: str, *, as_source: bool, is_whole: bool, without_text: bool = False
) -> Bubble:
    """Draw what a message and a choice have in common; below their address stand their parts and their JSON."""
    parts_url = f"{own_url}parts/" if own_url else ""
    is_prose = message.role == "assistant" and not as_source
    texts = [part for part in message.parts if isinstance(part, TextPart)]
    citations = message.citations if len(texts) == 1 else ()  # their indices count in one text
    drawn: list[DrawnPart] = []
    images = 0
    for n, part in enumerate(message.parts):
        url = f"{parts_url}{n}/" if parts_url else ""
        if isinstance(part, TextPart) and not without_text:
            drawn.append(_draw_text(part.text, "" if is_whole else url, citations, is_prose))
        elif isinstance(part, ImagePart):
            images += 1
            drawn.append(replace(_draw_image(part, url), number=images))
        else:
            drawn.append(_draw_part(part, url))
    parts = [part for part in drawn if not (without_text and part.kind == "text")]
    if message.refusal:
        parts.append(DrawnPart("refusal", text=make_visible(message.refusal)))
    if message.audio is not None:
        parts.append(_draw_audio_answer(message.audio, f"{parts_url}{len(message.parts)}/" if parts_url else ""))
    look = {"developer": "system", "function": "tool"}.get(message.role, message.role)
    return Bubble(
        id="",
        role=message.role,
        look=look if message.role in ROLES else "neutral",
        label=label_of(message.role),
        name=make_visible(message.name),
        parts=tuple(parts),
        sources=list_sources(message.citations),
        reasoning=tuple(
            _draw_reasoning(found, f"{own_url}raw/" if own_url and not is_whole else "") for found in message.reasoning
        ),
        other=message.other,
        is_empty=not (parts or message.tool_calls or message.reasoning or without_text),
        has_refusal=any(part.kind == "refusal" for part in parts),
    )


def _draw_reasoning(found: Reasoning, json_url: str) -> DrawnPart:
    """Draw one field of reasoning; a very long one by its beginning, with the address of the JSON that has it all."""
    if json_url and len(found.text) + len(found.source) > MARKDOWN_LIMIT:
        size = len((found.source or found.text).encode())
        beginning = make_visible((found.text or found.source)[:_BEGINNING])
        return DrawnPart("reasoning", name=found.name, text=f"{beginning}…", url=json_url, bytes=size)
    source = make_visible(pretty(found.source) or found.source)
    return DrawnPart("reasoning", name=found.name, text=make_visible(found.text), source=source)


def _bounded(source: str) -> str:
    return make_visible(source if len(source) <= MARKDOWN_LIMIT else f"{source[:_BEGINNING]}…")


def _draw_text(text: str, url: str, citations: tuple[Citation, ...], is_prose: bool) -> DrawnPart:
    """Draw a text as Markdown or as written; a very long one by its beginning, with the address of the whole."""
    if len(text) > MARKDOWN_LIMIT and url:
        return DrawnPart("text", text=make_visible(text[:_BEGINNING]), url=url, bytes=len(text.encode()))
    if is_prose:
        return DrawnPart("text", text=text, html=render_prose_cached(text, citations).html)
    return DrawnPart("text", text=make_visible(text))


def _draw_part(part: Part, url: str) -> DrawnPart:
    match part:
        case TextPart(text):
            return DrawnPart("text", text=make_visible(text))
        case RefusalPart(text):
            return DrawnPart("refusal", text=make_visible(text))
        case ImagePart():
            return _draw_image(part, url)
        case AudioPart(data, form):
            return _draw_bytes("audio", data, url, name="Recording", form=make_visible(form))
        case FilePart(filename, file_id, data):
            drawn = _draw_bytes("file", data, url, name=make_visible(filename or file_id) or "File without a name")
            return drawn if data else DrawnPart("file", name=drawn.name, note=_id_only(file_id))
        case UnknownPart(kind, source):
            return DrawnPart("unknown", name=kind, source=pretty(source) or source)


def _draw_image(part: ImagePart, url: str) -> DrawnPart:
    if not part.url.strip():
        note = "Image not stored. OpenAI keeps none that is larger than 8 MB."
        return DrawnPart("image", note=note, detail=part.detail)
    if is_remote(part.url):
        return _draw_remote_image(part, url)
    drawn = DrawnPart("image", detail=part.detail, note="Not a picture that can be shown here")
    seen = media.glance(media.payload(part.url.strip()))
    if seen is None:
        return replace(drawn, source=make_visible(part.url[:_BEGINNING]))
    drawn = replace(drawn, url=url, bytes=seen.bytes, type=seen.kind.type, width=seen.width, height=seen.height)
    return replace(drawn, note="" if url else _NO_ADDRESS) if seen.kind.is_image else drawn


def _draw_remote_image(part: ImagePart, url: str) -> DrawnPart:
    """Name the host, and offer to load the picture through us; opening a conversation asks no host for anything."""
    host = looked_up_host(part.url) or host_of(part.url)
    load_url = f"{url}remote/" if url and settings.REMOTE_IMAGES else ""
    note = f"Image on {host}, not loaded"
    return DrawnPart(
        "image", name=host, note=note, source=make_visible(part.url[:_BEGINNING]), detail=part.detail, load_url=load_url
    )


def _draw_bytes(kind: str, data: str, url: str, *, name: str, form: str = "") -> DrawnPart:
    """Draw bytes by what they are; `form` is the format that the message claims, which tells raw sound only."""
    seen = media.glance(media.payload(data))
    if seen is None:
        return DrawnPart(
            kind, name=name, detail=form, note="The bytes cannot be read" if data else "No bytes are stored"
        )
    if kind == "audio" and not url:
        return DrawnPart(kind, name=name, bytes=seen.bytes, note=_NO_ADDRESS)
    if kind == "audio" and form == "pcm16" and seen.kind == media.UNKNOWN:
        told = f"Raw sound: played as 16-bit mono at {media.RAW_RATE:,} Hz, which the message does not say"
        return DrawnPart(kind, name=name, url=f"{url}?raw", bytes=seen.bytes, told=told, detail=form)
    note = "" if kind == "file" or seen.kind.is_audio else "Not a sound that can be played here"
    detail = form if seen.kind == media.UNKNOWN else seen.kind.ending
    return DrawnPart(kind, name=name, url=url, bytes=seen.bytes, note=note, detail=detail, type=seen.kind.type)


def _draw_audio_answer(audio: AudioAnswer, url: str) -> DrawnPart:
    drawn = _draw_bytes("audio", audio.data, url, name="Spoken answer", form="pcm16")
    note = drawn.note if audio.data else f"Only its id is stored: {make_visible(audio.id)}"
    expired = ""
    if audio.expires and audio.expires < datetime.now(UTC):
        expired = f"Expired at OpenAI on {audio.expires:%-d %b %Y}{', kept here' if audio.data else ''}"
    detail = drawn.detail if audio.data else ""
    return replace(drawn, text=make_visible(audio.transcript), note=note, detail=detail, expired=expired)


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


def _id_only(file_id: str) -> str:
    return "Only its id is stored" if file_id else "No bytes are stored"
