"""One client for every source. It pages by cursor, as the API does, and finds a window around one message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import ClassVar, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

from django.core.cache import caches
from django.utils.translation import gettext_noop

from viewer.completions.ids import has_address, index_of
from viewer.completions.reading import read_completion, read_completion_page, read_message_page
from viewer.completions.types import Completion, Item, Message, Page, Unreadable

from .http import HttpClient, Stream
from .problems import Problem, problem_of

PAGE_SIZE = 20  # messages or completions; the API's own default
LARGEST_PAGE = 100  # messages; the most that the API gives at a time
CONTEXT = 10  # messages before the one a permalink opens at
_ROWS_BEFORE = 12  # completions before the one in whose place a list opens; more than a window shows
NOWHERE = gettext_noop("There is more, but the server did not say where to continue.")
_NOTHING = gettext_noop("The server reports more but sends nothing.")
_THE_SAME = gettext_noop("The server sent the same page again instead of the next one.")
Order = Literal["asc", "desc"]
Read = TypeVar("Read")
First = TypeVar("First")
Listed = TypeVar("Listed", bound=Message | Completion | Unreadable)
ReadPage = Callable[[str], Page[Listed]]  # asks with a query
_LARGEST_CACHED = 256_000  # bytes; with the cache's 256 entries this bounds its memory
_concurrent = ThreadPoolExecutor(max_workers=16, thread_name_prefix="beside")


@dataclass(frozen=True, slots=True)
class Window(Generic[Item]):
    """Messages or completions around one of them, in the order asked for, and whether there are more at either end."""

    items: tuple[Item | Unreadable, ...]
    has_earlier: bool
    has_later: bool


@dataclass(frozen=True)
class Client:
    """Asks one API. `asker` knows how to reach it and with which key, `base_url` ends in `/v1`.

    Every method raises Problem, and nothing else, when there is no answer. With `cache_as`, the identity of the key,
    answers about a stored completion, which never changes, are kept for `cache_seconds`; lists are always asked anew.
    One that `is_patient` never has two questions on their way, for it is asked beside others of the same person.
    """

    http: HttpClient
    base_url: str
    cache_as: str = ""
    cache_seconds: int = 0
    is_sequential: bool = False
    max_pages: ClassVar[int] = 20  # of the largest size, that one request of a reader may walk through
    is_metered: ClassVar[bool] = True  # after many requests a reader is asked whether to go on

    def stream(self, path: str, query: str, headers: Mapping[str, str]) -> Stream:
        """Ask one question and hand the answer on as it comes."""
        return self.http.stream(self._url(path, query), headers)

    def check_key(self) -> None:
        """Ask the cheapest question there is. Raises the Problem that came of it."""
        self._read("", read_completion_page, _query("", "desc", 1))

    def concurrently(self, first: Callable[[], First], second: Callable[[], Read]) -> tuple[First, Callable[[], Read]]:
        """Ask two questions at the same time; the second answer, or its Problem, is had by calling what is returned."""
        if self.is_sequential:
            return first(), second
        asked = _concurrent.submit(second)
        return first(), asked.result

    def completions(
        self,
        *,
        model: str = "",
        metadata: dict[str, str] | None = None,
        after: str = "",
        order: Order = "desc",
        limit: int = PAGE_SIZE,
    ) -> Page[Completion | Unreadable]:
        """Ask for one page of stored completions; `metadata` pairs must all match exactly."""
        query = {"model": model, **{f"metadata[{key}]": value for key, value in (metadata or {}).items()}}
        try:
            return self._page(partial(self._read, "", read_completion_page), after, order, limit, query)
        except Problem as problem:
            if after and _may_be_the_cursor(problem):
                raise _unknown_cursor(problem) from None
            raise

    def completions_around(
        self, completion_id: str, *, model: str = "", metadata: dict[str, str] | None = None, order: Order = "desc"
    ) -> Window[Completion]:
        """Ask for the part of a list in which a completion stands, by two questions: backwards, then forwards."""
        back = self.completions(
            model=model, metadata=metadata, after=completion_id, order=opposite(order), limit=_ROWS_BEFORE + 1
        )
        has_earlier = len(back.items) > _ROWS_BEFORE or back.has_more
        start = back.cursor if has_earlier else ""
        page = self.completions(
            model=model, metadata=metadata, after=start, order=order, limit=_ROWS_BEFORE + PAGE_SIZE
        )
        return Window(page.items, has_earlier, page.has_more)

    def completion(self, completion_id: str) -> Completion:
        """Ask for one stored completion: its answer, model, time, usage; its messages have an endpoint of their own."""
        found = self._read(_path(completion_id), read_completion, is_lasting=True)
        if isinstance(found, Unreadable):
            raise Problem("unreadable", found.reason)
        return found

    def messages(
        self, completion_id: str, *, after: str = "", order: Order = "asc", limit: int = PAGE_SIZE
    ) -> Page[Message | Unreadable]:
        """Ask for one page of messages behind the message `after`; a smaller one where a whole page is too large."""
        read = partial(self._read, f"{_path(completion_id)}/messages", read_message_page)
        try:
            return self._page(partial(read, is_lasting=True), after, order, limit, again=read)
        except Problem as problem:
            if after and _may_be_the_cursor(problem):
                if problem.name == "not-found":
                    self.completion(completion_id)  # raises where it is the completion that is missing
                raise _unknown_cursor(problem) from None
            if problem.name != "too-large" or limit == 1:
                raise
        return self.messages(completion_id, after=after, order=order, limit=max(1, limit // 5))

    def openings(self, completion_ids: list[str]) -> Iterable[tuple[str, Message | Unreadable]]:
        """Give the first messages of conversations with their completions' ids, where that costs no request: none."""
        return ()

    def counts(self, completion_id: str) -> Mapping[str, int] | None:
        """Give how many things of each kind a whole conversation holds, where that is known without reading it."""
        return None

    def newest_messages(self, completion_id: str) -> tuple[Message | Unreadable, ...]:
        """Ask for the last page of messages, the newest at its end."""
        return self.messages(completion_id, order="desc").items[::-1]

    def every_message(
        self, completion_id: str, *, first: str = "", last: str = ""
    ) -> Iterator[tuple[Message | Unreadable, ...]]:
        """Read page after page, from the start or the message `first`, to the end or the message `last`.

        Raises Problem where it cannot go on, in the middle too: what came is never all there is without saying so.
        """
        for page in self._pages_from(completion_id, first):
            at = next((n for n, item in enumerate(page) if item.id == last), None) if last else None
            if at is not None:
                yield page[: at + 1]
                return
            yield page
        if last:
            said = gettext_noop("The last requested message does not come after the first.")
            raise Problem("not-found", said, param="message_id")

    def messages_around(self, completion_id: str, message_id: str) -> Window[Message]:
        """Find a message with context both ways, at any depth, by one question or two.

        The API has neither "before" nor "get one message". Where ids count (`{completion_id}-{index}`, which is what
        OpenAI sends), the cursor is computed. Elsewhere one page backwards finds the cursor to read forwards from.
        """
        index = index_of(completion_id, message_id)
        if index is not None:
            try:
                window = self._window(completion_id, index - CONTEXT)
                if _is_cut_short(window, message_id):
                    window = self._window(completion_id, index)
            except Problem as problem:
                if problem.name != "bad-request":
                    raise
            else:
                if any(item.id == message_id for item in window.items):
                    return window
        return self._window_by_walking(completion_id, message_id)

    def message(self, completion_id: str, message_id: str) -> Message:
        """Find one message."""
        index = index_of(completion_id, message_id)
        if index is not None and index > 0:
            try:
                page = self.messages(completion_id, after=f"{completion_id}-{index - 1}", limit=1)
            except Problem as problem:
                if problem.name != "bad-request":
                    raise
            else:
                if page.items and isinstance(page.items[0], Message) and page.items[0].id == message_id:
                    return page.items[0]
        for item in self.messages_around(completion_id, message_id).items:
            if isinstance(item, Message) and item.id == message_id:
                return item
        raise Problem("not-found", param="message_id")

    def _pages_from(self, completion_id: str, first: str) -> Iterator[tuple[Message | Unreadable, ...]]:
        if first:
            window = self.messages_around(completion_id, first)
            at = next(n for n, item in enumerate(window.items) if item.id == first)
            page = Page(window.items[at:], window.has_later, window.items[-1].id)
        else:
            page = self.messages(completion_id, limit=LARGEST_PAGE)
        yield page.items
        seen = {item.id for item in page.items}
        while after := cursor_behind(page):
            page = self.messages(completion_id, after=after, limit=LARGEST_PAGE)
            ids = {item.id for item in page.items if item.id}
            if ids & seen:
                raise Problem("unreadable", _THE_SAME)
            seen |= ids
            yield page.items

    def _window(self, completion_id: str, start: int) -> Window[Message]:
        after = f"{completion_id}-{start - 1}" if start > 0 else ""
        page = self.messages(completion_id, after=after)
        return Window(page.items, bool(after), page.has_more)

    def _window_by_walking(self, completion_id: str, message_id: str) -> Window[Message]:
        try:
            earlier = self.messages(completion_id, after=message_id, order="desc", limit=CONTEXT + 1)
        except Problem as problem:
            if problem.name == "bad-request":
                raise Problem("not-found", param="message_id", status=404) from problem
            raise
        has_earlier = len(earlier.items) > CONTEXT or earlier.has_more
        page = self.messages(completion_id, after=earlier.cursor if has_earlier else "")
        window = Window(page.items, has_earlier, page.has_more)
        if _is_cut_short(window, message_id) and earlier.items:
            page = self.messages(completion_id, after=earlier.items[0].id)
            window = Window(page.items, True, page.has_more)
        if not any(item.id == message_id for item in window.items):
            raise Problem("not-found", param="message_id", status=404)
        return window

    def _page(
        self,
        read: ReadPage[Listed],
        after: str,
        order: Order,
        limit: int,
        more: dict[str, str] | None = None,
        *,
        again: ReadPage[Listed] | None = None,
    ) -> Page[Listed]:
        """Ask for one page, and for the one behind it where the server does not say whether there is one.

        What goes wrong with the second is for whoever asks for it: until then there may be more.
        """
        page = _checked(read, again or read, after, _query(after, order, limit, more))
        if page.is_told or not page.cursor:
            return page
        try:
            behind = _checked(read, again or read, page.cursor, _query(page.cursor, order, limit, more))
        except Problem:
            return page
        return replace(page, has_more=bool(behind.items), is_told=True)

    def _read(self, path: str, read: Callable[[str], Read], query: str = "", *, is_lasting: bool = False) -> Read:
        url = self._url(f"/chat/completions{path}", query)
        try:
            return read(self._body(url, is_lasting=is_lasting).decode("utf-8", "replace"))  # its bytes are let go
        except ValueError as error:
            raise Problem("unreadable", str(error)) from None

    def _body(self, url: str, *, is_lasting: bool) -> bytes:
        body = self._cached(url) if is_lasting else None
        if body is None:
            answer = self.http.ask(url)
            if answer.status != 200:
                raise problem_of(answer.status, answer.headers, answer.body)
            body = answer.body
            if is_lasting:
                self._cache(url, body)
        return body

    def _url(self, path: str, query: str) -> str:
        return f"{self.base_url}{path}?{query}" if query else f"{self.base_url}{path}"

    def _cached(self, url: str) -> bytes | None:
        kept: bytes | None = caches["answers"].get(self._cache_key(url)) if self.cache_as else None
        return kept

    def _cache(self, url: str, body: bytes) -> None:
        if self.cache_as and self.cache_seconds and len(body) <= _LARGEST_CACHED:
            caches["answers"].set(self._cache_key(url), body, self.cache_seconds)

    def _cache_key(self, url: str) -> str:
        return sha256(f"{self.cache_as} {url}".encode()).hexdigest()


def cursor_behind(page: Page[Listed]) -> str:
    """Give the cursor of the next page, empty where this one is the last. Raises Problem where there is no way on."""
    if page.has_more and not page.cursor:
        raise Problem("unreadable", NOWHERE)
    return page.cursor if page.has_more else ""


def _checked(read: ReadPage[Listed], again: ReadPage[Listed], after: str, query: str) -> Page[Listed]:
    """Read one page. Raises Problem where it is no page behind `after`, so that nothing is shown twice or left out.

    An empty page with more behind it may come of a server in trouble, so it is asked for once more.
    """
    page = read(query)
    if page.has_more and not page.items:
        page = again(query)
    if page.has_more and not page.items:
        raise Problem("unreadable", _NOTHING)
    if after and any(item.id == after for item in page.items):
        raise Problem("unreadable", _THE_SAME)
    return page


def opposite(order: Order) -> Order:
    return "asc" if order == "desc" else "desc"


def _is_cut_short(window: Window[Message], message_id: str) -> bool:
    """Whether a window ends before its message because the messages are large; then it must begin with the message."""
    is_whole = len(window.items) >= PAGE_SIZE or not window.has_later
    return not is_whole and all(item.id != message_id for item in window.items)


def _may_be_the_cursor(problem: Problem) -> bool:
    """Some servers answer 404 to an `after` that they do not know, where OpenAI answers 400; few name the parameter."""
    return problem.name == "not-found" or (problem.name == "bad-request" and problem.param in ("", "after"))


def _unknown_cursor(problem: Problem) -> Problem:
    return Problem("bad-request", problem.said, status=problem.status, param="after", request_id=problem.request_id)


def _path(completion_id: str) -> str:
    if not has_address(completion_id):
        raise Problem("not-found", status=404, param="completion_id")
    return f"/{quote(completion_id, safe='', errors='replace')}"


def _query(after: str, order: Order, limit: int, more: dict[str, str] | None = None) -> str:
    asked = {"limit": str(limit), "order": order, "after": after, **(more or {})}
    return urlencode({name: value for name, value in asked.items() if value}, errors="replace")
