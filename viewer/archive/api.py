"""Serves `GET /chat/completions…` from the archive, as OpenAI does (docs/api-facts.md).

Deviations from OpenAI, all listed in docs/api.md: `refusal` is always present, and an unknown `after` returns 400.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from django.db.models import QuerySet, Subquery

from viewer.completions.errors import ApiError, to_body
from viewer.deployment.prepared import Prepared

from .messages import ArchivedMessages, holders_of
from .models import StoredCompletion, fit, fit_key, fit_value

MAX_LIMIT = 100
MAX_PAGE = 16_000_000  # characters; a page ends after the item that exceeds this, and more follows
_MAX_PAIRS = 16
ROUTE = re.compile(r"/chat/completions(?:/(?P<completion_id>[^/]+)(?P<messages>/messages)?)?")
_METADATA = re.compile(r"metadata\[(.*)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Response:
    """The status and JSON body of a response."""

    status: int
    body: bytes


class RequestError(Exception):
    """A request that cannot be answered; carries the error response."""

    def __init__(self, status: int, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error
        self.response = Response(status, to_body(error))


@dataclass(frozen=True, slots=True)
class Paging:
    """The paging parameters of a list request."""

    after: str | None
    limit: int
    descending: bool


@dataclass(frozen=True, slots=True)
class _Cut:
    """Which rows of a list its query finds: in which order, after a cursor or not, and how many."""

    is_later: bool
    descending: bool
    limit: int

    @classmethod
    def of(cls, paging: Paging) -> _Cut:
        return cls(paging.after is not None, paging.descending, paging.limit + 1)  # one more says whether more follow


@dataclass(frozen=True, slots=True)
class _Page:
    """The ids and bodies of one page, and whether more follow."""

    items: list[tuple[str, str]]
    has_more: bool


def respond(path: str, query: str = "", reader: int | None = None) -> Response:
    """Answer one GET request of a person. `path` starts after `/v1` and is percent-encoded; `query` has no `?`."""
    route = ROUTE.fullmatch(path)
    if route is None:
        return RequestError(404, ApiError(f"Invalid URL (GET /v1{path})")).response
    completion_id = unquote(route["completion_id"] or "")
    params = parse_qsl(query, keep_blank_values=True)
    try:
        if route["messages"]:
            return _messages(completion_id, params, reader)
        if completion_id:
            return _completion(completion_id, reader)
        return _completions(params, reader)
    except RequestError as error:
        return error.response


def is_stored(any_id: str, reader: int | None) -> bool:
    """Whether a completion or a message that a person may see has this id."""
    return holds(any_id, reader) or completion_of(any_id, reader) is not None


def holds(completion_id: str, reader: int | None) -> bool:
    """Whether a completion that a person may see is stored here."""
    return StoredCompletion.objects.named(completion_id, reader).exists()


def completion_of(message_id: str, reader: int | None) -> str | None:
    """Find the completion that contains a message, for a reader who has only the message's id."""
    first = StoredCompletion.objects.filter(pk__in=[row for row, _ in holders_of(message_id, reader)[:1]])
    return first.values_list("completion_id", flat=True).first()


@Prepared
def _stored(completion_id: str, reader: int | None) -> QuerySet[Any, Any]:
    return StoredCompletion.objects.named(completion_id, reader).values_list("body")


def _completion(completion_id: str, reader: int | None) -> Response:
    found = _stored.first(fit(completion_id), reader)
    if found is None:
        raise not_found_error(completion_id)
    return Response(200, found[0].encode())


def _completions(params: list[tuple[str, str]], reader: int | None) -> Response:
    paging = _read_paging(params, descending=True)
    models = [fit(model)[:255] for model in {value for name, value in params if name == "model"}]
    pairs = [(fit_key(key), fit_value(value)) for key, value in _read_pairs(params)]
    place = () if paging.after is None else _place_of(paging, reader)
    rows = _listed(reader, *place, *models, *chain(*pairs), models=len(models), cut=_Cut.of(paging))
    return _list_response(_fetch_page(rows, paging))


@Prepared
def _listed(reader: int | None, *values: Any, models: int, cut: _Cut) -> QuerySet[Any, Any]:
    """Find a page of completions; `values` are the time and row of the cursor, the models, and the metadata pairs."""
    place, filters = (values[:2], values[2:]) if cut.is_later else ((), values)
    completions = StoredCompletion.objects.visible_to(reader)
    for model in filters[:models]:
        completions = completions.filter(model=model)
    for key, value in zip(filters[models::2], filters[models + 1 :: 2], strict=True):
        completions = completions.filter(metadata__key=key, metadata__value=value)
    # A union can only be sorted by columns that it selects.
    rows = completions.values_list("completion_id", "body", "created", "id")
    if place:
        rows = _after_cursor(rows, place, descending=cut.descending)
    return rows.order_by(*(("-created", "-id") if cut.descending else ("created", "id")))[: cut.limit]


@Prepared
def _places(completion_id: str, reader: int | None) -> QuerySet[Any, Any]:
    return StoredCompletion.objects.visible_to(reader).filter(completion_id=completion_id).values_list("created", "id")


def _place_of(paging: Paging, reader: int | None) -> tuple[int, int]:
    """Return the time and the row of the cursor: of two with its id the one that comes last.

    Both the team and a person may have it. If paging went on after the first of them, it could go in a circle.
    """
    after = paging.after or ""
    places = sorted(_places(fit(after), reader), reverse=paging.descending)
    if not places:
        raise _unknown_cursor_error(f"no stored completion has the id '{_shorten(after)}'")
    created, row = places[-1]
    return created, row


def _after_cursor(rows: QuerySet[Any, Any], place: tuple[int, int], *, descending: bool) -> QuerySet[Any, Any]:
    """Keep the rows after the cursor: the rest of its own second, then all other seconds, each as one index range.

    A single condition with OR would scan every completion of that second, and an import can give thousands of them the
    same second. SQLite also scans when the pair `(created, id)` is compared as a row.
    """
    created, pk = place
    if descending:
        return rows.filter(created=created, id__lt=pk).union(rows.filter(created__lt=created), all=True)
    return rows.filter(created=created, id__gt=pk).union(rows.filter(created__gt=created), all=True)


def _read_pairs(params: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Read the metadata filters. More pairs than a completion can have (docs/api-facts.md#completions) are rejected."""
    pairs = {(pair[1], value) for name, value in params if (pair := _METADATA.fullmatch(name))}
    if len(pairs) > _MAX_PAIRS:
        message = f"Invalid 'metadata': expected at most {_MAX_PAIRS} pairs, but got {len(pairs)} instead."
        raise RequestError(400, ApiError(message, "metadata", "invalid_value"))
    return pairs


def _messages(completion_id: str, params: list[tuple[str, str]], reader: int | None) -> Response:
    def check() -> None:
        if not holds(completion_id, reader):
            raise not_found_error(completion_id)

    return page_of_messages(ArchivedMessages(fit(completion_id), reader), params, check)


class Messages(Protocol):
    """The messages of one conversation, wherever they are stored."""

    def page(self, after: str | None, *, descending: bool, limit: int) -> Iterator[tuple[str, str]]:
        """Yield the ids and bodies of at most so many messages, the first ones or those beyond the message `after`."""

    def has(self, message_id: str) -> bool:
        """Whether a message has this id."""


@dataclass(frozen=True)
class MessageRows:
    """Messages with a row for each: `stored(row)`, a function of a module, finds their positions, ids and bodies."""

    stored: Callable[[int], QuerySet[Any, Any]]
    row: int

    def page(self, after: str | None, *, descending: bool, limit: int) -> Iterator[tuple[str, str]]:
        cursor = () if after is None else (after,)
        return _said(self.row, *cursor, stored=self.stored, descending=descending, limit=limit)

    def has(self, message_id: str) -> bool:
        return _places_in.first(self.row, message_id, stored=self.stored) is not None


@Prepared
def _said(
    row: int, *after: str, stored: Callable[[int], QuerySet[Any, Any]], descending: bool, limit: int
) -> QuerySet[Any, Any]:
    messages = stored(row)
    if after:
        position = Subquery(messages.filter(message_id=after[0]).values("position"))
        messages = messages.filter(position__lt=position) if descending else messages.filter(position__gt=position)
    return messages.order_by("-position" if descending else "position").values_list("message_id", "body")[:limit]


@Prepared
def _places_in(row: int, message_id: str, *, stored: Callable[[int], QuerySet[Any, Any]]) -> QuerySet[Any, Any]:
    return stored(row).filter(message_id=message_id).values_list("position")[:1]


def page_of_messages(
    messages: Messages, params: list[tuple[str, str]], check: Callable[[], None] = lambda: None
) -> Response:
    """Answer one page of messages. Raises RequestError; `check` raises if there is no such conversation."""
    paging = _read_paging(params, descending=False)
    after = None if paging.after is None else fit(paging.after)
    cut = _Cut.of(paging)
    page = _fetch_page(messages.page(after, descending=cut.descending, limit=cut.limit), paging)
    if not page.items:
        check()
        if after is not None and not messages.has(after):
            raise _unknown_cursor_error(f"no message of this completion has the id '{_shorten(paging.after or '')}'")
    return _list_response(page)


def _fetch_page(rows: Iterator[tuple[Any, ...]], paging: Paging) -> _Page:
    """Fetch one page, a few rows at a time, because a row may hold megabytes.

    A page that grows too large ends before `limit`; `has_more` says so as always.
    """
    items: list[tuple[str, str]] = []
    size = 0
    while len(items) < paging.limit and size < MAX_PAGE and (row := next(rows, None)):
        items.append(row[:2])
        size += len(row[1])
    return _Page(items, has_more=next(rows, None) is not None)


def _list_response(page: _Page) -> Response:
    """Build a list response from bodies that are JSON already; nothing is parsed, so nothing can change."""
    ids = [json.dumps(item_id) for item_id, _ in page.items]
    first_id, last_id = (ids[0], ids[-1]) if ids else ("null", "null")
    data = [piece for _, body in page.items for piece in (",", body)][1:]
    end = f'],"first_id":{first_id},"last_id":{last_id},"has_more":{json.dumps(page.has_more)}}}'
    return Response(200, "".join(['{"object":"list","data":[', *data, end]).encode())  # megabytes, copied once


def _read_paging(params: list[tuple[str, str]], *, descending: bool) -> Paging:
    values = dict(params)
    if values.get("after") == "":  # an empty cursor that meant "from the start" would page in circles forever
        raise _unknown_cursor_error("expected the id of an item, but got an empty string")
    return Paging(
        values.get("after"), _read_limit(values.get("limit", "20")), _read_order(values.get("order"), descending)
    )


def _read_limit(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", text, re.ASCII):
        message = f"Invalid type for 'limit': expected an integer, but got '{_shorten(text)}' instead."
        raise RequestError(400, ApiError(message, "limit", "invalid_type"))
    shown = _shorten(text)
    if text.startswith("-") or not text.strip("0"):
        message = f"Invalid 'limit': integer below minimum value. Expected a value >= 1, but got {shown} instead."
        raise RequestError(400, ApiError(message, "limit", "integer_below_min_value"))
    limit = int(text.lstrip("0")[:4])
    if limit > MAX_LIMIT:
        expected = f"Expected a value <= {MAX_LIMIT}, but got {shown} instead."
        message = f"Invalid 'limit': integer above maximum value. {expected}"
        raise RequestError(400, ApiError(message, "limit", "integer_above_max_value"))
    return limit


def _read_order(text: str | None, descending: bool) -> bool:
    if text is None:
        return descending
    if text not in ("asc", "desc"):
        message = f"Invalid value: '{_shorten(text)}'. Supported values are: 'asc' and 'desc'."
        raise RequestError(400, ApiError(message, "order", "invalid_value"))
    return text == "desc"


def not_found_error(completion_id: str) -> RequestError:
    """Return the error of a completion that is not stored, or not for this reader."""
    return RequestError(404, ApiError(f"Completion {_shorten(completion_id)} not found", "completion_id", "not_found"))


def _unknown_cursor_error(cause: str) -> RequestError:
    return RequestError(400, ApiError(f"Invalid 'after': {cause}.", "after", "invalid_value"))


def _shorten(text: str) -> str:
    """Quote a value in an error message, but not a megabyte of it."""
    return text if len(text) <= 300 else text[:300] + "…"
