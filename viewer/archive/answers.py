"""Answers `GET /chat/completions…` from the archive, as OpenAI does (docs/api-facts.md).

Deviations from OpenAI, all listed in docs/api.md: `refusal` is always there, and an unknown `after` is a 400.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, unquote

from django.db.models import QuerySet

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
    found = found.order_by(*(("-created", "-id") if paging.descending else ("created", "id")))
    stretches = (stretch.values_list("completion_id", "body") for stretch in _stretches(found, paging))
    return _list(chain.from_iterable(_some_by_some(stretch, paging) for stretch in stretches), paging)


def _stretches(found: QuerySet[StoredCompletion], paging: Paging) -> list[QuerySet[StoredCompletion]]:
    """Cut what lies behind the cursor in two, its own second and the rest, so that each is one range of an index.

    One condition with OR would scan every completion of that second, and an import can give thousands the same.
    """
    if paging.after is None:
        return [found]
    cursor = StoredCompletion.objects.filter(completion_id=fit(paging.after)).values_list("created", "id").first()
    if cursor is None:
        raise _unknown_cursor(f"no stored completion has the id '{_shortened(paging.after)}'")
    created, row = cursor
    if paging.descending:
        return [found.filter(created=created, id__lt=row), found.filter(created__lt=created)]
    return [found.filter(created=created, id__gt=row), found.filter(created__gt=created)]


def _read_pairs(asked: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Read the metadata filters. More pairs than a completion can have (docs/api-facts.md#completions) are refused."""
    pairs = {(pair[1], value) for name, value in asked if (pair := _METADATA.fullmatch(name))}
    if len(pairs) > _MOST_PAIRS:
        message = f"Invalid 'metadata': expected at most {_MOST_PAIRS} pairs, but got {len(pairs)} instead."
        raise Refused(400, ApiError(message, "metadata", "invalid_value"))
    return pairs


def _messages(completion_id: str, asked: list[tuple[str, str]]) -> Answer:
    paging = _read_paging(asked, descending=False)
    completion = StoredCompletion.objects.filter(completion_id=fit(completion_id)).values_list("id", flat=True).first()
    if completion is None:
        raise _not_found(completion_id)
    found = StoredMessage.objects.filter(completion=completion)
    if paging.after is not None:
        position = found.filter(message_id=fit(paging.after)).values_list("position", flat=True).first()
        if position is None:
            raise _unknown_cursor(f"no message of this completion has the id '{_shortened(paging.after)}'")
        found = found.filter(position__lt=position) if paging.descending else found.filter(position__gt=position)
    order = "-position" if paging.descending else "position"
    return _list(_some_by_some(found.order_by(order).values_list("message_id", "body"), paging), paging)


def _some_by_some(rows: QuerySet[Any, tuple[str, str]], paging: Paging) -> Iterator[tuple[str, str]]:
    """Fetch few rows at a time, for one may hold megabytes."""
    return rows[: paging.limit + 1].iterator(chunk_size=4)


def _list(rows: Iterator[tuple[str, str]], paging: Paging) -> Answer:
    """Write a page from bodies that are JSON already; nothing is parsed, so nothing can change.

    A page that grows too large is shorter than what was asked for, which `has_more` tells as it always does.
    """
    page: list[tuple[str, str]] = []
    size = 0
    while len(page) < paging.limit and size < _LARGEST_PAGE and (row := next(rows, None)):
        page.append(row)
        size += len(row[1])
    first_id, last_id = (json.dumps(page[0][0]), json.dumps(page[-1][0])) if page else ("null", "null")
    has_more = "true" if next(rows, None) else "false"
    data = ",".join(body for _, body in page)
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
