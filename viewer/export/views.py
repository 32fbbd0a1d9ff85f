"""Exports a conversation: a transcript, its JSON, or a page for print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from viewer.archive.identity_keys import identity_keys
from viewer.client.problems import Problem
from viewer.completions.summary import first_question
from viewer.rendering.places import name_of
from viewer.rendering.titles import answer_line
from viewer.sources.problem_texts import describe
from viewer.sources.reader import reader_for
from viewer.sources.sources import Source
from viewer.web.logs import event
from viewer.web.request import Request, note_of
from viewer.web.responses import attachment, plain_text
from viewer.web.templatetags.formats import long_time, utc_time

from .blocks import Fact
from .extracts import LEFT_OUT, Extract, Include, TranscriptPage, build_pages, read_extract, say_what_is_left_out
from .formats import Markdown, PlainText
from .raw_data import to_json, to_json_line
from .transcripts import quote_of, to_clipboard, transcript_of

_TRANSCRIPTS = {
    "markdown": ("text/markdown", "md"),
    "text": ("text/plain", "txt"),
    "json": ("application/json", "json"),
    "jsonl": ("application/jsonl", "jsonl"),
    "clipboard": ("application/jsonl", "jsonl"),  # plain text and HTML, for the button that copies
}  # formats: media type and file extension


@require_GET  # not HEAD, for which the whole conversation would be read
def transcript(request: Request, completion_id: str) -> HttpResponseBase:
    """Send the conversation or a part of it as a file for a ticket; as JSON it contains everything as received."""
    form = request.GET.get("format", "markdown")
    if form not in _TRANSCRIPTS:
        raise Http404
    if form == "jsonl" and ("from" in request.GET or "to" in request.GET):
        return plain_text(gettext("JSON Lines always hold the whole conversation. Export a part of it as JSON."), 400)
    reader = reader_for(request, completion_id)
    extract = read_extract(reader, request.GET.get("from", ""), request.GET.get("to", ""))
    event("exported", completion=completion_id, format=form)
    note_of(request).detail = form
    content_type, extension = _TRANSCRIPTS[form]
    response = StreamingHttpResponse(
        _write(request, form, extract, reader.source), content_type=f"{content_type}; charset=utf-8"
    )
    response.headers["Content-Disposition"] = attachment(f"{completion_id}.{extension}")
    return response


@require_GET
def printed(request: Request, completion_id: str) -> HttpResponseBase:
    """Stream the whole conversation as one page, for paper or PDF."""
    reader = reader_for(request, completion_id)
    extract = read_extract(reader, request.GET.get("from", ""), request.GET.get("to", ""))
    event("exported", completion=completion_id, format="print")
    opening = next(extract.pages, ())
    extract = replace(extract, pages=chain([opening], extract.pages))
    include = _include(request)
    left_out, pages = say_what_is_left_out(include, build_pages(extract, include, for_print=True))
    context = {
        "completion_id": completion_id,
        "title": first_question(opening) or answer_line(extract.completion)[1] or completion_id,
        "facts": _facts(request, extract, reader.source),
        "left_out": left_out,
        "other": [*extract.completion.other.items()] if include == "everything" else [],
    }
    page = render_to_string("export/print.html", context, request)
    return StreamingHttpResponse(_print(request, page, pages, reader.source))


def _write(request: Request, form: str, extract: Extract, source: Source) -> Iterator[str]:
    site, include = request.build_absolute_uri("/")[:-1], _include(request)
    if form == "json":
        return to_json(extract)
    if form == "jsonl":
        return to_json_line(extract)
    is_quote = "quote" in request.GET
    if is_quote:
        blocks = quote_of(extract, include, site)
    else:
        blocks = transcript_of(extract, include, _facts(request, extract, source), site)
    if form == "clipboard":
        return to_clipboard(blocks, PlainText(is_quote=is_quote))
    return map((Markdown() if form == "markdown" else PlainText(is_quote=is_quote)).write, blocks)


def _include(request: Request) -> Include:
    """Return what to include, by default what the reader sees."""
    requested = request.GET.get("include", "")
    if requested in LEFT_OUT:
        return requested
    return "customer" if request.COOKIES.get("audience") == "customer" else "everything"


def _facts(request: Request, extract: Extract, source: Source) -> tuple[Fact, ...]:
    """List the metadata, the customer and the ticket first, then what was exported, by whom and when.

    Times are in the reader's time zone.
    """
    completion, now = extract.completion, timezone.now()
    created = completion.created
    ends = [name_of(extract.completion_id, completion, end) for end in (extract.first, extract.last)]
    unknown = gettext("unknown")
    extent = gettext("%(first)s to %(last)s") % {
        "first": ends[0] or gettext("the first"),
        "last": ends[1] or gettext("the last"),
    }
    exported = f"{long_time(now)} ({utc_time(now)})"
    if request.user.is_authenticated:
        exported = gettext("by %(name)s, %(time)s") % {"name": request.user.get_username(), "time": exported}
    return (
        *(Fact(name, value) for name, value in identity_keys().first_in(completion.metadata).items()),
        Fact(gettext("Created"), f"{long_time(created)} ({utc_time(created)})" if created else unknown),
        Fact(gettext("Model"), completion.model or unknown),
        *([Fact(gettext("Messages"), extent)] if any(ends) else []),
        Fact(gettext("Conversation"), extract.completion_id),
        Fact(gettext("Link"), request.build_absolute_uri(extract.home), is_link=True),
        Fact(gettext("Source"), source.label),
        *([Fact(gettext("Snapshot"), extract.origin)] if extract.origin else []),
        Fact(gettext("Exported"), exported),
    )


def _print(request: Request, html: str, pages: Iterator[TranscriptPage], source: Source) -> Iterator[str]:
    """Yield the head of the page, its messages, and the rest; if reading fails, the problem after the last message."""
    head, rest = html.split("<!-- messages -->")
    end = gettext("End of the conversation")
    yield head
    try:
        for page in pages:
            if page.bubbles or page.answer or page.no_answer:
                context = {
                    "bubbles": page.bubbles,
                    "answer": page.answer,
                    "no_answer": page.no_answer,
                    "order": "asc",
                }
                yield render_to_string("rendering/_bubbles.html", context)
        yield "" if request.GET.get("to") else f'<p class="end">{end}</p>'
    except Problem as problem:
        failure = {"problem": describe(problem, source.label), "source": source, "retry_url": request.get_full_path()}
        yield render_to_string("web/_problem.html", failure, request)
    yield rest
