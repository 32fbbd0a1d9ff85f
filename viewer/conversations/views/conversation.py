"""The page of one conversation: from its start or end, after, before or around a message, or at an answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from viewer.accounts.roles import may_curate
from viewer.archive.identity_keys import identity_keys
from viewer.archive.search.query import read_query
from viewer.archive.search.snippets import pattern_for_browsers
from viewer.archive.seen import record_seen
from viewer.client.client import Order
from viewer.completions.ids import has_address
from viewer.completions.summary import first_question
from viewer.completions.types import Completion
from viewer.conversations.came_from import CameFrom, origins_of
from viewer.conversations.facts import build_facts, build_jumps, build_jumps_in_whole, draw_jumps
from viewer.conversations.filters import with_query
from viewer.conversations.paging import MessagePage, read_page, with_neighbours
from viewer.conversations.recent import remember
from viewer.conversations.thread import Thread, stored_thread_of, thread_of
from viewer.read_log.querying import readers_of
from viewer.read_log.readers import draw_reader
from viewer.rendering.answers import message_of_answer, no_answer_in
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import NO_ANSWER
from viewer.rendering.messages import Bubble
from viewer.rendering.places import answer_at, place_of_answer, url_of
from viewer.rendering.titles import answer_line, page_title
from viewer.review.page import review_of
from viewer.sources.problem_texts import describe
from viewer.sources.reader import Reader, reader_for
from viewer.sources.sources import SourceProblem
from viewer.sync.saving import mark_missing
from viewer.sync.stored import stored_state
from viewer.web.compression import note_part
from viewer.web.problem_text import ProblemText
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

from .navigation import navigation_links


@require_safe
def conversation(
    request: Request, completion_id: str, message_id: str = "", position: int | None = None
) -> HttpResponse:
    """Show a completion as bubbles. The URL of an answer that is also a message redirects to that message."""
    linked = message_id if position is None else place_of_answer(position)
    reader = reader_for(request, completion_id, with_completion=not request.htmx)
    page = read_page(reader, request.GET, linked)
    completion, problem = _completion(reader, linked) if page.is_end or not request.htmx else (None, None)
    if not request.htmx:  # a fragment joins a page that contains the other end of a tool call, or will load it
        page = with_neighbours(reader, page)
    if completion and position is not None and page.is_end:
        appended = message_of_answer(completion, position, page.oldest_first, has_earlier=page.has_older)
        if appended and has_address(appended.id):
            return redirect(with_query(url_of(completion_id, appended.id), request.GET.dict()))
    as_source = request.COOKIES.get("texts") == "source"
    is_for_customer = _is_for_customer(request)
    draw = stored_thread_of if reader.source.is_archive else thread_of
    shown = RenderContext(completion_id, linked, as_source)
    thread = draw(shown, page, completion, is_for_customer=is_for_customer)
    no_answer = no_answer_in(completion, page.last) if completion and page.is_end else None
    if no_answer and is_for_customer:
        no_answer = NO_ANSWER
    review = review_of(completion_id, request.user, is_whole_page=not request.htmx)
    context: dict[str, Any] = {
        "completion_id": completion_id,
        "beside": review,
        "linked": linked,
        "is_linked": bool(linked),
        "completion": completion,
        "problem": problem,
        "source": reader.source,
        "home": reader.home,
        "bubbles": thread.bubbles,
        "answer": thread.answer,
        "no_answer": no_answer,
        "more_answers": len(completion.choices) - len(thread.choices) if completion and thread.choices else 0,
        "hidden_count": thread.hidden_count,
        "as_source": as_source,
        "is_for_customer": is_for_customer,
        "above": None if request.htmx and "after" in request.GET else page.above,
        "below": None if request.htmx and "before" in request.GET else page.below,
        "starts_here": page.above is None,
        "ends_here": page.below is None,
        "came_from": _came_from(reader, completion, page),
        "added": page.added,
        "order": page.order,
    }
    if request.method == "GET":
        review.record_read(thread.shown, is_whole_page=not request.htmx)
    if not request.htmx:
        context |= _around_thread(request, reader, page, completion, thread)
    response = page_or_fragment(request, "conversations/conversation.html", "rendering/_bubbles.html", context)
    if part := thread.part:
        note_part(response, part)
    return response


def _around_thread(
    request: Request, reader: Reader, page: MessagePage, completion: Completion | None, thread: Thread
) -> dict[str, Any]:
    """Return what a whole page has around its messages, and remember that the conversation was opened."""
    completion_id = reader.completion_id
    if request.method == "GET":
        record_seen(request.user.pk, completion_id)
        mark_missing(request.user, completion_id, reader.without_it)
        remember(request, "opened", completion_id)
    title = _title(reader, page, completion)
    return {
        "title": title,
        "also_marked": pattern_for_browsers(read_query(request.GET.get("search", ""))),
        "path": request.get_full_path(),
        "find": (words := request.GET.get("find", "")[:200]),
        "find_in_url": quote(words, safe=""),
        "has_other_pages": page.above is not None or page.below is not None,
        "is_newest_first": page.order == "desc",
        "page_title": page_title(_name(completion), title, thread.linked),
        **build_facts(completion, request.user.pk, request.GET.get("pair", ""), request.GET.get("field", "")),
        **_jumps(reader, thread.shown, page.order, is_for_customer=_is_for_customer(request)),
        "readers": [draw_reader(one) for one in readers_of(completion_id)],
        "ids_count": any(bubble.number is not None for bubble in thread.messages),
        "stored": stored_state(request.user, completion_id, reader.source),
        "may_curate": may_curate(request.user),
        **navigation_links(request, completion_id, completion),
    }


def _is_for_customer(request: Request) -> bool:
    return request.COOKIES.get("audience") == "customer"


def _jumps(reader: Reader, shown: list[Bubble], order: Order, *, is_for_customer: bool) -> dict[str, Any]:
    """Count what there is to jump to: in the whole conversation if that is known, else on the page."""
    counts = None if is_for_customer else reader.client.counts(reader.completion_id)
    jumps = build_jumps(shown) if counts is None else build_jumps_in_whole(reader.completion_id, counts, order)
    is_whole = counts is not None
    return {
        "jumps": jumps,
        "drawn_jumps": draw_jumps(jumps, reader.home, is_whole=is_whole),
        "has_jumps": any(jump.count for jump in jumps),
        "counts_the_whole": is_whole,
    }


def _completion(reader: Reader, linked: str) -> tuple[Completion | None, ProblemText | None]:
    """Read the completion, or return its problem, since the messages can be shown without it.

    Raises SourceProblem only if the completion does not have the linked answer.
    """
    try:
        completion = reader.completion()
    except SourceProblem as failure:
        return None, describe(failure.problem, failure.source.label)
    if (position := answer_at(linked)) is not None:
        reader.choice(position)
    return completion, None


def _came_from(reader: Reader, completion: Completion | None, page: MessagePage) -> list[CameFrom]:
    """Return what a conversation continues, if the page has its beginning. A response is read for that if need be."""
    if page.has_older:
        return []
    if completion is None and reader.completion_id.startswith("resp_"):
        completion, _ = _completion(reader, "")
    return origins_of(completion)


def _name(completion: Completion | None) -> str:
    return identity_keys().name_in(completion.metadata) if completion else ""


def _title(reader: Reader, page: MessagePage, completion: Completion | None) -> str:
    """Return the title: the first question if it is on the page or takes no request to find, else the answer."""
    if page.order == "asc" and page.above is None:
        question = first_question(page.items)
    else:
        summary = reader.client.summaries([reader.completion_id]).get(reader.completion_id)
        question = summary.question if summary else ""
    return question or (answer_line(completion)[1] if completion else "") or reader.completion_id
