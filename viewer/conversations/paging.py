"""One page of a conversation's messages, and the links to the pages above and below."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlencode

from django.http import QueryDict

from viewer.client.client import Order, opposite
from viewer.completions.types import Message, Unreadable
from viewer.rendering.places import answer_at
from viewer.rendering.tool_call_links import Neighbours, ToolCallLinks
from viewer.sources.reader import Reader
from viewer.sources.sources import SourceProblem


@dataclass(frozen=True, slots=True)
class More:
    """A link to more messages, earlier or later ones. The URL is empty if there is no id to continue from."""

    direction: Literal["earlier", "later"]
    url: str


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One page of messages, in the order in which it is shown, and the links above and below them."""

    items: tuple[Message | Unreadable, ...]
    above: More | None
    below: More | None
    order: Order = "asc"
    earlier: tuple[Message | Unreadable, ...] = ()  # the previous page, if a tool call or result may be there
    later: tuple[Message | Unreadable, ...] = ()  # the next page, likewise
    newest: tuple[Message | Unreadable, ...] = ()  # the last messages, if nothing follows the requested cursor
    added: Literal["", "above", "below"] = ""  # where these messages are added to a page that is already shown

    @property
    def neighbours(self) -> Neighbours:
        """The messages in which the other ends of tool calls may be."""
        return Neighbours(self.earlier, self.later, not self.has_older, self.is_end, self.order == "desc")

    @property
    def oldest_first(self) -> tuple[Message | Unreadable, ...]:
        return self.items[::-1] if self.order == "desc" else self.items

    @property
    def has_older(self) -> bool:
        return (self.below if self.order == "desc" else self.above) is not None

    @property
    def last(self) -> Message | Unreadable | None:
        """The newest message of the conversation, if it is known."""
        return self.items[0 if self.order == "desc" else -1] if self.items else next(iter(self.newest[::-1]), None)

    @property
    def is_end(self) -> bool:
        """Whether this is the page with the newest message, next to which the answer is shown."""
        if not self.items:
            return self.added in ("", "above" if self.order == "desc" else "below")
        return (self.above if self.order == "desc" else self.below) is None


def read_page(reader: Reader, query: QueryDict, linked: str) -> MessagePage:
    """Read the page of a URL: the first, the one after or before a message, or the one around the linked message."""
    home = reader.home
    after, before = query.get("after", ""), query.get("before", "")
    order: Order = "desc" if query.get("order") == "desc" else "asc"
    if answer_at(linked) is not None and not (after or before):
        page = reader.messages(order="desc")
        if order == "desc":
            return _message_page(home, page.items, False, page.has_more, order)
        return _message_page(home, page.items[::-1], page.has_more, False)
    if linked and not (after or before):
        window = reader.messages_around(linked)
        if order == "desc":
            return _message_page(home, window.items[::-1], window.has_later, window.has_earlier, order)
        return _message_page(home, window.items, window.has_earlier, window.has_later)
    if before:  # the page above is read in the opposite order, then reversed
        page = reader.messages(after=before, order=opposite(order))
        return replace(_message_page(home, page.items[::-1], page.has_more, True, order), added="above")
    page = reader.messages(after=after, order=order)
    messages = _message_page(home, page.items, bool(after), page.has_more, order)
    if not after:
        return messages
    is_past_end = order == "asc" and not page.items
    newest = reader.newest_messages() if is_past_end else ()
    return replace(messages, added="below", newest=newest)


def _message_page(
    home: str,
    items: tuple[Message | Unreadable, ...],
    has_above: bool,
    has_below: bool,
    order: Order = "asc",
) -> MessagePage:
    """Add the links: `before` the first and `after` the last message in this order."""
    params = {} if order == "asc" else {"order": order}
    first, last = (items[0].id, items[-1].id) if items else ("", "")
    above = f"{home}?{urlencode(params | {'before': first})}" if first else ""
    below = f"{home}?{urlencode(params | {'after': last})}" if last else ""
    is_forward = order == "asc"
    return MessagePage(
        items,
        above=More("earlier" if is_forward else "later", above) if has_above and items else None,
        below=More("later" if is_forward else "earlier", below) if has_below and items else None,
        order=order,
    )


def with_neighbours(reader: Reader, page: MessagePage) -> MessagePage:
    """Read the page before or after if a tool call's result, or a result's call, may be there, to link the two."""
    if not page.has_older and page.is_end:  # there is no other
        return page
    oldest_first = page.oldest_first
    to_earlier, to_later = ToolCallLinks(oldest_first, page.neighbours).needs_neighbours()
    earlier = _neighbours(reader, oldest_first[0].id, "desc")[::-1] if to_earlier else ()
    later = _neighbours(reader, oldest_first[-1].id, "asc") if to_later else ()
    return replace(page, earlier=earlier, later=later)


def _neighbours(reader: Reader, after: str, order: Order) -> tuple[Message | Unreadable, ...]:
    """Read a page that is not shown. If it fails, or there is no id to continue from, tool calls are not linked."""
    try:
        return reader.messages(after=after, order=order).items if after else ()
    except SourceProblem:
        return ()
