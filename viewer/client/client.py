"""One client for every source: pages by cursor, as in the API, and a window around one message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import quote

from django.core.cache import caches
from django.utils.translation import gettext_noop

from viewer.completions.ids import has_address, index_of
from viewer.completions.reading import read_completion, read_completion_page, read_message_page
from viewer.completions.summary import Summary
from viewer.completions.types import Completion, Item, Message, Page, Unreadable
from viewer.deployment.kept import Kept

from . import pages
from .http import HttpClient, Response, Stream
from .in_process import InProcess
from .other_api import IsLasting, OtherApi, is_of_other_api, may_lack_other_api
from .pages import Query, may_be_cursor_error, read_page, repeated_page, unknown_cursor
from .problems import Problem, problem_of

PAGE_SIZE = 20  # messages or completions; the API's own default
MAX_PAGE_SIZE = 100  # messages; the API's maximum
CONTEXT = 10  # messages before the one that a permalink opens
ROWS_BEFORE = 12  # completions before the one around which a list opens; more than a window shows
Order = pages.Order
next_cursor = pages.next_cursor
Read = TypeVar("Read")
First = TypeVar("First")
_MAX_CACHED_BYTES = 256_000  # with the cache's 256 entries this bounds its memory
_read_before: Kept[Any] = Kept(6_000_000)  # characters of JSON; with what was read of them some 20 MB
_concurrent = ThreadPoolExecutor(max_workers=16, thread_name_prefix="concurrent")


@dataclass(frozen=True, slots=True)
class Window(Generic[Item]):
    """Messages or completions around one of them, in the requested order, and whether there are more at either end."""

    items: tuple[Item | Unreadable, ...]
    has_earlier: bool
    has_later: bool


@dataclass(frozen=True)
class Client:
    """Reads one API, whose `base_url` ends in `/v1`. `http` knows the server and the key.

    Every method raises Problem, and nothing else, when there is no usable response. With `cache_as`, the identity of
    the key, responses about one stored completion, which never changes, are cached for `cache_seconds`; lists never
    are. With `is_sequential` there is one request at a time, as the same person's other clients are in use too.
    """

    http: HttpClient | InProcess
    base_url: str
    cache_as: str = ""
    cache_seconds: int = 0
    is_sequential: bool = False
    has_other_api: ClassVar[bool] = True  # so that responses and conversations are asked for where that has them
    max_pages: ClassVar[int] = 20  # of MAX_PAGE_SIZE messages, that one request of a reader may read
    is_metered: ClassVar[bool] = True  # after many requests the reader has to confirm that more are sent

    def stream(self, path: str, query: str, headers: Mapping[str, str]) -> Stream | Response:
        """Send one request and return its response as a stream, or whole if it is in memory."""
        return self.http.stream(self._url(path, query), headers)

    def check_key(self) -> None:
        """Send the cheapest request there is. Raises its Problem."""
        self._read("", read_completion_page, str(Query(1)))

    def concurrently(self, first: Callable[[], First], second: Callable[[], Read]) -> tuple[First, Callable[[], Read]]:
        """Send two requests at the same time. The returned function gives the second result, or raises its Problem."""
        if self.is_sequential:
            return first(), second
        future = _concurrent.submit(second)
        return first(), future.result

    def completions(
        self,
        *,
        model: str = "",
        metadata: dict[str, str] | None = None,
        after: str = "",
        order: Order = "desc",
        limit: int = PAGE_SIZE,
    ) -> Page[Completion | Unreadable]:
        """Read one page of stored completions; all `metadata` pairs must match exactly."""
        if after and self._is_elsewhere(after):
            raise Problem("bad-request", status=400, param="after")
        filters = {"model": model, **{f"metadata[{key}]": value for key, value in (metadata or {}).items()}}
        try:
            return read_page(partial(self._read, "", read_completion_page), Query(limit, after, order, filters))
        except Problem as problem:
            if after and may_be_cursor_error(problem):
                raise unknown_cursor(problem) from None
            raise

    def completions_around(
        self, completion_id: str, *, model: str = "", metadata: dict[str, str] | None = None, order: Order = "desc"
    ) -> Window[Completion]:
        """Read the part of a list that contains a completion, by two requests: backwards, then forwards."""
        back = self.completions(
            model=model, metadata=metadata, after=completion_id, order=opposite(order), limit=ROWS_BEFORE + 1
        )
        has_earlier = len(back.items) > ROWS_BEFORE or back.has_more
        start = back.cursor if has_earlier else ""
        page = self.completions(model=model, metadata=metadata, after=start, order=order, limit=ROWS_BEFORE + PAGE_SIZE)
        return Window(page.items, has_earlier, page.has_more)

    def completion(self, completion_id: str) -> Completion:
        """Read one stored completion: its answer, model, time, usage. Its messages have their own endpoint."""
        return self._of_either(completion_id, OtherApi.completion, lambda: self._stored_completion(completion_id))

    def messages(
        self, completion_id: str, *, after: str = "", order: Order = "asc", limit: int = PAGE_SIZE
    ) -> Page[Message | Unreadable]:
        """Read one page of messages after the message `after`, or a smaller page if a whole one is too large."""
        query = Query(limit, after, order)
        try:
            return self._of_either(
                completion_id,
                lambda api: api.messages(after, order, limit),
                lambda: self._stored_messages(completion_id, query),
            )
        except Problem as problem:
            if problem.name != "too-large" or limit == 1:
                raise
        return self.messages(completion_id, after=after, order=order, limit=max(1, limit // 5))

    def summaries(self, completion_ids: Iterable[str]) -> Mapping[str, Summary]:
        """Return the summaries of conversations, by id, that are known without a request: here none."""
        return {}

    def counts(self, completion_id: str) -> Mapping[str, int] | None:
        """Return how many things of each kind a conversation contains, if that is known without reading it."""
        return None

    def bodies(self, completion_id: str, after: str = "") -> Iterable[tuple[str, str]]:
        """Return the id and the JSON of each message after the message `after`, where that takes no request: here none.

        There may be fewer than there are: only `messages` says why.
        """
        return ()

    def id_at(self, completion_id: str, number: int) -> str:
        """Return the id of a message by its number, from 0, where that takes no request: here always empty."""
        return ""

    def newest_messages(self, completion_id: str) -> tuple[Message | Unreadable, ...]:
        """Read the last page of messages, with the newest at its end."""
        return self.messages(completion_id, order="desc").items[::-1]

    def every_message(
        self, completion_id: str, *, first: str = "", last: str = ""
    ) -> Iterator[tuple[Message | Unreadable, ...]]:
        """Read all pages, from the start or the message `first`, to the end or the message `last`.

        Raises Problem when a page cannot be read, also after others, so that an incomplete result is never silent.
        """
        for page in self._pages_from(completion_id, first):
            position = next((n for n, item in enumerate(page) if item.id == last), None) if last else None
            if position is not None:
                yield page[: position + 1]
                return
            yield page
        if last:
            text = gettext_noop("The last requested message does not come after the first.")
            raise Problem("not-found", text, param="message_id")

    def messages_around(self, completion_id: str, message_id: str) -> Window[Message]:
        """Find a message with context on both sides, at any depth, by one request or two.

        The API has neither "before" nor "get one message". If ids end in an index (`{completion_id}-{index}`, as
        OpenAI's do), the cursor is computed. Otherwise a page backwards gives the cursor from which to read forwards.
        """
        index = index_of(completion_id, message_id)
        if index is not None:
            try:
                window = self._window(completion_id, index - CONTEXT)
                if _is_truncated(window, message_id):
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

    def _of_either(self, completion_id: str, ask: Callable[[OtherApi], Read], ask_stored: Callable[[], Read]) -> Read:
        """Ask for a response or a conversation where the API has them, and for anything else among the completions.

        A server that only has completions may have one with such an id: another Lectern does.
        """
        if not (self.has_other_api and is_of_other_api(completion_id)):
            return ask_stored()
        try:
            return ask(OtherApi(completion_id, self._fetch))
        except Problem as problem:
            if not may_lack_other_api(problem, completion_id):
                raise
            try:
                return ask_stored()
            except Problem:
                raise problem from None

    def _is_elsewhere(self, completion_id: str) -> bool:
        """Whether an id is that of a response or a conversation, so that no list has it.

        It is asked for itself, as it was when its page was opened: to an unknown cursor, OGX takes long to say no.
        """
        if not (self.has_other_api and is_of_other_api(completion_id)):
            return False
        try:
            OtherApi(completion_id, self._fetch).completion()
        except Problem as problem:
            return not may_lack_other_api(problem, completion_id)
        return True

    def _stored_completion(self, completion_id: str) -> Completion:
        completion = self._read(_path(completion_id), partial(_read_once, read_completion), is_lasting=True)
        if isinstance(completion, Unreadable):
            raise Problem("unreadable", completion.reason)
        return completion

    def _stored_messages(self, completion_id: str, query: Query) -> Page[Message | Unreadable]:
        # Larger pages are read by what goes through a whole conversation, and would push out what readers open.
        how = partial(_read_once, read_message_page) if query.limit <= PAGE_SIZE else read_message_page
        read = partial(self._read, f"{_path(completion_id)}/messages", how)
        try:
            return read_page(partial(read, is_lasting=True), query, uncached=read)
        except Problem as problem:
            if not query.after or not may_be_cursor_error(problem):
                raise
            if problem.name == "not-found":
                self._stored_completion(completion_id)  # raises if the completion itself is missing
            raise unknown_cursor(problem) from None

    def _pages_from(self, completion_id: str, first: str) -> Iterator[tuple[Message | Unreadable, ...]]:
        if first:
            window = self.messages_around(completion_id, first)
            position = next(n for n, item in enumerate(window.items) if item.id == first)
            page = Page(window.items[position:], window.has_later, window.items[-1].id)
        else:
            page = self.messages(completion_id, limit=MAX_PAGE_SIZE)
        yield page.items
        seen = {item.id for item in page.items}
        while after := next_cursor(page):
            page = self.messages(completion_id, after=after, limit=MAX_PAGE_SIZE)
            ids = {item.id for item in page.items if item.id}
            if ids & seen:
                raise repeated_page()
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
        if _is_truncated(window, message_id) and earlier.items:
            page = self.messages(completion_id, after=earlier.items[0].id)
            window = Window(page.items, True, page.has_more)
        if not any(item.id == message_id for item in window.items):
            raise Problem("not-found", param="message_id", status=404)
        return window

    def _read(self, path: str, read: Callable[[str], Read], query: str = "", *, is_lasting: bool = False) -> Read:
        try:
            return read(self._fetch(f"/chat/completions{path}", query, lambda _: is_lasting, may_be_cached=is_lasting))
        except ValueError as error:
            raise Problem("unreadable", str(error)) from None

    def _fetch(self, path: str, query: str, is_lasting: IsLasting, *, may_be_cached: bool = True) -> str:
        """Read the body of a response, from the cache if that has it. Only those that are lasting are cached."""
        url = self._url(path, query)
        body = self._cached(url) if may_be_cached else None
        text = "" if body is None else body.decode("utf-8", "replace")
        if body is None:
            response = self.http.get(url)
            if response.status != 200:
                raise problem_of(response.status, response.headers, response.body)
            text = response.body.decode("utf-8", "replace")  # no name keeps the bytes
            if is_lasting(text):
                self._cache(url, response.body)
        return text

    def _url(self, path: str, query: str) -> str:
        return f"{self.base_url}{path}?{query}" if query else f"{self.base_url}{path}"

    def _cached(self, url: str) -> bytes | None:
        body: bytes | None = caches["answers"].get(self._cache_key(url)) if self.cache_as else None
        return body

    def _cache(self, url: str, body: bytes) -> None:
        if self.cache_as and self.cache_seconds and len(body) <= _MAX_CACHED_BYTES:
            caches["answers"].set(self._cache_key(url), body, self.cache_seconds)

    def _cache_key(self, url: str) -> str:
        return sha256(f"{self.cache_as} {url}".encode()).hexdigest()


def _read_once(read: Callable[[str], Read], text: str) -> Read:
    """Read a response, unless that was done before: what it means depends on nothing but its text."""
    result: Read = _read_before.of((read, text), partial(read, text), lambda _: len(text))
    return result


def opposite(order: Order) -> Order:
    return "asc" if order == "desc" else "desc"


def _is_truncated(window: Window[Message], message_id: str) -> bool:
    """Whether a window of large messages ends before its message; then it has to begin with that message."""
    is_whole = len(window.items) >= PAGE_SIZE or not window.has_later
    return not is_whole and all(item.id != message_id for item in window.items)


def _path(completion_id: str) -> str:
    if not has_address(completion_id):
        raise Problem("not-found", status=404, param="completion_id")
    return f"/{quote(completion_id, safe='', errors='replace')}"
