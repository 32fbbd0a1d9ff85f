"""View objects of the parts of a message: one class per kind, with its template and what the template prints.

A part of an unknown type is shown with its name and JSON, so that nothing is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from django.utils.translation import gettext

from viewer.completions.invisibles import escape_invisible
from viewer.completions.source_text import is_json_text, pretty
from viewer.completions.types import (
    AudioPart,
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
    tool_parts,
)

from .citations import CitedSource
from .context import RenderContext
from .limits import MAX_CITATIONS, PageBudget, TimeBudget
from .media_parts import AudioView, FileView, ImageView, build_audio, build_file, build_image, build_spoken_answer

_MAX_GROWTH = 5  # times; JSON that grows more when indented is mostly spaces


@dataclass(frozen=True, slots=True)
class TextView:
    """A text as written, or its beginning with the URL and the size of the whole."""

    template: ClassVar[str] = "rendering/parts/_text.html"
    text: str
    url: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class JsonView:
    """A text that is a JSON value, indented."""

    template: ClassVar[str] = "rendering/parts/_json.html"
    text: str


@dataclass(frozen=True, slots=True)
class MarkdownView:
    """A text in Markdown, its citations, and the numbered sources of its message."""

    template: ClassVar[str] = "rendering/parts/_markdown.html"
    text: str
    citations: tuple[Citation, ...]
    sources: tuple[CitedSource, ...]
    time: TimeBudget = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RefusalView:
    """What the model says instead of an answer."""

    template: ClassVar[str] = "rendering/parts/_refusal.html"
    text: str
    is_from_tool: bool = False


@dataclass(frozen=True, slots=True)
class UnknownView:
    """A part of a type that this version does not know: its name and JSON."""

    template: ClassVar[str] = "rendering/parts/_unknown.html"
    name: str
    source: str
    is_from_tool: bool = False


_USUAL_REASONING = frozenset(("reasoning_content", "reasoning", "reasoning_details", "thinking"))


@dataclass(frozen=True, slots=True)
class ReasoningView:
    """One field of reasoning; of a very long one, its beginning, its size, and the URL of its JSON."""

    template: ClassVar[str] = "rendering/parts/_reasoning.html"
    name: str
    text: str
    source: str = ""
    url: str = ""
    bytes: int = 0
    is_named: bool = True  # whether the name says more than that this is reasoning


PartView = TextView | JsonView | MarkdownView | RefusalView | ImageView | AudioView | FileView | UnknownView


@dataclass(frozen=True, slots=True)
class PartContext:
    """What the parts of one message share."""

    page: RenderContext
    url: str  # of the message; without one, its parts have no URLs either
    is_markdown: bool
    sources: tuple[CitedSource, ...]

    @property
    def budget(self) -> PageBudget:
        return self.page.budget

    def url_of(self, n: int) -> str:
        return f"{self.url}parts/{n}/" if self.url else ""


def is_from_tool(view: PartView) -> bool:
    """Whether a tool returned the part. Texts from tools are shown by their results, not as parts."""
    return not isinstance(view, TextView | JsonView | MarkdownView) and view.is_from_tool


def words_of(view: PartView) -> str:
    """Return the text or transcript of a part."""
    match view:
        case TextView() | JsonView() | MarkdownView() | RefusalView():
            return view.text
        case AudioView():
            return view.transcript
    return ""


def build_parts(message: Message, context: PartContext) -> tuple[PartView, ...]:
    """Build the content, refusal and audio of a message, as far as the budget allows."""
    views: list[PartView] = []
    budget, of_tools = context.budget, tool_parts(message)
    images = 0
    for n, part in enumerate(message.parts):
        if n and budget.is_spent:
            budget.leave_out(_length(part))
        elif isinstance(part, TextPart):
            if part.text and n not in of_tools:
                views.append(_build_text(part, context.url_of(n), context))
        elif isinstance(part, ImagePart):
            images += 1
            budget.take("")
            image = build_image(part, context.url_of(n), budget, number=images, is_from_tool=n in of_tools)
            views.append(image if context.page.loads_images else replace(image, load_url=""))
        else:
            budget.take("")
            views.append(_build_part(part, context.url_of(n), budget, is_from_tool=n in of_tools))
    if message.refusal:
        views.append(RefusalView(escape_invisible(budget.truncate(message.refusal))))
    if message.audio is not None:
        views.append(build_spoken_answer(message.audio, context.url_of(len(message.parts)), budget))
    return tuple(views)


def build_whole_text(part: TextPart) -> TextView:
    """Build a text that is shown whole because the reader asked for it."""
    return TextView(escape_invisible(part.text))


def build_unreadable(item: Unreadable, budget: PageBudget) -> UnknownView:
    """Build the JSON of an item that cannot be read as a message."""
    name = gettext("unreadable item: %(reason)s") % {"reason": item.reason}
    return UnknownView(name, budget.truncate(item.source))


def build_reasoning(fields: Sequence[Reasoning], own_url: str, budget: PageBudget) -> tuple[ReasoningView, ...]:
    """Build the fields of reasoning of a message; `own_url` is its URL, which links to the whole JSON."""
    views = (_build_reasoning(one, own_url, budget) for one in fields)
    return tuple(replace(one, is_named=len(fields) > 1 or not _is_usual(one.name)) for one in views)


def _is_usual(names: str) -> bool:
    return _USUAL_REASONING.issuperset(names.split(", "))


def _build_reasoning(reasoning: Reasoning, own_url: str, budget: PageBudget) -> ReasoningView:
    if own_url and not budget.take_open(reasoning.text + reasoning.source):
        beginning = escape_invisible(budget.take_beginning(reasoning.text or reasoning.source))
        size = len((reasoning.source or reasoning.text).encode())
        return ReasoningView(reasoning.name, f"{beginning}…", url=f"{own_url}raw/", bytes=size)
    text = reasoning.text if own_url else budget.truncate(reasoning.text)
    source = reasoning.source if own_url else budget.truncate(reasoning.source)
    return ReasoningView(reasoning.name, escape_invisible(text), source=escape_invisible(_indented(source)))


def _build_text(part: TextPart, url: str, context: PartContext) -> TextView | JsonView | MarkdownView:
    """Build a text as JSON, as Markdown or as written; truncate it if it is too long or does not fit."""
    text, budget = part.text, context.budget
    if not context.page.as_source and budget.allows_open(text) and is_json_text(text) and budget.take_open(text):
        return JsonView(escape_invisible(_indented(text)))
    if context.is_markdown and (not url or budget.allows_open(text)) and budget.take_markdown(text):
        cited = part.citations if budget.is_whole else part.citations[:MAX_CITATIONS]
        return MarkdownView(text, cited, context.sources, budget.time)
    if not url:
        return TextView(escape_invisible(budget.truncate(text)))
    if budget.take_open(text):
        return TextView(escape_invisible(text))
    beginning = budget.take_beginning(text)
    if len(beginning) == len(text):
        return TextView(escape_invisible(text))
    return TextView(escape_invisible(beginning), url, len(text.encode()))


def _build_part(
    part: AudioPart | FilePart | RefusalPart | UnknownPart, url: str, budget: PageBudget, *, is_from_tool: bool
) -> PartView:
    match part:
        case AudioPart():
            return build_audio(part, url, budget, is_from_tool=is_from_tool)
        case FilePart():
            return build_file(part, url, budget, is_from_tool=is_from_tool)
        case RefusalPart(text):
            return RefusalView(escape_invisible(budget.truncate(text)), is_from_tool)
        case UnknownPart(kind, source):
            return UnknownView(budget.truncate(kind), _indented(budget.truncate(source)), is_from_tool)


def _length(part: Part) -> int:
    """Return how many characters a part would have shown; the bytes of media are not on the page anyway."""
    match part:
        case TextPart(text) | RefusalPart(text):
            return len(text)
        case UnknownPart():
            return len(part.source)
    return 1


def _indented(source: str) -> str:
    """Indent JSON for reading, unless it would be mostly spaces; truncated JSON is invalid and stays as it is."""
    printed = pretty(source)
    return printed if printed and len(printed) <= _MAX_GROWTH * len(source) else source
