"""Pages of a list, as every endpoint of the API has them: what is asked for, and what an answer must not be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar
from urllib.parse import urlencode

from django.utils.translation import gettext_noop

from viewer.completions.types import Completion, Message, Page, Unreadable

from .problems import Problem

NO_CURSOR = gettext_noop("There is more, but the server did not say where to continue.")
_EMPTY_PAGE = gettext_noop("The server reports more but sends nothing.")
_REPEATED_PAGE = gettext_noop("The server sent the same page again instead of the next one.")
Order = Literal["asc", "desc"]
Listed = TypeVar("Listed", bound=Message | Completion | Unreadable)
ReadPage = Callable[[str], Page[Listed]]  # takes a query


@dataclass(frozen=True, slots=True)
class Query:
    """Which page of a list is requested; as a string, the query of the URL."""

    limit: int
    after: str = ""
    order: Order = "desc"
    filters: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        params = {"limit": str(self.limit), "order": self.order, "after": self.after, **self.filters}
        return urlencode({name: value for name, value in params.items() if value}, errors="replace")


def read_page(read: ReadPage[Listed], query: Query, *, uncached: ReadPage[Listed] | None = None) -> Page[Listed]:
    """Read one page, and the one after it if the server does not say whether there is one.

    If reading the second fails, there may be more: whoever reads on will get the problem.
    """
    page = _read_checked(read, uncached or read, query)
    if page.is_certain or not page.cursor:
        return page
    try:
        following = _read_checked(read, uncached or read, replace(query, after=page.cursor))
    except Problem:
        return page
    return replace(page, has_more=bool(following.items), is_certain=True)


def next_cursor(page: Page[Listed]) -> str:
    """Return the cursor of the next page, empty after the last one. Raises Problem if there is more but no cursor."""
    if page.has_more and not page.cursor:
        raise Problem("unreadable", NO_CURSOR)
    return page.cursor if page.has_more else ""


def repeated_page() -> Problem:
    """Return the problem of a server that does not go on."""
    return Problem("unreadable", _REPEATED_PAGE)


def unknown_cursor(problem: Problem) -> Problem:
    """Return the problem that the item to continue from is unknown, in the words of the server."""
    return Problem("bad-request", problem.message, status=problem.status, param="after", request_id=problem.request_id)


def may_be_cursor_error(problem: Problem) -> bool:
    """Whether `after` may be the cause: OpenAI answers 400 to an unknown cursor, some servers 404; few name it."""
    return problem.name == "not-found" or (problem.name == "bad-request" and problem.param in ("", "after"))


def _read_checked(read: ReadPage[Listed], uncached: ReadPage[Listed], query: Query) -> Page[Listed]:
    """Read one page. Raises Problem unless it continues after the cursor: nothing is shown twice, nothing left out.

    An empty page that is not the last may be a passing fault of the server, so it is requested once more.
    """
    page = read(str(query))
    if page.has_more and not page.items:
        page = uncached(str(query))
    if page.has_more and not page.items:
        raise Problem("unreadable", _EMPTY_PAGE)
    if query.after and any(item.id == query.after for item in page.items):
        raise repeated_page()
    return page
