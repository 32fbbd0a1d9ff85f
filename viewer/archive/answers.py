"""Answers `GET /chat/completions…` from the archive, as OpenAI does (docs/api-facts.md).

Deviations from OpenAI, all listed in docs/api.md: `refusal` is always there, and an unknown `after` is a 400.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from django.db.models import QuerySet, Subquery

from viewer.completions.errors import ApiError, to_body

from .models import StoredCompletion, StoredMessage, fit, fit_key, fit_value

LARGEST_LIMIT = 100
_LARGEST_PAGE = 16_000_000  # characters; a page ends behind the item that passes it, and has more
_MOST_PAIRS = 16
_ROUTE = re.compile(r"/chat/completions(?:/(?P<completion_id>[^/]+)(?P<messages>/messages)?)?")
_METADATA = re.compile(r"metadata\[(.*)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body of one answer."""

    status: int
    body: bytes


class Refused(Exception):
    """The question cannot be answered; carries the answer that says why."""

    def __init__(self, status: int, error: ApiError) -> None:
        super().__init__(error.message)
        self.answer = Answer(status, to_body(error))


@dataclass(frozen=True, slots=True)
class Paging:
    """What a list was asked for."""

    after: str | None
    limit: int
    descending: bool


@dataclass(frozen=True, slots=True)
class _Page:
    """The ids and bodies of one page, and whether there are more behind it."""

    items: list[tuple[str, str]]
    has_more: bool


def answer(path: str, query: str = "") -> Answer:
    """Answer one GET. `path` starts behind `/v1` and is percent-encoded, `query` has no `?`."""
    route = _ROUTE.fullmatch(path)
    if route is None:
        return Refused(404, ApiError(f"Invalid URL (GET /v1{path})")).answer
    completion_id = unquote(route["completion_id"] or "")
    asked = parse_qsl(query, keep_blank_values=True)
    try:
        if route["messages"]:
            return _messages(completion_id, asked)
        if completion_id:
            return _completion(completion_id)
        return _completions(asked)
    except Refused as refused:
        return refused.answer


def is_stored(given: str) -> bool:
    """Whether a completion or a message has this id."""
    return holds(given) or StoredMessage.objects.filter(message_id=fit(given)).exists()


def holds(completion_id: str) -> bool:
    """Whether a completion is stored here."""
    return StoredCompletion.objects.filter(completion_id=fit(completion_id)).exists()


def completion_of(message_id: str) -> str | None:
    """Find the completion that holds a message, for the reader who has only the message's id."""
    found = StoredMessage.objects.filter(message_id=fit(message_id)).order_by("completion_id")
    return found.values_list("completion__completion_id", flat=True).first()


def openings(completion_ids: list[str], count: int) -> Iterator[tuple[str, str]]:
    """Give the bodies of the first `count` messages of conversations, with the id of each one's completion.

    First one of each conversation, then the second of each, and so on: by one query, read as far as the caller goes on.
    """
    found = StoredMessage.objects.filter(completion__completion_id__in=completion_ids, position__lt=count)
    ordered = found.order_by("position", "completion_id").values_list("completion__completion_id", "body")
    return ordered.iterator(chunk_size=4)


def _completion(completion_id: str) -> Answer:
    body = StoredCompletion.objects.filter(completion_id=fit(completion_id)).values_list("body", flat=True).first()
    if body is None:
        raise _not_found(completion_id)
    return Answer(200, body.encode())


def _completions(asked: list[tuple[str, str]]) -> Answer:
    paging = _read_paging(asked, descending=True)
    found = StoredCompletion.objects.all()
    for model in {value for name, value in asked if name == "model"}:
        found = found.filter(model=fit(model)[:255])
    for key, value in _read_pairs(asked):
        found = found.filter(metadata__key=fit_key(key), metadata__value=fit_value(value))
    rows = found.values_list("completion_id", "body", "created", "id")  # a union is sorted by what it selects
    if paging.after is not None:
        rows = _behind(rows, paging.after, descending=paging.descending)
    page = _page_of(rows.order_by(*(("-created", "-id") if paging.descending else ("created", "id"))), paging)
    if paging.after is not None and not (page.items or holds(paging.after)):
        raise _unknown_cursor(f"no stored completion has the id '{_shortened(paging.after)}'")
    return _list(page)


def _behind(rows: QuerySet[Any, Any], after: str, *, descending: bool) -> QuerySet[Any, Any]:
    """Keep what lies behind the cursor: the rest of its own second, then the other seconds, each one range of an index.

    One condition with OR would scan every completion of that second, and an import can give thousands the same; so does
    SQLite where the pair `(created, id)` is compared as a row.
    """
    cursor = StoredCompletion.objects.filter(completion_id=fit(after))
    created, pk = Subquery(cursor.values("created")), Subquery(cursor.values("id"))
    if descending:
        return rows.filter(created=created, id__lt=pk).union(rows.filter(created__lt=created), all=True)
    return rows.filter(created=created, id__gt=pk).union(rows.filter(created__gt=created), all=True)


def _read_pairs(asked: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Read the metadata filters. More pairs than a completion can have (docs/api-facts.md#completions) are refused."""
    pairs = {(pair[1], value) for name, value in asked if (pair := _METADATA.fullmatch(name))}
    if len(pairs) > _MOST_PAIRS:
        message = f"Invalid 'metadata': expected at most {_MOST_PAIRS} pairs, but got {len(pairs)} instead."
        raise Refused(400, ApiError(message, "metadata", "invalid_value"))
    return pairs


def _messages(completion_id: str, asked: list[tuple[str, str]]) -> Answer:
    paging = _read_paging(asked, descending=False)
    stored = found = StoredMessage.objects.filter(completion__completion_id=fit(completion_id))
    if paging.after is not None:
        position = Subquery(stored.filter(message_id=fit(paging.after)).values("position"))
        found = found.filter(position__lt=position) if paging.descending else found.filter(position__gt=position)
    order = "-position" if paging.descending else "position"
    page = _page_of(found.order_by(order).values_list("message_id", "body"), paging)
    if not page.items:
        if not holds(completion_id):
            raise _not_found(completion_id)
        if paging.after is not None and not stored.filter(message_id=fit(paging.after)).exists():
            raise _unknown_cursor(f"no message of this completion has the id '{_shortened(paging.after)}'")
    return _list(page)


def _page_of(rows: QuerySet[Any, Any], paging: Paging) -> _Page:
    """Read one page, a few rows at a time, for one may hold megabytes.

    A page that grows too large is shorter than what was asked for, which `has_more` tells as it always does.
    """
    fetched = rows[: paging.limit + 1].iterator(chunk_size=4)
    items: list[tuple[str, str]] = []
    size = 0
    while len(items) < paging.limit and size < _LARGEST_PAGE and (row := next(fetched, None)):
        items.append(row[:2])
        size += len(row[1])
    return _Page(items, has_more=next(fetched, None) is not None)


def _list(page: _Page) -> Answer:
    """Write a page from bodies that are JSON already; nothing is parsed, so nothing can change."""
    ids = [json.dumps(item_id) for item_id, _ in page.items]
    first_id, last_id = (ids[0], ids[-1]) if ids else ("null", "null")
    data, has_more = ",".join(body for _, body in page.items), json.dumps(page.has_more)
    return Answer(
        200,
        f'{{"object":"list","data":[{data}],"first_id":{first_id},"last_id":{last_id},"has_more":{has_more}}}'.encode(),
    )


def _read_paging(asked: list[tuple[str, str]], *, descending: bool) -> Paging:
    given = dict(asked)
    if given.get("after") == "":  # an empty cursor that meant "from the start" would page in circles for ever
        raise _unknown_cursor("expected the id of an item, but got an empty string")
    return Paging(
        given.get("after"), _read_limit(given.get("limit", "20")), _read_order(given.get("order"), descending)
    )


def _read_limit(given: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", given, re.ASCII):
        message = f"Invalid type for 'limit': expected an integer, but got '{_shortened(given)}' instead."
        raise Refused(400, ApiError(message, "limit", "invalid_type"))
    shown = _shortened(given)
    if given.startswith("-") or not given.strip("0"):
        message = f"Invalid 'limit': integer below minimum value. Expected a value >= 1, but got {shown} instead."
        raise Refused(400, ApiError(message, "limit", "integer_below_min_value"))
    limit = int(given.lstrip("0")[:4])
    if limit > LARGEST_LIMIT:
        expected = f"Expected a value <= {LARGEST_LIMIT}, but got {shown} instead."
        message = f"Invalid 'limit': integer above maximum value. {expected}"
        raise Refused(400, ApiError(message, "limit", "integer_above_max_value"))
    return limit


def _read_order(given: str | None, descending: bool) -> bool:
    if given is None:
        return descending
    if given not in ("asc", "desc"):
        message = f"Invalid value: '{_shortened(given)}'. Supported values are: 'asc' and 'desc'."
        raise Refused(400, ApiError(message, "order", "invalid_value"))
    return given == "desc"


def _not_found(completion_id: str) -> Refused:
    return Refused(404, ApiError(f"Completion {_shortened(completion_id)} not found", "completion_id", "not_found"))


def _unknown_cursor(cause: str) -> Refused:
    return Refused(400, ApiError(f"Invalid 'after': {cause}.", "after", "invalid_value"))


def _shortened(given: str | None) -> str:
    """Repeat what was asked for in an error, but not a megabyte of it."""
    text = given or ""
    return text if len(text) <= 300 else text[:300] + "…"
