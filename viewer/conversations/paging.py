"""One page of a conversation's messages: which are shown, and where reading goes on above and below."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from viewer.client.client import Order, opposite
from viewer.completions.types import Message, Unreadable
from viewer.rendering.places import answer_at
from viewer.rendering.tool_call_links import Neighbours, ToolCallLinks
from viewer.sources.reader import Reader
from viewer.sources.sources import NoAnswer


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
        return Neighbours(self.earlier, self.later, not self.has_older, self.is_end, self.order == "desc")

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


def read_page(reader: Reader, query: QueryDict, linked: str) -> Reading:
    """Read the page that an address asks for: the first, behind or before a message, or around what is linked."""
    completion_id = reader.completion_id
    after, before = query.get("after", ""), query.get("before", "")
    order: Order = "desc" if query.get("order") == "desc" else "asc"
    if answer_at(linked) is not None and not (after or before):
        page = reader.messages(order="desc")
        if order == "desc":
            return _reading(completion_id, page.items, False, page.has_more, order)
        return _reading(completion_id, page.items[::-1], page.has_more, False)
    if linked and not (after or before):
        window = reader.messages_around(linked)
        if order == "desc":
            return _reading(completion_id, window.items[::-1], window.has_later, window.has_earlier, order)
        return _reading(completion_id, window.items, window.has_earlier, window.has_later)
    if before:  # what stands above on the page comes from reading the other way, and is turned round
        page = reader.messages(after=before, order=opposite(order))
        return replace(_reading(completion_id, page.items[::-1], page.has_more, True, order), went_on="above")
    page = reader.messages(after=after, order=order)
    reading = _reading(completion_id, page.items, bool(after), page.has_more, order)
    if not after:
        return reading
    is_behind_the_end = order == "asc" and not page.items
    newest = reader.newest_messages() if is_behind_the_end else ()
    return replace(reading, went_on="below", newest=newest)


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


def with_neighbours(reader: Reader, reading: Reading) -> Reading:
    """Ask for the page before or behind where a tool call's other end may lie there, so that the page can link it.

    A fragment needs none of this: the page around it has the other end, or will load it.
    """
    oldest_first = reading.oldest_first
    to_earlier, to_later = ToolCallLinks(oldest_first, reading.neighbours).reach_beyond()
    earlier = _neighbours(reader, oldest_first[0].id, "desc")[::-1] if to_earlier else ()
    later = _neighbours(reader, oldest_first[-1].id, "asc") if to_later else ()
    return replace(reading, earlier=earlier, later=later)


def _neighbours(reader: Reader, after: str, order: Order) -> tuple[Message | Unreadable, ...]:
    """Ask for a page that is not shown; without an answer, or an id to go on from, the page is as good as before."""
    try:
        return reader.messages(after=after, order=order).items if after else ()
    except NoAnswer:
        return ()
