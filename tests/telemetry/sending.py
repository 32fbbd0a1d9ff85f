"""What an exporter sends, built of plain dictionaries, and the worker after it."""

from __future__ import annotations

import json
from datetime import timedelta
from threading import Event
from typing import Any

from django.test import Client
from django.utils import timezone
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from viewer.archive.api import respond
from viewer.archive.models import StoredCompletion
from viewer.telemetry.models import Joiner, Trace, TracedConversation
from viewer.telemetry.worker import join_spans

START = 1_796_000_000 * 10**9  # nanoseconds
SECOND = 10**9
Span = dict[str, Any]


def say(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def span(trace: int, n: int, attributes: dict[str, Any] | None = None, parent: int = 0, **more: Any) -> Span:
    """Build a span that begins in second `n` and lasts half a second."""
    pairs = [{"key": name, "value": {"stringValue": value}} for name, value in (attributes or {}).items()]
    ids = {"traceId": f"{trace:032x}", "spanId": f"{n:016x}", "parentSpanId": f"{parent:016x}" if parent else ""}
    times = {"startTimeUnixNano": f"{START + n * SECOND}", "endTimeUnixNano": f"{START + n * SECOND + SECOND // 2}"}
    return {"name": f"span {n}", **ids, **times, "attributes": pairs, **more}


def call(trace: int, n: int, given: list[Any], answer: str, parent: int = 0, **named: str) -> Span:
    """Build the span of a call of a model."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.input.messages": json.dumps(given),
        "gen_ai.output.messages": json.dumps([say("assistant", answer) | {"finish_reason": "stop"}]),
    }
    return span(trace, n, attributes | {name.replace("__", "."): value for name, value in named.items()}, parent)


def turns(*said: str) -> list[dict[str, Any]]:
    """Write a history, of which a person said the first message."""
    return [say("assistant" if n % 2 else "user", text) for n, text in enumerate(said)]


def message_of(*spans: Span) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "test"}, "spans": [*spans]}]}]}


def to_protobuf(message: dict[str, Any]) -> bytes:
    """Write a message of OTLP in JSON as protobuf, field by field."""
    request = ExportTraceServiceRequest()
    for resource in message["resourceSpans"]:
        into = request.resource_spans.add()
        _fill(into.resource.attributes, resource["resource"]["attributes"])
        for scope in resource["scopeSpans"]:
            spans = into.scope_spans.add()
            spans.scope.name = scope["scope"]["name"]
            for one in scope["spans"]:
                written = spans.spans.add(
                    name=one["name"], trace_id=bytes.fromhex(one["traceId"]), span_id=bytes.fromhex(one["spanId"]),
                    parent_span_id=bytes.fromhex(one["parentSpanId"]), start_time_unix_nano=int(one["startTimeUnixNano"]),
                    end_time_unix_nano=int(one["endTimeUnixNano"]),
                )  # fmt: skip
                _fill(written.attributes, one["attributes"])
    return request.SerializeToString()


def _fill(pairs: Any, given: list[dict[str, Any]]) -> None:
    for pair in given:
        pairs.add(key=pair["key"]).value.string_value = pair["value"]["stringValue"]


def post(client: Client, headers: dict[str, str], body: bytes, kind: str, **more: str) -> Any:
    path = more.pop("path", "/otlp/v1/traces")
    return client.post(path, body, content_type=kind, headers=headers | more)


def send(client: Client, headers: dict[str, str], *spans: Span) -> None:
    """Send spans as the SDK for Python does."""
    answer = post(client, headers, to_protobuf(message_of(*spans)), "application/x-protobuf")
    assert (answer.status_code, answer.content) == (200, b""), answer.content


def let_time_pass(seconds: float = 2.1) -> None:
    """Do what time does, at once."""
    by = timedelta(seconds=seconds)
    for trace in Trace.objects.filter(since__isnull=False):
        Trace.objects.filter(pk=trace.pk).update(due_at=trace.due_at - by, since=(trace.since or timezone.now()) - by)
    TracedConversation.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def work(seconds: float = 2.1) -> None:
    """Let some seconds pass, and do what the worker does."""
    let_time_pass(seconds)
    joiner = Joiner.claim()
    assert joiner
    stopping = Event()
    _stop_when_idle(stopping)
    join_spans(joiner, stopping)


def _stop_when_idle(stopping: Event) -> None:
    """Let the worker end where it would wait for what is not quiet yet."""
    stopping.wait = lambda timeout=None: stopping.set() or True  # type: ignore[method-assign, func-returns-value]


def said_in(completion_id: str) -> list[str]:
    """What a conversation says, its answer last."""
    completion = json.loads(respond(f"/chat/completions/{completion_id}").body)
    listed = json.loads(respond(f"/chat/completions/{completion_id}/messages", "order=asc&limit=100").body)["data"]
    messages = [*listed, *(choice["message"] for choice in completion.get("choices", []))]
    return [_text_of(message) for message in messages]


def ids_in(completion_id: str) -> dict[str, str]:
    """The text of each message by its id."""
    listed = json.loads(respond(f"/chat/completions/{completion_id}/messages", "order=asc&limit=100").body)["data"]
    return {message["id"]: _text_of(message) for message in listed}


def _text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])


def stored() -> set[str]:
    return set(StoredCompletion.objects.values_list("completion_id", flat=True))
