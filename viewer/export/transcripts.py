"""Writes a conversation as a transcript: Markdown or plain text for a ticket, or both flavours of the clipboard."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from django.utils.translation import gettext, ngettext

from viewer.client.problems import Problem
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import in_one_line
from viewer.rendering.customer import Hidden
from viewer.rendering.messages import Bubble
from viewer.web.templatetags.formats import grouped

from .blocks import Attribution, Block, Closing, Fact, Facts, Heading, Line, MessageText, Note, Title, blocks_of
from .extracts import Extract, Include, build_pages, say_what_is_left_out
from .formats import Html, PlainText


def transcript_of(extract: Extract, include: Include, facts: tuple[Fact, ...], site: str) -> Iterator[Block]:
    """Yield a whole transcript; `site` is the start of all URLs."""
    yield Title(gettext("Transcript of a conversation"))
    yield Facts(facts)
    left_out, pages = say_what_is_left_out(include, build_pages(extract, include))
    if left_out:
        yield Note(left_out)
    count, last = 0, gettext("the start")
    try:
        for page in pages:
            for bubble in (*page.bubbles, *page.answer):
                if isinstance(bubble, Hidden):
                    yield _note_of(bubble)
                    continue
                yield _heading_of(bubble, site, has_hidden=bubble.id in page.with_invisible)
                yield from _body_of(bubble, site)
                count, last = count + 1, _place_of(bubble)
            if page.no_answer is not None:
                yield Note(f"{gettext('No answer is stored.')} {page.no_answer.cause}".strip())
        if include == "everything":
            yield from _fields_of_completion(extract)
    except Problem as problem:
        cause = extract.why_incomplete(problem)
        text = gettext("stopped after %(message)s. %(cause)s") % {"message": last, "cause": cause}
        yield Closing(gettext("INCOMPLETE") + f": {text}", is_incomplete=True)
    else:
        end = ngettext("End of the transcript, %(count)s message.", "End of the transcript, %(count)s messages.", count)
        yield Closing(end % {"count": grouped(count)})


def quote_of(extract: Extract, include: Include, site: str) -> Iterator[Block]:
    """Yield the content of each message, and below it who said it and where. Raises Problem."""
    for page in build_pages(extract, include):
        for bubble in (*page.bubbles, *page.answer):
            if isinstance(bubble, Hidden):
                yield _note_of(bubble)
                continue
            yield from _body_of(bubble, site)
            yield Attribution(f"{bubble.label}, {_place_of(bubble)}", _at_site(bubble.url, site))


def to_clipboard(blocks: Iterable[Block], plain: PlainText) -> Iterator[str]:
    """Write each block as one line of JSON, with what it adds to the plain text and to the HTML of the clipboard."""
    html = Html()
    for block in blocks:
        line = {"text": plain.write(block), "html": html.write(block)}
        if isinstance(block, Closing) and block.is_incomplete:
            line["incomplete"] = block.words
        yield json.dumps(line, ensure_ascii=False) + "\n"


def _fields_of_completion(extract: Extract) -> Iterator[Block]:
    for name, source in extract.completion.other.items():
        yield Note(gettext("Field %(name)s of the conversation:") % {"name": escape_invisible(name)})
        yield MessageText(escape_invisible(source), "code")


def _note_of(hidden: Hidden) -> Note:
    words = gettext("%(count)d not seen by the customer: %(kinds)s")
    return Note(f"({words % {'count': hidden.hidden, 'kinds': hidden.kinds}})")


def _heading_of(bubble: Bubble, site: str, *, has_hidden: bool) -> Heading:
    finished = bubble.choice.finish_words if bubble.choice and not bubble.choice.is_finished else ""
    hidden = gettext("hidden characters made visible") if has_hidden else ""
    place, url = _place_of(bubble), _at_site(bubble.url, site)
    if bubble.is_answer:
        notes = in_one_line(", ".join(filter(None, (bubble.name, finished, hidden))))
        return Heading(place, url, before=f"{in_one_line(bubble.label)}, ", after=f", {notes}" if notes else "")
    notes = in_one_line(", ".join(filter(None, (bubble.label, bubble.name, finished, hidden))))
    return Heading(place, url, after=f" {notes}")


def _body_of(bubble: Bubble, site: str) -> Iterator[Block]:
    for block in blocks_of(bubble):
        yield replace(block, url=_at_site(block.url, site)) if isinstance(block, Line) else block


def _place_of(bubble: Bubble) -> str:
    is_named = bubble.is_answer or bubble.number is not None
    return bubble.place if is_named else in_one_line(escape_invisible(bubble.id))


def _at_site(url: str, site: str) -> str:
    return site + url if url.startswith("/") else url
