"""What is exported: a conversation or a part of it, read page by page, with what is left out of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from itertools import islice
from typing import Literal

from django.utils.translation import gettext, gettext_noop

from viewer.client.problems import Problem
from viewer.completions.answers import appended_answers
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import in_one_line
from viewer.completions.markdown import citation_markers
from viewer.completions.types import Choice, Completion, Message, RefusalPart, TextPart, Unreadable
from viewer.rendering.answers import NoAnswer, no_answer_in, place_answers
from viewer.rendering.citations import CitationPlace, CitedSource, find_places, list_sources
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import NO_ANSWER, Hidden, for_customer
from viewer.rendering.limits import PageBudget
from viewer.rendering.messages import Bubble, build_bubbles
from viewer.rendering.parts import is_from_tool
from viewer.rendering.places import answer_at, in_order, place_of_answer
from viewer.rendering.tool_call_links import Item, Neighbours
from viewer.sources.problem_texts import describe
from viewer.sources.reader import Reader

Include = Literal["everything", "no-tools", "customer"]
LEFT_OUT: dict[Include, str] = {
    "everything": "",
    "no-tools": gettext_noop("Tool calls and results are left out."),
    "customer": gettext_noop("Prompts and tool calls are left out."),
}
_PAGES_AHEAD = 4  # one more than there are when all messages are on one page: the messages, no answer, the answers


@dataclass(frozen=True, slots=True)
class Extract:
    """What is exported: a completion, and the pages of its messages, all of them or from one message to another."""

    completion_id: str
    completion: Completion
    pages: Iterator[tuple[Message | Unreadable, ...]]
    source: str  # its name
    home: str  # the URL below which its pages are
    first: str = ""  # the places of both ends, empty for the start and the end of the conversation
    last: str = ""
    origin: str = ""  # of a snapshot: when it was taken, by whom, and what is missing in it
    is_part: bool = False  # whether a missing answer means nothing

    @property
    def answers(self) -> range:
        """The positions of the exported answers."""
        begin, end = answer_at(self.first) or 0, answer_at(self.last)
        if end is not None:
            return range(begin, end + 1)
        return range(begin, 0 if self.last else len(self.completion.choices))

    def why_incomplete(self, problem: Problem) -> str:
        """Say in one sentence why the rest could not be read."""
        text = describe(problem, self.source)
        detail = f" ({escape_invisible(in_one_line(text.detail))})" if text.detail else ""
        return f"{text.title}{detail}."


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """One page of an extract as bubbles; the last one has the answer."""

    bubbles: list[Bubble | Hidden]
    answer: list[Bubble | Hidden]
    with_invisible: frozenset[str] = frozenset()  # the messages in which something hidden was made visible
    no_answer: NoAnswer | None = None
    leaves_out: bool = False  # whether something of its messages is not included


def read_extract(reader: Reader, first: str, last: str) -> Extract:
    """Begin to read. Raises SourceProblem if nothing can be read, before anything is sent."""
    first, last = in_order(reader.completion_id, first, last)
    pages = _messages_between(reader, first, last)
    completion = reader.completion()
    for end in (first, last):
        if (position := answer_at(end)) is not None:
            reader.choice(position)
    return Extract(
        reader.completion_id,
        completion,
        pages,
        reader.source.label,
        reader.home,
        first,
        last,
        reader.origin,
        reader.is_part,
    )


def _messages_between(reader: Reader, first: str, last: str) -> Iterator[tuple[Message | Unreadable, ...]]:
    """Read the messages between two places; answers come after all messages."""
    if answer_at(first) is not None:
        return iter(())
    return reader.every_message(first=first, last="" if answer_at(last) is not None else last)


def build_pages(extract: Extract, include: Include, *, for_print: bool = False) -> Iterator[TranscriptPage]:
    """Build all pages, with the answer after the last message. Raises Problem when a page cannot be read."""
    completion, answers = extract.completion, extract.answers
    context = RenderContext(
        extract.completion_id,
        as_source=not for_print,
        budget=PageBudget(is_whole=True),
        home=extract.home,
    )
    tail: deque[Message | Unreadable] = deque(maxlen=max(1, len(completion.choices)))
    count = 0
    neighbours = Neighbours(is_start=not extract.first, is_end=False)
    for page, is_last in _with_is_last(extract.pages):
        tail.extend(page)
        items = page if for_print else tuple(_with_citation_numbers(item) for item in page)
        bubbles = build_bubbles(context, items, neighbours)
        neighbours = Neighbours(earlier=page, is_start=False, is_end=False)
        if not extract.first:  # if ids contain no numbers, messages are counted from the start
            numbers = (count + n if bubble.number is None else bubble.number for n, bubble in enumerate(bubbles))
            bubbles = [replace(bubble, number=number) for bubble, number in zip(bubbles, numbers, strict=True)]
        count += len(page)
        has_earlier = bool(extract.first) or count > len(tail)
        if is_last and answers:  # adds details that only the choices have of messages appended for them
            bubbles, _ = place_answers(context, completion, tuple(tail), bubbles, has_earlier=has_earlier)
        included = _included(bubbles, include)
        with_invisible = frozenset(item.id for item in page if _has_invisible(item))
        yield TranscriptPage(included, [], with_invisible, leaves_out=_leaves_out(included, bubbles))
    if extract.last and not answers:
        return
    if not extract.is_part and (none := no_answer_in(completion, tail[-1] if tail else None)) is not None:
        yield TranscriptPage([], [], no_answer=NO_ANSWER if include == "customer" else none)
    has_earlier = bool(extract.first) or count > len(tail)
    if completion.choices and not appended_answers(tuple(tail), completion.choices, has_earlier=has_earlier):
        choices = tuple(choice if for_print else _choice_with_citation_numbers(choice) for choice in completion.choices)
        _, bubbles = place_answers(context, replace(completion, choices=choices), (), [])
        bubbles = [bubbles[n] for n in answers]
        included = _included(bubbles, include)
        with_invisible = frozenset(place_of_answer(n) for n in answers if _has_invisible(completion.choices[n].message))
        yield TranscriptPage([], included, with_invisible, leaves_out=_leaves_out(included, bubbles))


def say_what_is_left_out(include: Include, pages: Iterator[TranscriptPage]) -> tuple[str, Iterator[TranscriptPage]]:
    """Return the sentence for the top of a transcript, and all of its pages.

    The sentence is empty if nothing is left out. Only the first pages are read for it: what is longer gets it anyway.
    """
    if not LEFT_OUT[include]:
        return "", pages
    first: list[TranscriptPage] = []
    problem = None
    try:
        for page in islice(pages, _PAGES_AHEAD):
            first.append(page)
            if page.leaves_out:
                break
    except Problem as raised:
        problem = raised
    is_complete = len(first) < _PAGES_AHEAD and problem is None and not any(page.leaves_out for page in first)
    return "" if is_complete else gettext(LEFT_OUT[include]), _resume(first, problem, pages)


def _resume(
    first: list[TranscriptPage], problem: Problem | None, rest: Iterator[TranscriptPage]
) -> Iterator[TranscriptPage]:
    yield from first
    if problem is not None:
        raise problem
    yield from rest


def _with_is_last(pages: Iterator[tuple[Item, ...]]) -> Iterator[tuple[tuple[Item, ...], bool]]:
    """Yield each page that is not empty, and whether it is the last. Raises Problem after the last that was read."""
    filled = filter(None, pages)
    page = next(filled, None)
    while page is not None:
        try:
            following = next(filled, None)
        except Problem:
            yield page, False
            raise
        yield page, following is None
        page = following


def _included(bubbles: list[Bubble], include: Include) -> list[Bubble | Hidden]:
    match include:
        case "customer":
            return for_customer(bubbles)
        case "no-tools":
            talk = ((_without_tools(bubble), bubble) for bubble in bubbles if bubble.look != "tool")
            return [rest for rest, whole in talk if rest.parts or rest.error or not (whole.calls or whole.results)]
        case "everything":
            return list(bubbles)


def _leaves_out(included: list[Bubble | Hidden], bubbles: list[Bubble]) -> bool:
    """Whether a message is missing, or a part of one that a page would show; small extra fields do not count."""
    if len(included) != len(bubbles):
        return True
    return any(
        isinstance(item, Hidden) or item.unseen or (item.calls, item.results) != (bubble.calls, bubble.results)
        for item, bubble in zip(included, bubbles, strict=True)
    )


def _without_tools(bubble: Bubble) -> Bubble:
    return replace(bubble, calls=(), results=(), parts=tuple(part for part in bubble.parts if not is_from_tool(part)))


def _with_citation_numbers(item: Message | Unreadable) -> Message | Unreadable:
    """Append the number of each source to the words that cite it, and put it in place of a marker."""
    if not isinstance(item, Message) or not item.citations:
        return item
    sources = list_sources(item.citations)
    return replace(
        item, parts=tuple(_numbered(part, sources) if isinstance(part, TextPart) else part for part in item.parts)
    )


def _numbered(part: TextPart, sources: tuple[CitedSource, ...]) -> TextPart:
    places = find_places(part.text, part.citations, sources)
    markers = citation_markers(part.text) if any(place.kind == "marker" for place in places) else []
    numbered, position = "", len(part.text)
    for end, start, number in sorted({(*_cited(place, markers), place.number) for place in places}, reverse=True):
        numbered = f" [{number}]{part.text[end:position]}{numbered}"
        position = min(start, position)
    return replace(part, text=part.text[:position] + numbered)


def _cited(place: CitationPlace, markers: list[tuple[int, int]]) -> tuple[int, int]:
    """Return the end and the start of what the number replaces: a marker, or nothing."""
    for start, end in markers if place.kind == "marker" else ():
        if start <= place.start < end:
            return end, start
    return place.end, place.end


def _choice_with_citation_numbers(choice: Choice) -> Choice:
    return replace(choice, message=_with_citation_numbers(choice.message))


def _has_invisible(item: Message | Unreadable) -> bool:
    """Whether a message contains invisible characters."""
    if isinstance(item, Unreadable):
        return False
    texts = [part.text for part in item.parts if isinstance(part, TextPart | RefusalPart)]
    if item.role == "assistant":  # an entity of Markdown can be one
        texts = list(map(unescape, texts))
    texts += [text for call in item.tool_calls for text in (call.id, call.name, call.arguments, call.output or "")]
    texts += [
        item.name,
        item.refusal,
        *(reasoning.text for reasoning in item.reasoning),
        item.audio.transcript if item.audio else "",
    ]
    return any(escape_invisible(text) != text for text in texts)
