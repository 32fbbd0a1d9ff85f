"""What can be found in a message: all that its page shows, as texts in the order of the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext_lazy

from viewer.completions.markdown import MARKDOWN_LIMIT, link_urls, markdown_to_text, without_citation_markers
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.reading import PlainText
from viewer.completions.source_text import is_json_text, readable_json
from viewer.completions.types import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Part,
    RefusalPart,
    TextPart,
    UnknownPart,
    Unreadable,
    tool_parts,
)
from viewer.rendering.citations import list_sources
from viewer.rendering.limits import MAX_CITATIONS, MAX_MESSAGE
from viewer.rendering.media import is_address
from viewer.rendering.tool_calls import call_arguments, outcome_words

_outcome_words = lazy(outcome_words, str)


class TextField(NamedTuple):
    """One searchable text of a message. `part` is the hook of the element that shows it."""

    text: str
    part: str = "text"
    label: str | Promise = ""  # translating it costs more than finding nothing
    is_for_staff: bool = False  # not visible to the customer, although the message is
    counts_once: bool = False  # a URL: the page marks its link as a whole


def plain_text_fields(plain: PlainText) -> Iterator[TextField]:
    """Yield what `text_fields` yields of a message that is only a text."""
    if plain.name:
        yield _of_name(plain.name)
    if plain.text:
        yield from _fields_of_text(plain.text, is_markdown=plain.role == "assistant")


def text_fields(item: Message | Unreadable) -> Iterator[TextField]:
    """Yield everything in a message that can be found, in the order and the form of the page, but unescaped."""
    if isinstance(item, Unreadable):
        yield TextField(item.source, "unknown", gettext_lazy("Unreadable item"))
        return
    if item.name:
        yield _of_name(item.name)
    of_tools = tool_parts(item)
    left = MAX_MESSAGE  # characters that are searched as formatted text; the page formats as many
    for n, part in enumerate(item.parts):
        left -= len(part.text) if isinstance(part, TextPart) else 0
        fields = _fields_of_part(part, item, is_formatted=left >= 0)
        if n not in of_tools:
            yield from fields
        elif not isinstance(part, TextPart):  # a tool's text parts are its result, below
            yield from (field._replace(is_for_staff=True) for field in fields)
    if item.refusal:
        yield TextField(item.refusal, "refusal", gettext_lazy("Refusal"))
    if item.audio is not None:
        yield TextField(item.audio.transcript, "audio", gettext_lazy("Transcript"))
    for source in list_sources(item.citations[:MAX_CITATIONS]):  # the others are found in its JSON
        yield TextField(source.title, "sources", gettext_lazy("Source"))
        yield TextField(source.url, "sources", gettext_lazy("Source"), counts_once=True)
    if item.error:
        yield TextField(item.error, "error", gettext_lazy("Error"), is_for_staff=True)
    for result in item.results:
        yield TextField(result.call_id, "tool-result", gettext_lazy("Call id"), is_for_staff=True)
        text = readable_json(result_text(item, result))
        yield TextField(text, "tool-result", _outcome_words(outcome_of(item, result)), is_for_staff=True)
    for call in item.tool_calls:
        yield TextField(call.name, "tool-call", gettext_lazy("Tool"), is_for_staff=True)
        yield TextField(call.id, "tool-call", gettext_lazy("Call id"), is_for_staff=True)
        arguments = call_arguments(call)
        yield TextField(
            arguments if call.kind == "custom" else readable_json(arguments),
            "tool-call",
            gettext_lazy("Arguments"),
            is_for_staff=True,
        )
        if call.output is not None:
            yield TextField(readable_json(call.output), "tool-call", _outcome_words(call.outcome), is_for_staff=True)
    for reasoning in item.reasoning:
        yield TextField(reasoning.text, "reasoning", gettext_lazy("Reasoning"), is_for_staff=True)
    for name, source_text in item.other.items():
        yield TextField(f"{name} {source_text}", "unknown", gettext_lazy("Other fields"), is_for_staff=True)


def _fields_of_part(part: Part, message: Message, *, is_formatted: bool) -> Iterator[TextField]:
    match part:
        case TextPart(text) if is_formatted:
            has_citations = bool(message.citations)
            yield from _fields_of_text(text, is_markdown=message.role == "assistant", has_citations=has_citations)
        case TextPart(text):
            yield TextField(text)
        case RefusalPart(text):
            yield TextField(text, "refusal", gettext_lazy("Refusal"))
        case FilePart(filename, file_id, data):
            yield TextField(filename or file_id, "file", gettext_lazy("File name"))
            if is_address(data):
                yield TextField(data, "file", gettext_lazy("File URL"))
        case AudioPart(data) if is_address(data):
            yield TextField(data, "audio", gettext_lazy("Recording URL"))
        case ImagePart(url, _, file_id, caption):
            yield TextField(caption, "image", gettext_lazy("Caption"))
            if is_address(url):
                yield TextField(url, "image", gettext_lazy("Image URL"))
            else:
                yield TextField(file_id, "image", gettext_lazy("Image id"))
        case UnknownPart(_, source):
            yield TextField(source, "unknown", gettext_lazy("Unsupported content"), is_for_staff=True)


def _fields_of_text(text: str, *, is_markdown: bool, has_citations: bool = False) -> Iterator[TextField]:
    """Yield a text as Markdown shows it, then the URLs of its links; cited sources have fields of their own."""
    if is_json_text(text):
        yield TextField(readable_json(text.strip()))
        return
    if not is_markdown or len(text) > MARKDOWN_LIMIT:
        yield TextField(text)
        return
    yield TextField(markdown_to_text(without_citation_markers(text) if has_citations else text))
    if not has_citations:
        for address in link_urls(text):
            yield TextField(address, "text", gettext_lazy("Link"), counts_once=True)


def _of_name(name: str) -> TextField:
    return TextField(name, "name", gettext_lazy("Name"))
