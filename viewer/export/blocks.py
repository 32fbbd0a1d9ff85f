"""The blocks of a transcript: its own words, and the texts of messages. The formats write each block on its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext

from viewer.completions.invisibles import escape_invisible
from viewer.completions.source_text import is_json_text
from viewer.rendering.media_parts import AudioView, FileView, ImageView
from viewer.rendering.messages import Bubble
from viewer.rendering.parts import PartView, ReasoningView, RefusalView, UnknownView
from viewer.rendering.tool_calls import outcome_words
from viewer.web.templatetags.formats import bytes_size


@dataclass(frozen=True, slots=True)
class Title:
    """The first line."""

    words: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the header: metadata, or what Lectern says about the export. Only Lectern's can be a link."""

    name: str
    value: str
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The header."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """What is left out, or missing, at this place of the conversation."""

    words: str


@dataclass(frozen=True, slots=True)
class Heading:
    """Who speaks, and at which place; the place is a link."""

    place: str
    url: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The transcript's own words within a message, and a URL."""

    words: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class MessageText:
    """Text of a message: prose as written, the Markdown of an assistant, or JSON and the like."""

    text: str
    kind: Literal["prose", "markdown", "code"] = "prose"


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where a single message is from, below it."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Closing:
    """The last line."""

    words: str
    is_incomplete: bool = False


Block = Title | Facts | Note | Heading | Line | MessageText | Attribution | Closing


def blocks_of(bubble: Bubble) -> Iterator[Line | MessageText]:
    """Yield everything that a bubble shows, in the same order."""
    if bubble.is_empty:
        yield Line(gettext("Empty message"))
    for part in bubble.parts:
        yield from _blocks_of_part(part, is_assistant=bubble.role == "assistant")
    if bubble.sources:
        yield Line(gettext("Sources:"))
    for source in bubble.sources:
        url = source.url if source.is_link else ""
        yield Line(f"{source.number}. {source.title}{'' if url else f' {source.url}'}", url)
    if bubble.error:
        yield Line(gettext("Error: %(error)s") % {"error": bubble.error})
    yield from map(Line, bubble.notes)
    for result in bubble.results:
        call_place = [gettext("call in %(message)s") % {"message": result.call.label}] if result.call else []
        facts = [outcome_words(result.outcome), result.tool, result.call_id, *call_place]
        yield Line(escape_invisible(" · ".join(filter(None, facts))))
        yield MessageText(result.text.text, "code")
    for call in bubble.calls:
        yield Line(escape_invisible(" · ".join(filter(None, (gettext("Tool call"), call.name, call.id)))))
        yield MessageText(call.text.text, "code")
        if call.output is not None or call.outcome == "error":
            yield Line(outcome_words(call.outcome))
        if call.output is not None:
            yield MessageText(call.output.text, "code")
    for reasoning in bubble.reasoning:
        yield from _blocks_of_reasoning(reasoning)
    for name, source_text in bubble.other:
        yield Line(gettext("Field %(name)s:") % {"name": escape_invisible(name)})
        yield MessageText(escape_invisible(source_text), "code")


def _blocks_of_part(part: PartView, *, is_assistant: bool) -> Iterator[Line | MessageText]:
    match part:
        case RefusalView(text):
            yield Line(gettext("Refusal:"))
            yield MessageText(text)
        case UnknownView(name, source):
            yield Line(gettext("Unsupported content (%(name)s):") % {"name": escape_invisible(name)})
            yield MessageText(escape_invisible(source), "code")
        case ImageView():
            yield _line_of_image(part)
        case AudioView():
            yield _line_of_file(part, part.note, part.address, part.assumption)
            if part.transcript:
                yield Line(gettext("Transcript of the recording:"))
                yield MessageText(part.transcript)
        case FileView():
            yield _line_of_file(part, part.note, part.address)
        case _ if is_json_text(part.text):
            yield MessageText(part.text, "code")
        case _:
            yield MessageText(part.text, "markdown" if is_assistant else "prose")


def _line_of_image(image: ImageView) -> Line:
    name = "" if image.note.startswith(gettext("Image")) else image.host or gettext("Image")
    pixels = f"{image.width} × {image.height}" if image.width else ""
    size = bytes_size(image.bytes) if image.bytes else ""
    words = (name, image.type, pixels, size, image.note, escape_invisible(image.source), image.caption)
    return Line(", ".join(filter(None, words)), image.url)


def _line_of_file(part: AudioView | FileView, *notes: str) -> Line:
    size = bytes_size(part.bytes) if part.bytes else ""
    return Line(", ".join(filter(None, (part.name, part.type, size, *notes))), part.url)


def _blocks_of_reasoning(part: ReasoningView) -> Iterator[Line | MessageText]:
    yield Line(gettext("Reasoning (%(name)s):") % {"name": escape_invisible(part.name)})
    yield MessageText("\n".join(text for text in (part.text, part.source) if text))
