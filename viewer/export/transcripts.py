"""Exports a conversation: as Markdown or plain text for a ticket, or as JSON that can be imported again.

People act on a pasted transcript, so the text of a message must not be mistaken for the transcript's own. In plain
text, messages are indented, and only the transcript's own lines begin at the margin. In Markdown a text is a quote, or
in a fence that is longer than any fence inside it. What would load an image, would be HTML, or would read differently
in another renderer is fenced as written.
Hidden characters are made visible, and the heading of the message says so. The JSON is as received.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from django.utils.translation import gettext, gettext_noop, ngettext

from viewer.client.problems import Problem
from viewer.completions.answers import appended_answers
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import in_one_line
from viewer.completions.source_text import members, to_object
from viewer.completions.types import Choice, Completion, Message, RefusalPart, TextPart, Unreadable
from viewer.rendering.answers import NoAnswer, no_answer_in, place_answers
from viewer.rendering.citations import CitedSource, find_places, list_sources
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import NO_ANSWER, Hidden, for_customer
from viewer.rendering.limits import PageBudget
from viewer.rendering.markdown_html import is_portable
from viewer.rendering.media_parts import AudioView, FileView, ImageView
from viewer.rendering.messages import Bubble, build_bubbles
from viewer.rendering.parts import PartView, ReasoningView, RefusalView, UnknownView, is_from_tool
from viewer.rendering.places import answer_at, place_of_answer
from viewer.rendering.tool_call_links import Item, Neighbours
from viewer.rendering.tool_calls import outcome_words
from viewer.sources.problem_texts import describe
from viewer.web.templatetags.formats import bytes_size, grouped

Include = Literal["everything", "no-tools", "customer"]
INCLUDES: dict[Include, str] = {
    "everything": gettext_noop("Everything"),
    "no-tools": gettext_noop("Without tool calls and results"),
    "customer": gettext_noop("Only what the customer saw"),
}
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_BREAK_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|[\r\n]+', re.DOTALL)
_CONTROL = re.compile("[\x00-\x1f]")
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&!])")
_BACKTICKS = re.compile("`+")
_MAX_LINE = 2_000  # characters of a name or a URL


@dataclass(frozen=True, slots=True)
class Extract:
    """What is exported: a completion, and the pages of its messages, all of them or from one message to another."""

    completion_id: str
    completion: Completion
    pages: Iterator[tuple[Message | Unreadable, ...]]
    source: str  # its name
    first: str = ""  # the places of both ends, empty for the start and the end of the conversation
    last: str = ""

    @property
    def answers(self) -> range:
        """The positions of the exported answers."""
        begin, end = answer_at(self.first) or 0, answer_at(self.last)
        if end is not None:
            return range(begin, end + 1)
        return range(begin, 0 if self.last else len(self.completion.choices))


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """One page of an extract as bubbles; the last one has the answer."""

    bubbles: list[Bubble | Hidden]
    answer: list[Bubble | Hidden]
    with_invisible: frozenset[str] = frozenset()  # the messages in which something hidden was made visible
    no_answer: NoAnswer | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """The transcript's own words, and a URL."""

    words: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class MessageText:
    """Text of a message; Markdown if an assistant wrote it."""

    text: str
    is_markdown: bool = False


Block = Line | MessageText


def build_pages(extract: Extract, include: Include, *, for_print: bool = False) -> Iterator[TranscriptPage]:
    """Build all pages, with the answer after the last message. Raises Problem when a page cannot be read."""
    completion, answers = extract.completion, extract.answers
    context = RenderContext(extract.completion_id, as_source=not for_print, budget=PageBudget(is_whole=True))
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
        yield TranscriptPage(
            _included(bubbles, include), [], frozenset(item.id for item in page if _has_invisible(item))
        )
    if extract.last and not answers:
        return
    if (none := no_answer_in(completion, tail[-1] if tail else None)) is not None:
        yield TranscriptPage([], [], no_answer=NO_ANSWER if include == "customer" else none)
    has_earlier = bool(extract.first) or count > len(tail)
    if completion.choices and not appended_answers(tuple(tail), completion.choices, has_earlier=has_earlier):
        choices = tuple(choice if for_print else _choice_with_citation_numbers(choice) for choice in completion.choices)
        _, bubbles = place_answers(context, replace(completion, choices=choices), (), [])
        with_invisible = frozenset(place_of_answer(n) for n in answers if _has_invisible(completion.choices[n].message))
        yield TranscriptPage([], _included([bubbles[n] for n in answers], include), with_invisible)


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


def to_text(facts: Iterable[tuple[str, str]], extract: Extract, include: Include, site: str) -> Iterator[str]:
    """Write plain text; `site` is the start of all URLs."""
    return _Writer(extract, include, site).write(facts)


def to_markdown(facts: Iterable[tuple[str, str]], extract: Extract, include: Include, site: str) -> Iterator[str]:
    """Write Markdown; `site` is the start of all URLs."""
    return _MarkdownWriter(extract, include, site).write(facts)


def to_bare(extract: Extract, include: Include, site: str, *, is_markdown: bool) -> Iterator[str]:
    """Write the content of the messages and nothing else. Raises Problem."""
    writer = (_MarkdownWriter if is_markdown else _BareWriter)(extract, include, site)
    return writer.write_bodies()


def to_json(extract: Extract) -> Iterator[str]:
    """Write the completion and its messages as received; `incomplete` says why messages are missing, or is null."""
    yield f'{{"completion":{extract.completion.source},"messages":[\n'
    separator, cause = "", None
    try:
        for page in extract.pages:
            for item in page:
                yield f"{separator}{item.source}"
                separator = ",\n"
    except Problem as problem:
        cause = _cause(problem, extract.source)
    yield f'\n],"incomplete":{json.dumps(cause)}}}\n'


def to_json_line(extract: Extract) -> Iterator[str]:
    """Write one line for `import_completions`, with every value as received. An incomplete line cannot be imported."""
    fields = [(name, piece.source) for name, piece in members(extract.completion.source) if name != "messages"]
    head = to_object(fields)[:-1]
    yield _on_one_line(f"{head}," if fields else head) + '"messages":['
    separator = ""
    try:
        for page in extract.pages:
            for item in page:
                yield separator + _on_one_line(item.source)
                separator = ","
    except Problem as problem:
        yield f"\n{json.dumps({'incomplete': _cause(problem, extract.source)})}\n"
    else:
        yield "]}\n"


def text_in_markdown(message: MessageText) -> str:
    """Quote a text that other programs render as we do, and put any other in a fence, as written."""
    lines = _LINE_BREAK.split(message.text)
    if message.is_markdown:
        quoted = "".join(f"> {line}\n" if line else ">\n" for line in lines)
        if is_portable(quoted):
            return f"\n{quoted}"
    fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(message.text)), default=0))
    return "\n" + "\n".join([fence, *lines, fence]) + "\n"


class _Writer:
    """Plain text. The text of messages is indented."""

    indent = "    "

    def __init__(self, extract: Extract, include: Include, site: str) -> None:
        self._extract = extract
        self._include = include
        self._site = site

    def write(self, facts: Iterable[tuple[str, str]]) -> Iterator[str]:
        yield self._title(gettext("Transcript of a conversation"))
        yield "".join(self._fact(name, in_one_line(escape_invisible(value), _MAX_LINE)) for name, value in facts)
        count, last = 0, gettext("the start")
        try:
            for page in build_pages(self._extract, self._include):
                for bubble in (*page.bubbles, *page.answer):
                    if isinstance(bubble, Hidden):
                        yield "\n" + self._hidden(bubble)
                        continue
                    yield self._message(bubble, has_hidden=bubble.id in page.with_invisible)
                    count, last = count + 1, _label(bubble)
                if page.no_answer is not None:
                    yield "\n" + self._line(Line(f"{gettext('No answer is stored.')} {page.no_answer.cause}".strip()))
            if self._include == "everything":
                yield from self._fields_of_completion()
        except Problem as problem:
            cause = _cause(problem, self._extract.source)
            text = gettext("stopped after %(message)s. %(cause)s") % {"message": last, "cause": cause}
            yield "\n" + self._closing(gettext("INCOMPLETE") + f": {text}")
        else:
            end = ngettext(
                "End of the transcript, %(count)s message.", "End of the transcript, %(count)s messages.", count
            )
            yield "\n" + self._closing(end % {"count": grouped(count)})

    def _fields_of_completion(self) -> Iterator[str]:
        for name, source in self._extract.completion.other.items():
            yield "\n" + self._line(
                Line(gettext("Field %(name)s of the conversation:") % {"name": escape_invisible(name)})
            )
            yield self._text(MessageText(escape_invisible(source)))

    def write_bodies(self) -> Iterator[str]:
        separator = ""
        for page in build_pages(self._extract, self._include):
            for bubble in (*page.bubbles, *page.answer):
                yield separator + (self._hidden(bubble) if isinstance(bubble, Hidden) else self._body(bubble))
                separator = "\n"

    def _hidden(self, hidden: Hidden) -> str:
        words = gettext("%(count)d not seen by the customer: %(kinds)s")
        return self._line(Line(f"({words % {'count': hidden.hidden, 'kinds': hidden.kinds}})"))

    def _message(self, bubble: Bubble, *, has_hidden: bool) -> str:
        finished = bubble.choice.finish_words if bubble.choice else ""
        facts = [bubble.label, bubble.name, finished, gettext("hidden characters made visible") if has_hidden else ""]
        words = ", ".join(filter(None, facts))
        return "\n" + self._heading(_label(bubble), words, bubble.url and self._site + bubble.url) + self._body(bubble)

    def _body(self, bubble: Bubble) -> str:
        return "".join(
            self._text(block) if isinstance(block, MessageText) else self._line(self._at_site(block))
            for block in _blocks_of(bubble)
        )

    def _at_site(self, line: Line) -> Line:
        return Line(line.words, self._site + line.url) if line.url.startswith("/") else line

    def _title(self, words: str) -> str:
        return f"{words}\n\n"

    def _fact(self, name: str, value: str) -> str:
        return f"{name + ':':13} {value}\n"

    def _heading(self, label: str, words: str, url: str) -> str:
        return f"== {label} {in_one_line(words)} ==\n"

    def _line(self, line: Line) -> str:
        words = in_one_line(line.words, _MAX_LINE)
        return f"  {words}{': ' if line.url else ''}{line.url}\n"

    def _text(self, message: MessageText) -> str:
        return "".join(f"{self.indent}{line}\n" if line else "\n" for line in _LINE_BREAK.split(message.text))

    def _closing(self, words: str) -> str:
        return f"-- {in_one_line(words, _MAX_LINE)} --\n"


class _BareWriter(_Writer):
    """Plain text of messages alone, which needs no indents to tell it from the transcript's own words."""

    indent = ""

    def _line(self, line: Line) -> str:
        return super()._line(line).lstrip()


class _MarkdownWriter(_Writer):
    """Markdown that other programs render with the same words."""

    def _title(self, words: str) -> str:
        return f"# {words}\n\n"

    def _fact(self, name: str, value: str) -> str:
        shown = f"<{value}>" if name == gettext("Link") else _escaped(value)
        return f"- **{name}:** {shown}\n"

    def _heading(self, label: str, words: str, url: str) -> str:
        label = _escaped(label).replace("\\#", "#")
        return f"## {f'[{label}](<{url}>)' if url else label} {_escaped(in_one_line(words))}\n"

    def _line(self, line: Line) -> str:
        words = _escaped(in_one_line(line.words, _MAX_LINE))
        return f"\n{words}{' ' if line.url else ''}{f'<{line.url}>' if line.url else ''}\n"

    def _text(self, message: MessageText) -> str:
        return text_in_markdown(message)

    def _closing(self, words: str) -> str:
        return f"**{_escaped(in_one_line(words, _MAX_LINE))}**\n"


def _included(bubbles: list[Bubble], include: Include) -> list[Bubble | Hidden]:
    match include:
        case "customer":
            return for_customer(bubbles)
        case "no-tools":
            talk = ((_without_tools(bubble), bubble) for bubble in bubbles if bubble.look != "tool")
            return [rest for rest, whole in talk if rest.parts or rest.error or not (whole.calls or whole.results)]
        case "everything":
            return list(bubbles)


def _without_tools(bubble: Bubble) -> Bubble:
    return replace(bubble, calls=(), results=(), parts=tuple(part for part in bubble.parts if not is_from_tool(part)))


def _label(bubble: Bubble) -> str:
    is_named = bubble.is_answer or bubble.number is not None
    return bubble.place if is_named else in_one_line(escape_invisible(bubble.id))


def _blocks_of(bubble: Bubble) -> Iterator[Block]:
    """Yield everything that a bubble shows, in the same order."""
    if bubble.is_empty:
        yield Line(gettext("Empty message"))
    for part in bubble.parts:
        yield from _blocks_of_part(part, is_markdown=bubble.role == "assistant")
    if bubble.sources:
        yield Line(gettext("Sources:"))
    for source in bubble.sources:
        url = source.url if source.is_link else ""
        yield Line(f"{source.number}. {source.title}{'' if url else f' {source.url}'}", url)
    if bubble.error:
        yield Line(gettext("Error: %(error)s") % {"error": bubble.error})
    for result in bubble.results:
        call_place = [gettext("call in %(message)s") % {"message": result.call.label}] if result.call else []
        facts = [outcome_words(result.outcome), result.tool, result.call_id, *call_place]
        yield Line(escape_invisible(" · ".join(filter(None, facts))))
        yield MessageText(result.text.text)
    for call in bubble.calls:
        yield Line(escape_invisible(" · ".join(filter(None, (gettext("Tool call"), call.name, call.id)))))
        yield MessageText(call.text.text)
        if call.output is not None or call.outcome == "error":
            yield Line(outcome_words(call.outcome))
        if call.output is not None:
            yield MessageText(call.output.text)
    for reasoning in bubble.reasoning:
        yield from _blocks_of_reasoning(reasoning)
    for name, source_text in bubble.other:
        yield Line(gettext("Field %(name)s:") % {"name": escape_invisible(name)})
        yield MessageText(escape_invisible(source_text))


def _blocks_of_part(part: PartView, *, is_markdown: bool) -> Iterator[Block]:
    match part:
        case RefusalView(text):
            yield Line(gettext("Refusal:"))
            yield MessageText(text)
        case UnknownView(name, source):
            yield Line(gettext("Unsupported content (%(name)s):") % {"name": escape_invisible(name)})
            yield MessageText(escape_invisible(source))
        case ImageView():
            yield _line_of_image(part)
        case AudioView():
            yield _line_of_file(part, part.note, part.address, part.assumption)
            if part.transcript:
                yield Line(gettext("Transcript of the recording:"))
                yield MessageText(part.transcript)
        case FileView():
            yield _line_of_file(part, part.note, part.address)
        case _:
            yield MessageText(part.text, is_markdown)


def _line_of_image(image: ImageView) -> Line:
    name = "" if image.note.startswith(gettext("Image")) else image.host or gettext("Image")
    pixels = f"{image.width} × {image.height}" if image.width else ""
    size = bytes_size(image.bytes) if image.bytes else ""
    words = (name, image.type, pixels, size, image.note, escape_invisible(image.source), image.caption)
    return Line(", ".join(filter(None, words)), image.url)


def _line_of_file(part: AudioView | FileView, *notes: str) -> Line:
    size = bytes_size(part.bytes) if part.bytes else ""
    return Line(", ".join(filter(None, (part.name, part.type, size, *notes))), part.url)


def _blocks_of_reasoning(part: ReasoningView) -> Iterator[Block]:
    yield Line(gettext("Reasoning (%(name)s):") % {"name": escape_invisible(part.name)})
    yield MessageText("\n".join(text for text in (part.text, part.source) if text))


def _with_citation_numbers(item: Message | Unreadable) -> Message | Unreadable:
    """Append the number of each source to the words that cite it."""
    if not isinstance(item, Message) or not item.citations:
        return item
    sources = list_sources(item.citations)
    return replace(
        item, parts=tuple(_numbered(part, sources) if isinstance(part, TextPart) else part for part in item.parts)
    )


def _numbered(part: TextPart, sources: tuple[CitedSource, ...]) -> TextPart:
    numbered, position = "", len(part.text)
    places = find_places(part.text, part.citations, sources)
    for end, number in sorted({(place.end, place.number) for place in places}, reverse=True):
        numbered, position = f" [{number}]{part.text[end:position]}{numbered}", end
    return replace(part, text=part.text[:position] + numbered)


def _choice_with_citation_numbers(choice: Choice) -> Choice:
    return replace(choice, message=_with_citation_numbers(choice.message))


def _has_invisible(item: Message | Unreadable) -> bool:
    """Whether a message contains invisible characters."""
    if isinstance(item, Unreadable):
        return False
    texts = [part.text for part in item.parts if isinstance(part, TextPart | RefusalPart)]
    texts += [text for call in item.tool_calls for text in (call.id, call.name, call.arguments, call.output or "")]
    texts += [
        item.name,
        item.refusal,
        *(reasoning.text for reasoning in item.reasoning),
        item.audio.transcript if item.audio else "",
    ]
    return any(escape_invisible(text) != text for text in texts)


def _escaped(words: str) -> str:
    return _MARKUP.sub(r"\\\1", words)


def _cause(problem: Problem, source: str) -> str:
    text = describe(problem, source)
    detail = f" ({escape_invisible(in_one_line(text.detail))})" if text.detail else ""
    return f"{text.title}{detail}."


def _on_one_line(source: str) -> str:
    """Remove line breaks from JSON. Inside strings, where some servers do not escape them, they are escaped."""
    return _BREAK_OR_STRING.sub(_escape_controls, source) if _CONTROL.search(source) else source


def _escape_controls(match: re.Match[str]) -> str:
    return _CONTROL.sub(lambda control: f"\\u{ord(control[0]):04x}", match[0]) if match[0][0] == '"' else " "
