"""One client for every source. It pages by cursor, as the API does, and finds a window around one message."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode

import requests

from viewer.completions.reading import read_completion, read_completion_page, read_message_page
from viewer.completions.types import Completion, Message, Page, Unreadable

from .problems import Problem, problem_of

PAGE_SIZE = 20  # messages or completions; the API's own default
CONTEXT = 10  # messages before the one a permalink opens at
Order = Literal["asc", "desc"]
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Window:
    """Messages around one of them, oldest first, and whether the conversation goes on at either end."""

    items: tuple[Message | Unreadable, ...]
    has_earlier: bool
    has_later: bool


@dataclass(frozen=True)
class Client:
    """Asks one API. `session` knows how to reach it and with which key, `base_url` ends in `/v1`.

    Every method raises Problem, and nothing else, when there is no answer.
    """

    session: requests.Session
    base_url: str

    def ask(self, path: str, query: str = "") -> requests.Response:
        """Ask one question and hand back whatever comes, refused or not. `path` starts behind the base URL."""
        url = f"{self.base_url}{path}"
        try:
            return self.session.get(f"{url}?{query}" if query else url)
        except requests.Timeout as error:
            raise Problem("timeout") from error
        except requests.RequestException as error:
            raise Problem("unavailable") from error

    def completions(
        self, *, model: str = "", metadata: dict[str, str] | None = None, after: str = "", order: Order = "desc"
    ) -> Page[Completion | Unreadable]:
        """Ask for one page of stored completions; `metadata` pairs must all match exactly."""
        query = {"model": model, **{f"metadata[{key}]": value for key, value in (metadata or {}).items()}}
        return self._read("", read_completion_page, _query(after, order, PAGE_SIZE, query))

    def completion(self, completion_id: str) -> Completion:
        """Ask for one stored completion: its answer, model, time, usage; its messages have an endpoint of their own."""
        found = self._read(_path(completion_id), read_completion)
        if isinstance(found, Unreadable):
            raise Problem("unreadable", found.reason)
        return found

    def messages(
        self, completion_id: str, *, after: str = "", order: Order = "asc", limit: int = PAGE_SIZE
    ) -> Page[Message | Unreadable]:
        """Ask for one page of messages behind the message `after`, in the order asked for."""
        return self._read(f"{_path(completion_id)}/messages", read_message_page, _query(after, order, limit))

    def messages_around(self, completion_id: str, message_id: str) -> Window:
        """Find a message with context both ways, at any depth, by one question or two.

        The API has neither "before" nor "get one message". Where ids count (`{completion_id}-{index}`, which is what
        OpenAI sends), the cursor is computed. Elsewhere one page backwards finds the cursor to read forwards from.
        """
        index = index_of(completion_id, message_id)
        if index is not None:
            try:
                window = self._window(completion_id, index - CONTEXT)
            except Problem as problem:
                if problem.name == "not-found" or problem.status not in (400, 404):
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
                if problem.status != 400:
                    raise
            else:
                if page.items and isinstance(page.items[0], Message) and page.items[0].id == message_id:
                    return page.items[0]
        for item in self.messages_around(completion_id, message_id).items:
            if isinstance(item, Message) and item.id == message_id:
                return item
        raise Problem("not-found", param="message_id")

    def _window(self, completion_id: str, start: int) -> Window:
        after = f"{completion_id}-{start - 1}" if start > 0 else ""
        page = self.messages(completion_id, after=after)
        return Window(page.items, bool(after), page.has_more)

    def _window_by_walking(self, completion_id: str, message_id: str) -> Window:
        try:
            earlier = self.messages(completion_id, after=message_id, order="desc", limit=CONTEXT + 1)
        except Problem as problem:
            if problem.status == 400:
                raise Problem("not-found", param="message_id", status=404) from problem
            raise
        has_earlier = len(earlier.items) > CONTEXT
        page = self.messages(completion_id, after=earlier.cursor if has_earlier else "")
        if not any(item.id == message_id for item in page.items):
            raise Problem("not-found", param="message_id", status=404)
        return Window(page.items, has_earlier, page.has_more)

    def _read(self, path: str, read: Callable[[str], Read], query: str = "") -> Read:
        response = self.ask(f"/chat/completions{path}", query)
        if response.status_code != 200:
            raise problem_of(response)
        try:
            return read(response.content.decode("utf-8", "replace"))
        except ValueError as error:
            raise Problem("unreadable", str(error)) from error


def index_of(completion_id: str, message_id: str) -> int | None:
    """Read the position, from 0, out of an id of the form `{completion_id}-{index}`; None for any other id."""
    found = re.fullmatch(re.escape(completion_id) + r"-(0|[1-9][0-9]{0,8})", message_id, re.ASCII)
    return int(found[1]) if found else None


def _path(completion_id: str) -> str:
    if completion_id in ("", ".", ".."):  # a dot survives quoting, and the path would lead elsewhere
        raise Problem("not-found", status=404, param="completion_id")
    return f"/{quote(completion_id, safe='', errors='replace')}"


def _query(after: str, order: Order, limit: int, more: dict[str, str] | None = None) -> str:
    asked = {"limit": str(limit), "order": order, "after": after, **(more or {})}
    return urlencode({name: value for name, value in asked.items() if value}, errors="replace")
