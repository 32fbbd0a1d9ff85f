"""Reads a response or a conversation of the Responses API as a completion with its messages.

A completion's messages are here, in this order: the instructions and whatever else stands before the input; the input,
or the items of a conversation, page by page; the output but for the answer. Each item is one message with its id. Where
a server leaves ids out, as OGX does, all items are read, and get the ids that the archive would give them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import quote, urlencode

from viewer.completions.ids import has_address, index_of, is_usable_id
from viewer.completions.reading import read_completion, read_message
from viewer.completions.types import Completion, Message, Page, Unreadable
from viewer.formats.families.responses_live import (
    ItemPage,
    LiveResponse,
    is_finished,
    read_conversation,
    read_item_page,
    read_response,
)

from .pages import NO_CURSOR, Order, Query, may_be_cursor_error, read_page, repeated_page, unknown_cursor
from .problems import Problem

Read = TypeVar("Read")
IsLasting = Callable[[str], bool]  # takes a body
Fetch = Callable[[str, str, IsLasting], str]  # takes a path, a query, and what says whether the answer may be cached

_ID = re.compile(r"(?:resp|conv)_\S+")
_MAX_LIMIT = 100  # items; the API's maximum
_MAX_PAGES = 100  # that are read to number the items of a server that leaves ids out
_WITH_RESULTS = [  # what the API leaves out unless it is named (docs/api-facts.md#responses)
    ("include[]", name)
    for name in (
        "message.input_image.image_url", "computer_call_output.output.image_url", "file_search_call.results",
        "web_search_call.action.sources", "code_interpreter_call.outputs",
    )
]  # fmt: skip
_WITH_IMAGES = [("include", "message.input_image.image_url")]  # as OGX wants it
_OF_ID = ("response_id", "conversation_id")


def is_of_other_api(completion_id: str) -> bool:
    """Whether an id is that of a response or a conversation, by its form."""
    return bool(_ID.fullmatch(completion_id))


def may_lack_other_api(problem: Problem, completion_id: str) -> bool:
    """Whether a server may not have that API at all. One that names the id as missing has it; others name the path."""
    is_named = completion_id in problem.message and f"/{completion_id}" not in problem.message
    return problem.name == "unsupported" or (problem.name == "not-found" and not is_named)


class _Unnumbered(Exception):
    """A page has an item without an id that can be used."""


@dataclass(frozen=True, slots=True)
class OtherApi:
    """Reads one response or conversation. Every method raises Problem."""

    completion_id: str
    fetch: Fetch

    def completion(self) -> Completion:
        text = read_conversation(self._conversation()) if self._is_conversation else self._response().completion
        completion = read_completion(text)
        if isinstance(completion, Unreadable):
            raise Problem("unreadable", completion.reason)
        return completion

    def messages(self, after: str, order: Order, limit: int) -> Page[Message | Unreadable]:
        """Read one page of messages after the message `after`; what is not input may make it longer than `limit`."""
        response = None if self._is_conversation else self._response()
        first = self._numbered(response.before_input) if response else []
        last = self._read(response.after_input) if response else []
        if index_of(self.completion_id, after) is not None and all(item.id != after for item in first):
            return self._page_of_all(after, order, limit)
        if order == "desc":
            first, last = last[::-1], first[::-1]
        if (place := _place_of(after, last)) is not None:
            return _page(last[place + 1 :])
        place = _place_of(after, first) if after else -1
        before = [] if place is None else first[place + 1 :]
        try:
            page = self._input(after if place is None else "", order, limit)
        except _Unnumbered:
            return self._page_of_all(after, order, limit)
        if page.has_more:
            return replace(page, items=(*before, *page.items))
        return _page([*before, *page.items, *last])

    def _input(self, after: str, order: Order, limit: int) -> Page[Message | Unreadable]:
        """Read a page of the input, or of the items of a conversation. Raises _Unnumbered."""

        def read(query: str) -> Page[Message | Unreadable]:
            page = self._items(query)
            if not all(is_usable_id(item.id) for item in page.items):
                raise _Unnumbered
            items = self._read(item.message for item in page.items)
            if page.has_more is None:
                return Page(tuple(items), bool(items), _last(items), is_certain=not items)
            return Page(tuple(items), page.has_more, _last(items))

        try:
            return read_page(read, Query(limit, after, order))
        except Problem as problem:
            if not after or not may_be_cursor_error(problem):
                raise
            self.completion()  # raises if the response or the conversation itself is missing
            raise unknown_cursor(problem) from None

    def _page_of_all(self, after: str, order: Order, limit: int) -> Page[Message | Unreadable]:
        """Read everything, and return a page of it."""
        items, is_whole = self._all()
        if order == "desc":
            if not is_whole and not after:
                return self._newest(limit)
            items.reverse()
        place = _place_of(after, items) if after else -1
        if place is None:
            raise Problem("bad-request", status=400, param="after")
        page = items[place + 1 : place + 1 + limit]
        has_more = place + 1 + limit < len(items) or (order == "asc" and not is_whole)
        if has_more and not page:
            raise Problem("unreadable", NO_CURSOR)
        return Page(tuple(page), has_more, _last(page))

    def _newest(self, limit: int) -> Page[Message | Unreadable]:
        """Read the newest messages of too many to count, which have no ids then."""
        page = self._items(str(Query(limit, "", "desc")))
        after_input = [] if self._is_conversation else self._read(self._response().after_input)
        items = [*after_input[::-1], *self._read(item.message for item in page.items)]
        return Page(tuple(items), True, _last(items))

    def _all(self) -> tuple[list[Message | Unreadable], bool]:
        """Read all messages, oldest first, and whether there are no more.

        After a full page that ends without an id, it goes on after the last id in it.
        """
        found, after = list[tuple[str, str]](), ""
        for _ in range(_MAX_PAGES):
            page = self._items(str(Query(_MAX_LIMIT, after, "asc")))
            new = [(item.id, item.message) for item in page.items]
            if after and any(item_id == after for item_id, _ in new):
                raise repeated_page()
            is_full = len(new) >= _MAX_LIMIT if page.has_more is None else page.has_more
            while is_full and new and not new[-1][0]:
                new.pop()
            found += new or [(item.id, item.message) for item in page.items]
            if not is_full or not new:
                return self._among_others(found, is_whole=not is_full), not is_full
            after = new[-1][0]
        return self._among_others(found, is_whole=False), False

    def _among_others(self, items: list[tuple[str, str]], *, is_whole: bool) -> list[Message | Unreadable]:
        """Return the items with what stands before them, and after them if nothing is missing between."""
        sources = [message for _, message in items]
        if not self._is_conversation:
            response = self._response()
            sources = [*response.before_input, *sources, *(response.after_input if is_whole else ())]
        return self._numbered(sources)

    def _numbered(self, sources: list[str]) -> list[Message | Unreadable]:
        """Read messages from the first one on. Those without an id get one by their place."""
        found, seen = list[Message | Unreadable](), set[str]()
        for position, message in enumerate(self._read(sources)):
            if not is_usable_id(message.id) or message.id in seen:
                message = replace(message, id=f"{self.completion_id}-{position}")
            seen.add(message.id)
            found.append(message)
        return found

    def _read(self, sources: Iterable[str]) -> list[Message | Unreadable]:
        return [read_message(source) for source in sources]

    # --- Requests -----------------------------------------------------------------------------------------------------

    @property
    def _is_conversation(self) -> bool:
        return self.completion_id.startswith("conv_")

    @property
    def _path(self) -> str:
        if not has_address(self.completion_id):
            raise Problem("not-found", status=404, param="completion_id")
        name = "conversations" if self._is_conversation else "responses"
        return f"/{name}/{quote(self.completion_id, safe='', errors='replace')}"

    def _conversation(self) -> str:
        return self._get(self._path, "", lambda _: False)

    def _response(self) -> LiveResponse:
        return _understood(read_response, self._get(self._path, urlencode(_WITH_RESULTS), is_finished))

    def _items(self, query: str) -> ItemPage:
        """Read a page of items. Where images have no address, it is requested once more as other servers want it."""
        path = f"{self._path}/{'items' if self._is_conversation else 'input_items'}"
        page = self._page_with(path, query, _WITH_RESULTS)
        if not any(item.has_lost_image for item in page.items):
            return page
        try:
            return self._page_with(path, query, _WITH_IMAGES)
        except Problem:
            return page

    def _page_with(self, path: str, query: str, include: list[tuple[str, str]]) -> ItemPage:
        text = self._get(path, f"{query}&{urlencode(include)}", lambda _: not self._is_conversation)
        return _understood(read_item_page, text)

    def _get(self, path: str, query: str, is_lasting: IsLasting) -> str:
        try:
            return self.fetch(path, query, is_lasting)
        except Problem as problem:
            if problem.name == "bad-request" and _is_about_id(problem):
                raise replace(problem, name="not-found") from None
            raise


def _is_about_id(problem: Problem) -> bool:
    """Whether a server refuses the id because it does not have the form of its own ids, so that it has none such."""
    return problem.param in _OF_ID or any(f"'{name}'" in problem.message for name in _OF_ID)


def _understood(read: Callable[[str], Read], text: str) -> Read:
    try:
        return read(text)
    except (ValueError, RecursionError) as error:
        raise Problem("unreadable", str(error)) from None


def _page(items: list[Message | Unreadable]) -> Page[Message | Unreadable]:
    """Return the last page."""
    return Page(tuple(items), False, _last(items))


def _place_of(message_id: str, items: list[Message | Unreadable]) -> int | None:
    return next((place for place, item in enumerate(items) if message_id and item.id == message_id), None)


def _last(items: list[Message | Unreadable]) -> str:
    return items[-1].id if items else ""
