"""The page of one conversation: from its start or end, behind, before or around a message, or at an answer."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from viewer.client.client import Order
from viewer.client.problem_texts import ProblemText, describe
from viewer.completions.ids import has_address
from viewer.completions.types import Completion
from viewer.conversations.facts import build_facts, build_jumps, build_jumps_in_whole
from viewer.conversations.filters import with_query
from viewer.conversations.paging import Reading, read_page, with_neighbours
from viewer.rendering.answers import message_of_answer, no_answer_in, place_answers
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import NO_ANSWER, Hidden, for_customer
from viewer.rendering.messages import Bubble, build_bubbles
from viewer.rendering.places import answer_at, place_of_answer, url_of
from viewer.rendering.titles import question_in, spoken_line
from viewer.sources.reader import Reader, reader
from viewer.sources.sources import SourceProblem
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

from .navigation import navigation_links


@require_safe
def conversation(
    request: Request, completion_id: str, message_id: str = "", position: int | None = None
) -> HttpResponse:
    """One stored completion as bubbles. An answer that a server appended as a message has that message's address."""
    linked = message_id if position is None else place_of_answer(position)
    one = reader(request, completion_id, with_completion=not request.htmx)
    reading = read_page(one, request.GET, linked)
    completion, problem = _completion(one, linked) if reading.is_end or not request.htmx else (None, None)
    if not request.htmx:  # the page around a fragment has the other end of a tool call, or will load it
        reading = with_neighbours(one, reading)
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
        "problem": problem,
        "source": one.source,
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
        "went_on": reading.added,
        "order": reading.order,
    }
    if not request.htmx:
        counts = None if is_for_customer else one.client.counts(completion_id)
        jumps = (
            build_jumps([*bubbles, *answer])
            if counts is None
            else build_jumps_in_whole(completion_id, counts, reading.order)
        )
        context |= {
            "title": _title(one, reading, completion),
            **build_facts(completion, request.GET.get("pair", ""), request.GET.get("field", "")),
            "jumps": jumps,
            "has_jumps": any(jump.count for jump in jumps),
            "counts_the_whole": counts is not None,
            "ids_count": any(bubble.number is not None for bubble in shown),
            **navigation_links(request, completion_id, completion),
        }
    return page_or_fragment(request, "conversations/conversation.html", "rendering/_bubbles.html", context)


def _jumps(one: Reader, shown: list[Bubble | Hidden], order: Order, *, is_for_customer: bool) -> dict[str, Any]:
    """Count what there is to jump to: in the whole conversation where that is known, else in what is on the page."""
    counts = None if is_for_customer else one.client.counts(one.completion_id)
    jumps = build_jumps(shown) if counts is None else build_jumps_in_whole(one.completion_id, counts, order)
    return {"jumps": jumps, "has_jumps": any(jump.count for jump in jumps), "counts_the_whole": counts is not None}


def _completion(one: Reader, linked: str) -> tuple[Completion | None, ProblemText | None]:
    """Ask for the completion, without which the messages make a page all the same.

    Raises SourceProblem only where it does not have the answer that is linked.
    """
    try:
        completion = one.completion()
    except SourceProblem as failure:
        return None, describe(failure.problem, failure.source.label)
    if (position := answer_at(linked)) is not None:
        one.choice(position)
    return completion, None


def _bubbles_of(
    context: RenderContext, reading: Reading, completion: Completion | None
) -> tuple[list[Bubble], list[Bubble]]:
    """Build the messages in the order of the page, and next to the newest one the answer of the completion."""
    bubbles = build_bubbles(context, reading.items, reading.neighbours)
    if completion is None or not reading.is_end:
        return bubbles, []
    turned = slice(None, None, 1 if reading.order == "asc" else -1)
    if not reading.items:  # the newest messages are on the page before; only whether they are the answer matters
        newest = build_bubbles(context, reading.newest)
        return [], place_answers(context, completion, reading.newest, newest)[1][turned]
    oldest_first, answer = place_answers(
        context, completion, reading.oldest_first, bubbles[turned], goes_on=reading.has_older
    )
    return oldest_first[turned], answer[turned]


def _title(one: Reader, reading: Reading, completion: Completion | None) -> str:
    """Name the page by what was asked; in the middle of a conversation that is known where it costs no request."""
    if reading.order == "asc" and reading.above is None:
        opening = reading.items
    else:
        opening = tuple(message for _, message in one.client.openings([one.completion_id]))
    return question_in(opening) or (spoken_line(completion)[1] if completion else "") or one.completion_id
