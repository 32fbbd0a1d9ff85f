"""Answers as OTLP over HTTP has them: in the encoding of the request, an error as a `Status` with a sentence."""

from __future__ import annotations

import json
from typing import Any, Literal
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from viewer.programs.tokens import Refused

Encoding = Literal["protobuf", "json", "grpc", ""]
_TYPES: dict[str, Encoding] = {
    "application/x-protobuf": "protobuf",
    "application/protobuf": "protobuf",
    "application/json": "json",
}
_UNIMPLEMENTED = 12  # of gRPC


def encoding_of(request: HttpRequest) -> Encoding:
    """Return in what a request is written; empty if it is something else."""
    kind = (request.content_type or "").lower()
    return "grpc" if kind.startswith("application/grpc") else _TYPES.get(kind, "")


def accepted(request: HttpRequest, *, is_logs: bool = False, rejected: int = 0, message: str = "") -> HttpResponse:
    """Answer that what was sent is stored, but for so many records, and why."""
    if encoding_of(request) == "json":
        name = "rejectedLogRecords" if is_logs else "rejectedSpans"
        partial = {name: rejected, "errorMessage": message}
        body = {"partialSuccess": partial} if message else {}
        return HttpResponse(json.dumps(body), content_type="application/json")
    response: Any = (ExportLogsServiceResponse if is_logs else ExportTraceServiceResponse)()
    if message:
        setattr(response.partial_success, "rejected_log_records" if is_logs else "rejected_spans", rejected)
        response.partial_success.error_message = message
    return HttpResponse(response.SerializeToString(), content_type="application/x-protobuf")


def refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Answer why nothing was stored. Whoever speaks gRPC reads it in headers alone."""
    message, encoding = refused.error.message, encoding_of(request)
    if encoding == "grpc":
        words = {"grpc-status": str(_UNIMPLEMENTED), "grpc-message": quote(message, safe=" ,.:;/_-()=")}
        return HttpResponse(content_type="application/grpc", headers=words)
    if encoding == "protobuf":
        body, content_type = _status(message), "application/x-protobuf"
    else:
        body, content_type = json.dumps({"message": message}, ensure_ascii=False).encode(), "application/json"
    response = HttpResponse(body, status=refused.status, content_type=content_type)
    for name, value in refused.headers.items():
        response[name] = value
    return response


def _status(message: str) -> bytes:
    """Write google.rpc.Status with its second field, the message; OTLP lets its code be left out."""
    text = message.encode()
    length, left = b"", len(text)
    while left > 0x7F:
        length, left = length + bytes([left & 0x7F | 0x80]), left >> 7
    return b"\x12" + length + bytes([left]) + text
