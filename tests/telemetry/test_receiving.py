"""What exporters send to `/otlp`, how they show their token, and what they are told."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.api.refusals import bearer
from tests.telemetry.sending import call, message_of, post, say, send, span, to_protobuf, turns
from viewer.accounts.roles import READER, give_role
from viewer.keys.models import AccessToken
from viewer.telemetry import receiving
from viewer.telemetry.models import ReceivedSpan, Tally, Trace

pytestmark = pytest.mark.django_db
PROTOBUF, JSON = "application/x-protobuf", "application/json"
ONE = call(1, 1, turns("Hello"), "Hi")


@pytest.fixture
def secret(alice: User) -> str:
    return AccessToken.objects.issue(alice, "shop", rights=["may_import"])[1]


def message_in(answer: Any) -> str:
    """The sentence of an error, which is a google.rpc.Status: its second field, or JSON."""
    if answer["Content-Type"] == JSON:
        return str(answer.json()["message"])
    content = answer.content
    assert (answer["Content-Type"], content[0]) == (PROTOBUF, 0x12)
    return str(content[2 + (content[1] > 0x7F) :].decode())


def test_both_encodings_are_answered_in_kind_and_are_the_same_span(client: Client, secret: str) -> None:
    first = post(client, bearer(secret), to_protobuf(message_of(ONE)), PROTOBUF)
    assert (first.status_code, first["Content-Type"], first.content) == (200, PROTOBUF, b"")
    before = ReceivedSpan.objects.values_list("source", "received_at").get()
    Trace.objects.update(since=None)
    again = post(client, bearer(secret), json.dumps(message_of(ONE)).encode(), f"{JSON}; charset=utf-8")
    assert (again.status_code, again["Content-Type"], again.json()) == (200, JSON, {})
    packed = gzip.compress(to_protobuf(message_of(ONE)))
    assert post(client, bearer(secret), packed, PROTOBUF, **{"Content-Encoding": "gzip"}).status_code == 200
    assert ReceivedSpan.objects.values_list("source", "received_at").get() == before
    assert not Trace.objects.filter(since__isnull=False).exists()  # what is sent again is no news
    assert (Tally.objects.get(kind="received").count, Tally.objects.get(kind="kept").count) == (3, 3)


def test_of_two_spans_with_the_same_ids_the_fuller_one_stays(client: Client, secret: str) -> None:
    begun = call(1, 1, turns("Hello"), "") | {"endTimeUnixNano": "0"}
    for each in (begun, ONE, begun):
        send(client, bearer(secret), each)
    assert "endTimeUnixNano" in ReceivedSpan.objects.get().source


def test_the_token_may_stand_in_the_address_or_in_any_usual_header(client: Client, secret: str, alice: User) -> None:
    def basic(name: str, password: str) -> dict[str, str]:
        return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}

    body = to_protobuf(message_of(ONE))
    ways = (basic("x", secret), basic(secret, ""), basic(secret, "x"), {"api-key": secret}, {"x-api-key": secret})
    assert [post(client, headers, body, PROTOBUF).status_code for headers in ways] == [200] * 5
    _, reading = AccessToken.objects.issue(alice, "reads")
    for headers, status in (
        (bearer(reading), 403),
        (basic("x", "y"), 401),
        ({}, 401),
        ({"Authorization": "Basic %"}, 401),
    ):
        refused = post(client, headers, body, PROTOBUF)
        assert (refused.status_code, bool(message_in(refused))) == (status, True)
    give_role(alice, READER)
    assert "no curator any more" in message_in(post(client, bearer(secret), body, PROTOBUF))


def test_what_cannot_be_taken_is_said_in_the_encoding_that_was_sent(
    client: Client, secret: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = bearer(secret)
    for body, kind in ((b"\xff\xff", PROTOBUF), (b"{", JSON), (b"[1]", JSON), (b"[" * 100_000, JSON)):
        refused = post(client, headers, body, kind)
        assert (refused.status_code, refused["Content-Type"]) == (400, kind)
        assert message_in(refused).startswith("The body is not")
    settings.TELEMETRY_MAX_BYTES = 1_000
    for body, more in ((b" " * 1_001, {}), (gzip.compress(b" " * 10_000), {"Content-Encoding": "gzip"})):
        assert post(client, headers, body, PROTOBUF, **more).status_code == 413
    assert post(client, headers, b"x", "text/plain").status_code == 415
    nowhere = post(client, headers, b"", PROTOBUF, path="/otlp/v1/spans")
    assert (nowhere.status_code, message_in(nowhere)[:25]) == (404, "There is nothing at /otlp")
    monkeypatch.setattr(receiving, "_MAX_WAITING", -1)
    full = post(client, headers, to_protobuf(message_of(ONE)), PROTOBUF)
    assert (full.status_code, full["Retry-After"]) == (503, "60")
    assert {tally.kind: tally.count for tally in Tally.objects.all()} == {"unreadable": 4, "too-large": 2}
    assert not ReceivedSpan.objects.exists()


def test_grpc_is_refused_by_a_sentence_that_its_clients_show(client: Client, secret: str) -> None:
    service = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    for path in (service, "/otlp/v1/traces"):
        answer = post(client, bearer(secret), b"\0\0\0\0\0", "application/grpc", path=path)
        assert (answer.status_code, answer["grpc-status"]) == (200, "12")
        assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in answer["grpc-message"]


def test_metrics_are_accepted_with_a_warning_so_that_one_address_is_enough(client: Client, secret: str) -> None:
    answer = post(client, bearer(secret), b"\x0a\x00", PROTOBUF, path="/otlp/v1/metrics")
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans, "OTEL_METRICS_EXPORTER=none" in partial.error_message) == (
        200, 0, True,
    )  # fmt: skip


def test_of_other_spans_only_what_may_lie_between_is_kept_and_nothing_of_their_content(
    client: Client, secret: str
) -> None:
    http = span(1, 2, {"url.full": "https://shop.example/?card=4111", "session.id": "s-1"}, parent=9)
    inner = span(1, 3, {"http.request.body": "card=4111"}, parent=2)
    rows = span(1, 4, {"db.system.name": "postgresql", "db.query.text": "card=4111"}, parent=3)
    vector = span(1, 5, {"openinference.span.kind": "EMBEDDING", "input.value": "card=4111"}, parent=3)
    send(client, bearer(secret), http, inner, rows, vector)
    sources = dict(ReceivedSpan.objects.values_list("span", "source"))
    assert {int(one, 16) for one in sources} == {2, 3, 5}
    assert "4111" not in "".join(sources.values())
    assert json.loads(sources[f"{2:016x}"])["attributes"] == {"session.id": "s-1"}
    assert not Trace.objects.exists()  # nothing was told


def test_log_records_of_calls_are_kept_and_those_that_belong_nowhere_are_rejected(client: Client, secret: str) -> None:
    def record(**more: Any) -> dict[str, Any]:
        body = {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": "Hello"}}]}}
        return {"timeUnixNano": "1796000000000000000", "body": body, **more}

    named = {"eventName": "gen_ai.user.message", "traceId": f"{1:032x}", "spanId": f"{1:016x}"}
    records = [record(**named), record(**named), record(eventName="gen_ai.user.message"), record(eventName="disk full")]
    message = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    answer = post(client, bearer(secret), json.dumps(message).encode(), JSON, path="/otlp/v1/logs")
    partial = answer.json()["partialSuccess"]
    assert (partial["rejectedLogRecords"], "neither a trace nor a conversation" in partial["errorMessage"]) == (1, True)
    assert json.loads(ReceivedSpan.objects.get().source)["body"] == {"content": "Hello"}
    assert ExportLogsServiceResponse().partial_success.rejected_log_records == 0


def test_a_value_that_no_json_has_does_no_harm(client: Client, secret: str) -> None:
    odd = call(1, 1, [say("user", "Hello")], "Hi")
    odd["attributes"] += [
        {"key": "gen_ai.request.temperature", "value": {"doubleValue": "NaN"}},
        {"key": "gen_ai.agent.name", "value": {"stringValue": "\ud800\0"}},
        {"key": "gen_ai.agent.id", "value": {"intValue": "9" * 5_000}},
    ]
    refused = post(client, bearer(secret), json.dumps(message_of(odd)).encode(), JSON)
    assert refused.status_code == 400
    odd["attributes"].pop()
    assert post(client, bearer(secret), json.dumps(message_of(odd)).encode(), JSON).status_code == 200
    assert json.loads(ReceivedSpan.objects.get().source)["attributes"]["gen_ai.agent.name"] == "\ufffd\0"
    odd |= {"traceId": "\0", "spanId": ["\ud800"], "parentSpanId": 7}
    assert post(client, bearer(secret), json.dumps(message_of(odd)).encode(), JSON).status_code == 200
