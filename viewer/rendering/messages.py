"""View objects of messages: everything that a bubble shows is decided here, so that templates only print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import ClassVar

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from viewer.completions.ids import index_of
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import first_line
from viewer.completions.types import Citation, Message, Unreadable, effective_role

from .citations import CitedSource, list_sources
from .context import RenderContext
from .limits import MAX_CITATIONS, PageBudget
from .origins import note_sentences
from .parts import (
    PartContext,
    PartView,
    ReasoningView,
    RefusalView,
    build_parts,
    build_reasoning,
    build_unreadable,
    words_of,
)
from .places import why_no_link
from .roles import role_label, role_look
from .tool_call_links import Neighbours, ToolCallLinks
from .tool_calls import ToolCallView, ToolCallViews, ToolResultView


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """Which answer of the completion a bubble is, why it ended, and where its JSON is."""

    position: int
    name: str
    finish_reason: str
    finish_words: str
    is_finished: bool
    is_cut_off: bool
    has_logprobs: bool
    url: str  # of its JSON


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message, one unreadable item or one choice on the page."""

    id: str
    role: str
    look: str  # the CSS class: system, user, assistant, tool, private, neutral
    label: str
    name: str = ""
    number: int | None = None
    url: str = ""  # empty if `no_link` says why
    no_link: str = ""
    note_url: str = ""
    is_linked: bool = False
    parts: tuple[PartView, ...] = ()
    calls: tuple[ToolCallView, ...] = ()
    results: tuple[ToolResultView, ...] = ()
    sources: tuple[CitedSource, ...] = ()
    reasoning: tuple[ReasoningView, ...] = ()
    error: str = ""  # what went wrong, in the server's words
    notes: tuple[str, ...] = ()  # of the import: what the tool that recorded it has lost
    created: datetime | None = None
    other: tuple[tuple[str, str], ...] = ()  # not a dict: a template would take the key `items` for the method
    source: str = ""  # the JSON of a message without a URL, or its beginning
    choice: ChoiceView | None = None
    is_answer: bool = False  # a choice itself, not a message that a server appended for it
    is_empty: bool = False
    left_out: int = 0  # characters that did not fit on the page, and
    whole_url: str = ""  # the URL of the whole message
    shows_json: bool = True
    is_out_of_sight: bool = False  # shown in the customer's view though the customer did not see it
    unseen: str = ""  # what of it the customer did not see
    html: SafeString = field(default=SafeString(), repr=False, compare=False)  # drawn already, if it was
    hidden: ClassVar[int] = 0  # templates read this of all items of a page, some of which are `Hidden`

    @property
    def has_refusal(self) -> bool:
        return any(isinstance(part, RefusalView) for part in self.parts)

    @property
    def other_names(self) -> str:
        return ", ".join(name for name, _ in self.other)

    @property
    def own_results(self) -> tuple[ToolResultView, ...]:
        """The results that it shows itself: those that are in no card, and all of them where cards are hidden."""
        return self.results if self.is_out_of_sight else tuple(one for one in self.results if not one.is_in_card)

    @property
    def is_in_card(self) -> bool:
        """Whether the cards of its calls show all of it."""
        rest = (
            *(self.own_results, self.parts, self.sources, self.calls, self.reasoning, self.other, self.error),
            self.notes,
            *(self.left_out, self.source, self.no_link, self.choice),
        )
        return bool(self.results) and not any(rest)

    @property
    def has_more(self) -> bool:
        """Whether it shows anything except its parts. Most do not, and checking each field in a template takes time."""
        return bool(self.calls) or self.has_more_than_calls

    @property
    def has_more_than_calls(self) -> bool:
        rest = (
            *(self.own_results, self.reasoning, self.other, self.error, self.notes),
            *(self.left_out, self.source, self.unseen),
        )
        return any(rest) or (self.choice is not None and (self.choice.has_logprobs or self.choice.is_cut_off))

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
        return sum(len(words_of(part)) for part in self.parts)

    @property
    def first_line(self) -> str:
        return next((first_line(words) for part in self.parts if (words := words_of(part))), "")


def build_bubbles(
    context: RenderContext, items: Iterable[Message | Unreadable], neighbours: Neighbours | None = None
) -> list[Bubble]:
    """Build one page of messages in their order, with each tool result linked to its call."""
    neighbours = neighbours or Neighbours()
    step = -1 if neighbours.is_newest_first else 1
    oldest_first = tuple(items)[::step]
    tools = ToolCallViews(context, ToolCallLinks(oldest_first, neighbours))
    return [_build_bubble(context, item, n, tools) for n, item in enumerate(oldest_first)][::step]


def build_message(message: Message, url: str, context: RenderContext, *, is_json: bool = False) -> Bubble:
    """Build what messages and choices have in common; `url` is the base of the URLs of their parts and JSON.

    `is_json` says that the answer was requested as JSON, and so is not Markdown.
    """
    budget = context.budget
    is_markdown = message.role == "assistant" and not (context.as_source or is_json)
    sources = list_sources(limit_citations(message, budget))
    parts = build_parts(message, PartContext(context, url, is_markdown, sources))
    shown = budget.take_entries(f"{source.url}{source.title}" for source in sources)
    role = effective_role(message)
    return Bubble(
        id="",
        role=message.role,
        look=role_look(role),
        label=role_label(budget.truncate(role)),
        name=escape_invisible(budget.truncate(message.name)),
        parts=parts,
        sources=sources[:shown],
        reasoning=build_reasoning(message.reasoning, url, budget),
        error=escape_invisible(budget.truncate(message.error)),
        notes=note_sentences(message.origin.notes),
        created=message.created,
        other=build_other(message.other, budget),
        is_empty=not (
            parts or message.tool_calls or message.reasoning or message.results or message.other or message.error
        ),
    )


def build_unreadable_bubble(item: Unreadable, budget: PageBudget) -> Bubble:
    """Build the bubble of an item that cannot be read as a message."""
    part = build_unreadable(item, budget)
    label, left_out = gettext("Unreadable item"), budget.end_message()
    return Bubble(id="", role="", look="neutral", label=label, parts=(part,), left_out=left_out)


def build_other(other: dict[str, str], budget: PageBudget) -> tuple[tuple[str, str], ...]:
    """Return the fields with their values, as far as the budget allows."""
    shown = budget.take_entries(other)
    return tuple((name, budget.truncate(source)) for name, source in islice(other.items(), shown))


def limit_citations(message: Message, budget: PageBudget) -> tuple[Citation, ...]:
    """Return the citations that a page processes; count the others as left out."""
    if budget.is_whole or len(message.citations) <= MAX_CITATIONS:
        return message.citations
    budget.leave_out(sum(len(cited.url) + len(cited.title) for cited in message.citations[MAX_CITATIONS:]))
    return message.citations[:MAX_CITATIONS]


def _build_bubble(page: RenderContext, item: Message | Unreadable, n: int, tools: ToolCallViews) -> Bubble:
    if isinstance(item, Unreadable):
        return build_unreadable_bubble(item, page.budget)
    is_linked = bool(page.linked) and item.id == page.linked
    context = page.for_item(is_linked=is_linked)
    url = page.permalink(item.id)
    return replace(
        build_message(item, url, context),
        id=item.id,
        number=index_of(page.completion_id, item.id),
        url=url,
        no_link=why_no_link(item.id),
        note_url=page.note_url(url),
        source="" if url else _own_source(item.source, context.budget),
        is_linked=is_linked,
        calls=tools.calls(n, url, context.budget),
        results=tools.results(n, context.budget),
        left_out=context.budget.end_message(),
        whole_url=f"{url}raw/" if url else "",
    )


def _own_source(source: str, budget: PageBudget) -> str:
    return escape_invisible(source if budget.take_open(source) else f"{budget.take_beginning(source)}…")
