"""Ways on from a conversation: to the ones next to it in the reader's list, and to a message by its number."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from viewer.archive.holdings import next_holder
from viewer.client.client import PAGE_SIZE, Client, Order, cursor_behind, opposite
from viewer.client.problems import Problem
from viewer.completions.ids import has_address
from viewer.completions.invisibles import escape_invisible
from viewer.completions.types import Completion, Message, Unreadable
from viewer.conversations.facts import KINDS
from viewer.conversations.filters import (
    filter_labels,
    last_filters,
    list_url,
    matches,
    matches_metadata,
    metadata_of,
    order_of,
    parse_filters,
    save_filters,
    with_query,
)
from viewer.rendering.places import place_of_answer, url_of
from viewer.sources.problem_pages import title_of
from viewer.sources.reader import Reader, reader
from viewer.sources.sources import SourceProblem, chosen_source, completion_of
from viewer.web.request import Request, page_before

_MOST_PAGES = 5  # of a list whose server leaves the filtering to us, in search of the next that matches


def navigation_links(request: Request, completion_id: str, completion: Completion | None) -> dict[str, Any]:
    """Give the addresses that lead on from a conversation. None of them asks a question before it is followed.

    A conversation that was opened by its id need not be in the list that was read before: then it is the whole list.
    """
    filters = last_filters(request)
    if completion is not None and not matches(filters, completion):
        filters = {}
    here = {name: reverse(name, args=[completion_id]) for name in ("beside", "previous", "next")}
    return {
        "list_url": list_url(filters),
        "list_filters": filter_labels(filters),
        "list_order": order_of(filters),
        **{f"{name}_url": with_query(address, filters) for name, address in here.items()},
    }


@require_safe
def neighbour(request: Request, completion_id: str, direction: Literal["next", "previous"]) -> HttpResponse:
    """Go to the next or previous conversation of the list; at its end stay, and say so."""
    filters = parse_filters(request.GET)
    save_filters(request, filters)
    order = order_of(filters) if direction == "next" else opposite(order_of(filters))
    try:
        with chosen_source(request).reading() as client:
            found = _neighbour(client, completion_id, filters, order)
    except SourceProblem as failure:
        is_elsewhere = failure.problem.name == "bad-request"
        told = gettext("This conversation is not in the list.") if is_elsewhere else title_of(failure, is_of_list=True)
        notices.error(request, told)
    else:
        if found:
            return redirect("conversation", found)
        notices.info(request, _end_of_list(direction, is_filtered=bool(filter_labels(filters))))
    return redirect(_where_from(request, completion_id))


def _neighbour(client: Client, completion_id: str, filters: dict[str, str], order: Order) -> str:
    model, metadata, after = filters.get("model", ""), metadata_of(filters), completion_id
    limit = PAGE_SIZE if metadata else 1
    for _ in range(_MOST_PAGES):
        page = client.completions(model=model, metadata=metadata, after=after, order=order, limit=limit)
        if found := next((one.id for one in page.items if _can_be_opened(one) and matches_metadata(one, metadata)), ""):
            return found
        if not (after := cursor_behind(page)):
            return ""
    raise Problem("unsupported", gettext_noop("The server cannot filter by metadata, and the next match is too far."))


def _end_of_list(direction: Literal["next", "previous"], *, is_filtered: bool) -> str:
    if direction == "next":
        whole = gettext("This is the last conversation of the list.")
        return gettext("This is the last conversation of the filtered list.") if is_filtered else whole
    whole = gettext("This is the first conversation of the list.")
    return gettext("This is the first conversation of the filtered list.") if is_filtered else whole


def _can_be_opened(found: Completion | Unreadable) -> bool:
    return isinstance(found, Completion) and has_address(found.id)


def _where_from(request: Request, completion_id: str) -> str:
    """Give the page of this conversation that the reader is on, to come back to the same message."""
    home, page = reverse("conversation", args=[completion_id]), page_before(request)
    path = urlsplit(page).path
    return page if path == home or path.startswith((f"{home}messages/", f"{home}choices/")) else home


@require_safe
def go_to(request: Request, completion_id: str) -> HttpResponse:
    """Go to the last answer or message, to a message by its number, from 0, or to the next that holds a kind of thing.

    With `ids=counted`, as a page says whose messages have ids that end in their number, nothing is asked here: the
    permalink is known, and its page asks.
    """
    wanted = request.GET.get("to", "").strip().lstrip("#")
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else None
    order = {"order": "desc"} if request.GET.get("order") == "desc" else {}
    if number is not None and request.GET.get("ids") == "counted":
        return redirect("permalink", completion_id, f"{completion_id}-{number}")
    one = reader(request, completion_id, with_completion=wanted == "last")
    try:
        if wanted == "last":
            place = _last_place(one)
        elif wanted in KINDS:
            place = _next_holder(completion_id, wanted, request.GET.get("after", ""), is_backward=bool(order))
        elif number is not None:
            place = _id_at(one, number)
        else:
            raise _NoSuchMessage(gettext("Enter the number of a message, such as 12."))
    except _NoSuchMessage as missing:
        notices.error(request, str(missing))
    except SourceProblem as failure:
        notices.error(request, title_of(failure))
    else:
        return redirect(with_query(url_of(completion_id, place), order))
    return redirect(_where_from(request, completion_id))


def _next_holder(completion_id: str, kind: str, after: str, *, is_backward: bool) -> str:
    """Give the place behind a message that holds a kind, in the archive, which knows it without reading."""
    place = next_holder(completion_id, kind, after, is_backward=is_backward)
    if place is None:
        raise _NoSuchMessage(gettext("The conversation contains nothing of this kind."))
    return place or place_of_answer(0)


class _NoSuchMessage(Exception):
    """Says why there is no message to go to."""


def _last_place(one: Reader) -> str:
    """Give the last answer; the newest message where there is none, or where only the messages can be had."""
    newest = one.newest_messages()
    with suppress(SourceProblem):
        if answers := one.completion().choices:
            return place_of_answer(len(answers) - 1)
    if not newest:
        raise _NoSuchMessage(gettext("This conversation has no messages."))
    return _address_of(newest[-1])


def _id_at(one: Reader, number: int) -> str:
    """Walk to a number from the start: where ids do not count, nothing else tells where a message stands."""
    seen = 0
    pages = one.every_message()
    with one.source.reading() as client:
        for n, page in enumerate(pages):
            if n == client.max_pages:
                words = gettext("Message #%(number)d is too far in: only the first %(count)d messages were searched.")
                raise _NoSuchMessage(words % {"number": number, "count": seen})
            if number < seen + len(page):
                return _address_of(page[number - seen])
            seen += len(page)
    words = gettext("There is no message #%(number)d. The last one is #%(last)d.")
    raise _NoSuchMessage(words % {"number": number, "last": seen - 1})


def _address_of(message: Message | Unreadable) -> str:
    if not has_address(message.id):
        raise _NoSuchMessage(gettext("This message has no URL of its own."))
    return message.id


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
        told = gettext("“%(given)s” is not a valid id. Paste the id of a conversation or message, or a URL.")
        notices.error(request, told % {"given": shown})
        return redirect("completions")
    if not message_id and not _exists(request, completion_id) and (holder := completion_of(completion_id)):
        completion_id, message_id = holder, completion_id
    return redirect(url_of(completion_id, message_id or answer))


def _exists(request: Request, completion_id: str) -> bool:
    try:
        reader(request, completion_id).completion()
    except SourceProblem:
        return False
    return True
