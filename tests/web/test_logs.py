"""Every line of the log is one line of JSON that says who did what, and none says what was read."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.signals import request_finished
from django.db import InternalError, OperationalError
from django.test import Client
from psycopg.errors import ReadOnlySqlTransaction

from tests.conftest import make_completion, make_key, say
from tests.upstream import Upstream
from viewer.keys.models import AccessToken
from viewer.sync.models import CopyRun
from viewer.sync.worker import work_on
from viewer.web.logs import forget_request

Lines = Callable[[], list[dict[str, Any]]]
ID = "chatcmpl-one"


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return the log lines since the last call, parsed as JSON."""
    written = io.StringIO()
    handlers = [handler for name in ("", "django") for handler in logging.getLogger(name).handlers]
    streams = {handler: handler.setStream(written) for handler in handlers if type(handler) is logging.StreamHandler}
    caches["attempts"].clear()

    def read() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in written.getvalue().splitlines()]
        written.seek(0)
        written.truncate()
        return found

    yield read
    for handler, stream in streams.items():
        handler.setStream(stream or logging.sys.stderr)
    caches["attempts"].clear()


def events(found: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in found if line["logger"] == "lectern.events"]


def test_a_request_is_one_line_without_what_was_read(
    reader: Client, alice: User, stored: Callable[..., Any], lines: Lines
) -> None:
    stored(make_completion(ID, say("user", "a secret of the customer"), metadata={"customer": "cus_1"}))
    answer = reader.get(f"/completions/{ID}/messages/{ID}-0/?find=secret")
    [line] = lines()
    assert line.keys() == {
        "time", "level", "logger", "event", "request_id", "person", "method", "route", "status", "ms",
    }  # fmt: skip
    assert line["request_id"] == answer["X-Request-Id"]
    assert (line["person"], line["method"], line["route"], line["status"]) == (alice.pk, "GET", "permalink", 200)
    assert not any(said in str(line) for said in (ID, "secret", "cus_1", "alice"))


def test_an_id_that_a_client_sends_is_not_taken(client: Client, lines: Lines) -> None:
    answer = client.get("/login/", headers={"X-Request-Id": "req_mine"})
    [line] = lines()
    assert line["request_id"] == answer["X-Request-Id"] != "req_mine"


def test_health_checks_and_static_files_are_not_logged(client: Client, db: None, lines: Lines) -> None:
    client.get("/health/")
    client.get("/static/icon.svg")
    assert lines() == []


@pytest.mark.parametrize("nasty", ["\n", "\x1b[31m", "\r\n", "\u2028", "%0a{}"])
def test_nothing_that_is_sent_makes_a_second_line(client: Client, alice: User, lines: Lines, nasty: str) -> None:
    forged = f'x{nasty}{{"event": "signed in"}}'
    client.get(f"/completions/{forged}/nowhere/")
    client.post("/login/", {"login": forged, "password": forged}, headers={"X-Forwarded-For": "1.2.3.4"})
    logging.getLogger("viewer").warning("%s", forged)
    found = lines()
    assert "signed in" not in [line["event"] for line in found]
    assert found[-1]["event"] == forged


def test_a_traceback_is_one_line_with_the_id_of_its_request(
    reader: Client, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr("viewer.conversations.views.conversation.read_page", fail)
    reader.raise_request_exception = False
    answer = reader.get(f"/completions/{ID}/")
    assert answer.status_code == 500
    [failure, request] = lines()
    assert failure["request_id"] == request["request_id"] == answer["X-Request-Id"]
    assert failure["event"] == "Internal Server Error: conversation"
    assert "first\nsecond" in failure["traceback"]
    assert ID not in failure["event"]


def test_a_database_that_is_away_is_named_in_a_short_line(
    reader: Client, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused\n\tIs the server running?")

    monkeypatch.setattr("viewer.conversations.views.conversation.read_page", fail)
    reader.raise_request_exception = False
    assert reader.get(f"/completions/{ID}/").status_code == 503
    failure = lines()[0]
    assert failure["cause"] == "connection refused\n\tIs the server running?"
    assert "traceback" not in failure


def test_a_database_that_is_read_only_is_named_in_a_short_line(lines: Lines) -> None:
    """psycopg's error for it is none of those for an unavailable database."""
    try:
        raise InternalError("cannot execute INSERT") from ReadOnlySqlTransaction("in a read-only transaction")
    except InternalError:
        logging.getLogger("viewer").exception("Service Unavailable")
    [line] = lines()
    assert (line["cause"], "traceback" in line) == ("cannot execute INSERT", False)


def test_a_line_after_a_request_carries_no_id(client: Client, lines: Lines, db: None) -> None:  # the signal looks at it
    client.get("/login/")
    request_finished.send(sender=None)
    logging.getLogger("viewer").warning("between requests")
    assert "request_id" not in lines()[-1]
    assert forget_request in [receiver[1]() for receiver in request_finished.receivers]


def test_what_v1_passes_on_keeps_the_id_of_its_source(
    client: Client, alice: User, upstream: Upstream, lines: Lines
) -> None:
    token = AccessToken.objects.issue(alice, "program", make_key(alice, base_url=upstream.base()))[1]
    lines()
    answer = client.get("/v1/chat/completions", headers={"Authorization": f"Bearer {token}"})
    [line] = [line for line in lines() if line["event"] == "request"]
    assert line["upstream_request_id"] == answer["X-Request-Id"]
    assert line["request_id"] != answer["X-Request-Id"]
    assert line["person"] == alice.pk


def test_signing_in_failing_locking_and_signing_out(client: Client, alice: User, lines: Lines) -> None:
    for _ in range(5):
        client.post("/login/", {"login": "alice", "password": "wrong"}, REMOTE_ADDR="192.0.2.9")
    client.post("/login/", {"login": "my password", "password": "x"}, REMOTE_ADDR="192.0.2.9")
    found = lines()
    assert events(found) == ["sign-in failed"] * 5 + ["sign-in locked", "sign-in failed"]
    assert {line["address"] for line in found if line["logger"] == "lectern.events"} == {"192.0.2.9"}
    assert [line["person"] for line in found if line["event"] == "sign-in locked"] == [alice.pk]
    assert "my password" not in str(found)
    caches["attempts"].clear()
    client.post("/login/", {"login": "alice", "password": "alice reads 1"})
    client.post("/logout/")
    found = [line for line in lines() if line["logger"] == "lectern.events"]
    assert events(found) == ["signed in", "signed out"]
    assert {line["person"] for line in found} == {alice.pk}


def test_keys_and_tokens(reader: Client, alice: User, upstream: Upstream, lines: Lines) -> None:
    fields = {"label": "work", "key": "sk-good-alice-0001", "base_url": upstream.base()}
    reader.post("/keys/", fields)
    key = str(alice.api_keys.get().pk)
    reader.post(f"/keys/{key}/", fields | {"label": "other"})
    reader.post(f"/keys/{key}/test/")
    reader.post("/tokens/", {"name": "program"})
    token = alice.access_tokens.get().pk
    reader.post(f"/tokens/{token}/revoke/")
    reader.post(f"/keys/{key}/delete/")
    found = [line for line in lines() if line["logger"] == "lectern.events"]
    assert events(found) == [
        "key saved", "key tried", "key changed", "key tried", "key tried", "token made", "token revoked", "key deleted",
    ]  # fmt: skip
    assert {line["person"] for line in found} == {alice.pk}
    assert {line["key"] for line in found if "key" in line} == {key}
    assert {line["token"] for line in found if "token" in line} == {token}
    assert "sk-good" not in str(found)


def test_what_is_taken_along(reader: Client, stored: Callable[..., Any], lines: Lines) -> None:
    stored(make_completion(ID, say("user", "x")))
    lines()
    for address in ("transcript/?format=jsonl", "transcript/", "print/", ""):
        answer = reader.get(f"/completions/{ID}/{address}")
        assert answer.status_code == 200
    found = [line for line in lines() if line["logger"] == "lectern.events"]
    assert [(line["event"], line["format"], line["completion"]) for line in found] == [
        ("exported", "jsonl", ID), ("exported", "markdown", ID), ("exported", "print", ID),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_copies(reader: Client, alice: User, upstream: Upstream, lines: Lines) -> None:
    key = make_key(alice, base_url=upstream.base())
    reader.post("/imports/", {"key": str(key.pk), "metadata": "team=returns"})
    run = CopyRun.objects.claim()
    assert run
    work_on(run, threading.Event())
    found = [line for line in lines() if line["logger"] == "lectern.events"]
    assert events(found) == ["copy asked for", "copy ended"]
    assert {(line["run"], line["person"]) for line in found} == {(run.pk, alice.pk)}
    assert found[1]["state"] == "done"
