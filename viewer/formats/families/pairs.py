"""Requests and the responses to them, under all the names that logs have for the two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.exchanges import Path, at, fill, is_answered, is_asked, json_in, rest_of
from viewer.formats.family import Family
from viewer.formats.message_lists import draft_of

_NAME = "pair"
# Where logs put a request and the response to it. An empty path is the record itself: there the request has its
# messages and the answer beside them.
_PATHS: tuple[tuple[Path, Path], ...] = (
    (("request", "body"), ("response", "body")),
    (("request",), ("response",)),
    (("request_body",), ("response_body",)),
    (("requestBody",), ("responseBody",)),
    (("req", "body"), ("res", "body")),
    (("req",), ("res",)),
    (("req_payload",), ("resp_payload",)),
    (("body",), ("response",)),
    (("inputs",), ("outputs",)),
    (("inputs",), ("output",)),
    (("spanInputs",), ("spanOutputs",)),
    (("data", "prompt"), ("data", "sampled")),  # oaieval
    (("sample", "input"), ("sample", "output")),  # evals of the API
    (("item",), ("sample",)),
    (("params",), ("result",)),
    (("kwargs",), ("response",)),
    (("input_messages",), ("output_messages",)),
    (("input_messages",), ("output",)),
    (("input", "value"), ("output", "value")),
    (("input",), ("output",)),
    (("input",), ("response",)),
    (("input",), ("completion",)),
    (("input",), ("ideal",)),
    (("prompt",), ("response",)),
    (("prompt",), ("completion",)),
    (("prompt",), ("output",)),
    (("messages",), ("choices",)),
    ((), ("response_body",)),
    ((), ("response",)),
    ((), ("output",)),
    ((), ("outputs",)),
    ((), ("completion",)),
    ((), ("answer",)),
    ((), ("reply",)),
    ((), ("result",)),
    ((), ("ideal",)),
)
# The same where both are only texts: their names alone say who speaks.
_TEXTS = (("prompt", "completion"), ("prompt", "response"), ("question", "answer"), ("instruction", "response"))
# An answer without what was asked.
_ALONE: tuple[Path, ...] = (("response", "body"), ("response",), ("body",), ("response_body",), ("completion",))


def _paths_of(value: Any) -> tuple[Path | None, Path] | None:
    """Return where a record has its request and its response; None if it is no pair."""
    if not isinstance(value, dict):
        return None
    for request, response in _PATHS:
        asked, answered = _value_at(value, request), _value_at(value, response)
        if answered in (None, "", [], {}):
            continue
        if is_asked(asked) or (asked not in (None, "", [], {}) and request and is_answered(answered)):
            return request, response
    for question, answer in _TEXTS:
        if all(isinstance(value.get(name), str) and value[name] for name in (question, answer)):
            return (question,), (answer,)
    for response in _ALONE:
        answered = _value_at(value, response)
        if isinstance(answered, dict) and isinstance(answered.get("choices"), list):
            return None, response
    return None


def _value_at(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    inner = json_in(value) if isinstance(value, str) else ""
    return json.loads(inner) if inner else value


def _read(document: Document) -> Iterator[Conversation]:
    request, response = _paths_of(document.value) or (None, ())
    draft = draft_of(_NAME, document, [], ())
    own_id, draft.id = draft.id, None
    read = fill(draft, at(document, request) if request is not None else None, at(document, response))
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
