"""Decides everything that a bubble shows, so that the templates only print.

A part that cannot be drawn is drawn as what it is, by name and with its JSON: nothing is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import ClassVar

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, pgettext

from viewer.completions.addresses import host_of, web_address
from viewer.completions.answers import appended_answers, with_choice
from viewer.completions.ids import index_of
from viewer.completions.invisibles import escape_invisible
from viewer.completions.source_text import decode, is_json_text, pretty
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
    Reasoning,
    RefusalPart,
    TextPart,
    UnknownPart,
    Unreadable,
    parts_of_tools,
    speaker_of,
)

from . import media
from .citations import Source, list_sources
from .limits import Budget, Clock
from .lines import first_line
from .markdown_html import render_prose
from .no_link import why_no_link
from .places import name_of_answer, place_of_answer, url_of
from .remote_hosts import host_of as looked_up_host
from .tool_calls import Around, DrawnCall, DrawnResult, Ties

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
_SPELLINGS = {  # of other servers
    **dict.fromkeys(("end_turn", "eos", "eos_token", "stop_sequence", "complete"), "stop"),
    **dict.fromkeys(("max_tokens", "max_output_tokens"), "length"),
    **dict.fromkeys(("safety", "refusal"), "content_filter"),
    "tool_use": "tool_calls",
}
# What the customer saw: what was said by these roles, in parts of these kinds. Whatever is not listed here is hidden,
# counted and named; the page, find, print, transcripts and rows all ask for it here.
_SEEN_ROLES = ("user", "assistant")
_SEEN_PARTS = ("text", "image", "audio", "file", "refusal")
_UNSEEN = {
    "system": gettext_noop("system prompt"),
    "developer": gettext_noop("developer prompt"),
    "tool": gettext_noop("tool result"),
    "function": gettext_noop("function result"),
}  # within a sentence
_NO_ADDRESS = gettext_noop("Not shown here: its message has no id, and so its bytes have no address")
_LEFT_OUT = gettext_noop("Left out by the program that recorded the conversation")
MOST_CITATIONS = 1_000  # of a message that are looked at for a page; each costs 50 µs
_MOST_ANSWERS = 100  # of a completion on a page; OpenAI gives 128 at the most
_MOST_GROWTH = 5  # times; JSON that is indented to more is mostly blanks
_LONGEST_REASON = 200  # characters of a finish reason that nobody knows


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """One part as the template `parts/<kind>.html` prints it."""

    kind: str
    number: int = 0  # of a picture in its message
    text: str = ""
    is_prose: bool = False  # the text is Markdown
    citations: tuple[Citation, ...] = ()  # whose places are in this text, and
    sources: tuple[Source, ...] = ()  # all that the message cites, by which they are numbered
    url: str = ""
    name: str = ""
    detail: str = ""
    note: str = ""  # why it is not shown
    told: str = ""  # what to know of it when it is
    expired: str = ""
    source: str = ""
    type: str = ""  # the media type by its bytes
    address: str = ""  # where it is, elsewhere
    caption: str = ""  # what its sender wrote of it
    is_tools: bool = False  # a tool said it
    is_json: bool = False  # the text is indented JSON
    load_url: str = ""  # fetches the picture through us
    bytes: int = 0
    width: int = 0
    height: int = 0
    clock: Clock | None = field(default=None, repr=False, compare=False)  # of the page

    @property
    def html(self) -> SafeString:
        """The Markdown, drawn and made harmless: when it is printed, so that a bubble in the cache costs none of it."""
        prose = render_prose(self.text, self.citations, self.sources, self.clock)
        if not prose.is_unformatted:
            return prose.html
        told = gettext("Shown as written: formatting it would take too long")
        return prose.html + format_html('<p class="message__note" data-unformatted>{}</p>', told)

    @property
    def is_seen(self) -> bool:
        """Whether the customer saw it, in a message that the customer saw."""
        return self.kind in _SEEN_PARTS and not self.is_tools

    @property
    def template(self) -> str:
        return f"rendering/parts/_{self.kind}.html"


@dataclass(frozen=True, slots=True)
class DrawnChoice:
    """Which of the completion's answers a bubble is, how it ended, and where its JSON is."""

    position: int
    name: str
    finish_reason: str
    finish_words: str
    is_finished: bool
    has_logprobs: bool
    url: str  # of its JSON


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
    results: tuple[DrawnResult, ...] = ()
    sources: tuple[Source, ...] = ()
    reasoning: tuple[DrawnPart, ...] = ()
    error: str = ""  # what went wrong, in the server's words
    created: datetime | None = None
    other: tuple[tuple[str, str], ...] = ()  # no dict: a template takes a key named `items` for the method
    source: str = ""  # the JSON, or its beginning, of a message that has no address to give it
    choice: DrawnChoice | None = None
    is_answer: bool = False  # a choice itself, not a message that a server appended for it
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
        return self.role not in _SEEN_ROLES or not (self.is_empty or any(part.is_seen for part in self.parts))

    @property
    def unseen_kinds(self) -> Counter[str]:
        if self.role not in _SEEN_ROLES:
            return Counter([gettext(_UNSEEN[self.role]) if self.role in _UNSEEN else self.label])
        kinds = Counter(_unsupported(part.name) for part in self.parts if part.kind == "unknown" and not part.is_tools)
        kinds[gettext("tool call")] = len(self.calls)
        kinds[gettext("tool result")] = len(self.results)
        kinds[gettext("reasoning")] = int(bool(self.reasoning))
        kinds[gettext("error")] = int(bool(self.error))
        return +kinds or Counter([gettext("other fields")])

    def as_the_customer_saw_it(self) -> Bubble:
        is_more_hidden = (
            self.calls or self.results or self.reasoning or self.error or not all(part.is_seen for part in self.parts)
        )
        return replace(
            self,
            parts=tuple(part for part in self.parts if part.is_seen),
            calls=(),
            results=(),
            reasoning=(),
            error="",
            other=(),
            source="",
            shows_json=False,
            unseen=_listed(self.unseen_kinds) if is_more_hidden else "",
        )

    @property
    def other_names(self) -> str:
        return ", ".join(name for name, _ in self.other)

    @property
    def has_more(self) -> bool:
        """Whether it shows anything beside its parts: most do not, and to ask for each in a template takes time."""
        rest = (
            *(self.results, self.calls, self.reasoning, self.other, self.error),
            *(self.left_out, self.source, self.unseen),
        )
        return any(rest) or (self.choice is not None and self.choice.has_logprobs)

    @property
    def place(self) -> str:
        if self.choice is not None and self.is_answer:
            return self.choice.name
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
    completion: Completion,
    shown: tuple[Message | Unreadable, ...],
    bubbles: list[Bubble],
    *,
    linked: str = "",
    goes_on: bool = False,
    as_source: bool = False,
    is_whole: bool = False,
) -> tuple[list[Bubble], list[Bubble]]:
    """Draw the choices, to stand after the messages; where a server appended them as messages, mark those instead.

    `shown` and its `bubbles` are oldest first and end with the newest message; `goes_on` says that there are older
    ones elsewhere, so that the choices may have begun on the page before. `linked` is the place of an answer. Of very
    many choices the first are drawn, and the linked one.
    """
    choices = completion.choices
    budget = Budget(is_whole=is_whole)
    if appended := min(appended_answers(shown, choices, goes_on=goes_on), len(bubbles)):
        said = map(with_choice, shown[-appended:], choices[-appended:])
        positions = range(len(choices) - appended, len(choices))
        notes = [_draw_choice(completion_id, choices, position) for position in positions]
        ends = zip(bubbles[-appended:], said, notes, strict=True)
        return bubbles[:-appended] + [_as_answer(*end, linked, Budget(is_whole=is_whole)) for end in ends], []
    return bubbles, [
        draw_answer(completion_id, completion, position, budget, linked=linked, as_source=as_source)
        for position in range(len(choices))
        if is_whole or position < _MOST_ANSWERS or place_of_answer(position) == linked
    ]


def message_of_answer(
    completion: Completion, position: int, shown: tuple[Message | Unreadable, ...], *, goes_on: bool
) -> Message | Unreadable | None:
    """Give the message that a server appended for an answer, if it did; `shown` and `goes_on` as in `place_answer`."""
    from_end = len(completion.choices) - position
    is_there = from_end <= appended_answers(shown, completion.choices, goes_on=goes_on)
    return shown[-from_end] if is_there else None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """That a completion has no answer, and why, as far as it tells."""

    cause: str

    def as_the_customer_saw_it(self) -> NoAnswer:
        return NoAnswer("")


def no_answer_in(completion: Completion, newest: Message | Unreadable | None) -> NoAnswer | None:
    """Say that no answer is stored, unless there is one, be it as the newest message; an error alone is none."""
    if completion.choices or (isinstance(newest, Message) and newest.role == "assistant" and _answers(newest)):
        return None
    return NoAnswer(
        escape_invisible(completion.error) or _filters_in(completion.other.get("prompt_filter_results", ""))
    )


def _answers(message: Message) -> bool:
    return bool(not message.error or message.parts or message.refusal or message.audio or message.tool_calls)


def _filters_in(source: str) -> str:
    """Name the filters that stopped a prompt, as Azure tells them: `{"jailbreak": {"filtered": true}}`."""
    try:
        waiting = [("", decode(source or "null"))]
    except ValueError:
        return ""
    stopped: dict[str, None] = {}
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(name, item) for item in value]
        elif isinstance(value, dict):
            waiting += value.items()
            if value.get("filtered") is True:
                stopped[escape_invisible(name)] = None
    return gettext("The prompt was stopped by a filter: %(names)s") % {"names": ", ".join(stopped)} if stopped else ""


def _as_answer(bubble: Bubble, said: Message | Unreadable, note: DrawnChoice, linked: str, budget: Budget) -> Bubble:
    """Mark a message as the answer that it is, and show what `with_choice` adds to it."""
    is_linked = bubble.is_linked or linked == place_of_answer(note.position)
    bubble = replace(bubble, choice=note, is_linked=is_linked)
    if isinstance(said, Unreadable):
        return bubble
    return replace(
        bubble,
        sources=list_sources(_cited(said, budget)),
        reasoning=tuple(_draw_reasoning(found, bubble.url, budget) for found in said.reasoning),
        error=escape_invisible(said.error),
        other=draw_other(said.other, budget),
    )


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


def _unsupported(name: str) -> str:
    return gettext("content of the type “%(name)s”") % {"name": escape_invisible(name)}


def is_remote(url: str) -> bool:
    """Whether a picture is at an address elsewhere, by http or https."""
    return bool(host_of(web_address(url)))


def label_of(role: str) -> str:
    """Say a role in words, an unknown one by its name."""
    if role in ROLES:
        return gettext(ROLES[role])
    return gettext("Role “%(name)s”") % {"name": escape_invisible(role)} if role else gettext("No role")


def is_seen(message: Message) -> bool:
    """Whether the customer saw what this role says, as far as its parts go."""
    return message.role in _SEEN_ROLES


def _draw(
    completion_id: str, item: Message | Unreadable, n: int, ties: Ties, linked: str, as_source: bool, budget: Budget
) -> Bubble:
    if isinstance(item, Unreadable):
        return _draw_unreadable(item, budget)
    is_linked = bool(linked) and item.id == linked
    budget = Budget() if is_linked else budget  # who follows a link finds its message whole, whatever stands before it
    url = ties.permalink(item)
    common = _draw_common(item, url, budget, as_source=as_source)
    return replace(
        common,
        id=item.id,
        number=index_of(completion_id, item.id),
        url=url,
        no_link=why_no_link(item.id),
        source="" if url else _draw_own_source(item.source, budget),
        is_linked=is_linked,
        calls=ties.calls(n, url, budget),
        results=ties.results(n, budget),
        left_out=budget.end_message(),
        whole_url=f"{url}raw/" if url else "",
    )


def _draw_choice(completion_id: str, choices: tuple[Choice, ...], position: int) -> DrawnChoice:
    choice = choices[position]
    reason = escape_invisible(choice.finish_reason[:_LONGEST_REASON])
    known = _SPELLINGS.get(reason.lower(), reason.lower())
    return DrawnChoice(
        position=position,
        name=name_of_answer(position, len(choices)),
        finish_reason=reason,
        finish_words=gettext(FINISH_REASONS[known]) if known in FINISH_REASONS else reason,
        is_finished=known == "stop",
        has_logprobs=choice.has_logprobs,
        url=reverse("raw-choice", args=[completion_id, position]),
    )


def draw_answer(
    completion_id: str,
    completion: Completion,
    position: int,
    budget: Budget,
    *,
    linked: str = "",
    as_source: bool = False,
) -> Bubble:
    """Draw one of the choices as a bubble of its own."""
    choices = completion.choices
    is_json = "json" in completion.parameters.get("response_format", "")
    place = place_of_answer(position)
    url = url_of(completion_id, place)
    is_linked = place == linked
    budget = Budget() if is_linked else budget  # as in `_draw`
    note = _draw_choice(completion_id, choices, position)
    bubble = _draw_said(choices[position], url, budget, as_source, is_json)
    return replace(bubble, id=place, url=url, is_linked=is_linked, choice=note, is_answer=True)


def _draw_said(choice: Choice, url: str, budget: Budget, as_source: bool, is_json: bool) -> Bubble:
    if isinstance(choice.message, Unreadable):
        return replace(_draw_unreadable(choice.message, budget), error=escape_invisible(budget.fit(choice.error)))
    bubble = _draw_common(choice.message, url, budget, as_source=as_source, is_json=is_json)
    ties = Ties("", [choice.message], is_whole=budget.is_whole)
    return replace(
        bubble,
        calls=ties.calls(0, url, budget),
        results=ties.results(0, budget),
        error=escape_invisible(budget.fit(choice.error)) or bubble.error,
        other=bubble.other + draw_other(choice.other, budget),
        left_out=budget.end_message(),
        whole_url=f"{url}raw/",
    )


def _draw_unreadable(item: Unreadable, budget: Budget) -> Bubble:
    part = DrawnPart(
        "unknown", name=gettext("unreadable item: %(reason)s") % {"reason": item.reason}, source=budget.fit(item.source)
    )
    left_out = budget.end_message()
    return Bubble(id="", role="", look="neutral", label=gettext("Unreadable item"), parts=(part,), left_out=left_out)


def _draw_common(message: Message, own_url: str, budget: Budget, *, as_source: bool, is_json: bool = False) -> Bubble:
    """Draw what a message and a choice have in common; below their address stand their parts and their JSON."""
    parts_url = f"{own_url}parts/" if own_url else ""
    is_prose = message.role == "assistant" and not (as_source or is_json)
    sources = list_sources(_cited(message, budget))
    of_tools = parts_of_tools(message)
    parts: list[DrawnPart] = []
    images = 0
    for n, part in enumerate(message.parts):
        url = f"{parts_url}{n}/" if parts_url else ""
        if n and budget.is_spent:
            budget.leave_out(_length(part))
        elif isinstance(part, TextPart):
            if part.text and n not in of_tools:  # the card of a result shows its texts
                parts.append(_draw_text(part, url, sources, budget, is_prose=is_prose, as_source=as_source))
        elif isinstance(part, ImagePart):
            images += 1
            parts.append(replace(_draw_part(part, url, budget), number=images, is_tools=n in of_tools))
        else:
            parts.append(replace(_draw_part(part, url, budget), is_tools=n in of_tools))
    if message.refusal:
        parts.append(DrawnPart("refusal", text=escape_invisible(budget.fit(message.refusal))))
    if message.audio is not None:
        audio_url = f"{parts_url}{len(message.parts)}/" if parts_url else ""
        parts.append(_draw_audio_answer(message.audio, audio_url, budget))
    shown = budget.fitting(f"{source.url}{source.title}" for source in sources)
    role = speaker_of(message)
    return Bubble(
        id="",
        role=message.role,
        look={"developer": "system", "function": "tool"}.get(role, role) if role in ROLES else "neutral",
        label=label_of(budget.fit(role)),
        name=escape_invisible(budget.fit(message.name)),
        parts=tuple(parts),
        sources=sources[:shown],
        reasoning=tuple(_draw_reasoning(found, own_url, budget) for found in message.reasoning),
        error=escape_invisible(budget.fit(message.error)),
        created=message.created,
        other=draw_other(message.other, budget),
        is_empty=not (parts or message.tool_calls or message.reasoning or message.results or message.other),
        has_refusal=any(part.kind == "refusal" for part in parts),
    )


def _cited(message: Message, budget: Budget) -> tuple[Citation, ...]:
    """Give the citations that a page looks at; what those behind them would have shown is left out."""
    if budget.is_whole or len(message.citations) <= MOST_CITATIONS:
        return message.citations
    budget.leave_out(sum(len(cited.url) + len(cited.title) for cited in message.citations[MOST_CITATIONS:]))
    return message.citations[:MOST_CITATIONS]


def _draw_reasoning(found: Reasoning, own_url: str, budget: Budget) -> DrawnPart:
    """Draw one field of reasoning; a very long one by its beginning, with the address of the JSON that has it all."""
    if own_url and not budget.take_to_open(found.text + found.source):
        beginning = escape_invisible(budget.take_beginning(found.text or found.source))
        size = len((found.source or found.text).encode())
        return DrawnPart("reasoning", name=found.name, text=f"{beginning}…", url=f"{own_url}raw/", bytes=size)
    if not own_url:
        found = replace(found, text=budget.fit(found.text), source=budget.fit(found.source))
    source = escape_invisible(_indented(found.source))
    return DrawnPart("reasoning", name=found.name, text=escape_invisible(found.text), source=source)


def _draw_own_source(source: str, budget: Budget) -> str:
    return escape_invisible(source if budget.take_to_open(source) else f"{budget.take_beginning(source)}…")


def draw_other(other: dict[str, str], budget: Budget) -> tuple[tuple[str, str], ...]:
    """Draw names with their values, as far as there is room."""
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


def _draw_text(
    part: TextPart, url: str, sources: tuple[Source, ...], budget: Budget, *, is_prose: bool, as_source: bool
) -> DrawnPart:
    """Draw a text as Markdown, as JSON or as written.

    One that is too long, by itself or for what the page has left, is its beginning and the address of the whole.
    """
    text = part.text
    if not as_source and budget.opens(text) and is_json_text(text) and budget.take_to_open(text):
        return DrawnPart("text", text=escape_invisible(_indented(text)), is_json=True)
    if is_prose and (not url or budget.opens(text)) and budget.take_markdown(text):
        cited = part.citations if budget.is_whole else part.citations[:MOST_CITATIONS]
        return DrawnPart("text", text=text, is_prose=True, citations=cited, sources=sources, clock=budget.clock)
    if not url:
        return DrawnPart("text", text=escape_invisible(budget.fit(text)))
    if budget.take_to_open(text):
        return DrawnPart("text", text=escape_invisible(text))
    beginning = budget.take_beginning(text)
    if len(beginning) == len(text):
        return DrawnPart("text", text=escape_invisible(text))
    return DrawnPart("text", text=escape_invisible(beginning), url=url, bytes=len(text.encode()))


def _draw_part(part: Part, url: str, budget: Budget) -> DrawnPart:
    budget.take("")
    match part:
        case TextPart(text):
            return DrawnPart("text", text=escape_invisible(text))
        case RefusalPart(text):
            return DrawnPart("refusal", text=escape_invisible(budget.fit(text)))
        case ImagePart():
            return _draw_image(replace(part, detail=budget.fit(part.detail)), url, budget)
        case AudioPart(data, form):
            return _draw_bytes("audio", data, url, name=gettext("Recording"), form=escape_invisible(budget.fit(form)))
        case FilePart(filename, file_id, data):
            name = escape_invisible(budget.fit(filename or file_id)) or gettext("File without a name")
            return _draw_bytes("file", data, url, name=name, file_id=file_id)
        case UnknownPart(kind, source):
            return DrawnPart("unknown", name=budget.fit(kind), source=_indented(budget.fit(source)))


def _indented(source: str) -> str:
    """Indent JSON for reading, unless it would be mostly blanks; what was cut is none, and stays as it is."""
    printed = pretty(source)
    return printed if printed and len(printed) <= _MOST_GROWTH * len(source) else source


def _draw_image(part: ImagePart, url: str, budget: Budget) -> DrawnPart:
    caption = escape_invisible(budget.fit(part.caption))
    given = part.url.strip()
    drawn = DrawnPart("image", detail=part.detail, caption=caption, note=gettext("Not an image that can be shown here"))
    if not given:
        return replace(drawn, note=_id_only(part.file_id) or gettext("Image not stored"))
    if is_remote(given):
        return replace(_draw_remote_image(part, url, budget), caption=caption)
    if media.is_left_out(given) or media.is_address(given):
        note = gettext(_LEFT_OUT) if media.is_left_out(given) else gettext("Image not loaded from this address")
        return replace(drawn, note=note, source=escape_invisible(budget.take_beginning(given)))
    seen = media.glance(media.payload(given))
    if seen is None:
        return replace(drawn, source=escape_invisible(budget.take_beginning(part.url)))
    drawn = replace(drawn, url=url, bytes=seen.bytes, type=seen.kind.type, width=seen.width, height=seen.height)
    if seen.kind.is_image:
        return replace(drawn, note="" if url else gettext(_NO_ADDRESS))
    return drawn if media.is_base64(given) else replace(drawn, source=escape_invisible(budget.take_beginning(given)))


def _draw_remote_image(part: ImagePart, url: str, budget: Budget) -> DrawnPart:
    """Name the host, and offer to load the picture through us; opening a conversation asks no host for anything."""
    host = looked_up_host(part.url) or host_of(part.url)
    load_url = f"{url}remote/" if url and settings.REMOTE_IMAGES else ""
    note = gettext("Image on %(host)s, not loaded") % {"host": host}
    source = escape_invisible(budget.take_beginning(part.url))
    return DrawnPart("image", name=host, note=note, source=source, detail=part.detail, load_url=load_url)


def _draw_bytes(kind: str, data: str, url: str, *, name: str, form: str = "", file_id: str = "") -> DrawnPart:
    """Draw bytes by what they are; `form` is the format that the message claims, which tells raw sound only."""
    data = data.strip()
    drawn = DrawnPart(kind, name=name, detail=form)
    if not data:
        return replace(drawn, note=_id_only(file_id) or gettext("Only the name is known"))
    if media.is_left_out(data):
        return replace(drawn, note=gettext(_LEFT_OUT))
    if media.is_address(data):
        return replace(drawn, address=escape_invisible(data), note=gettext("Not loaded from this address"))
    seen = media.glance(media.payload(data))
    if seen is None:
        return replace(drawn, note=gettext("The bytes cannot be read"))
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
        else gettext("Only its id is stored: %(id)s") % {"id": escape_invisible(budget.fit(audio.id))}
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
    return replace(
        drawn, text=escape_invisible(budget.fit(audio.transcript)), note=note, detail=detail, expired=expired
    )


def _id_only(file_id: str) -> str:
    return gettext("Only its id is stored: %(id)s") % {"id": escape_invisible(file_id)} if file_id else ""
