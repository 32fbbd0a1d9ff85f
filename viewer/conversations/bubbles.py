"""Decides everything that a bubble shows, so that the templates only print.

A part that cannot be drawn is drawn as what it is, by name and with its JSON: nothing is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import ClassVar

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, pgettext

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
from .budget import Budget
from .citations import Source, host_of, list_sources
from .lines import first_line
from .no_link import why_no_link
from .prose import render_prose
from .remote_images import host_of as looked_up_host
from .tools import Around, DrawnCall, DrawnResult, Ties, is_result
from .visible import make_visible

ROLES = {
    "system": gettext_noop("System prompt"),
    "developer": gettext_noop("Developer prompt"),
    "user": gettext_noop("User"),
    "assistant": gettext_noop("Assistant"),
    "tool": gettext_noop("Tool result"),
    "function": gettext_noop("Function result"),
}
FINISH_REASONS = {
    "stop": gettext_noop("Finished"),
    "length": gettext_noop("Cut off at the token limit"),
    "content_filter": gettext_noop("Stopped by the content filter"),
    "tool_calls": gettext_noop("Waiting for tool results"),
    "function_call": gettext_noop("Waiting for a function result"),
}
_UNSEEN = {
    "system": gettext_noop("system prompt"),
    "developer": gettext_noop("developer prompt"),
    "tool": gettext_noop("tool result"),
    "function": gettext_noop("function result"),
}  # within a sentence
_NO_ADDRESS = gettext_noop("Not shown here: its message has no id, and so its bytes have no address")
_MOST_GROWTH = 5  # times; JSON that is indented to more is mostly blanks
_LONGEST_REASON = 200  # characters of a finish reason that nobody knows


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """One part as the template `parts/<kind>.html` prints it."""

    kind: str
    number: int = 0  # of a picture in its message
    text: str = ""
    is_prose: bool = False  # the text is Markdown
    citations: tuple[Citation, ...] = ()
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
    def html(self) -> SafeString:
        """The Markdown, drawn and made harmless: when it is printed, so that a bubble in the cache costs none of it."""
        return render_prose(self.text, self.citations).html

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
    url: str = ""  # empty when `no_link` says why
    no_link: str = ""
    is_linked: bool = False
    parts: tuple[DrawnPart, ...] = ()
    calls: tuple[DrawnCall, ...] = ()
    result: DrawnResult | None = None
    sources: tuple[Source, ...] = ()
    reasoning: tuple[DrawnPart, ...] = ()
    other: tuple[tuple[str, str], ...] = ()  # no dict: a template takes a key named `items` for the method
    source: str = ""  # the JSON, or its beginning, of a message that has no address to give it
    choice: DrawnChoice | None = None
    is_empty: bool = False
    has_refusal: bool = False
    left_out: int = 0  # characters that do not fit on the page, and
    whole_url: str = ""  # where they are
    shows_json: bool = True
    is_out_of_sight: bool = False  # shown in the customer's view though the customer did not see it
    unseen: str = ""  # what of it the customer did not see
    hidden: ClassVar[int] = 0  # a template asks this of all that stands on a page, and `Hidden` has some

    @property
    def is_behind_the_scenes(self) -> bool:
        """Whether the customer saw nothing of it: prompts, tool results, and calls or thoughts without a word."""
        return self.look in ("system", "tool") or (bool(self.calls or self.reasoning) and not self.parts)

    @property
    def unseen_kinds(self) -> Counter[str]:
        if self.look in ("system", "tool"):
            return Counter([gettext(_UNSEEN[self.role])])
        return Counter({gettext("tool call"): len(self.calls), gettext("reasoning"): int(bool(self.reasoning))})

    def as_the_customer_saw_it(self) -> Bubble:
        unseen = _listed(self.unseen_kinds)
        return replace(self, calls=(), reasoning=(), other=(), source="", shows_json=False, unseen=unseen)

    @property
    def other_names(self) -> str:
        return ", ".join(name for name, _ in self.other)

    @property
    def has_more(self) -> bool:
        """Whether it shows anything beside its parts: most do not, and to ask for each in a template takes time."""
        rest = (self.result, self.calls, self.reasoning, self.other, self.left_out, self.source, self.unseen)
        return any(rest) or (self.choice is not None and self.choice.has_logprobs)

    @property
    def place(self) -> str:
        return gettext("Link") if self.number is None else f"#{self.number}"

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
    budget = Budget(is_whole=is_whole)
    drawn = [_draw(completion_id, item, n, ties, linked, as_source, budget) for n, item in enumerate(oldest_first)]
    return drawn[::step]


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
    budget = Budget(is_whole=is_whole)
    drawn = (_draw_answer(choice, note.url, budget, as_source) for choice, note in zip(choices, notes, strict=True))
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
    if role in ROLES:
        return gettext(ROLES[role])
    return gettext("Role “%(name)s”") % {"name": make_visible(role)} if role else gettext("No role")


def text_of(message: Message | Unreadable) -> str:
    """Give what a message says in words: text, else refusal, else transcript."""
    if isinstance(message, Unreadable):
        return ""
    texts = [part.text for part in message.parts if isinstance(part, TextPart | RefusalPart)]
    return "\n".join(texts) or message.refusal or (message.audio.transcript if message.audio else "")


def _draw(
    completion_id: str, item: Message | Unreadable, n: int, ties: Ties, linked: str, as_source: bool, budget: Budget
) -> Bubble:
    if isinstance(item, Unreadable):
        return _draw_unreadable(item, budget)
    is_linked = bool(linked) and item.id == linked
    budget = Budget() if is_linked else budget  # who follows a link finds its message whole, whatever stands before it
    result = ties.result(n) if is_result(item) else None
    url = ties.permalink(item)
    common = _draw_common(item, url, budget, as_source=as_source, without_text=result is not None)
    return replace(
        common,
        id=item.id,
        number=index_of(completion_id, item.id),
        url=url,
        no_link=why_no_link(item.id),
        source="" if url else _draw_own_source(item.source, budget),
        is_linked=is_linked,
        calls=_fitting(item, ties.calls(n, url), budget),
        result=result,
        left_out=budget.end_message(),
        whole_url=f"{url}raw/" if url else "",
    )


def _draw_choice(completion_id: str, choices: tuple[Choice, ...], position: int) -> DrawnChoice:
    choice = choices[position]
    reason = make_visible(choice.finish_reason[:_LONGEST_REASON])
    return DrawnChoice(
        index=choice.index,
        label=gettext("Choice %(n)d of %(count)d") % {"n": position + 1, "count": len(choices)}
        if len(choices) > 1
        else "",
        finish_reason=reason,
        finish_words=gettext(FINISH_REASONS[reason]) if reason in FINISH_REASONS else reason,
        has_logprobs=choice.has_logprobs,
        url=reverse("raw-choice", args=[completion_id, position]),
    )


def _draw_answer(choice: Choice, json_url: str, budget: Budget, as_source: bool) -> Bubble:
    if isinstance(choice.message, Unreadable):
        return _draw_unreadable(choice.message, budget)
    url = json_url.removesuffix("raw/")
    bubble = _draw_common(choice.message, url, budget, as_source=as_source)
    calls = Ties("", [choice.message], is_whole=budget.is_whole).calls(0, url)
    return replace(
        bubble,
        calls=_fitting(choice.message, calls, budget),
        other=bubble.other + _draw_other(choice.other, budget),
        left_out=budget.end_message(),
        whole_url=json_url,
    )


def _draw_unreadable(item: Unreadable, budget: Budget) -> Bubble:
    part = DrawnPart(
        "unknown", name=gettext("unreadable item: %(reason)s") % {"reason": item.reason}, source=budget.fit(item.source)
    )
    left_out = budget.end_message()
    return Bubble(id="", role="", look="neutral", label=gettext("Unreadable item"), parts=(part,), left_out=left_out)


def _fitting(message: Message, drawn: tuple[DrawnCall, ...], budget: Budget) -> tuple[DrawnCall, ...]:
    return drawn[: budget.fitting(call.source for call in message.tool_calls)]


def _draw_common(
    message: Message, own_url: str, budget: Budget, *, as_source: bool, without_text: bool = False
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
        if n and budget.is_spent:
            budget.leave_out(_length(part))
        elif isinstance(part, TextPart) and not without_text:
            drawn.append(_draw_text(part.text, url, citations, is_prose, budget))
        elif isinstance(part, ImagePart):
            images += 1
            drawn.append(replace(_draw_part(part, url, budget), number=images))
        else:
            drawn.append(_draw_part(part, url, budget))
    parts = [part for part in drawn if not (without_text and part.kind == "text")]
    if message.refusal:
        parts.append(DrawnPart("refusal", text=make_visible(budget.fit(message.refusal))))
    if message.audio is not None:
        audio_url = f"{parts_url}{len(message.parts)}/" if parts_url else ""
        parts.append(_draw_audio_answer(message.audio, audio_url, budget))
    sources = list_sources(message.citations)
    shown = budget.fitting(f"{source.url}{source.title}" for source in sources)
    look = {"developer": "system", "function": "tool"}.get(message.role, message.role)
    return Bubble(
        id="",
        role=message.role,
        look=look if message.role in ROLES else "neutral",
        label=label_of(budget.fit(message.role)),
        name=make_visible(budget.fit(message.name)),
        parts=tuple(parts),
        sources=sources[:shown],
        reasoning=tuple(_draw_reasoning(found, own_url, budget) for found in message.reasoning),
        other=_draw_other(message.other, budget),
        is_empty=not (parts or message.tool_calls or message.reasoning or without_text),
        has_refusal=any(part.kind == "refusal" for part in parts),
    )


def _draw_reasoning(found: Reasoning, own_url: str, budget: Budget) -> DrawnPart:
    """Draw one field of reasoning; a very long one by its beginning, with the address of the JSON that has it all."""
    if own_url and not budget.take_to_open(found.text + found.source):
        beginning = make_visible(budget.take_beginning(found.text or found.source))
        size = len((found.source or found.text).encode())
        return DrawnPart("reasoning", name=found.name, text=f"{beginning}…", url=f"{own_url}raw/", bytes=size)
    if not own_url:
        found = replace(found, text=budget.fit(found.text), source=budget.fit(found.source))
    source = make_visible(_indented(found.source))
    return DrawnPart("reasoning", name=found.name, text=make_visible(found.text), source=source)


def _draw_own_source(source: str, budget: Budget) -> str:
    return make_visible(source if budget.take_to_open(source) else f"{budget.take_beginning(source)}…")


def _draw_other(other: dict[str, str], budget: Budget) -> tuple[tuple[str, str], ...]:
    shown = budget.fitting(other)
    return tuple((name, budget.fit(source)) for name, source in islice(other.items(), shown))


def _length(part: Part) -> int:
    """Measure what a part would have shown; pictures and the like are not on the page anyway."""
    match part:
        case TextPart(text) | RefusalPart(text):
            return len(text)
        case UnknownPart():
            return len(part.source)
    return 1


def _draw_text(text: str, url: str, citations: tuple[Citation, ...], is_prose: bool, budget: Budget) -> DrawnPart:
    """Draw a text as Markdown or as written.

    One that is too long, by itself or for what the page has left, is its beginning and the address of the whole.
    """
    if is_prose and (not url or budget.opens(text)) and budget.take_markdown(text):
        return DrawnPart("text", text=text, is_prose=True, citations=citations)
    if not url:
        return DrawnPart("text", text=make_visible(budget.fit(text)))
    if budget.take_to_open(text):
        return DrawnPart("text", text=make_visible(text))
    beginning = budget.take_beginning(text)
    if len(beginning) == len(text):
        return DrawnPart("text", text=make_visible(text))
    return DrawnPart("text", text=make_visible(beginning), url=url, bytes=len(text.encode()))


def _draw_part(part: Part, url: str, budget: Budget) -> DrawnPart:
    budget.take("")
    match part:
        case TextPart(text):
            return DrawnPart("text", text=make_visible(text))
        case RefusalPart(text):
            return DrawnPart("refusal", text=make_visible(budget.fit(text)))
        case ImagePart():
            return _draw_image(replace(part, detail=budget.fit(part.detail)), url, budget)
        case AudioPart(data, form):
            return _draw_bytes("audio", data, url, name=gettext("Recording"), form=make_visible(budget.fit(form)))
        case FilePart(filename, file_id, data):
            name = make_visible(budget.fit(filename or file_id)) or gettext("File without a name")
            drawn = _draw_bytes("file", data, url, name=name)
            return drawn if data else DrawnPart("file", name=drawn.name, note=_id_only(file_id))
        case UnknownPart(kind, source):
            return DrawnPart("unknown", name=budget.fit(kind), source=_indented(budget.fit(source)))


def _indented(source: str) -> str:
    """Indent JSON for reading, unless it would be mostly blanks; what was cut is none, and stays as it is."""
    printed = pretty(source)
    return printed if printed and len(printed) <= _MOST_GROWTH * len(source) else source


def _draw_image(part: ImagePart, url: str, budget: Budget) -> DrawnPart:
    if not part.url.strip():
        note = gettext("Image not stored. OpenAI keeps none that is larger than 8 MB.")
        return DrawnPart("image", note=note, detail=part.detail)
    if is_remote(part.url):
        return _draw_remote_image(part, url, budget)
    drawn = DrawnPart("image", detail=part.detail, note=gettext("Not an image that can be shown here"))
    seen = media.glance(media.payload(part.url.strip()))
    if seen is None:
        return replace(drawn, source=make_visible(budget.take_beginning(part.url)))
    drawn = replace(drawn, url=url, bytes=seen.bytes, type=seen.kind.type, width=seen.width, height=seen.height)
    return replace(drawn, note="" if url else gettext(_NO_ADDRESS)) if seen.kind.is_image else drawn


def _draw_remote_image(part: ImagePart, url: str, budget: Budget) -> DrawnPart:
    """Name the host, and offer to load the picture through us; opening a conversation asks no host for anything."""
    host = looked_up_host(part.url) or host_of(part.url)
    load_url = f"{url}remote/" if url and settings.REMOTE_IMAGES else ""
    note = gettext("Image on %(host)s, not loaded") % {"host": host}
    source = make_visible(budget.take_beginning(part.url))
    return DrawnPart("image", name=host, note=note, source=source, detail=part.detail, load_url=load_url)


def _draw_bytes(kind: str, data: str, url: str, *, name: str, form: str = "") -> DrawnPart:
    """Draw bytes by what they are; `form` is the format that the message claims, which tells raw sound only."""
    seen = media.glance(media.payload(data))
    if seen is None:
        note = gettext("The bytes cannot be read") if data else gettext("No bytes are stored")
        return DrawnPart(kind, name=name, detail=form, note=note)
    if kind == "audio" and not url:
        return DrawnPart(kind, name=name, bytes=seen.bytes, note=gettext(_NO_ADDRESS))
    if kind == "audio" and form == "pcm16" and seen.kind == media.UNKNOWN:
        told = gettext("Raw sound: played as 16-bit mono at %(rate)s Hz, which the message does not say")
        told %= {"rate": number_format(media.RAW_RATE, force_grouping=True)}
        return DrawnPart(kind, name=name, url=f"{url}?raw", bytes=seen.bytes, told=told, detail=form)
    note = "" if kind == "file" or seen.kind.is_audio else gettext("Not a sound that can be played here")
    detail = form if seen.kind == media.UNKNOWN else seen.kind.ending
    return DrawnPart(kind, name=name, url=url, bytes=seen.bytes, note=note, detail=detail, type=seen.kind.type)


def _draw_audio_answer(audio: AudioAnswer, url: str, budget: Budget) -> DrawnPart:
    drawn = _draw_bytes("audio", audio.data, url, name=gettext("Spoken answer"), form="pcm16")
    note = (
        drawn.note
        if audio.data
        else gettext("Only its id is stored: %(id)s") % {"id": make_visible(budget.fit(audio.id))}
    )
    expired = ""
    if audio.expires and audio.expires < datetime.now(UTC):
        words = (
            gettext("Expired at OpenAI on %(day)s, kept here")
            if audio.data
            else gettext("Expired at OpenAI on %(day)s")
        )
        expired = words % {"day": date_format(audio.expires, pgettext("day", "j M Y"))}
    detail = drawn.detail if audio.data else ""
    return replace(drawn, text=make_visible(budget.fit(audio.transcript)), note=note, detail=detail, expired=expired)


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
    return gettext("Only its id is stored") if file_id else gettext("No bytes are stored")
