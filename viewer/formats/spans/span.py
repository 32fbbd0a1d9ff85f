"""One span or log record as a plain dictionary has it, whichever exporter or endpoint it comes from."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from viewer.completions.reading import read_time

_IDS = {
    "trace": ("traceId", "trace_id"),
    "id": ("spanId", "span_id"),
    "parent": ("parentSpanId", "parent_span_id", "parent_id", "parentId"),
}
_STARTS = (
    "startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime", "start_timestamp", "timeUnixNano",
    "time_unix_nano", "observedTimeUnixNano", "timestamp", "observed_timestamp",
)  # fmt: skip
_ENDS = ("endTimeUnixNano", "end_time_unix_nano", "end_time", "endTime", "end_timestamp")
_NAMES = ("name", "span_name", "eventName", "event_name")
_ERROR_CODES = ("ERROR", "STATUS_CODE_ERROR", 2, "2")
_NANOSECONDS = 10**14  # larger numbers of seconds or milliseconds are no dates


@dataclass(frozen=True)
class Event:
    """Something that a span notes at a moment: a message in the older conventions, or an exception."""

    name: str
    time: float | None
    attributes: dict[str, Any]
    body: Any = None


@dataclass(frozen=True)
class Span:
    """A span, or a log record, which has no end. Times are Unix seconds; ids are hexadecimal digits.

    `attributes` is flat: names with dots, and values as Python has them. `error` is a sentence, or empty.
    """

    name: str = ""
    trace: str = ""
    id: str = ""
    parent: str = ""
    start: float | None = None
    end: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    resource: dict[str, Any] = field(default_factory=dict)
    scope: str = ""
    error: str = ""
    is_log: bool = False
    body: Any = None


def is_span(value: Any) -> bool:
    """Whether a value is a span or a log record of a trace, in one of the shapes that exporters write."""
    if not isinstance(value, dict) or not isinstance(value.get("attributes"), (dict, list)):
        return False
    context = value.get("context")
    if isinstance(context, dict):
        return "trace_id" in context
    has_ids = ("traceId" in value and "spanId" in value) or ("trace_id" in value and "span_id" in value)
    return has_ids and any(name in value for name in (*_STARTS, *_ENDS))


def span_of(value: dict[str, Any]) -> Span:
    """Read a span or a log record.

    Attributes may be a flat or nested dictionary or OTLP's list; times nanoseconds, ISO 8601 or seconds; ids digits,
    with or without `0x`, or base64.
    """
    context = _dict(value.get("context"))
    both = value | context
    attributes = attributes_of(value.get("attributes"))
    events = tuple(_event(event) for event in _list(value.get("events")) if isinstance(event, dict))
    end = _first(value, _ENDS)
    return Span(
        name=str(_first(value, _NAMES) or attributes.get("event.name") or ""),
        trace=record_id(_first(both, _IDS["trace"])),
        id=record_id(_first(both, _IDS["id"])),
        parent=record_id(_first(value, _IDS["parent"])),
        start=_seconds(_first(value, _STARTS)),
        end=_seconds(end),
        attributes=attributes,
        events=events,
        resource=_resource(value.get("resource")),
        scope=str(_dict(value.get("scope") or value.get("instrumentation_scope")).get("name") or ""),
        error=_error(value, attributes, events),
        is_log=end is None and any(name in value for name in ("body", "severity_number", "severityNumber")),
        body=plain_value(value.get("body")) if _is_any_value(value.get("body")) else value.get("body"),
    )


def trace_of(value: dict[str, Any]) -> str:
    """Return the id of the trace of a span."""
    return record_id(_first(value | _dict(value.get("context")), _IDS["trace"]))


def attributes_of(value: Any) -> dict[str, Any]:
    """Return attributes as a flat dictionary."""
    if isinstance(value, list):
        pairs = ((item.get("key"), item.get("value")) for item in value if isinstance(item, dict))
        return {str(name): plain_value(inner) for name, inner in pairs}
    flat: dict[str, Any] = {}
    for name, inner in _dict(value).items():
        _flatten(name, inner, flat)
    return flat


def plain_value(value: Any) -> Any:
    """Return what an `AnyValue` of OTLP holds; anything else as it is."""
    if not _is_any_value(value):
        return None if value == {} else value
    kind, inner = next(((name, each) for name, each in value.items() if each is not None), ("", None))
    match kind.replace("_", "").casefold():
        case "intvalue":
            return int(str(inner)) if str(inner).lstrip("-").isdigit() else inner
        case "arrayvalue":
            return [plain_value(item) for item in _list(_dict(inner).get("values"))]
        case "kvlistvalue":
            pairs = (pair for pair in _list(_dict(inner).get("values")) if isinstance(pair, dict))
            return {str(pair.get("key")): plain_value(pair.get("value")) for pair in pairs}
    return inner


def nested(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return the list that stands in attributes under names such as `prefix.0.role`, with objects and lists inside."""
    tree: dict[str, Any] = {}
    for name, value in attributes.items():
        if not name.startswith(f"{prefix}."):
            continue
        place, *path = name.split(".")[prefix.count(".") + 1 :]
        here = tree.setdefault(place, {})
        for step, following in zip(path, [*path[1:], None], strict=True):
            if not isinstance(here, dict):
                break
            if following is None:
                here[step] = value
            else:
                here = here.setdefault(step, {})
    items = sorted((int(place), item) for place, item in tree.items() if place.isdigit())
    return [_with_lists(item) for _, item in items if isinstance(item, dict)]


def _with_lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    inner = {name: _with_lists(value) for name, value in tree.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


_NESTED = {"llm", "input", "output", "openinference", "session", "user", "tag", "tool", "gen_ai", "ai", "traceloop"}
_LISTS = ("llm.", "gen_ai.prompt", "gen_ai.completion", "openinference.")


def _flatten(name: str, value: Any, flat: dict[str, Any]) -> None:
    """Flatten what an export nests by the dots of its names; what has dots in its name is a value already."""
    name = name.removeprefix("attributes.")
    if isinstance(value, dict) and value and (name in _NESTED or _is_below(name)):
        for inner, item in value.items():
            _flatten(f"{name}.{inner}", item, flat)
    elif isinstance(value, list) and _is_below(name) and any(isinstance(item, dict) for item in value):
        for n, item in enumerate(value):
            _flatten(f"{name}.{n}", item, flat)
    else:
        flat[name] = value


def _is_below(name: str) -> bool:
    return name.startswith(_LISTS) and not name.endswith(("invocation_parameters", "json_schema"))


def _is_any_value(value: Any) -> bool:
    """Whether a value is an `AnyValue` of OTLP. Phoenix writes its other fields too, as null."""
    return isinstance(value, dict) and bool(value) and all(name.endswith(("Value", "_value")) for name in value)


def _event(value: dict[str, Any]) -> Event:
    time = _seconds(_first(value, ("timestamp", "timeUnixNano", "time_unix_nano", "time", "event_timestamp")))
    return Event(str(value.get("name") or ""), time, attributes_of(value.get("attributes")))


def _resource(value: Any) -> dict[str, Any]:
    resource = _dict(value)
    return attributes_of(resource.get("attributes", resource))


def _error(value: dict[str, Any], attributes: dict[str, Any], events: Iterable[Event]) -> str:
    status = value.get("status")
    code = status if not isinstance(status, dict) else status.get("status_code", status.get("code"))
    code = value.get("status_code") or value.get("otel_status_code") or code
    thrown = next((event.attributes for event in events if event.name == "exception"), {})
    if code not in _ERROR_CODES and not (attributes.get("error.type") and not isinstance(code, str)):
        return ""
    named = _dict(status).get("description") or _dict(status).get("message") or value.get("status_message")
    message = thrown.get("exception.message") or named or attributes.get("error.type")
    return str(message or thrown.get("exception.type") or "error")


def record_id(value: Any) -> str:
    """Return the id of a trace or a span as hexadecimal digits; empty if it is none."""
    text = str(value or "").removeprefix("0x")
    if len(text) in (12, 24) and text.endswith("="):
        try:
            return base64.b64decode(text, validate=True).hex()
        except binascii.Error:
            return text
    return text.lower() if text.strip("0") else ""


def _seconds(value: Any) -> float | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= _NANOSECONDS:
        return float(value) / 1e9
    time = read_time(value)
    return time.timestamp() if time else None


def _first(value: dict[str, Any], names: Iterable[str]) -> Any:
    return next((value[name] for name in names if value.get(name) not in (None, "")), None)


def _dict(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value.startswith("{"):  # a cell of a table
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
