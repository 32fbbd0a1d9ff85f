"""The endpoints of `/otlp`, to which exporters of OpenTelemetry send."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from viewer.completions.errors import ApiError
from viewer.programs.tokens import Refused, endpoint

from .answers import refusal
from .receiving import GRPC, decline_metrics, receive

_METHODS = "POST, OPTIONS"


@endpoint(_METHODS, refusal)
def traces(request: HttpRequest) -> HttpResponse:
    """`POST /otlp/v1/traces`."""
    return receive(request, is_logs=False)


@endpoint(_METHODS, refusal)
def logs(request: HttpRequest) -> HttpResponse:
    """`POST /otlp/v1/logs`."""
    return receive(request, is_logs=True)


@endpoint(_METHODS, refusal)
def metrics(request: HttpRequest) -> HttpResponse:
    """`POST /otlp/v1/metrics`, which an app sends to the same address unless it is told not to: they are not kept."""
    return decline_metrics(request)


@endpoint(_METHODS, refusal)
def grpc(request: HttpRequest) -> HttpResponse:
    """The paths to which exporters send over gRPC."""
    raise Refused(415, ApiError(GRPC))


@endpoint("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", refusal)
def nowhere(request: HttpRequest) -> HttpResponse:
    """Anything else under `/otlp`."""
    message = (
        f"There is nothing at {request.path[:300]}. Send spans to /otlp/v1/traces and log records to /otlp/v1/logs."
    )
    raise Refused(404, ApiError(message))
