"""Spans as the systems that store them write them: Jaeger, Zipkin, Application Insights, and Phoenix's tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from viewer.completions.reading import read_time
from viewer.formats.document import Document
from viewer.formats.family import first_object, list_at, object_at, objects_at

_COLUMN = "attributes."
_AZURE_PROPERTIES = ("customDimensions", "Properties")
_AZURE_TRACES = ("operation_Id", "OperationId")


def is_stored(value: Any) -> bool:
    """Whether a value is a span, or in Jaeger a trace, as one of these systems writes it."""
    return _kind_of(value) is not None


def spans_in_store(document: Document) -> Iterator[Document]:
    """Yield the spans of a document as OTLP has them, with attributes by their names."""
    kind = _kind_of(document.value)
    for span in kind(document.value) if kind else ():
        yield Document(json.dumps(span, ensure_ascii=False), document.place, document.find)


_Read = Callable[[dict[str, Any]], Iterator[dict[str, Any]]]


def _kind_of(value: Any) -> _Read | None:
    if not isinstance(value, dict):
        return None
    if "traceID" in value and "operationName" in first_object(list_at(value, "spans")):
        return _jaeger
    if isinstance(value.get("traceId"), str) and isinstance(value.get("tags"), dict) and "id" in value:
        return _zipkin
    properties = any(name in value for name in _AZURE_PROPERTIES)
    if properties and any(isinstance(value.get(name), str) for name in _AZURE_TRACES):
        return _azure
    trace = value.get("context.trace_id", value.get("trace_id"))
    if isinstance(trace, str) and any(name.startswith(_COLUMN) for name in value):
        return _table
    return None


def _jaeger(trace: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for span in objects_at(trace, "spans"):
        process = object_at(trace, "processes", str(span.get("processID"))) or object_at(span, "process")
        tags, start = _tags(span.get("tags")), _number(span.get("startTime"))
        parents = [each for each in objects_at(span, "references") if each.get("refType") == "CHILD_OF"]
        yield {
            "traceId": span.get("traceID"),
            "spanId": span.get("spanID"),
            "parentSpanId": first_object(parents).get("spanID") or span.get("parentSpanID"),
            "name": span.get("operationName"),
            "startTimeUnixNano": str(start * 1000),
            "endTimeUnixNano": str((start + _number(span.get("duration"))) * 1000),
            "attributes": tags,
            "events": [_jaeger_event(each) for each in objects_at(span, "logs")],
            "status": _status(tags),
            "resource": _tags(process.get("tags")) | {"service.name": process.get("serviceName")},
        }


def _jaeger_event(log: dict[str, Any]) -> dict[str, Any]:
    fields = _tags(log.get("fields"))
    name = fields.get("event") or fields.get("name")
    return {"name": name, "timeUnixNano": str(_number(log.get("timestamp")) * 1000), "attributes": fields}


def _tags(tags: Any) -> dict[str, Any]:
    return {str(tag.get("key")): tag.get("value") for tag in objects_at({"tags": tags}, "tags")}


def _zipkin(span: dict[str, Any]) -> Iterator[dict[str, Any]]:
    start = _number(span.get("timestamp"))
    yield {
        "traceId": span["traceId"],
        "spanId": span["id"],
        "parentSpanId": span.get("parentId"),
        "name": span.get("name"),
        "startTimeUnixNano": str(start * 1000),
        "endTimeUnixNano": str((start + _number(span.get("duration"))) * 1000),
        "attributes": span["tags"],
        "events": [_zipkin_event(each) for each in objects_at(span, "annotations")],
        "status": _status(span["tags"]),
        "resource": {"service.name": object_at(span, "localEndpoint").get("serviceName")},
    }


def _zipkin_event(annotation: dict[str, Any]) -> dict[str, Any]:
    """Read an annotation, which the exporters write as `"name": {attributes}` or as JSON with the name in it."""
    value, time = annotation.get("value"), str(_number(annotation.get("timestamp")) * 1000)
    held = _json(value if str(value).startswith("{") else f"{{{value}}}")
    name, attributes = next(iter(held.items()), (value, {}))
    return {"name": name, "timeUnixNano": time, "attributes": attributes if isinstance(attributes, dict) else held}


def _status(tags: dict[str, Any]) -> dict[str, Any]:
    is_error = tags.get("otel.status_code") == "ERROR" or str(tags.get("error", "")).casefold() not in ("", "false")
    named = tags.get("otel.status_description") or tags.get("error.message") or tags.get("error")
    return {"status_code": "ERROR", "message": named if isinstance(named, str) else ""} if is_error else {}


def _azure(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Read a row of the tables `dependencies`, `requests` and `traces`, or of `AppDependencies` and its like."""
    given = {name.casefold().replace("_", ""): value for name, value in row.items()}
    held = next(row[name] for name in _AZURE_PROPERTIES if name in row)
    attributes = held if isinstance(held, dict) else _json(held)
    start = read_time(given.get("timegenerated") or given.get("timestamp") or given.get("time"))
    seconds = start.timestamp() if start else 0.0
    duration = given.get("durationms", given.get("duration"))
    parent = given.get("operationparentid", given.get("parentid"))
    common = {
        "traceId": given.get("operationid"),
        "startTimeUnixNano": str(int(seconds * 1e9)),
        "attributes": attributes,
        "resource": {"service.name": given.get("cloudrolename", given.get("approlename"))},
    }
    if duration in (None, ""):
        body = given.get("message", given.get("name"))
        name = attributes.get("event.name") or given.get("name")
        yield common | {"spanId": parent, "eventName": name, "body": _json(body) or body}
        return
    is_error = str(given.get("success")).casefold() == "false"
    yield common | {
        "spanId": given.get("id"),
        "parentSpanId": parent,
        "name": given.get("name"),
        "endTimeUnixNano": str(int(seconds * 1e9 + float(duration) * 1e6)),
        "status": {"status_code": "ERROR", "message": str(given.get("resultcode") or "")} if is_error else {},
    }


def _table(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Read a row of a table in which each attribute has a column."""
    attributes = {name.removeprefix(_COLUMN): each for name, each in row.items() if name.startswith(_COLUMN)}
    span = {name.removeprefix("context."): each for name, each in row.items() if not name.startswith(_COLUMN)}
    named = {name: each for name, each in attributes.items() if each not in (None, "")}
    yield span | {"attributes": named, "events": span["events"] if isinstance(span.get("events"), list) else []}


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _json(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
