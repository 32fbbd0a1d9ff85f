"""Traces and spans of Opik, as its SDK sends them and `opik export` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.calls import Span, conversations_of
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, as_text, note
from viewer.formats.exchanges import fill, is_silent
from viewer.formats.family import Family, object_at
from viewer.formats.message_lists import first_of
from viewer.formats.pairs import at, rest_of

_NAME, _TOOL = "opik", "Opik"
_KINDS = ("general", "tool", "llm", "guardrail")
_MARKS = ("thread_id", "parent_span_id", "project_id", "project_name", "last_updated_at", "span_count", "error_info")
_FACTS = ("name", "tags", "thread_id", "project_name", "environment")
_PATHS: frozenset[tuple[str, ...]] = frozenset({("output",), ("metadata",), *((name,) for name in _FACTS)})


def _is_step(value: dict[str, Any]) -> bool:
    has_talk = "start_time" in value and ("input" in value or "output" in value)
    return has_talk and "run_type" not in value and any(name in value for name in _MARKS)


def _is_span(value: dict[str, Any]) -> bool:
    return "trace_id" in value and value.get("type") in _KINDS


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    trace = value.get("trace")
    if isinstance(trace, dict):
        return isinstance(value.get("spans"), list) and _is_step(trace)
    return _is_step(value) and (_is_span(value) or "trace_id" not in value)


def _key(document: Document) -> str:
    value = object_at(document.value, "trace") or document.value
    thread = value.get("thread_id")
    return f"thread {thread}" if thread else f"trace {first_of(value, ('trace_id', 'id'))}"


def _spans(document: Document) -> Iterator[Span]:
    trace = document.at("trace")
    if trace is None:
        yield _span(document, {})
        return
    found = _span(trace, {})
    yield found
    spans = document.at("spans")
    for span in spans.items() if spans else ():
        if isinstance(span.value, dict):
            yield _span(span, found.draft.metadata)


def _span(record: Document, facts: dict[str, Any]) -> Span:
    value = record.value
    draft = Draft(_NAME, id=value.get("id"), created=value.get("start_time"), model=as_text(value.get("model")))
    named = {name: value.get(name) for name in _FACTS}
    given = object_at(value, "metadata")
    metadata = {} if "created_from" in given else given  # what Opik's wrapper of a client writes of a call
    draft.metadata = metadata | named | {name: each for name, each in facts.items() if each}
    read = fill(draft, at(record, ("input",)), at(record, ("output",)))
    if object_at(value, "usage"):
        draft.fields["usage"] = value["usage"]
    if error := object_at(value, "error_info"):
        draft.fields["error"] = {"message": error.get("message"), "type": error.get("exception_type")}
    is_call = value.get("type") == "llm"
    for message, _reason in draft.choices:
        if is_call and is_silent(message):
            message.notes.append(note("lost-refusal", by=_TOOL))
    paths = {("input", *path) for path in read} | (_PATHS if metadata else _PATHS - {("metadata",)})
    trace = as_text(first_of(value, ("trace_id", "id")))
    is_root = not value.get("parent_span_id")
    return Span(draft, record, trace, is_call=is_call, is_root=is_root, rest=[rest_of(record, paths)])


def _join(documents: list[Document]) -> Iterator[Conversation]:
    yield from conversations_of(span for document in documents for span in _spans(document))


FAMILY = Family(
    name=_NAME,
    title="Opik",
    what=gettext_lazy("A file of Opik traces"),
    seen="opik 2.2.122",
    keeps="calls of models, joined by trace and thread; tools, refusals, citations, reasoning, errors, tags",
    loses="refusals and citations of streams",
    matches=_matches,
    key=_key,
    join=_join,
)
