"""Requests and the responses to them, under all the names that logs have for the two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.exchanges import fill, is_answered, is_asked
from viewer.formats.family import Family
from viewer.formats.message_lists import draft_of
from viewer.formats.pairs import PATHS, Path, at, rest_of, value_at

_NAME = "pair"
# The same where both are only texts: their names alone say who speaks.
_TEXTS = (("prompt", "completion"), ("prompt", "response"), ("question", "answer"), ("instruction", "response"))
# An answer without what was asked.
_ALONE: tuple[Path, ...] = (("response", "body"), ("response",), ("body",), ("response_body",), ("completion",))


def _paths_of(value: Any) -> tuple[Path | None, Path] | None:
    """Return where a record has its request and its response; None if it is no pair."""
    if not isinstance(value, dict):
        return None
    for request, response in PATHS:
        asked, answered = value_at(value, request), value_at(value, response)
        if answered in (None, "", [], {}):
            continue
        if is_asked(asked) or (asked not in (None, "", [], {}) and request and is_answered(answered)):
            return request, response
    for question, answer in _TEXTS:
        if all(isinstance(value.get(name), str) and value[name] for name in (question, answer)):
            return (question,), (answer,)
    for response in _ALONE:
        answered = value_at(value, response)
        if isinstance(answered, dict) and isinstance(answered.get("choices"), list):
            return None, response
    return None


def _read(document: Document) -> Iterator[Conversation]:
    request, response = _paths_of(document.value) or (None, ())
    draft = draft_of(_NAME, document, [], ())
    own_id, draft.id = draft.id, None
    read = fill(draft, at(document, request), at(document, response))
    draft.id = draft.id or (None if draft.completion else own_id)
    paths = {response, *((name,) for name in ("metadata", *draft.metadata, *draft.fields))}
    draft.source = rest_of(document, paths | {(*(request or ()), *path) for path in read})
    yield draft.finish(document)


FAMILY = Family(
    name=_NAME,
    title="Request logs",
    what=gettext_lazy("A log of requests and responses"),
    seen="",
    keeps="the request with its parameters, the response, times, metadata",
    loses="",
    matches=lambda value: _paths_of(value) is not None,
    read=_read,
)
