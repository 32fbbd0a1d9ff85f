"""Traces of MLflow: `Trace.to_json()`, tables of traces, the answers of its REST API, and its SQLite database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.calls import Span, conversations_of
from viewer.formats.chunks import completion_of_chunks, is_chunk
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, as_text
from viewer.formats.exchanges import fill, lost_media
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.message_lists import first_of
from viewer.formats.pairs import at, opened, rest_of

_NAME, _TOOL = "mlflow", "MLflow"
_ATTACHMENT = "mlflow-attachment://"
_CALLS = ("CHAT_MODEL", "LLM")
_CHUNK = "mlflow.chunk.item"
_INFOS = ("info", "trace_info", "traceInfo")
_STARTS = ("start_time_unix_nano", "startTimeUnixNano", "start_time")
_READ = ("mlflow.spanInputs", "mlflow.spanOutputs")
_NAMES = {"mlflow.trace.session": "session", "mlflow.trace.user": "user", "mlflow.traceName": "name"}


def _trace_in(value: Any) -> Any:
    """Return the object with the spans: the record itself, or the trace in a row of a table or in an answer."""
    inner = value.get("trace") if isinstance(value, dict) else None
    if isinstance(inner, str) and inner.startswith("{") and "mlflow.span" in inner:
        return json.loads(inner)
    return inner if isinstance(inner, dict) else value


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("trace"), str):
        return "mlflow.span" in value["trace"] and value["trace"].startswith("{")
    trace = _trace_in(value)
    span = first_object(list_at(trace, "data", "spans") or list_at(trace, "spans"))
    attributes = span.get("attributes")
    names = attributes if isinstance(attributes, dict) else _plain_pairs(attributes)
    return any(name.startswith("mlflow.") for name in names)


def _trace(document: Document) -> Document:
    if isinstance(document.value.get("trace"), (str, dict)):
        return opened(document.members["trace"])
    return document


def _info(trace: Document) -> dict[str, Any]:
    info = next((object_at(trace.value, name) for name in _INFOS if object_at(trace.value, name)), trace.value)
    return info if isinstance(info, dict) else {}


def _facts(trace: Document) -> dict[str, Any]:
    info = _info(trace)
    given = [info.get(name) for name in ("request_metadata", "trace_metadata", "traceMetadata", "tags")]
    pairs = {name: value for each in given for name, value in _pairs(each).items()}
    named = {_NAMES[name]: pairs[name] for name in _NAMES if name in pairs}
    return {name: value for name, value in pairs.items() if not name.startswith("mlflow.")} | named


def _pairs(value: Any) -> dict[str, Any]:
    """Read tags and metadata, which are objects, or in old versions lists of keys and values."""
    if isinstance(value, list):
        return {str(each.get("key")): each.get("value") for each in value if isinstance(each, dict)}
    return value if isinstance(value, dict) else {}


def _id_of(trace: Document) -> str:
    return as_text(first_of(_info(trace), ("trace_id", "traceId", "request_id")))


def _key(document: Document) -> str:
    trace = _trace(document)
    session = _facts(trace).get("session")
    return f"session {session}" if session else f"trace {_id_of(trace)}"


def _join(documents: list[Document]) -> Iterator[Conversation]:
    yield from conversations_of(span for document in documents for span in _spans(_trace(document)))


def _spans(trace: Document) -> Iterator[Span]:
    spans = trace.at("data", "spans") or trace.at("spans")
    facts, trace_id = _facts(trace), _id_of(trace)
    for number, span in enumerate(spans.items() if spans else ()):
        if isinstance(span.value, dict):
            read = _span(span, trace_id, facts)
            if not number:
                read.rest.append(rest_of(trace, [("data",), ("spans",)]))
            yield read


def _span(span: Document, trace_id: str, facts: dict[str, Any]) -> Span:
    value = span.value
    attributes = _attributes(span)
    own_id = first_of(value, ("span_id", "spanId")) or object_at(value, "context").get("span_id")
    draft = Draft(_NAME, id=f"{trace_id}-{own_id}".replace("/", "_"), created=_seconds(first_of(value, _STARTS)))
    draft.metadata = dict(facts)
    model = at(attributes, ("mlflow.llm.model",))
    draft.model = as_text(model.value) if model else ""
    request, response = (at(attributes, (name,)) for name in _READ)
    chunks = _chunks(span)
    read = fill(draft, request, completion_of_chunks(chunks) if chunks else response)
    if error := _error(value):
        draft.fields["error"] = error
    for message in (*draft.messages, *(message for message, _reason in draft.choices)):
        lost_media(message, _ATTACHMENT, _TOOL)
    paths = {("attributes", _READ[0], *path) for path in read} | {("attributes", _READ[1]), ("events",)}
    kind = at(attributes, ("mlflow.spanType",))
    parent = first_of(value, ("parent_span_id", "parentSpanId", "parent_id"))
    return Span(
        draft,
        span,
        trace_id,
        is_call=kind is not None and kind.value in _CALLS,
        is_root=not parent,
        rest=[rest_of(span, paths if isinstance(value.get("attributes"), dict) else [("attributes",), ("events",)])],
    )


def _attributes(span: Document) -> Document:
    attributes = span.at("attributes")
    if attributes is not None and isinstance(attributes.value, dict):
        return attributes
    return Document(json.dumps(_plain_pairs(span.value.get("attributes"))), span.place, span.find)


def _plain_pairs(pairs: Any) -> dict[str, Any]:
    """Read the attributes of OpenTelemetry: a list of names and values that say of which type they are."""
    pairs = pairs if isinstance(pairs, list) else []
    return {str(each.get("key")): _plain(each.get("value")) for each in pairs if isinstance(each, dict)}


def _plain(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        return None if value == {} else value
    (kind, inner), *_more = value.items()
    match kind.replace("_", "").casefold():
        case "kvlistvalue":
            return _plain_pairs(object_at(value, kind).get("values"))
        case "arrayvalue":
            return [_plain(each) for each in list_at(value, kind, "values")]
        case "intvalue":
            return int(inner) if str(inner).lstrip("-").isdigit() else inner
    return inner


def _chunks(span: Document) -> list[Document]:
    """Return the chunks of a streamed answer, of which the answer itself has lost the tool calls."""
    events = span.at("events")
    found = list[Document]()
    for event in events.items() if events else ():
        if isinstance(event.value, dict) and str(event.value.get("name")).startswith(_CHUNK):
            chunk = at(_attributes(event), ("mlflow.chunk.value",))
            if chunk is not None and is_chunk(chunk.value):
                found.append(chunk)
    return found


def _error(span: dict[str, Any]) -> dict[str, Any] | None:
    for event in list_at(span, "events"):
        if isinstance(event, dict) and event.get("name") == "exception":
            attributes = event.get("attributes")
            pairs = attributes if isinstance(attributes, dict) else _plain_pairs(attributes)
            return {"message": as_text(pairs.get("exception.message")), "type": as_text(pairs.get("exception.type"))}
    return None


def _seconds(nanoseconds: Any) -> float | None:
    text = as_text(nanoseconds)
    return round(int(text) / 10**9, 3) if text.isdigit() else None


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield each trace of the database as `Trace.to_json()` writes it."""
    traces = database.execute("SELECT * FROM trace_info ORDER BY timestamp_ms, request_id")
    columns = [column[0] for column in traces.description]
    for number, values in enumerate(traces.fetchall(), start=1):
        row = dict(zip(columns, values, strict=True))
        trace_id = row["request_id"]
        found = [_pairs_of(database, table, trace_id) for table in ("trace_request_metadata", "trace_tags")]
        own = {"mlflow.trace.session": row.get("session_id"), "mlflow.traceName": row.get("trace_name")}
        metadata = {name: value for name, value in own.items() if value} | found[0]
        info = {"trace_id": trace_id, "trace_metadata": metadata, "tags": found[1]}
        query = "SELECT content FROM spans WHERE trace_id = ? ORDER BY start_time_unix_nano, span_id"
        spans = ",".join(content for (content,) in database.execute(query, (trace_id,)))
        if spans:
            yield number, f'{{"info":{json.dumps(info)},"data":{{"spans":[{spans}]}}}}'


def _pairs_of(database: sqlite3.Connection, table: str, trace_id: str) -> dict[str, str]:
    return dict(database.execute(f"SELECT key, value FROM {table} WHERE request_id = ?", (trace_id,)).fetchall())  # noqa: S608


FAMILY = Family(
    name=_NAME,
    title="MLflow",
    what=gettext_lazy("A file of MLflow traces"),
    seen="mlflow 3.17.2",
    keeps="calls of models, joined by trace and session; tools, also of streams; refusals, citations, users, tags",
    loses="pictures, sound and files that were sent inline: it keeps them elsewhere",
    matches=_matches,
    key=_key,
    join=_join,
    tables=frozenset({"trace_info", "spans", "trace_request_metadata", "trace_tags"}),
    rows=_rows,
)
