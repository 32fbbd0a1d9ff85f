"""Requests of Helicone, as its API lists them and `@helicone/export` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, as_text, note
from viewer.formats.exchanges import fill
from viewer.formats.family import Family, object_at
from viewer.formats.message_lists import first_of
from viewer.formats.pairs import at, json_in, rest_of

_NAME, _TOOL = "helicone", "Helicone"
_BODIES = ("request_body", "response_body", "signed_body", "signed_body_url")
_REQUESTS = (("request_body",), ("signed_body", "request"), ("response_body", "request"))
_RESPONSES = (("response_body", "response"), ("signed_body", "response"), ("response_body",))
_FACTS = {"request_user_id": "user", "request_path": "path", "provider": "provider", "country_code": "country"}


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or "request_created_at" not in value:
        return False
    return any(name in value for name in _BODIES) and ("response_status" in value or "request_id" in value)


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    request_path, request = _first_at(document, _REQUESTS)
    response_path, response = _first_at(document, _RESPONSES)
    draft = Draft(_NAME, id=first_of(value, ("request_id", "response_id")), created=value.get("request_created_at"))
    draft.model = as_text(first_of(value, ("model", "request_model", "response_model", "model_override")))
    properties = at(document, ("request_properties",))
    draft.metadata = object_at(properties.value) if properties else {}
    draft.metadata |= {name: value.get(column) for column, name in _FACTS.items()}
    if request is None and response is None:
        draft.notes.append(note("lost-content", by=_TOOL))
    else:
        read = fill(draft, request, response)
        paths = {(*request_path, *path) for path in read} | {response_path, ("request_properties",)}
        draft.source = rest_of(document, paths)
        if response is None:
            draft.notes.append(note("lost-answer", by=_TOOL))
    yield draft.finish(document)


def _first_at(document: Document, paths: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], Document | None]:
    for path in paths:
        found = at(_with_quotes_mended(document), path)
        if found is not None and found.value not in ("", {}, []) and not _is_only_a_name(found.value):
            return path, found
    return (), None


def _is_only_a_name(value: Any) -> bool:
    """Whether a body is not there: in its place the API writes one word, or says that it is stored elsewhere."""
    return isinstance(value, str) or (isinstance(value, dict) and value.keys() <= {"helicone_message", "model"})


def _with_quotes_mended(document: Document) -> Document:
    """The CSV export doubles the quotes of JSON twice."""
    body = document.value.get("request_body")
    if not isinstance(body, str) or json_in(body) or not json_in(body.replace('""', '"')):
        return document
    pairs = {name: member.text for name, member in document.members.items()}
    pairs["request_body"] = json_in(body.replace('""', '"'))
    return Document(to_object(list(pairs.items())), document.place, document.find)


FAMILY = Family(
    name=_NAME,
    title="Helicone",
    what=gettext_lazy("A file of Helicone requests"),
    seen="by its published export tool",
    keeps="request and response, the user, properties, times",
    loses="the bodies, unless they are exported with --include-body; answers in the CSV export",
    matches=_matches,
    read=_read,
)
