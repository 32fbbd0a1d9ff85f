"""Navigation: next and previous conversation, go to a message, open by id."""

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

from viewer.archive.holdings import next_message_with
from viewer.archive.seen import seen_among
from viewer.client.client import PAGE_SIZE, Client, Order, next_cursor, opposite
from viewer.client.problems import Problem
from viewer.completions.ids import has_address
from viewer.completions.invisibles import escape_invisible
from viewer.completions.types import Completion
from viewer.conversations.facts import KINDS
from viewer.conversations.filters import (
    as_search,
    filter_labels,
    has_results,
    last_filters,
    list_url,
    matches,
    matches_metadata,
    metadata_of,
    order_of,
    parse_filters,
    save_filters,
    source_of,
    was_open,
    with_query,
)
from viewer.conversations.list_frame import name_of_list, order_in_words
from viewer.conversations.results import is_result, next_result, next_unseen
from viewer.rendering.places import place_of_answer, url_of
from viewer.sources.problem_pages import title_of
from viewer.sources.reader import Reader, reader_for
from viewer.sources.sources import SourceProblem, chosen_source, completion_of
from viewer.web.request import Request, page_before

_MAX_PAGES = 5  # that are searched for the next match if the server does not filter


def navigation_links(request: Request, completion_id: str, completion: Completion | None) -> dict[str, Any]:
    """Return the URLs of the list and of the conversations next to this one, without sending a request.

    If the conversation does not match the last list's filters, because it was opened by its id, they are dropped.
    """
    is_open = was_open(request, completion_id)
    filters = last_filters(request, completion_id)
    if completion is not None and not matches(filters, completion):
        filters = {}
    if has_results(filters) and not is_result(filters, completion_id, request.user.pk, is_open=is_open):
        filters = {}
    urls = {name: reverse(name, args=[completion_id]) for name in ("beside", "previous", "next")}
    return {
        "list_url": list_url(filters),
        "list_name": name_of_list(filters, request.user.pk),
        "list_order": order_in_words(filters, request.user.pk),
        "search_text": filters.get("q", ""),
        "next_unseen_url": with_query(reverse("next-unseen", args=[completion_id]), filters),
        **{f"{name}_url": with_query(address, filters) for name, address in urls.items()},
    }


@require_safe
def neighbour(request: Request, completion_id: str, direction: Literal["next", "previous"]) -> HttpResponse:
    """Go to the next or previous conversation of the list; at its end stay, with a notice."""
    filters = parse_filters(request.GET)
    save_filters(request, completion_id, filters)
    if has_results(filters):
        return _neighbouring_result(request, completion_id, filters, direction)
    order = order_of(filters) if direction == "next" else opposite(order_of(filters))
    try:
        with chosen_source(request).reading() as client:
            neighbour_id = _neighbour(client, completion_id, filters, order)
    except SourceProblem as failure:
        is_not_in_list = failure.problem.name == "bad-request"
        title = title_of(failure, is_of_list=True)
        notices.error(request, gettext("This conversation is not in the list.") if is_not_in_list else title)
    else:
        if neighbour_id:
            return redirect("conversation", neighbour_id)
        notices.info(request, _end_of_list(direction, is_filtered=bool(filter_labels(filters))))
    return redirect(_page_in_conversation(request, completion_id))


def _neighbouring_result(
    request: Request, completion_id: str, filters: dict[str, str], direction: Literal["next", "previous"]
) -> HttpResponse:
    url = next_result(request, completion_id, filters, direction)
    if url:
        return redirect(url)
    if url is None:
        notices.error(request, gettext("This conversation is not among the results."))
    elif direction == "next":
        notices.info(request, gettext("This is the last result."))
    else:
        notices.info(request, gettext("This is the first result."))
    return redirect(_page_in_conversation(request, completion_id))


@require_safe
def next_not_seen(request: Request, completion_id: str = "") -> HttpResponse:
    """Go to the next conversation of the list that the person has not seen; if there is none, stay, with a notice.

    From the list itself, go to the first one.
    """
    filters = parse_filters(request.GET)
    if completion_id:
        save_filters(request, completion_id, filters)
    source = source_of(request, filters)
    try:
        if filters.get("q") or source.is_archive:
            url = next_unseen(completion_id, as_search(filters) or filters, request.user.pk)
        else:
            with source.reading() as client:
                neighbour_id = _neighbour(client, completion_id, filters, order_of(filters), request.user.pk)
            url = url_of(neighbour_id, "") if neighbour_id else ""
    except SourceProblem as failure:
        notices.error(request, title_of(failure, is_of_list=True))
        url = ""
    else:
        if not url and completion_id:
            notices.info(request, gettext("You have seen all other conversations in this list."))
        elif not url:
            notices.info(request, gettext("You have seen all conversations in this list."))
    return redirect(url or (_page_in_conversation(request, completion_id) if completion_id else list_url(filters)))


def _neighbour(
    client: Client, completion_id: str, filters: dict[str, str], order: Order, not_seen_by: int | None = None
) -> str:
    """Return the id of the next conversation in an order, or of the next one that a person has not seen."""
    model, metadata, after = filters.get("model", ""), metadata_of(filters), completion_id
    limit = PAGE_SIZE if metadata or not_seen_by else 1
    for _ in range(_MAX_PAGES):
        page = client.completions(model=model, metadata=metadata, after=after, order=order, limit=limit)
        seen = seen_among(not_seen_by, [item.id for item in page.items]) if not_seen_by else set()
        for item in page.items:
            is_wanted = isinstance(item, Completion) and has_address(item.id) and item.id not in seen
            if is_wanted and matches_metadata(item, metadata):
                return item.id
        if not (after := next_cursor(page)):
            return ""
    if not_seen_by:
        raise Problem("unsupported", gettext_noop("The next one that you have not seen is too far down the list."))
    raise Problem("unsupported", gettext_noop("The server cannot filter by metadata, and the next match is too far."))


def _end_of_list(direction: Literal["next", "previous"], *, is_filtered: bool) -> str:
    if direction == "next":
        whole = gettext("This is the last conversation of the list.")
        return gettext("This is the last conversation of the filtered list.") if is_filtered else whole
    whole = gettext("This is the first conversation of the list.")
    return gettext("This is the first conversation of the filtered list.") if is_filtered else whole


def _page_in_conversation(request: Request, completion_id: str) -> str:
    """Return the page of this conversation that the reader is on, to stay at the same message."""
    start, page = reverse("conversation", args=[completion_id]), page_before(request)
    path = urlsplit(page).path
    return page if path == start or path.startswith((f"{start}messages/", f"{start}choices/")) else start


@require_safe
def go_to(request: Request, completion_id: str) -> HttpResponse:
    """Go to the last answer or message, to a message by its number, from 0, or to the next that contains a kind.

    `ids=counted` comes from pages whose message ids end in numbers: then the permalink is known without a request.
    """
    wanted = request.GET.get("to", "").strip().lstrip("#")
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else None
    order = {"order": "desc"} if request.GET.get("order") == "desc" else {}
    if number is not None and request.GET.get("ids") == "counted":
        return redirect("permalink", completion_id, f"{completion_id}-{number}")
    reader = reader_for(request, completion_id, with_completion=wanted == "last")
    try:
        if wanted == "last":
            place = _last_place(reader)
        elif wanted in KINDS:
            place = _next_holder(reader, wanted, request.GET.get("after", ""), is_backward=bool(order))
        elif number is not None:
            place = _id_at(reader, number)
        else:
            raise _NoSuchMessage(gettext("Enter the number of a message, such as 12."))
    except _NoSuchMessage as missing:
        notices.error(request, str(missing))
    except SourceProblem as failure:
        notices.error(request, title_of(failure))
    else:
        return redirect(with_query(url_of(completion_id, place), order))
    return redirect(_page_in_conversation(request, completion_id))


def _next_holder(reader: Reader, kind: str, after: str, *, is_backward: bool) -> str:
    """Return the next place after a message that contains a kind. The archive knows it without reading messages."""
    place = next_message_with(reader.completion_id, reader.person.pk, kind, after, is_backward=is_backward)
    if place is None:
        raise _NoSuchMessage(gettext("The conversation contains nothing of this kind."))
    return place or place_of_answer(0)


class _NoSuchMessage(Exception):
    """There is no message to go to; the text says why."""


def _last_place(reader: Reader) -> str:
    """Return the last answer, or the newest message if there is none or the completion cannot be read."""
    newest = reader.newest_messages()
    with suppress(SourceProblem):
        if answers := reader.completion().choices:
            return place_of_answer(len(answers) - 1)
    if not newest:
        raise _NoSuchMessage(gettext("This conversation has no messages."))
    return _address_of(newest[-1].id)


def _id_at(reader: Reader, number: int) -> str:
    """Find a message by its number, which is not in its id: the archive knows, all else is read from the start."""
    seen = 0
    pages = reader.every_message()
    with reader.source.reading() as client:
        if known := client.id_at(reader.completion_id, number):
            return _address_of(known)
        for n, page in enumerate(pages):
            if n == client.max_pages:
                text = gettext("Message #%(number)d is too far in: only the first %(count)d messages were searched.")
                raise _NoSuchMessage(text % {"number": number, "count": seen})
            if number < seen + len(page):
                return _address_of(page[number - seen].id)
            seen += len(page)
    text = gettext("There is no message #%(number)d. The last one is #%(last)d.")
    raise _NoSuchMessage(text % {"number": number, "last": seen - 1})


def _address_of(message_id: str) -> str:
    if not has_address(message_id):
        raise _NoSuchMessage(gettext("This message has no URL of its own."))
    return message_id


@require_safe
def open_by_id(request: Request) -> HttpResponse:
    """Go to a completion by its id, to a message by its id, or to a pasted URL of this site."""
    text = request.GET.get("id", "").strip()
    path = re.split("[?#]", text, maxsplit=1)[0]
    answer = ""
    if match := re.search(r"/completions/([^/\s]+)(?:/messages/([^/\s]+)|/(choices/[0-9]{1,99})(?![^/]))?", path):
        completion_id, message_id, answer = unquote(match[1]), unquote(match[2] or ""), match[3] or ""
    else:
        completion_id, message_id = text, ""
    if not has_address(completion_id) or (message_id and not has_address(message_id)):
        shown = escape_invisible(text[:100])
        notice = gettext("“%(given)s” is not a valid id. Paste the id of a conversation or message, or a URL.")
        notices.error(request, notice % {"given": shown})
        return redirect("completions")
    if (
        not message_id
        and not _exists(request, completion_id)
        and (holder := completion_of(completion_id, request.user.pk))
    ):
        completion_id, message_id = holder, completion_id
    return redirect(url_of(completion_id, message_id or answer))


def _exists(request: Request, completion_id: str) -> bool:
    try:
        reader_for(request, completion_id).completion()
    except SourceProblem:
        return False
    return True
