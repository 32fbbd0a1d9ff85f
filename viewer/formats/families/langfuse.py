"""Langfuse: traces with their observations, pages of its API, and its tables as CSV, JSON or JSON Lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.calls import Span, conversations_of
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, as_text, note
from viewer.formats.exchanges import fill, is_silent, lost_media
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.message_lists import first_of
from viewer.formats.pairs import at, opened, rest_of

_NAME, _TOOL = "langfuse", "Langfuse"
_MEDIA = "@@@langfuseMedia"
_KINDS = {
    "GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL",
}  # fmt: skip
_TRACES = {"sessionId", "htmlPath", "projectId", "release", "bookmarked", "environment", "public", "observations"}
_FACTS = ("name", "sessionId", "userId", "tags", "environment", "release", "version", "traceName")
_READ = {"input", "output", "metadata", "observations", *_FACTS}
_UNSET = {"max_tokens": "Infinity", "temperature": 1, "top_p": 1}  # what it writes where nobody has said anything
_OWN = ("attributes", "resourceAttributes", "scope")


def _is_observation(value: dict[str, Any]) -> bool:
    return str(value.get("type")) in _KINDS and ("traceId" in value or "startTime" in value) and "id" in value


def _is_trace(value: dict[str, Any]) -> bool:
    has_talk = "input" in value or "output" in value or bool(list_at(value, "observations"))
    return "id" in value and "timestamp" in value and has_talk and len(_TRACES & value.keys()) > 1


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    inner = value.get("trace")
    is_export = isinstance(inner, dict) and isinstance(value.get("observations"), list) and "id" in inner
    return is_export or _is_observation(value) or _is_trace(value)


def _key(document: Document) -> str:
    value = object_at(document.value, "trace") or document.value
    session, trace = value.get("sessionId"), first_of(value, ("traceId", "id"))
    return f"session {session}" if session else f"trace {trace}"


def _spans(document: Document) -> Iterator[Span]:
    """Yield the trace as a span of its own, and its observations, which share its user and its session."""
    value = document.value
    if _is_observation(value):
        yield _span(document, as_text(value.get("traceId")), {})
        return
    trace = document.at("trace") if isinstance(value.get("trace"), dict) else document
    observations = document.at("observations") or (trace.at("observations") if trace else None)
    if trace is None:
        return
    facts = _facts(trace)
    span = _span(trace, as_text(trace.value.get("id")), {})
    yield span
    for observation in observations.items() if observations else ():
        if isinstance(observation.value, dict):
            yield _span(observation, span.trace, facts)


def _facts(record: Document) -> dict[str, Any]:
    given = at(record, ("metadata",))
    metadata = object_at(given.value) if given else {}
    named = {name: record.value.get(name) for name in _FACTS}
    return {name: each for name, each in metadata.items() if name not in _OWN} | named


def _span(record: Document, trace: str, facts: dict[str, Any]) -> Span:
    value = record.value
    draft = Draft(_NAME, id=value.get("id"), created=first_of(value, ("startTime", "timestamp", "createdAt")))
    draft.model = as_text(first_of(value, ("model", "providedModelName", "internalModel")))
    draft.metadata = _facts(record) | {name: each for name, each in facts.items() if each not in (None, "", [])}
    parameters = at(record, ("modelParameters",))
    given = object_at(parameters.value if parameters else None)
    draft.fields = {name: each for name, each in given.items() if each and _UNSET.get(name) != each}
    request, response = at(record, ("input",)), at(record, ("output",))
    read = fill(draft, request, response if response is not None and response.value != "" else None)
    if usage := object_at(value, "usage") or object_at(value, "usageDetails"):
        draft.fields["usage"] = usage
    if value.get("level") == "ERROR":
        draft.fields["error"] = {"message": as_text(value.get("statusMessage")) or "ERROR"}
    for message in (*draft.messages, *(message for message, _reason in draft.choices)):
        lost_media(message, _MEDIA, _TOOL)
        if is_silent(message):
            message.notes.append(note("lost-refusal", by=_TOOL))
    paths = {("input", *path) for path in read} | {(name,) for name in _READ - {"input"}}
    return Span(
        draft,
        record,
        trace,
        is_call=value.get("type") == "GENERATION",
        is_root="type" not in value or not value.get("parentObservationId"),
        rest=[rest_of(opened(record), paths)],
    )


def _join(documents: list[Document]) -> Iterator[Conversation]:
    yield from conversations_of(span for document in documents for span in _spans(document))


FAMILY = Family(
    name=_NAME,
    title="Langfuse",
    what=gettext_lazy("A Langfuse export"),
    seen="langfuse 5.0.4",
    keeps="calls of models, joined by trace and session; tools, users, tags, metadata, errors",
    loses="refusals, citations and reasoning of OpenAI’s client; pictures, which it keeps elsewhere",
    matches=_matches,
    key=_key,
    join=_join,
)
