"""Reads the messages of OTLP, protobuf or JSON, and keeps of each span what matters here.

What is kept is a dictionary that `formats.spans.span` reads, the same for both encodings, so that a span which comes
twice is known whichever way it came.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from viewer.archive.models import fit
from viewer.formats.spans.conventions import is_beside, may_tell
from viewer.formats.spans.conversations import conversation_of, is_identifying
from viewer.formats.spans.span import attributes_of, plain_value, record_id

from .models import ReceivedSpan

PASSED, NAMING, TELLING = ReceivedSpan.PASSED, ReceivedSpan.NAMING, ReceivedSpan.TELLING
# Of the resource only what names the app: a command line or an environment is nobody's business here.
_OF_APP = ("service.", "deployment.", "telemetry.")
_NO_CHILDREN = ("db.", "aws.dynamodb.")  # spans of databases, which lie between no others
_ENDED, _ATTRIBUTES = 1 << 40, 1 << 20


class NotOtlp(ValueError):
    """A body is not what its content type says; the message is a sentence for whoever sends it."""


class Row(NamedTuple):
    """What is stored of a span or a log record; the columns of `ReceivedSpan`."""

    trace: str
    span: str
    record: str
    parent: str
    weight: int
    fullness: int
    source: str


@dataclass
class Decoded:
    """The rows of a message, how many records it had, and how many of them belong nowhere."""

    rows: list[Row] = field(default_factory=list)
    count: int = 0
    homeless: int = 0


def decode(body: bytes, *, is_json: bool, is_logs: bool) -> Decoded:
    """Read a message of OTLP. Raises NotOtlp."""
    decoded = Decoded()
    records = (_json_records if is_json else _protobuf_records)(body, is_logs)
    for record in records:
        decoded.count += 1
        row = _log_row(record) if is_logs else _span_row(record)
        if row is None:
            continue
        if row.trace:
            decoded.rows.append(row)
        elif row.weight == TELLING:
            decoded.homeless += 1
    return decoded


class _Record(NamedTuple):
    """A span or a log record, whose attributes are only read where they are wanted."""

    names: list[str]
    values: Callable[[Callable[[str], bool]], dict[str, Any]]  # the attributes of which a function says yes
    fields: Callable[[], dict[str, Any]]  # ids, name, times
    more: Callable[[], dict[str, Any]]  # events, status, body
    events: list[str]
    origin: dict[str, Any]  # the app and the scope


# --- What is kept ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=10_000)
def _weight(name: str) -> int:
    if is_identifying(name):
        return NAMING
    return TELLING if may_tell(name) else PASSED


def _weigh(record: _Record) -> int:
    weight = max((_weight(name) for name in record.names), default=PASSED)
    return TELLING if weight < TELLING and any(map(may_tell, record.events)) else weight


def _span_row(record: _Record) -> Row | None:
    """Return what is stored of a span; None where that is nothing."""
    weight = _weigh(record)
    if weight == PASSED and any(name.startswith(_NO_CHILDREN) for name in record.names):
        return None
    value, events = record.fields(), 0
    if weight == TELLING:
        attributes = record.values(lambda name: not is_beside(name))
        if _is_embedding(attributes):
            weight = NAMING if any(map(is_identifying, attributes)) else PASSED
    if weight == TELLING:
        value |= {"attributes": attributes, **record.more(), **record.origin}
        events = len(value.get("events", ()))
    else:
        value["attributes"] = record.values(is_identifying) if weight == NAMING else {}
    attributes = value["attributes"]
    fullness = (len(attributes) * _ATTRIBUTES + events + (_ENDED if "endTimeUnixNano" in value else 0)) if weight else 0
    return Row(
        fit((value["traceId"] or _trace_of(attributes))[:64]), fit(value["spanId"][:32]), "",
        fit(value.get("parentSpanId", "")[:32]), weight, fullness, _written(value),
    )  # fmt: skip


def _log_row(record: _Record) -> Row | None:
    """Return what is stored of a log record; None unless it tells of a call."""
    value = record.fields()
    name = value.get("eventName", "")
    if not may_tell(name) and _weigh(record) < TELLING:
        attributes = record.values(lambda name: name == "event.name")
        if not may_tell(str(attributes.get("event.name"))):
            return None
    value |= {"attributes": record.values(lambda name: not is_beside(name)), **record.more(), **record.origin}
    source = _written(value)
    digest = hashlib.blake2b(source.encode(), digest_size=16).hexdigest()
    trace = value["traceId"] or _trace_of(value["attributes"])
    return Row(fit(trace[:64]), fit(value["spanId"][:32]), digest, "", TELLING, 1, source)


def _is_embedding(attributes: dict[str, Any]) -> bool:
    kind = attributes.get("openinference.span.kind")
    return attributes.get("gen_ai.operation.name") == "embeddings" or kind in ("EMBEDDING", "RERANKER")


def _trace_of(attributes: dict[str, Any]) -> str:
    """Return a trace for records without one that name the same conversation; empty if they name none."""
    named = conversation_of(attributes)
    return f"conversation-{hashlib.sha256(named.encode('utf-8', 'replace')).hexdigest()[:32]}" if named else ""


def _written(value: dict[str, Any]) -> str:
    return fit(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


# --- Protobuf -------------------------------------------------------------------------------------------------------


def _protobuf_records(body: bytes, is_logs: bool) -> Iterator[_Record]:
    message: Any = (ExportLogsServiceRequest if is_logs else ExportTraceServiceRequest)()
    try:
        message.ParseFromString(body)
    except (DecodeError, RecursionError):
        what = "ExportLogsServiceRequest" if is_logs else "ExportTraceServiceRequest"
        raise NotOtlp(f"The body is not a message of OTLP in protobuf ({what}).") from None
    for resource in message.resource_logs if is_logs else message.resource_spans:
        app = {pair.key: _plain(pair.value) for pair in resource.resource.attributes if pair.key.startswith(_OF_APP)}
        for scope in resource.scope_logs if is_logs else resource.scope_spans:
            origin = _origin(app, scope.scope.name, scope.scope.version)
            for record in scope.log_records if is_logs else scope.spans:
                yield (_protobuf_log if is_logs else _protobuf_span)(record, origin)


def _protobuf_span(span: Any, origin: dict[str, Any]) -> _Record:
    def fields() -> dict[str, Any]:
        parent = _id(span.parent_span_id)
        times = {"startTimeUnixNano": span.start_time_unix_nano, "endTimeUnixNano": span.end_time_unix_nano}
        return {
            "name": span.name,
            "traceId": _id(span.trace_id),
            "spanId": _id(span.span_id),
            **({"parentSpanId": parent} if parent else {}),
            **{name: time for name, time in times.items() if time},
        }

    def more() -> dict[str, Any]:
        events = [
            {"name": event.name, "timeUnixNano": event.time_unix_nano, "attributes": _attributes(event.attributes)}
            for event in span.events
        ]
        status = {"code": span.status.code} | ({"message": span.status.message} if span.status.message else {})
        found = {"events": events, "status": status if span.status.code else None}
        found["droppedAttributesCount"] = span.dropped_attributes_count
        return {name: value for name, value in found.items() if value}

    events = [event.name for event in span.events]
    return _Record([pair.key for pair in span.attributes], _values_in(span.attributes), fields, more, events, origin)


def _protobuf_log(log: Any, origin: dict[str, Any]) -> _Record:
    def fields() -> dict[str, Any]:
        return {
            "eventName": log.event_name,
            "traceId": _id(log.trace_id),
            "spanId": _id(log.span_id),
            "timeUnixNano": log.time_unix_nano or log.observed_time_unix_nano,
        }

    def more() -> dict[str, Any]:
        return {"severityNumber": log.severity_number, "body": _plain(log.body)}

    return _Record([pair.key for pair in log.attributes], _values_in(log.attributes), fields, more, [], origin)


def _values_in(pairs: Iterable[Any]) -> Callable[[Callable[[str], bool]], dict[str, Any]]:
    return lambda wanted: {pair.key: _plain(pair.value) for pair in pairs if wanted(pair.key)}


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: Any) -> Any:
    """Return what an `AnyValue` holds as JSON has it."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "double_value":
            return value.double_value if math.isfinite(value.double_value) else str(value.double_value)
        case "array_value":
            return [_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
    return None


def _id(value: bytes) -> str:
    return value.hex() if any(value) else ""


# --- JSON -----------------------------------------------------------------------------------------------------------


def _json_records(body: bytes, is_logs: bool) -> Iterator[_Record]:
    names = ("resourceLogs", "scopeLogs", "logRecords") if is_logs else ("resourceSpans", "scopeSpans", "spans")
    try:
        message = json.loads(body, parse_constant=str)
    except (ValueError, RecursionError):
        raise NotOtlp("The body is not JSON.") from None
    if not isinstance(message, dict) or not isinstance(message.get(names[0], []), list):
        raise NotOtlp(f"The body is not a message of OTLP in JSON: it has no list “{names[0]}”.")
    for resource in _objects(message.get(names[0])):
        app = _json_values(_object(resource.get("resource")).get("attributes"))(lambda name: name.startswith(_OF_APP))
        for scope in _objects(resource.get(names[1])):
            named = _object(scope.get("scope"))
            origin = _origin(app, str(named.get("name") or ""), str(named.get("version") or ""))
            for record in _objects(scope.get(names[2])):
                yield _json_record(record, origin, is_logs)


def _json_record(record: dict[str, Any], origin: dict[str, Any], is_logs: bool) -> _Record:
    def fields() -> dict[str, Any]:
        ids = {"traceId": record_id(record.get("traceId")), "spanId": record_id(record.get("spanId"))}
        if is_logs:
            time = _number(record.get("timeUnixNano")) or _number(record.get("observedTimeUnixNano"))
            return {"eventName": str(record.get("eventName") or ""), **ids, "timeUnixNano": time}
        parent = record_id(record.get("parentSpanId"))
        times = {name: _number(record.get(name)) for name in ("startTimeUnixNano", "endTimeUnixNano")}
        return {
            "name": str(record.get("name") or ""),
            **ids,
            **({"parentSpanId": parent} if parent else {}),
            **{name: time for name, time in times.items() if time},
        }

    def more() -> dict[str, Any]:
        if is_logs:
            return {"severityNumber": _number(record.get("severityNumber")), "body": plain_value(record.get("body"))}
        status = {name: value for name, value in _object(record.get("status")).items() if value}
        found = {
            "events": [
                {
                    "name": str(event.get("name") or ""),
                    "timeUnixNano": _number(event.get("timeUnixNano")),
                    "attributes": attributes_of(event.get("attributes")),
                }
                for event in events
            ],
            "status": status if status.get("code") else None,
            "droppedAttributesCount": _number(record.get("droppedAttributesCount")),
        }
        return {name: value for name, value in found.items() if value}

    events = _objects(record.get("events"))
    pairs = _objects(record.get("attributes"))
    named = [str(event.get("name") or "") for event in events]
    return _Record([str(pair.get("key")) for pair in pairs], _json_values(pairs), fields, more, named, origin)


def _json_values(pairs: Any) -> Callable[[Callable[[str], bool]], dict[str, Any]]:
    def values(wanted: Callable[[str], bool]) -> dict[str, Any]:
        try:
            return attributes_of([pair for pair in _objects(pairs) if wanted(str(pair.get("key")))])
        except (RecursionError, ValueError):  # or a number is too long
            raise NotOtlp("The values of an attribute are nested too deeply.") from None

    return values


def _number(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 30 else 0


def _origin(app: dict[str, Any], scope: str, version: str) -> dict[str, Any]:
    named = {name: value for name, value in (("name", scope), ("version", version)) if value}
    origin = {"resource": {"attributes": app} if app else None, "scope": named}
    return {name: value for name, value in origin.items() if value}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
