"""Receives a message of OTLP: checks whose it is, reads it, and stores what matters before it answers."""

from __future__ import annotations

from time import monotonic

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from viewer.completions.errors import ApiError
from viewer.deployment.slots import MachineSemaphore
from viewer.programs.bodies import chunks
from viewer.programs.tokens import Refused, require, token_however_sent

from .answers import accepted, encoding_of
from .decoding import TELLING, NotOtlp, decode
from .models import Trace
from .storing import count, store

_AT_ONCE = 4  # messages, on this machine; each occupies a thread, and memory for all that is in it
_WAIT = 2.0  # seconds, for a slot
_MAX_WAITING = 200_000  # traces; more are many minutes of work
_LOOK_EVERY = 2.0  # seconds
_slots = MachineSemaphore("telemetry", _AT_ONCE)
_looked: list[float] = [0.0, 0.0]  # when this process looked, and how many traces were waiting then
GRPC = (
    "Lectern takes OTLP over HTTP, not over gRPC. Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, and /otlp as the path."
)


def receive(request: HttpRequest, *, is_logs: bool) -> HttpResponse:
    """Store the spans or log records in a request. Raises Refused."""
    encoding = encoding_of(request)
    if encoding == "grpc":
        raise Refused(415, ApiError(GRPC))
    token = token_however_sent(request)
    require(token, "may_import", request)
    if not encoding:
        kind = (request.content_type or "")[:100]
        message = f"Content-Type “{kind}” is not supported. Send application/x-protobuf or application/json."
        raise Refused(415, ApiError(message))
    _check_room()
    if not _slots.acquire(timeout=_WAIT):
        raise Refused(503, ApiError("Too much is being sent at once. Send it again."), {"Retry-After": "2"})
    try:
        body = b"".join(chunks(request, settings.TELEMETRY_MAX_BYTES))
        decoded = decode(body, is_json=encoding == "json", is_logs=is_logs)
        kept = sum(row.weight == TELLING for row in decoded.rows)
        store(decoded.rows, {"received": decoded.count, "kept": kept, "homeless": decoded.homeless})
    except NotOtlp as reason:
        count({"unreadable": 1})
        raise Refused(400, ApiError(str(reason))) from None
    except Refused as refused:
        if refused.status == 413:
            count({"too-large": 1})
        raise
    finally:
        _slots.release()
    if decoded.homeless:
        message = "Records that name neither a trace nor a conversation belong to nothing, and were not stored."
        return accepted(request, is_logs=is_logs, rejected=decoded.homeless, message=message)
    return accepted(request, is_logs=is_logs)


def decline_metrics(request: HttpRequest) -> HttpResponse:
    """Accept metrics with a warning, and keep nothing of them. Raises Refused."""
    require(token_however_sent(request), "may_import", request)
    for _ in chunks(request, settings.TELEMETRY_MAX_BYTES):
        pass
    return accepted(request, message="Lectern keeps no metrics. Set OTEL_METRICS_EXPORTER=none.")


def _check_room() -> None:
    """Refuse more while much waits to be joined, as when no worker runs. Raises Refused."""
    if monotonic() - _looked[0] > _LOOK_EVERY:
        _looked[:] = monotonic(), Trace.objects.filter(since__isnull=False).count()
    if _looked[1] > _MAX_WAITING:
        message = "Too many spans wait to be joined. Does ./run manage work run? Send it again later."
        raise Refused(503, ApiError(message), {"Retry-After": "60"})
