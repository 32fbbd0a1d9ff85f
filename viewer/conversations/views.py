"""List, conversation, permalink: one address each, the page for a reader, the fragment for htmx."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, Literal
from urllib.parse import unquote, urlencode

from django.conf import settings
from django.contrib import messages as notices
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST, require_safe

from viewer.archive.holdings import holdings_of
from viewer.client.client import Client, Order, opposite
from viewer.client.problem_texts import Told, tell
from viewer.client.problems import Problem
from viewer.completions.ids import has_address
from viewer.completions.invisibles import escape_invisible
from viewer.completions.outcomes import result_text
from viewer.completions.reading import source_of_choice
from viewer.completions.types import AudioPart, Completion, FilePart, ImagePart, Message, TextPart, Unreadable
from viewer.export.transcripts import (
    INCLUDES,
    Extract,
    Include,
    read_stretches,
    to_bare,
    to_json,
    to_json_line,
    to_markdown,
    to_text,
)
from viewer.find import finding
from viewer.remote_images.fetch import fetch_image
from viewer.rendering import media
from viewer.rendering.answers import message_of_answer, no_answer_in, place_answers
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import NO_ANSWER, Hidden, for_customer
from viewer.rendering.media_parts import is_remote
from viewer.rendering.messages import Bubble, build_bubbles
from viewer.rendering.parts import build_whole_text
from viewer.rendering.places import answer_at, in_order, name_of, place_of_answer, url_of
from viewer.rendering.remote_hosts import NotLoaded
from viewer.rendering.titles import question_in, spoken_line
from viewer.rendering.tool_call_links import Neighbours, ToolCallLinks
from viewer.rendering.tool_calls import build_tool_text, call_arguments
from viewer.sources.problem_pages import title_of
from viewer.sources.sources import NoAnswer, Source, chosen_source, completion_of, find
from viewer.web.logs import event
from viewer.web.request import Request, own_address
from viewer.web.responses import page_or_fragment
from viewer.web.templatetags.formats import long_time, utc_time

from .facts import draw_facts, draw_jumps, draw_jumps_in_whole
from .filters import (
    filters,
    has_pairs,
    list_url,
    metadata_of,
    narrowed_by,
    order_of,
    stretch_of,
    ways_from,
    with_query,
    without,
)
from .navigation import ways_on
from .rows import draw_rows, first_question

_A_YEAR = 365 * 24 * 60 * 60  # seconds
_VIEWS = {"texts": ("formatted", "source"), "audience": ("everybody", "customer")}  # what the reader may choose
_TRANSCRIPTS = {
    "markdown": ("text/markdown", "md"),
    "text": ("text/plain", "txt"),
    "json": ("application/json", "json"),
    "jsonl": ("application/jsonl", "jsonl"),
}  # what a conversation is taken along as: the type and the ending of the file
_LONGEST_FILE_NAME, _LONGEST_ENDING = 200, 20  # characters
_STEP = 0.5  # seconds of one step of finding, so that progress shows
_STEP_WITHOUT_JAVASCRIPT = 5


@dataclass(frozen=True, slots=True)
class More:
    """Where reading goes on: which messages stand there in time, and the address that brings them.

    The address is empty where there is more, and no id to go on from.
    """

    direction: Literal["earlier", "later"]
    url: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The messages that one answer shows, and what stands above and below them on the page."""

    items: tuple[Message | Unreadable, ...]
    above: More | None
    below: More | None
    order: Order = "asc"
    earlier: tuple[Message | Unreadable, ...] = ()  # the page before and
    later: tuple[Message | Unreadable, ...] = ()  # the page behind, where a tool call and its result lie on two pages
    newest: tuple[Message | Unreadable, ...] = ()  # the end of the conversation, where nothing followed the page before
    went_on: Literal["", "above", "below"] = ""  # where on the reader's page this comes

    @property
    def neighbours(self) -> Neighbours:
        """What the tool calls of these messages may reach over to."""
        return Neighbours(
            self.earlier, self.later, not self.has_older, self.is_end, is_newest_first=self.order == "desc"
        )

    @property
    def oldest_first(self) -> tuple[Message | Unreadable, ...]:
        return self.items[::-1] if self.order == "desc" else self.items

    @property
    def has_older(self) -> bool:
        return (self.below if self.order == "desc" else self.above) is not None

    @property
    def last(self) -> Message | Unreadable | None:
        """The newest message, where the newest is among them."""
        return self.items[0 if self.order == "desc" else -1] if self.items else next(iter(self.newest[::-1]), None)

    @property
    def is_end(self) -> bool:
        """Whether the newest message is among them, so that the answer of the completion stands next to it."""
        if not self.items:
            return self.went_on in ("", "above" if self.order == "desc" else "below")
        return (self.above if self.order == "desc" else self.below) is None


@require_safe
def completions(request: Request) -> HttpResponse:
    """The list of stored completions, narrowed by model and metadata, newest or oldest first."""
    if "key" in request.GET or "value" in request.GET:
        return redirect(list_url(_with_pair(request)))
    narrowed = narrowed_by(request.GET)
    model, metadata, order = narrowed.get("model", ""), metadata_of(narrowed), order_of(narrowed)
    source = chosen_source(request)
    client, window = source.ask(
        lambda client: (client, stretch_of(client, narrowed, request.GET, request.GET.get("around", "")))
    )
    matching = tuple(item for item in window.items if has_pairs(item, metadata))
    rows = draw_rows(client, matching)
    context = {
        "rows": rows,
        "ignores_metadata": len(matching) < len(window.items),
        "source": source,
        "models": sorted({row.model for row in rows if row.model}),
        "model": model,
        "order": order,
        **ways_from(request, window, narrowed),
        "starts_here": not window.has_earlier,
        "ends_here": not window.has_later,
        "first_url": list_url(narrowed),
        "newest_url": list_url(without(narrowed, "order")),
        "oldest_url": list_url(narrowed | {"order": "asc"}),
        "filters": filters(narrowed),
        "hidden": [(name, value) for name, value in narrowed.items() if name != "model"],
    }
    return page_or_fragment(request, "conversations/list.html", "conversations/_rows.html", context)


@require_safe
def open_by_id(request: Request) -> HttpResponse:
    """Go to a completion by its id, to a message by its id, or to a pasted address of ours."""
    given = request.GET.get("id", "").strip()
    path = re.split("[?#]", given, maxsplit=1)[0]
    answer = ""
    if found := re.search(r"/completions/([^/\s]+)(?:/messages/([^/\s]+)|/(choices/[0-9]{1,99})(?![^/]))?", path):
        completion_id, message_id, answer = unquote(found[1]), unquote(found[2] or ""), found[3] or ""
    else:
        completion_id, message_id = given, ""
    if not has_address(completion_id) or (message_id and not has_address(message_id)):
        shown = escape_invisible(given[:100])
        told = gettext("“%(given)s” is no id. Paste a completion id, a message id or an address of a conversation.")
        notices.error(request, told % {"given": shown})
        return redirect("completions")
    if not message_id and not _exists(request, completion_id) and (holder := completion_of(completion_id)):
        completion_id, message_id = holder, completion_id
    return redirect(url_of(completion_id, message_id or answer))


@require_safe
def conversation(
    request: Request, completion_id: str, message_id: str = "", position: int | None = None
) -> HttpResponse:
    """One stored completion as bubbles: from its start or end, behind, before or around a message, or at an answer.

    An answer that a server appended as a message has that message's address.
    """
    linked = message_id if position is None else place_of_answer(position)
    opened, source = find(request, completion_id, lambda client: _open(client, request, completion_id, linked))
    reading, completion, problem_with_completion = opened
    if completion and position is not None and reading.is_end:
        appended = message_of_answer(completion, position, reading.oldest_first, goes_on=reading.has_older)
        if appended and has_address(appended.id):
            return redirect(with_query(url_of(completion_id, appended.id), request.GET.dict()))
    as_source = request.COOKIES.get("texts") == "source"
    is_for_customer = request.COOKIES.get("audience") == "customer"
    shown, choices = _bubbles_of(RenderContext(completion_id, linked, as_source), reading, completion)
    bubbles = for_customer(shown) if is_for_customer else [*shown]
    answer = for_customer(choices) if is_for_customer else [*choices]
    no_answer = no_answer_in(completion, reading.last) if completion and reading.is_end else None
    if no_answer and is_for_customer:
        no_answer = NO_ANSWER
    context: dict[str, Any] = {
        "completion_id": completion_id,
        "linked": linked,
        "completion": completion,
        "problem": problem_with_completion,
        "source": source,
        "bubbles": bubbles,
        "answer": answer,
        "no_answer": no_answer,
        "more_answers": len(completion.choices) - len(choices) if completion and choices else 0,
        "hidden_count": sum(item.hidden for item in (*bubbles, *answer) if isinstance(item, Hidden)),
        "as_source": as_source,
        "is_for_customer": is_for_customer,
        "above": None if request.htmx and "after" in request.GET else reading.above,
        "below": None if request.htmx and "before" in request.GET else reading.below,
        "starts_here": reading.above is None,
        "ends_here": reading.below is None,
        "went_on": reading.went_on,
        "order": reading.order,
    }
    if not request.htmx:
        context |= {
            "title": _title(source.client, completion_id, reading, completion),
            **draw_facts(completion, request.GET.get("pair", ""), request.GET.get("field", "")),
            **_jumps(completion_id, [*bubbles, *answer], reading.order, source.client.is_local and not is_for_customer),
            "ids_count": any(bubble.number is not None for bubble in shown),
            **ways_on(request, completion_id, completion),
        }
    return page_or_fragment(request, "conversations/conversation.html", "rendering/_bubbles.html", context)


@require_safe
def find_in_conversation(request: Request, completion_id: str) -> HttpResponse:
    """Everywhere in a conversation that some words stand, as links; a fragment is one step of a longer reading.

    What the steps before have read, found and asked stands in the address, so that none is needed to go on.
    """
    words = request.GET.get("q", "").strip()[: finding.MAX_LENGTH]
    context: dict[str, Any] = {"completion_id": completion_id, "words": words}
    if finding.is_too_short(words):
        return page_or_fragment(request, "find/find.html", "find/_hits.html", context)
    so_far = {name: _counted(request, name) for name in ("read", "hits", "hidden", "asked")}
    limits = finding.StepLimits(
        seconds=_STEP if request.htmx else _STEP_WITHOUT_JAVASCRIPT,
        **{name: most - so_far[name] % most for name, most in finding.PAUSES.items()},
    )
    found, source = find(
        request,
        completion_id,
        lambda client: finding.find_words(client, completion_id, words, request.GET.get("after", ""), limits),
    )
    is_for_customer = request.COOKIES.get("audience") == "customer"
    seen = [hit for hit in found.hits if not (is_for_customer and hit.is_hidden)]
    by_now = {
        "read": so_far["read"] + found.read,
        "hits": so_far["hits"] + len(seen),
        "hidden": so_far["hidden"] + len(found.hits) - len(seen),
        "asked": so_far["asked"] + found.asked,
    }
    address = {"q": words, "after": found.cursor, **by_now}
    is_paused = any(by_now[name] // most > so_far[name] // most for name, most in finding.PAUSES.items())
    context |= {
        "hits": seen,
        "by_now": by_now,
        "is_paused": is_paused,
        "next_url": f"{request.path}?{urlencode(address)}" if found.cursor else "",
        "problem": found.problem,
        "source": source,
    }
    return page_or_fragment(request, "find/find.html", "find/_hits.html", context)


@require_POST
def choose_view(request: Request) -> HttpResponse:
    """Remember how the reader wants conversations shown, and go back to the page."""
    response = redirect(own_address(request.POST.get("next", "")) or "completions")
    for name, values in _VIEWS.items():
        if (chosen := request.POST.get(name)) in values:
            secure = request.is_secure()
            response.set_cookie(name, chosen, max_age=_A_YEAR, secure=secure, httponly=True, samesite="Lax")
    return response


@require_safe
def raw_message(request: Request, completion_id: str, message_id: str) -> HttpResponse:
    """The JSON of one message as received."""
    message = _message(request, completion_id, message_id)
    return HttpResponse(message.source, content_type="application/json; charset=utf-8")


@require_safe
def raw(request: Request, completion_id: str) -> HttpResponse:
    """The completion's JSON as received."""
    completion = _completion_of(request, completion_id)
    return HttpResponse(completion.source, content_type="application/json; charset=utf-8")


@require_GET  # not HEAD: it would read the whole conversation, for nothing
def transcript(request: Request, completion_id: str) -> HttpResponseBase:
    """The conversation or a stretch of it as a file for a ticket; as JSON it holds everything that was received."""
    form = request.GET.get("format", "markdown")
    if form not in _TRANSCRIPTS:
        raise Http404
    if form == "jsonl" and ("from" in request.GET or "to" in request.GET):
        return _sentence(gettext("JSON Lines hold a whole conversation; ask for a part of it as JSON."), 400)
    extract, source = _extract(request, completion_id)
    event("exported", completion=completion_id, format=form)
    content_type, ending = _TRANSCRIPTS[form]
    response = StreamingHttpResponse(
        _written(request, form, extract, source), content_type=f"{content_type}; charset=utf-8"
    )
    response.headers["Content-Disposition"] = _attachment(f"{completion_id}.{ending}")
    return response


@require_GET
def printed(request: Request, completion_id: str) -> HttpResponseBase:
    """The whole conversation as one page, sent as it is read, for paper or PDF."""
    extract, source = _extract(request, completion_id)
    event("exported", completion=completion_id, format="print")
    opening = next(extract.pages, ())
    extract = replace(extract, pages=chain([opening], extract.pages))
    context = {
        "completion_id": completion_id,
        "title": question_in(opening) or spoken_line(extract.completion)[1] or completion_id,
        "facts": _facts(request, extract, source),
        "other": [*extract.completion.other.items()] if _include(request) == "everything" else [],
    }
    page = render_to_string("export/print.html", context, request)
    return StreamingHttpResponse(_printed(request, page, extract, source))


@require_safe
def tool_call(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """The name and the arguments of one tool call of a message."""
    return _call_of(request, _message(request, completion_id, message_id), n)


@require_safe
def choice_tool_call(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """The name and the arguments of one tool call of an answer."""
    return _call_of(request, _message_of_choice(request, completion_id, position), n)


@require_safe
def tool_result(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """What a tool said, which is one of the results that a message holds."""
    message = _message(request, completion_id, message_id)
    if n >= len(message.results):
        raise Http404
    said = result_text(message, message.results[n])
    return _tool_text(request, said, said, "result.txt")


@require_safe
def tool_output(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """The result that one tool call of a message carries itself."""
    return _output_of(request, _message(request, completion_id, message_id), n)


@require_safe
def choice_tool_output(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """The result that one tool call of an answer carries itself."""
    return _output_of(request, _message_of_choice(request, completion_id, position), n)


@require_safe
def raw_choice(request: Request, completion_id: str, position: int) -> HttpResponse:
    """The JSON of one answer as received."""
    source = source_of_choice(_with_answer(request, completion_id, position), position)
    return HttpResponse(source, content_type="application/json; charset=utf-8")


@require_safe
def part(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """The bytes of one part of a message."""
    return _part_of(request, _message(request, completion_id, message_id), n)


@require_safe
def choice_part(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """The bytes of one part of an answer."""
    return _part_of(request, _message_of_choice(request, completion_id, position), n)


@require_GET
def remote_image(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """The picture elsewhere that one part of a message names."""
    return _fetched(request, lambda: _message(request, completion_id, message_id), n)


@require_GET
def choice_remote_image(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """The picture elsewhere that one part of an answer names."""
    return _fetched(request, lambda: _message_of_choice(request, completion_id, position), n)


def _jumps(completion_id: str, bubbles: list[Bubble | Hidden], order: Order, is_all_archived: bool) -> dict[str, Any]:
    """Count what there is to jump to: in the whole where the archive has counted, else in what is on the page."""
    holdings = holdings_of(completion_id) if is_all_archived else None
    jumps = draw_jumps(bubbles) if holdings is None else draw_jumps_in_whole(completion_id, holdings.counts, order)
    return {"jumps": jumps, "has_jumps": any(jump.count for jump in jumps), "counts_the_whole": holdings is not None}


def _extract(request: Request, completion_id: str) -> tuple[Extract, Source]:
    """Begin to read what is taken along; what cannot be read at all is a Problem before anything is sent."""
    first, last = in_order(completion_id, request.GET.get("from", ""), request.GET.get("to", ""))

    def begin(client: Client) -> Extract:
        pages = _messages_between(client, completion_id, first, last)
        begun = tuple(islice(pages, 1))
        completion = client.completion(completion_id)
        for end in (first, last):
            _check_answer(completion, end)
        return Extract(completion_id, completion, chain(begun, pages), first, last)

    return find(request, completion_id, begin)


def _messages_between(
    client: Client, completion_id: str, first: str, last: str
) -> Iterator[tuple[Message | Unreadable, ...]]:
    """Read the messages between two places; none stands behind an answer, and all before one."""
    if answer_at(first) is not None:
        return iter(())
    return client.every_message(completion_id, first=first, last="" if answer_at(last) is not None else last)


def _check_answer(completion: Completion, place: str) -> None:
    """Raise the Problem of an answer that is not there; a message is looked for elsewhere."""
    position = answer_at(place)
    if position is not None and position >= len(completion.choices):
        raise Problem("not-found", param="position")


def _written(request: Request, form: str, extract: Extract, source: Source) -> Iterator[str]:
    site, include = request.build_absolute_uri("/")[:-1], _include(request)
    if form == "json":
        return to_json(extract)
    if form == "jsonl":
        return to_json_line(extract)
    if "bare" in request.GET:
        return to_bare(extract, include, site, is_markdown=form == "markdown")
    return (to_markdown if form == "markdown" else to_text)(_facts(request, extract, source), extract, include, site)


def _include(request: Request) -> Include:
    """Read what to take along; where nothing is said, what the reader sees."""
    asked = request.GET.get("include", "")
    if asked in INCLUDES:
        return asked
    return "customer" if request.COOKIES.get("audience") == "customer" else "everything"


def _facts(request: Request, extract: Extract, source: Source) -> list[tuple[str, str]]:
    """Say what this is, from where, and who took it along when, in the reader's zone."""
    created, now = extract.completion.created, timezone.now()
    ends = [name_of(extract.completion_id, extract.completion, end) for end in (extract.first, extract.last)]
    link = reverse("conversation", args=[extract.completion_id])
    not_told = gettext("not told")
    stretch = gettext("%(first)s to %(last)s") % {
        "first": ends[0] or gettext("the first"),
        "last": ends[1] or gettext("the last"),
    }
    taken = gettext("by %(name)s, %(time)s") % {
        "name": request.user.get_username(),
        "time": f"{long_time(now)} ({utc_time(now)})",
    }
    return [
        (gettext("Completion"), extract.completion_id),
        (gettext("Link"), request.build_absolute_uri(link)),
        (gettext("Model"), extract.completion.model or not_told),
        (gettext("Stored"), f"{long_time(created)} ({utc_time(created)})" if created else not_told),
        (gettext("Read from"), source.label),
        (gettext("Messages"), stretch if any(ends) else gettext("all")),
        (gettext("Content"), gettext(INCLUDES[_include(request)])),
        (gettext("Taken"), taken),
    ]


def _printed(request: Request, page: str, extract: Extract, source: Source) -> Iterator[str]:
    """Send the page's head, its messages as they come, and the rest; a problem stands where reading broke off."""
    head, rest = page.split("<!-- messages -->")
    end = gettext("End of the conversation")
    yield head
    include = _include(request)
    try:
        for stretch in read_stretches(extract, include, for_print=True):
            if stretch.bubbles or stretch.answer or stretch.no_answer:
                context = {
                    "bubbles": stretch.bubbles,
                    "answer": stretch.answer,
                    "no_answer": stretch.no_answer,
                    "order": "asc",
                }
                yield render_to_string("rendering/_bubbles.html", context)
        yield "" if extract.last else f'<p class="end">{end}</p>'
    except Problem as problem:
        told = {"problem": tell(problem), "source": source, "retry_url": request.get_full_path()}
        yield render_to_string("web/_problem.html", told, request)
    yield rest


def _message(request: Request, completion_id: str, message_id: str) -> Message:
    return find(request, completion_id, lambda client: client.message(completion_id, message_id))[0]


def _completion_of(request: Request, completion_id: str) -> Completion:
    return find(request, completion_id, lambda client: client.completion(completion_id))[0]


def _message_of_choice(request: Request, completion_id: str, position: int) -> Message:
    message = _with_answer(request, completion_id, position).choices[position].message
    if not isinstance(message, Message):
        raise Http404
    return message


def _with_answer(request: Request, completion_id: str, position: int) -> Completion:
    """Find the completion of an answer, which is told by its place in the list: an index may stand there twice."""
    completion = _completion_of(request, completion_id)
    if position >= len(completion.choices):
        raise Http404
    return completion


def _open(
    client: Client, request: Request, completion_id: str, linked: str
) -> tuple[Reading, Completion | None, Told | None]:
    """Ask for the messages and, at the same time, for the completion; one of the two is enough for a page.

    A fragment asks for the completion only at the end of the conversation, where its answer stands.
    """
    if request.htmx:
        reading = _read(client, request, completion_id, linked)
        is_needed = reading.is_end
        return reading, *(_completion(lambda: client.completion(completion_id), linked) if is_needed else (None, None))
    reading, ask_for_completion = client.at_once(
        lambda: _read(client, request, completion_id, linked), lambda: client.completion(completion_id)
    )
    return _looked_around(client, completion_id, reading), *_completion(ask_for_completion, linked)


def _looked_around(client: Client, completion_id: str, reading: Reading) -> Reading:
    """Ask for the page before or behind where a tool call's other end may lie there, so that the page can link it.

    A fragment needs none of this: the page around it has the other end, or will load it.
    """
    oldest_first = reading.oldest_first
    to_earlier, to_later = ToolCallLinks(oldest_first, reading.neighbours).reach_beyond()
    earlier = _neighbours(client, completion_id, oldest_first[0].id, "desc")[::-1] if to_earlier else ()
    later = _neighbours(client, completion_id, oldest_first[-1].id, "asc") if to_later else ()
    return replace(reading, earlier=earlier, later=later)


def _neighbours(client: Client, completion_id: str, after: str, order: Order) -> tuple[Message | Unreadable, ...]:
    """Ask for a page that is not shown; without an answer, or an id to go on from, the page is as good as before."""
    try:
        return client.messages(completion_id, after=after, order=order).items if after else ()
    except Problem:
        return ()


def _completion(ask: Callable[[], Completion], linked: str) -> tuple[Completion | None, Told | None]:
    """Ask for the completion. Raises a Problem only where it does not have the answer that is linked."""
    try:
        completion = ask()
    except Problem as problem:
        return None, tell(problem)
    _check_answer(completion, linked)
    return completion, None


def _read(client: Client, request: Request, completion_id: str, linked: str) -> Reading:
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    order: Order = "desc" if request.GET.get("order") == "desc" else "asc"
    if answer_at(linked) is not None and not (after or before):
        page = client.messages(completion_id, order="desc")
        if order == "desc":
            return _reading(completion_id, page.items, False, page.has_more, order)
        return _reading(completion_id, page.items[::-1], page.has_more, False)
    if linked and not (after or before):
        window = client.messages_around(completion_id, linked)
        if order == "desc":
            return _reading(completion_id, window.items[::-1], window.has_later, window.has_earlier, order)
        return _reading(completion_id, window.items, window.has_earlier, window.has_later)
    if before:  # what stands above on the page comes from reading the other way, and is turned round
        page = client.messages(completion_id, after=before, order=opposite(order))
        return replace(_reading(completion_id, page.items[::-1], page.has_more, True, order), went_on="above")
    page = client.messages(completion_id, after=after, order=order)
    reading = _reading(completion_id, page.items, bool(after), page.has_more, order)
    if not after:
        return reading
    is_behind_the_end = order == "asc" and not page.items
    newest = client.newest_messages(completion_id) if is_behind_the_end else ()
    return replace(reading, went_on="below", newest=newest)


def _bubbles_of(
    context: RenderContext, reading: Reading, completion: Completion | None
) -> tuple[list[Bubble], list[Bubble]]:
    """Build the messages in the order of the page, and next to the newest one the answer of the completion."""
    bubbles = build_bubbles(context, reading.items, reading.neighbours)
    if completion is None or not reading.is_end:
        return bubbles, []
    turned = slice(None, None, 1 if reading.order == "asc" else -1)
    if not reading.items:  # only whether the answer stands among the messages is to be told
        newest = build_bubbles(context, reading.newest)
        return [], place_answers(context, completion, reading.newest, newest)[1][turned]
    oldest_first, answer = place_answers(
        context, completion, reading.oldest_first, bubbles[turned], goes_on=reading.has_older
    )
    return oldest_first[turned], answer[turned]


def _reading(
    completion_id: str,
    items: tuple[Message | Unreadable, ...],
    has_above: bool,
    has_below: bool,
    order: Order = "asc",
) -> Reading:
    """Say where reading goes on above and below, `before` the first and `after` the last message in this order."""
    base, asked = reverse("conversation", args=[completion_id]), {} if order == "asc" else {"order": order}
    first, last = (items[0].id, items[-1].id) if items else ("", "")
    above = f"{base}?{urlencode(asked | {'before': first})}" if first else ""
    below = f"{base}?{urlencode(asked | {'after': last})}" if last else ""
    is_forward = order == "asc"
    return Reading(
        items,
        above=More("earlier" if is_forward else "later", above) if has_above and items else None,
        below=More("later" if is_forward else "earlier", below) if has_below and items else None,
        order=order,
    )


def _title(client: Client, completion_id: str, reading: Reading, completion: Completion | None) -> str:
    """Name the page by what was asked; in the middle of a conversation a server elsewhere is not asked for it."""
    if reading.order == "asc" and reading.above is None:
        asked = question_in(reading.items)
    else:
        asked = first_question(client, completion_id) if client.is_local else ""
    return asked or (spoken_line(completion)[1] if completion else "") or completion_id


def _part_of(request: Request, message: Message, n: int) -> HttpResponse:
    """Answer one part: a text whole, as a fragment for the bubble or as plain text, anything else by its bytes."""
    found = message.parts[n] if n < len(message.parts) else None
    if not isinstance(found, TextPart):
        return _bytes_of(message, n, is_raw_sound="raw" in request.GET)
    if request.htmx:
        return render(request, "rendering/parts/_text.html", {"part": build_whole_text(found)})
    return HttpResponse(found.text, content_type="text/plain; charset=utf-8")


def _call_of(request: Request, message: Message, n: int) -> HttpResponse:
    if n >= len(message.tool_calls):
        raise Http404
    call = message.tool_calls[n]
    given = call_arguments(call)
    as_it_came = f"{call.name}\n{given}" if call.name else given
    return _tool_text(request, given, as_it_came, "call.txt", is_json=call.kind != "custom")


def _output_of(request: Request, message: Message, n: int) -> HttpResponse:
    said = message.tool_calls[n].output if n < len(message.tool_calls) else None
    if said is None:
        raise Http404
    return _tool_text(request, said, said, "result.txt")


def _tool_text(request: Request, text: str, as_it_came: str, name: str, *, is_json: bool = True) -> HttpResponse:
    """Answer a long text whole: indented, as a fragment for its card, or as it came, as a download."""
    if request.htmx:
        whole = build_tool_text(text, is_json=is_json)
        response = render(request, "rendering/parts/_tool_text.html", {"text": whole})
    else:
        response = HttpResponse(as_it_came, content_type="text/plain; charset=utf-8")
        response.headers["Content-Disposition"] = _attachment(name)
    patch_vary_headers(response, ["HX-Request"])
    return _harmless(response)


def _counted(request: Request, name: str) -> int:
    given = request.GET.get(name, "")
    return int(given) if re.fullmatch("[0-9]{1,9}", given, re.ASCII) else 0


def _bytes_of(message: Message, n: int, *, is_raw_sound: bool) -> HttpResponse:
    """Send bytes by what they are: pictures and sound are shown, everything else is a download, and nothing acts."""
    found = message.parts[n] if n < len(message.parts) else None
    name = ""
    match found:
        case ImagePart(url):
            packed = media.payload(url.strip())
        case AudioPart(data):
            packed = media.payload(data.strip())
        case FilePart(filename, _, data):
            packed, name = media.payload(data.strip()), filename
        case None if n == len(message.parts) and message.audio is not None:
            packed = media.payload(message.audio.data)
        case _:
            raise Http404
    content = media.decoded(packed)
    if not content:
        raise Http404
    kind = media.kind_of(content)
    is_sound = isinstance(found, AudioPart) or found is None
    if is_raw_sound and is_sound and kind == media.UNKNOWN:
        content = media.as_wav(content)
        kind = media.kind_of(content)
    is_shown = not isinstance(found, FilePart) and (kind.is_image or kind.is_audio)
    response = HttpResponse(content, content_type=kind.type if is_shown else media.UNKNOWN.type)
    if not is_shown:
        response.headers["Content-Disposition"] = _attachment(name or f"part-{n}.{kind.ending}")
    return _harmless(response)


def _fetched(request: Request, find_message: Callable[[], Message], n: int) -> HttpResponse:
    """Fetch a picture that stands in a message, and no other, when the reader asks for it on our own pages.

    Why it does not come is a sentence, which the page puts into the picture's tile.
    """
    try:
        message = find_message()
    except NoAnswer as failure:
        return _sentence(title_of(failure), tell(failure.problem).status)
    found = message.parts[n] if n < len(message.parts) else None
    if not isinstance(found, ImagePart) or not is_remote(found.url):
        raise Http404
    if not settings.REMOTE_IMAGES:
        return _sentence(gettext("Images on other hosts are not loaded on this desk."), 403)
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return _sentence(gettext("An image is loaded from its conversation, not from another site."), 403)
    try:
        content = fetch_image(found.url)
    except NotLoaded as problem:
        return _sentence(str(problem), 403 if problem.is_refused else 502)
    return _harmless(HttpResponse(content, content_type=media.kind_of(content).type))


def _harmless(response: HttpResponse) -> HttpResponse:
    """Let bytes of a stranger do nothing where they are opened, and let the reader's browser keep them for a while."""
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _sentence(said: str, status: int) -> HttpResponse:
    return HttpResponse(said, status=status, content_type="text/plain; charset=utf-8")


def _attachment(name: str) -> str:
    """Name a download. A very long name keeps its beginning and its ending: servers refuse a header of some kB."""
    if len(name) > _LONGEST_FILE_NAME:
        stem, dot, ending = name.rpartition(".")
        ending = dot + ending if stem and len(ending) <= _LONGEST_ENDING else ""
        name = name[: _LONGEST_FILE_NAME - len(ending)] + ending
    plain = re.sub(r"[^\w.\- ]", "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{urlencode({'': name})[1:].replace('+', '%20')}"


def _exists(request: Request, completion_id: str) -> bool:
    try:
        _completion_of(request, completion_id)
    except NoAnswer:
        return False
    return True


def _with_pair(request: Request) -> dict[str, str]:
    """Turn the form's key and value fields into the one parameter that the API knows."""
    asked = {name: str(value) for name, value in request.GET.items() if value and name not in ("key", "value", "after")}
    if key := request.GET.get("key", "").strip():
        asked[f"metadata[{key}]"] = request.GET.get("value", "").strip()
    return asked
