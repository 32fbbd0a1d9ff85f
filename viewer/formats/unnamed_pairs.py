"""Finds a request and the response to it by their shapes, in records that have names of their own for the two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from viewer.completions.source_text import to_object

from .answers import may_answer
from .document import Document
from .exchanges import is_asked
from .pairs import PATHS, Path, at, opened, rest_of

_MAX_DEPTH = 3
_NEITHER = {"usage", "metadata", "tools", "response_format", "headers"}  # in which nobody speaks
_NAMES = {(request[0], response[0]) for request, response in PATHS if request}


def as_pair(record: Document) -> Document | None:
    """Return a record with its request and its response under these names; None if it has not just one of each.

    A list of a request and its response is such a record too. What else is in the record stays beside the two.
    """
    value = record.value
    if isinstance(value, list):
        return _of_two(record) if len(value) == 2 else None
    if not isinstance(value, dict) or any(one in value and other in value for one, other in _NAMES):
        return None
    found = list(_places(record, ()))
    requests = _innermost(path for path, is_answer in found if not is_answer)
    responses = _innermost(path for path, is_answer in found if is_answer)
    if len(requests) != 1 or len(responses) != 1:
        return None
    return _pair(record, requests[0], responses[0])


def _innermost(paths: Iterable[Path]) -> list[Path]:
    """Leave out the record itself where something in it is meant."""
    found = list(paths)
    return [path for path in found if path] or found


def _of_two(record: Document) -> Document | None:
    request, response = record.items()
    if is_asked(request.value) and may_answer(response.value) and not isinstance(request.value, list):
        return Document(to_object([("request", request.text), ("response", response.text)]), record.place, record.find)
    return None


def _places(document: Document, path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield where requests and responses are, the outermost of each."""
    value = document.value
    if may_answer(value):
        yield path, True
    elif _is_request(value):
        yield path, False
    if not isinstance(value, dict) or len(path) == _MAX_DEPTH or (path and (may_answer(value) or _is_request(value))):
        return
    is_either = may_answer(value) or _is_request(value)
    for name, member in document.members.items():
        if name in _NEITHER or not isinstance(member.value, (dict, list, str)):
            continue
        inner = opened(member)
        if is_either and isinstance(inner.value, list) and not may_answer(inner.value):
            continue  # the messages of the request, or the choices of the response
        if isinstance(inner.value, (dict, list)):
            yield from _places(inner, (*path, name))


def _is_request(value: Any) -> bool:
    if isinstance(value, dict) and isinstance(value.get("model"), str) and value.get("input"):
        return True
    return is_asked(value)


def _pair(record: Document, request: Path, response: Path) -> Document | None:
    asked, answer = at(record, request), at(record, response)
    if asked is None or answer is None:
        return None
    rest = Document(rest_of(record, [path for path in (request, response) if path]) or "{}", record.place)
    beside = {name: member.text for name, member in rest.members.items()}
    if not request:  # the messages stand in the record itself
        pairs = beside | {"response": answer.text}
    elif not response:
        pairs = {"request": asked.text, "response": rest.text}
    else:
        pairs = beside | {"request": asked.text, "response": answer.text}
    return Document(to_object(list(pairs.items())), record.place, record.find)
